// What becomes wider or narrower between the places of two configurations: trust, addresses, limits.
// Must not: take a change for narrower that lets anything in which was not let in before.

import { TRACE_CONTEXT } from '../../envoy/http/headers/header-mutations.ts';
import { GIVEN_REQUEST_ID } from '../../envoy/http/headers/request-facts.ts';
import { ANYBODY, PASSED_ON, type Place, UNKNOWN_CA, WRITTEN } from './places.ts';

export interface PlaceChange {
  readonly gateway: Place['gateway'];
  readonly of: string;
  readonly kind: string;
  readonly isWider: boolean;
  /** Of a limit: absent where there is none. */
  readonly from?: string | number;
  readonly to?: string | number;
}

/** A limit of a place that was not there before: nothing widens or narrows by it. */
export interface NewLimit {
  readonly gateway: Place['gateway'];
  readonly of: string;
  readonly kind: string;
  readonly value: number;
}

export interface PlaceChanges {
  readonly changes: readonly PlaceChange[];
  readonly newLimits: readonly NewLimit[];
  /** The CAs of one side are not here (--without-keys). */
  readonly notCompared: readonly string[];
  /** The same of both sides, which look alike whatever they are. */
  readonly notKnown: readonly string[];
}

export function placeChanges(before: readonly Place[], after: readonly Place[]): PlaceChanges {
  const old = new Map(before.map((place) => [place.of, place]));
  const next = new Map(after.map((place) => [place.of, place]));
  const changes: PlaceChange[] = [];
  const [notCompared, notKnown]: [string[], string[]] = [[], []];
  for (const of of [...new Set([...old.keys(), ...next.keys()])].sort()) {
    const [from, to] = [old.get(of), next.get(of)];
    const gateway = (to ?? from)?.gateway ?? 'ingress';
    for (const kind of kindsOf(from?.accepts, to?.accepts)) {
      const isAtOneSide = from === undefined || to === undefined;
      // What the gateway itself writes says something new only of a way that was there before, for requests as well.
      if (kind === WRITTEN && !(from?.accepts[kind] && to?.accepts[kind])) continue;
      // Nor is a backend without TLS, beside its address: most have none.
      if (kind === BACKEND_IDENTITY && isAtOneSide && isOpen(to ?? from, kind)) continue;
      const had = from?.accepts[kind] ?? [];
      const has = to?.accepts[kind] ?? [];
      if ((had.includes(UNKNOWN_CA) || has.includes(UNKNOWN_CA)) && had.length > 0 && has.length > 0) {
        const isAlike = JSON.stringify(had) === JSON.stringify(has);
        (isAlike ? notKnown : notCompared).push(`${gateway} ${of}: ${kind}`);
        continue;
      }
      const wasAnybody = isOpen(from, kind);
      for (const value of has)
        if (!had.some((one) => isWithin(value, one, kind)) && !wasAnybody)
          changes.push({ gateway, of, kind, isWider: true, to: value });
      for (const value of had)
        if (!has.some((one) => isWithin(value, one, kind)) && !isOpen(to, kind))
          changes.push({ gateway, of, kind, isWider: false, from: value });
    }
    // A place that is new is in what is reached, and so is one for TCP, where nobody reads headers.
    if (from !== undefined && to !== undefined)
      for (const kind of kindsOf(from.withholds, to.withholds)) {
        const [had, has] = [from.withholds[kind], to.withholds[kind]];
        if (had === undefined || has === undefined) continue;
        for (const value of had)
          if (!has.includes(value)) changes.push({ gateway, of, kind, isWider: true, to: value });
        for (const value of has)
          if (!had.includes(value)) changes.push({ gateway, of, kind, isWider: false, from: value });
      }
    // A place that is new is in what is reached; one that is gone is no longer.
    if (from === undefined || to === undefined) continue;
    for (const kind of kindsOf(from.limits, to.limits)) {
      const [had, has] = [from.limits[kind], to.limits[kind]];
      if (had === has || ((had === undefined || has === undefined) && comesWithProtocol(kind))) continue;
      const isWider = has === undefined || (had !== undefined && has > had);
      const values = { ...(had !== undefined && { from: had }), ...(has !== undefined && { to: has }) };
      // One edit may change several parts of the way, such as the gate and the backend: it is said once.
      const said = { gateway, of, kind: kind.replace(OF_CLUSTER, ''), isWider, ...values };
      if (!changes.some((one) => JSON.stringify(one) === JSON.stringify(said))) changes.push(said);
    }
  }
  return { changes: withTraceContext(changes), newLimits: newLimits(old, next), notCompared, notKnown };
}

