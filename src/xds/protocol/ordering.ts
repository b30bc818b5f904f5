// What a type waits for before it is sent (rules 51 to 56): a resource for those that it refers to, a removal until nothing
// refers to the resource. session.ts walks PUSH_ORDER.
// Must not: change a subscription.

import { diff } from '../../snapshot/diff.ts';
import type { Reference, Resource } from '../../snapshot/resource.ts';
import { REFERRERS, TYPE } from '../../snapshot/resource-types.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import { covers } from '../responses/response-set.ts';
import { isSettled, type Subscription } from '../subscription/subscription.ts';
import { awaitsListeners, listenersDue, missingListeners, removesListeners } from './internal-listeners.ts';

/**
 * How long routes wait for the ACK of new clusters or internal listeners, and the removal of internal listeners for the
 * routes. A slow ACK must not hold up a revocation in the same change for longer.
 */
const HOLD_MS = 1000;
/** How long a removal waits for its referrers. A client that never answers does not keep the resource forever. */
const REMOVAL_WAIT_MS = 30_000;
/**
 * How long a returning client, which reports a resource that no longer exists, is given to subscribe to the types that may
 * refer to it: it sends all its subscriptions in one burst, CDS first.
 */
const BURST_MS = 20;

/** One subscription of a stream, and the times of its events (milliseconds). */
export interface TypeTiming {
  readonly state: Subscription;
  readonly typeUrl: string;
  readonly openedAt: number;
  /** When the response in flight was sent, and since when removals are pending. */
  readonly sentAt: number;
  readonly removalsPendingSince: number | undefined;
}

export type TypeTimings = ReadonlyMap<string, TypeTiming>;

/** Rule 51: a resource is removed once every referrer is acknowledged without the reference. */
export function mayRemove(all: TypeTimings, timing: TypeTiming, snapshot: Snapshot, now: number): boolean {
  const { typeUrl, removalsPendingSince } = timing;
  if (removalsPendingSince !== undefined && now - removalsPendingSince >= REMOVAL_WAIT_MS) return true;
  if (typeUrl === TYPE.listener && now < keptUntil(all, timing, snapshot)) return false;
  return (REFERRERS.get(typeUrl) ?? []).every((referrer) => {
    const other = all.get(referrer);
    const current = snapshot.types.get(referrer);
    // Pending removals of a referrer may still refer here: endpoints go after their cluster, a cluster after its route.
    if (other === undefined || current === undefined) return true;
    return other.state.pendingRemovals.size === 0 && isSettled(other.state, current);
  });
}

/**
 * Until when a listener that a returning client reports, and that is gone, stays: it asks for listeners before it asks for routes,
 * and the routes that it has may lead to the listener. What kind of listener it is, the report does not say.
 */
function keptUntil(all: TypeTimings, { state, openedAt }: TypeTiming, snapshot: Snapshot): number {
  if (!hasReportedRemovals(state)) return Number.NEGATIVE_INFINITY;
  const routes = all.get(TYPE.route)?.state;
  if (routes === undefined) return openedAt + BURST_MS;
  return routes.sentState === snapshot.types.get(TYPE.route) ? Number.NEGATIVE_INFINITY : openedAt + HOLD_MS;
}

/** Removals without a resource are those of an earlier stream. */
function hasReportedRemovals({ reportedVersions, pendingRemovals }: Subscription): boolean {
  return reportedVersions !== undefined || [...pendingRemovals.values()].includes(undefined);
}

/** Rule 52: Envoy does not warm routes, so routes to new clusters wait for the ACK of the clusters and their internal listeners. */
export function isHeld(all: TypeTimings, typeUrl: string, snapshot: Snapshot, now: number): boolean {
  if (typeUrl !== TYPE.route && typeUrl !== TYPE.listener) return false;
  const clusters = all.get(TYPE.cluster);
  if (clusters !== undefined && now < holdsUntil(clusters, snapshot)) return true;
  return now < (typeUrl === TYPE.route ? routesWaitUntil(all, snapshot) : listenersWaitUntil(all, snapshot));
}

/** Until when routes wait for new internal listeners; Infinity while these are not sent, which may itself have to wait. */
function routesWaitUntil(all: TypeTimings, snapshot: Snapshot): number {
  const listeners = all.get(TYPE.listener);
  if (listeners === undefined) return Number.NEGATIVE_INFINITY;
  const { state, sentAt } = listeners;
  const isMissing = missingListeners(state, snapshot).length > 0;
  if (state.pending.length === 0) return isMissing ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  return isMissing || awaitsListeners(state, snapshot) ? sentAt + HOLD_MS : Number.NEGATIVE_INFINITY;
}

/** Until when the removal of internal listeners waits for routes that are not sent yet, because earlier ones are in flight. */
function listenersWaitUntil(all: TypeTimings, snapshot: Snapshot): number {
  const [clusters, routes, listeners] = [all.get(TYPE.cluster), all.get(TYPE.route), all.get(TYPE.listener)];
  if (clusters === undefined || routes === undefined || listeners === undefined) return Number.NEGATIVE_INFINITY;
  const isLate = routes.state.pending.length > 0 && routes.state.sentState !== snapshot.types.get(TYPE.route);
  const due = isLate ? listenersDue(listeners.state, routes.state, snapshot) : undefined;
  const waits = due !== undefined && removesListeners(listeners.state, clusters.state, due);
  return waits ? routes.sentAt + HOLD_MS : Number.NEGATIVE_INFINITY;
}

