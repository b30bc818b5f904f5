// Which resources differ between two configurations of a gateway, by type and name, and whose connections end with that.
// Must not: take a certificate that was renewed, or a generation, for a change of the configuration.

import type { ResourceJson } from '../../envoy/proto/types.gen.ts';
import { INGRESS_LISTENER } from '../../envoy/resource-names.ts';
import { type Listener, plainName } from '../matching/resources.ts';

type Gateway = 'ingress' | 'egress';

export interface ResourceChange {
  readonly gateway: Gateway;
  readonly change: 'added' | 'changed' | 'removed';
  /** `Listener`, `Secret`. */
  readonly type: string;
  /** Without digests. */
  readonly name: string;
}

/** Connections that Envoy closes when it is served the new configuration. */
export interface EndingConnections {
  readonly gateway: Gateway;
  /** Whose, in the words of a place. */
  readonly of: string;
  readonly protocol: 'http' | 'tcp' | 'any';
  /** `closed` at once, or `drained`: what is open may finish within the drain time. */
  readonly how: 'closed' | 'drained';
  readonly why: string;
}

interface Compared {
  readonly gateway: Gateway;
  readonly before: readonly ResourceJson[];
  readonly after: readonly ResourceJson[];
  /** The CAs of one side are not here, so no digest says anything. */
  readonly withoutDigests: boolean;
}

export function resourceChanges({ gateway, before, after, withoutDigests }: Compared): readonly ResourceChange[] {
  const [old, next] = [textsOf(before, withoutDigests), textsOf(after, withoutDigests)];
  return [...new Set([...old.keys(), ...next.keys()])].sort().flatMap((key) => {
    const [from, to] = [old.get(key), next.get(key)];
    if (from === to) return [];
    const [type = '', name = ''] = key.split(' ', 2);
    const change = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed';
    return [{ gateway, change, type, name } as const];
  });
}

/** All resources of one plain name, as one text. */
function textsOf(resources: readonly ResourceJson[], withoutDigests: boolean): ReadonlyMap<string, string> {
  const texts = new Map<string, string[]>();
  for (const resource of resources) {
    const key = `${resource['@type'].replace(/^.*\./, '')} ${plainName('name' in resource ? (resource.name ?? '') : '')}`;
    texts.set(key, [...(texts.get(key) ?? []), textOf(resource, withoutDigests)]);
  }
  return new Map([...texts].map(([key, all]) => [key, all.sort().join('\n')]));
}

/** What belongs to this run of a control plane is left out: certificates that it issued, generations, and digests of content that has them. */
function textOf(value: unknown, withoutDigests: boolean): string {
  const text = JSON.stringify(value, (key, one: unknown) =>
    key === 'generation' || key === 'version' || key === 'tls_certificate' ? undefined : one,
  );
  const unknown = withoutDigests ? text.replaceAll(/"trusted_ca":\{[^{}]*\}/g, '"trusted_ca":{}') : text;
  return withoutDigests
    ? unknown.replaceAll(/@[0-9a-f]{16}/g, '').replaceAll(/bundle\/[0-9a-f]{16}/g, 'bundle/')
    : text;
}

type FilterChain = NonNullable<Listener['filter_chains']>[number];

/**
 * A filter chain that changes drains its connections, one that goes or gets another name closes them; a listener whose other
 * fields change drains all. `lostCas`: of whom a CA is gone (`trustedAs`), which begins another generation of the peer's connections.
 */
export function endingConnections(
  { gateway, before, after, withoutDigests }: Compared,
  lostCas: ReadonlySet<string>,
): readonly EndingConnections[] {
  const next = listenersOf(after);
  const all = [...listenersOf(before)].flatMap(([name, old]) => {
    const now = next.get(name);
    const { filter_chains: chains = [], ...outer } = old;
    const isInner = old.internal_listener !== undefined;
    const about = (chain: FilterChain, how: 'closed' | 'drained', why: string): EndingConnections => ({
      gateway,
      ...subjectOf(name, chain),
      how,
      why,
    });
    if (now === undefined)
      return chains.map((chain) => about(chain, 'closed', isInner ? 'its way is gone' : 'its listener is gone'));
    const { filter_chains: newChains = [], ...newOuter } = now;
    const moved = JSON.stringify(old.address) !== JSON.stringify(now.address);
    const isOther = textOf(outer, withoutDigests) !== textOf(newOuter, withoutDigests) && !isInner;
    const names = new Map(newChains.map((chain) => [nameOf(chain, withoutDigests), chain]));
    return chains.flatMap((chain) => {
      const own = names.get(nameOf(chain, withoutDigests));
      if (moved && !isInner) return [about(chain, 'drained', 'the address of its listener changes')];
      if (own === undefined) {
        const isRenamed = newChains.some((one) => plainName(one.name ?? '') === plainName(chain.name ?? ''));
        return [about(chain, 'closed', isRenamed ? 'what it rests on changes' : 'its filter chain goes')];
      }
      if (isOther) return [about(chain, 'drained', 'its listener changes')];
      if (textOf(chain, withoutDigests) !== textOf(own, withoutDigests))
        return [about(chain, 'drained', 'its filter chain changes')];
      const subject = subjectOf(name, chain);
      return lostCas.has(trustedAs(subject.of)) ? [about(chain, 'closed', 'a CA is no longer trusted')] : [];
    });
  });
  const byText = new Map(all.map((one) => [JSON.stringify([one.gateway, one.of, one.protocol]), one]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

/** By whose CAs the connections of a place are judged: a peer's, or those for callers at a port. */
export function trustedAs(of: string): string {
  return of.startsWith('port ') ? of : of.replace(/ .*$/, '');
}

/** By plain name; of a retired name and its successor the last, which is served on. */
function listenersOf(resources: readonly ResourceJson[]): ReadonlyMap<string, Listener> {
  return new Map(
    resources
      .filter((one): one is Listener => one['@type'] === 'type.googleapis.com/envoy.config.listener.v3.Listener')
      .map((listener) => [plainName(listener.name ?? ''), listener]),
  );
}

function nameOf({ name = '' }: FilterChain, withoutDigests: boolean): string {
  return withoutDigests ? plainName(name) : name;
}

function subjectOf(
  listener: string,
  { name = '', filters = [] }: FilterChain,
): Pick<EndingConnections, 'of' | 'protocol'> {
  const isHttp = filters.some(({ typed_config: config }) => config?.['@type'].endsWith('.HttpConnectionManager'));
  const [kind, ...rest] = plainName(listener === INGRESS_LISTENER ? name : listener).split('/');
  if (listener === INGRESS_LISTENER) return { of: rest.join(' '), protocol: kind === 'tcp' ? 'tcp' : 'http' };
  switch (kind) {
    case 'egress':
    case 'callers':
      return { of: `port ${rest.join('')}`, protocol: isHttp ? 'http' : 'tcp' };
    default:
      // Gates and tunnels.
      return { of: rest.join(' '), protocol: kind === 'gate' ? 'tcp' : 'any' };
  }
}
