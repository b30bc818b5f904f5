// Small resources for the tests of snapshots, which need names, bytes and references, but nothing that Envoy understands.

import type { Draft } from '../../src/envoy/draft.ts';
import type { EncodedResource } from '../../src/envoy/proto/codec.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import type { BuildSteps } from '../../src/pipeline/snapshot-builder.ts';
import type { Reference } from '../../src/snapshot/resource.ts';
import { createResource, type Resource } from '../../src/snapshot/resource.ts';
import { TYPE } from '../../src/snapshot/resource-types.ts';

export type Kind = keyof typeof TYPE;

export function made(kind: Kind, name: string, content = '1', references: readonly Reference[] = []): Resource {
  return createResource(TYPE[kind], name, Buffer.from(`${name}=${content}`), references);
}

export function to(kind: Kind, name: string): Reference {
  return { typeUrl: TYPE[kind], name, source: 'null' };
}

/** A route to clusters: built again only when one of the inputs is another. */
export function route(name: string, inputs: readonly unknown[], clusters: readonly string[] = []): Draft {
  const json = {
    '@type': TYPE.route,
    name,
    virtual_hosts: clusters.map((cluster) => ({
      name: cluster,
      domains: ['*'],
      routes: [{ match: { prefix: '/' }, route: { cluster } }],
    })),
  } as ResourceJson;
  return { typeUrl: TYPE.route, name, inputs, build: () => json };
}

export function cluster(name: string, inputs: readonly unknown[], content: unknown = inputs): Draft {
  const json = { '@type': TYPE.cluster, name, alt_stat_name: JSON.stringify(content) } as ResourceJson;
  return { typeUrl: TYPE.cluster, name, inputs, build: () => json };
}

/** Steps that remember which resources they were given. */
export class Steps implements BuildSteps {
  encoded: string[] = [];
  checked: string[] = [];
  all: number[] = [];
  /** Names that are refused, and by which step. */
  refuse: { readonly name: string; readonly step: 'encode' | 'checkResource' | 'checkAll' } | undefined;

  readonly encode = (json: ResourceJson): EncodedResource => {
    const { name = '' } = json as { readonly name?: string };
    this.encoded.push(name);
    this.fail('encode', [name]);
    return { typeUrl: json['@type'], name, body: Buffer.from(JSON.stringify(json)) };
  };

  readonly checkResource = ({ name }: EncodedResource): void => {
    this.checked.push(name);
    this.fail('checkResource', [name]);
  };

  readonly checkAll = (resources: readonly ResourceJson[]): void => {
    this.all.push(resources.length);
    this.fail(
      'checkAll',
      resources.map((json) => (json as { readonly name?: string }).name ?? ''),
    );
  };

  forget(): void {
    this.encoded = [];
    this.checked = [];
    this.all = [];
  }

  private fail(step: string, names: readonly string[]): void {
    if (this.refuse?.step === step && names.includes(this.refuse.name)) throw new Error(`refused by ${step}`);
  }
}