/** Until when clusters in flight delay the types that may refer to them; -Infinity when they do not. */
function holdsUntil({ state, sentAt }: TypeTiming, snapshot: Snapshot | undefined): number {
  if (state.pending.length === 0) return Number.NEGATIVE_INFINITY;
  const until = sentAt + HOLD_MS;
  if (addsClusters(state)) return until;
  // A change that is not sent yet, because an earlier one is in flight.
  const current = snapshot?.types.get(TYPE.cluster);
  const { sentState } = state;
  const isMore = sentState !== undefined && current !== undefined && adds(state, sentState, current);
  return isMore ? until : Number.NEGATIVE_INFINITY;
}

/** Whether a returning client reports a resource that no longer exists, and may still report its referrers. */
export function awaitsBurst(
  all: TypeTimings,
  { typeUrl, state, openedAt }: TypeTiming,
  snapshot: Snapshot | undefined,
  now: number,
): boolean {
  const { reportedVersions } = state;
  if (reportedVersions === undefined || now - openedAt >= BURST_MS) return false;
  const referrers = REFERRERS.get(typeUrl) ?? [];
  if (referrers.length === 0 || referrers.some((referrer) => all.has(referrer))) return false;
  const current = snapshot?.types.get(typeUrl);
  return (
    current !== undefined &&
    [...reportedVersions.keys()].some((name) => covers(state, name) && !current.resources.has(name))
  );
}

/** When a subscription stops waiting, whatever its client does; Infinity when it waits for nothing. */
export function waitsUntil(all: TypeTimings, timing: TypeTiming, snapshot: Snapshot | undefined): number {
  const { openedAt, removalsPendingSince } = timing;
  const holds = othersWaitUntil(all, timing, snapshot);
  const held = holds === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : holds;
  if (removalsPendingSince !== undefined) {
    const kept = snapshot === undefined ? Number.NEGATIVE_INFINITY : keptUntil(all, timing, snapshot);
    const isKept = timing.typeUrl === TYPE.listener && kept !== Number.NEGATIVE_INFINITY;
    return Math.min(held, removalsPendingSince + REMOVAL_WAIT_MS, isKept ? kept : Number.POSITIVE_INFINITY);
  }
  return awaitsBurst(all, timing, snapshot, openedAt) ? Math.min(held, openedAt + BURST_MS) : held;
}

function othersWaitUntil(all: TypeTimings, timing: TypeTiming, snapshot: Snapshot | undefined): number {
  const { typeUrl } = timing;
  if (typeUrl === TYPE.cluster) return holdsUntil(timing, snapshot);
  if (snapshot === undefined) return Number.NEGATIVE_INFINITY;
  if (typeUrl === TYPE.listener) return routesWaitUntil(all, snapshot);
  return typeUrl === TYPE.route ? listenersWaitUntil(all, snapshot) : Number.NEGATIVE_INFINITY;
}

/**
 * Rules 54 to 56: a delta client asks for nothing when a cluster or listener that it was sent needs endpoints or secrets that
 * it has already, and waits for them to be sent again. Returns those that `sent` needs, for a client in the state `before`.
 */
export function neededAgain(before: Subscription, sent: readonly Resource[]): readonly Reference[] {
  const { sentState, reportedVersions, rejected } = before;
  // A client that has nothing yet asks for what it needs.
  if (sentState === undefined && reportedVersions === undefined) return NONE;
  return sent.flatMap((resource): readonly Reference[] => {
    const { name, version, references } = resource;
    const had = sentState?.resources.get(name);
    const versionThere = had?.version ?? reportedVersions?.get(name);
    if (!rejected.has(name) && versionThere === version) return NONE;
    // Of an earlier stream only the version is known, not the references: they may have named another source.
    const sources = versionThere === undefined ? 'asked' : had === undefined ? 'unknown' : had.references;
    return references.filter((reference) => needsPush(reference, sources));
  });
}

const NONE: readonly never[] = [];

/** Whether clusters are in flight that the client does not have yet. */
function addsClusters(state: Subscription): boolean {
  return state.pending.some(({ from, to, resources }) =>
    from === undefined ? resources.length > 0 : adds(state, from, to),
  );
}

/** Whether `to` has more of the subscribed resources. */
function adds(state: Subscription, from: TypeSnapshot, to: TypeSnapshot): boolean {
  return diff(from, to).changed.some(({ name }) => covers(state, name) && !from.resources.has(name));
}

/** `earlier` are the references of the resource that the client has by that name; `asked`: it has none, and asks for its secrets itself. */
function needsPush({ typeUrl, name, source }: Reference, earlier: readonly Reference[] | 'asked' | 'unknown'): boolean {
  if (typeUrl === TYPE.endpoint) return true;
  if (typeUrl !== TYPE.secret || earlier === 'asked') return false;
  if (earlier === 'unknown') return true;
  const sameSecret = earlier.find((reference) => reference.typeUrl === typeUrl && reference.name === name);
  return sameSecret !== undefined && sameSecret.source !== source;
}
