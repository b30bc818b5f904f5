// Small resources, snapshots and requests for the protocol tests: the session does not care what a resource holds.

import type { Reference } from '../../src/snapshot/resource.ts';
import { createResource, type Resource } from '../../src/snapshot/resource.ts';
import { TYPE } from '../../src/snapshot/resource-types.ts';
import { createSnapshot, type Snapshot } from '../../src/snapshot/snapshot.ts';
import { Session } from '../../src/xds/protocol/session.ts';
import type { RejectedResources } from '../../src/xds/subscription/rejected-resources.ts';
import type { Outgoing, Variant, XdsRequest } from '../../src/xds/wire/messages.ts';

export type Kind = keyof typeof TYPE;

export function resource(kind: Kind, name: string, content = '1', references: readonly Reference[] = []): Resource {
  return createResource(TYPE[kind], name, Buffer.from(`${name}=${content}`), references);
}

/** `state({cluster: {a: '1'}})`: a snapshot with one cluster, whose content is 1. */
export function state(content: Partial<Record<Kind, Record<string, string>>>, previous?: Snapshot): Snapshot {
  const resources = Object.entries(content).flatMap(([kind, entries]) =>
    Object.entries(entries).map(([name, value]) => {
      const made = resource(kind as Kind, name, value);
      const before = previous?.types.get(made.typeUrl)?.resources.get(name);
      return before?.version === made.version ? before : made;
    }),
  );
  return createSnapshot(resources, previous);
}

export function request(kind: Kind, fields: Partial<Omit<XdsRequest, 'typeUrl' | 'node'>> = {}): XdsRequest {
  return {
    typeUrl: TYPE[kind],
    nonce: '',
    errorDetail: undefined,
    versionInfo: '',
    names: [],
    repeatsNames: false,
    repeatedBytes: 0,
    subscribe: [],
    unsubscribe: [],
    initialVersions: new Map(),
    node: () => undefined,
    ...fields,
  };
}

/** A session and what a test says to it; replies are compared as plain text. */
export class Talk {
  readonly session: Session;
  now = 0;

  constructor(
    variant: Variant,
    snapshot?: Snapshot,
    names = 1000,
    clientFeatures: readonly string[] = [],
    more: { readonly isEnvoy?: boolean; readonly rejected?: RejectedResources } = {},
  ) {
    this.session = new Session(
      variant,
      snapshot,
      { names },
      { clientFeatures, isEnvoy: more.isEnvoy ?? false },
      undefined,
      more.rejected,
    );
  }

  say(kind: Kind, fields: Parameters<typeof request>[1] = {}): readonly Outgoing[] {
    return this.session.request(TYPE[kind], request(kind, fields), this.now).replies;
  }

  update(snapshot: Snapshot): readonly Outgoing[] {
    return this.session.update(snapshot, this.now);
  }

  tick(milliseconds: number): readonly Outgoing[] {
    this.now += milliseconds;
    return this.session.tick(this.now);
  }

  ack(reply: Outgoing | undefined, fields: Parameters<typeof request>[1] = {}): readonly Outgoing[] {
    if (reply === undefined) throw new Error('there is no reply to acknowledge');
    const kind = kindOf(reply.typeUrl);
    return this.say(kind, { nonce: reply.nonce, versionInfo: reply.version, ...fields });
  }

  nack(reply: Outgoing | undefined, fields: Parameters<typeof request>[1] = {}): readonly Outgoing[] {
    return this.ack(reply, { errorDetail: 'no', versionInfo: '', ...fields });
  }

  state(kind: Kind): string | undefined {
    const short = { cluster: 'CDS', endpoint: 'EDS', secret: 'SDS', route: 'RDS', listener: 'LDS' }[kind];
    return this.session.status().find(({ type }) => type === short)?.state;
  }
}

export function kindOf(typeUrl: string): Kind {
  const found = (Object.keys(TYPE) as Kind[]).find((kind) => TYPE[kind] === typeUrl);
  if (found === undefined) throw new Error(`not a type of ours: ${typeUrl}`);
  return found;
}

/** `cluster: a b -c`: the resources of a reply, and with a minus those that it removes. */
export function shown(replies: readonly Outgoing[]): readonly string[] {
  return replies.map((reply) => {
    const names = [...reply.resources.map(({ name }) => name), ...reply.removed.map((name) => `-${name}`)];
    return `${kindOf(reply.typeUrl)}: ${names.join(' ')}`.trim();
  });
}
