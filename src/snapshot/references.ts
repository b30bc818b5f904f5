// What a resource refers to: the clusters, endpoints, secrets and routes that must be there for it to work.
// In: a resource in ProtoJSON. Out: references. Must not: follow them (snapshot.ts checks that they resolve).

import { PARTS, remembered } from '../envoy/part.ts';
import type { ResourceJson } from '../envoy/types.gen.ts';
import { TYPE } from './types.ts';

export interface Reference {
  readonly typeUrl: string;
  readonly name: string;
  /**
   * What the client keys its subscription by besides the name. When it changes, Envoy makes a new subscription without
   * a word on the wire (delta), so the server has to send the resource again (envoyproxy/envoy 47309).
   */
  readonly source: string;
}

type Json = { readonly [key: string]: unknown };

/** Each once, with its last source. */
class Found {
  private readonly references = new Map<string, Reference>();

  readonly add = (typeUrl: string, name: unknown, source: unknown): void => {
    if (typeof name !== 'string' || name === '') return;
    this.references.set(`${typeUrl} ${name}`, { typeUrl, name, source: JSON.stringify(source ?? null) });
  };

  addAll(references: readonly Reference[]): void {
    for (const one of references) this.references.set(`${one.typeUrl} ${one.name}`, one);
  }

  list(): readonly Reference[] {
    return [...this.references.values()];
  }
}

export function referencesOf(json: ResourceJson): readonly Reference[] {
  const found = new Found();
  const { add } = found;
  const field = PARTS.get(json['@type']) ?? '';
  const { [field]: parts, ...rest } = json as Json;
  collect(rest, add);
  if (Array.isArray(parts)) for (const part of parts) found.addAll(referencesOfPart(part));
  if (json['@type'] === TYPE.cluster && (json as Json)['type'] === 'EDS') {
    const eds = ((json as Json)['eds_cluster_config'] ?? {}) as Json;
    add(TYPE.endpoint, eds['service_name'] || (json as Json)['name'], eds['eds_config']);
  }
  return found.list();
}

const referencesOfPart = remembered((part: object): readonly Reference[] => {
  const found = new Found();
  collect(part, found.add);
  return found.list();
});

function collect(node: unknown, add: (typeUrl: string, name: unknown, source: unknown) => void): void {
  if (Array.isArray(node)) {
    for (const item of node) collect(item, add);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const json = node as Json;
  // SdsSecretConfig; without a source it names a secret of the bootstrap.
  if (json['sds_config'] !== undefined) add(TYPE.secret, json['name'], json['sds_config']);
  // HttpConnectionManager.rds.
  if (json['route_config_name'] !== undefined) add(TYPE.route, json['route_config_name'], json['config_source']);
  for (const [key, value] of Object.entries(json)) {
    if (key === 'route' || key === 'weighted_clusters') addClusters(value, add);
    collect(value, add);
  }
}

function addClusters(action: unknown, add: (typeUrl: string, name: unknown, source: unknown) => void): void {
  const json = (action ?? {}) as Json;
  add(TYPE.cluster, json['cluster'], null);
  const weighted = json['clusters'];
  if (Array.isArray(weighted)) for (const entry of weighted) add(TYPE.cluster, (entry as Json)['name'], null);
}