const BACKEND_IDENTITY = 'identity of a backend';

function newLimits(old: ReadonlyMap<string, Place>, next: ReadonlyMap<string, Place>): readonly NewLimit[] {
  const limits = [...next.values()].flatMap(({ gateway, of, limits }) =>
    old.has(of)
      ? []
      : Object.entries(limits).map(([kind, value]) => ({ gateway, of, kind: kind.replace(OF_CLUSTER, ''), value })),
  );
  return [...new Map(limits.map((limit) => [JSON.stringify(limit), limit])).values()];
}

/** How the kinds of limits end that a cluster carries: `(export)`. */
const OF_CLUSTER = / \(\w+\)$/;

/** The headers of trace context change together, by one key of the configuration: that is said, and not each header. */
function withTraceContext(changes: readonly PlaceChange[]): readonly PlaceChange[] {
  const isPart = ({ kind, from, to }: PlaceChange): boolean =>
    (kind === PASSED_ON && TRACE_CONTEXT.includes(String(to ?? from))) ||
    (kind === WRITTEN && (to ?? from) === `x-request-id: ${GIVEN_REQUEST_ID}`);
  const keyOf = ({ gateway, of, isWider }: PlaceChange): string => JSON.stringify([gateway, of, isWider]);
  const parts = changes.filter(isPart);
  return changes.flatMap((change) => {
    const group = isPart(change) ? parts.filter((part) => keyOf(part) === keyOf(change)) : [];
    if (group.filter(({ kind }) => kind === PASSED_ON).length < TRACE_CONTEXT.length) return [change];
    if (change !== group[0]) return [];
    const { gateway, of, isWider } = change;
    const [from, to] = isWider ? ['drop', 'forward'] : ['forward', 'drop'];
    return [{ gateway, of, kind: 'traceContext', isWider, from, to }];
  });
}

/**
 * The clusters between a port and what it leads to are there for callers that prove who they are, and for TCP; requests are counted
 * where there are requests. Their limits come and go with that.
 */
function comesWithProtocol(kind: string): boolean {
  return / \((callers|gate)\)$/.test(kind) || kind.startsWith('requests (');
}

function kindsOf(one: object = {}, other: object = {}): readonly string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
}

/** Nobody has to prove anything on that side of the place. */
function isOpen(place: Place | undefined, kind: string): boolean {
  const [, side] = / of a (.*)$/.exec(kind) ?? [];
  return side !== undefined && (place?.accepts[`identity of a ${side}`] ?? []).includes(ANYBODY);
}

function isWithin(value: string, wide: string, kind: string): boolean {
  if (value === wide) return true;
  if (kind === 'address') return isBehind(value, wide);
  return wide.endsWith('*') && value.startsWith(wide.slice(0, -1));
}

/** Who reaches the address `value` of a machine reaches `wide` too. */
function isBehind(value: string, wide: string): boolean {
  const [one, other] = [hostAndPort(value), hostAndPort(wide)];
  if (one.port !== other.port) return false;
  if (other.host === '[::]') return true;
  if (other.host === '0.0.0.0') return !one.host.startsWith('[');
  return /^(127\.|\[::1\]$)/.test(one.host);
}

function hostAndPort(address: string): { readonly host: string; readonly port: string } {
  const cut = address.lastIndexOf(':');
  return { host: address.slice(0, cut), port: address.slice(cut + 1) };
}
