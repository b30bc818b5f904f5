// Finds what a resource refers to: clusters, endpoints, secrets, routes and internal listeners.
// Must not: follow the references (snapshot/snapshot.ts checks that they resolve).

import { FRAGMENT_FIELDS } from '../envoy/proto/codec.ts';
import type { ResourceJson } from '../envoy/proto/types.gen.ts';
import { memoizeByIdentity } from '../memoize.ts';
import type { Reference } from '../snapshot/resource.ts';
import { TYPE } from '../snapshot/resource-types.ts';

const TCP_PROXY = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

type Json = { readonly [key: string]: unknown };

/** References without duplicates: each with its last source, and a secret with all secrets that share a TLS context with it. */
class References {
  private readonly byKey = new Map<string, Reference>();

  readonly add = (typeUrl: string, name: unknown, source: unknown, context: readonly string[] = NONE): void => {
    if (typeof name !== 'string' || name === '') return;
    const others = context.filter((other) => other !== name);
    this.put({ typeUrl, name, source: JSON.stringify(source ?? null), ...(others.length > 0 && { together: others }) });
  };

  addAll(references: readonly Reference[]): void {
    for (const reference of references) this.put(reference);
  }

  list(): readonly Reference[] {
    return [...this.byKey.values()];
  }

  private put(reference: Reference): void {
    const key = `${reference.typeUrl} ${reference.name}`;
    const earlier = this.byKey.get(key)?.together ?? NONE;
    const { together = NONE } = reference;
    const isMore = earlier.length > 0 && earlier !== together;
    this.byKey.set(key, isMore ? { ...reference, together: [...new Set([...earlier, ...together])] } : reference);
  }
}

const NONE: readonly never[] = [];

export function referencesOf(json: ResourceJson): readonly Reference[] {
  const references = new References();
  const { add } = references;
  const field = FRAGMENT_FIELDS.get(json['@type']) ?? '';
  const { [field]: fragments, ...rest } = json as Json;
  collect(rest, add);
  if (Array.isArray(fragments)) for (const fragment of fragments) references.addAll(referencesOfFragment(fragment));
  if (json['@type'] === TYPE.cluster && (json as Json)['type'] === 'EDS') {
    const eds = ((json as Json)['eds_cluster_config'] ?? {}) as Json;
    add(TYPE.endpoint, eds['service_name'] || (json as Json)['name'], eds['eds_config']);
  }
  return references.list();
}

const referencesOfFragment = memoizeByIdentity((fragment: object): readonly Reference[] => {
  const references = new References();
  collect(fragment, references.add);
  return references.list();
});

type Add = (typeUrl: string, name: unknown, source: unknown, context?: readonly string[]) => void;

/** `context`: the secrets of the TLS context around `node`. */
function collect(node: unknown, add: Add, context?: readonly string[]): void {
  if (Array.isArray(node)) {
    for (const item of node) collect(item, add, context);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const json = node as Json;
  // SdsSecretConfig; without a source it names a secret of the bootstrap.
  if (json['sds_config'] !== undefined) add(TYPE.secret, json['name'], json['sds_config'], context);
  if (json['@type'] === TCP_PROXY) add(TYPE.cluster, json['cluster'], null);
  // EnvoyInternalAddress.
  add(TYPE.listener, json['server_listener_name'], null);
  // HttpConnectionManager.rds.
  if (json['route_config_name'] !== undefined) add(TYPE.route, json['route_config_name'], json['config_source']);
  for (const [key, value] of Object.entries(json)) {
    if (key === 'route' || key === 'weighted_clusters') addClusters(value, add);
    collect(value, add, key === 'common_tls_context' ? secretsOf(value) : context);
  }
}

function secretsOf(context: unknown): readonly string[] {
  const names: string[] = [];
  collect(context, (typeUrl, name) => {
    if (typeUrl === TYPE.secret && typeof name === 'string') names.push(name);
  });
  return names;
}

function addClusters(action: unknown, add: Add): void {
  const json = (action ?? {}) as Json;
  add(TYPE.cluster, json['cluster'], null);
  const weighted = json['clusters'];
  if (Array.isArray(weighted)) for (const entry of weighted) add(TYPE.cluster, (entry as Json)['name'], null);
}
