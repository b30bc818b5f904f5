// From one model to the next without a moment that neither of them admits. Gateways get the pieces of an update one after
// the other, and perhaps not all of them. So what must not be combined is reached in two steps, by way of what is safe beside
// the old model (the meet, served-state.ts); connections that rest on a removed root end; and retired names are served on with
// their meet (retired-names.ts). What was served is a value (history.ts).
// Must not: admit anything that the next model does not.

import type { Federation, Grant, Import, Peer } from '../model.ts';
import { share, shareByKey } from '../structural-sharing.ts';
import { type Generation, type History, labelOf, type ServedPeer, START_SETTLE_MS } from './history.ts';
import { type RetiredName, retiredEntry, retiredNames } from './retired-names.ts';
import {
  exceeds,
  holdsMore,
  isSameState,
  meetOf,
  narrowTo,
  type PeerPart,
  partsOf,
  type ServedState,
  stateOf,
  withRoots,
} from './served-state.ts';

/**
 * How long the meet is served: until no connection is left of those that began before it. That is a gateway's drain time
 * (`FLAGS` in envoy/resources/gateway-bootstrap.ts, `drain_timeout` of its connections) and some more. A root that was
 * removed is not served in that time: what must not meet it is held back.
 */
export const SETTLE_MS = 8000;

export interface Advance {
  readonly history: History;
  readonly next: Federation;
  readonly now: number;
  /** How long gateways may hold a state that is superseded now. */
  readonly settleMs: number;
  readonly generations: Generations;
  /** What was served last, whose objects are used again. */
  readonly previous?: Served | undefined;
}

export interface Generations {
  /** The id of a generation that begins with `roots`; `previous`: the one that ends. */
  readonly begin: (label: string, roots: readonly string[], previous: string | undefined) => string;
  /** The id of one that goes on, now that connections may rest on `generation.roots`. */
  readonly goOn: (label: string, generation: Generation, roots: readonly string[]) => string;
}

export interface Served {
  readonly history: History;
  /** The next model as it is served now. */
  readonly federation: Federation;
  /** Retired names, with what is still served under them. */
  readonly retired: readonly RetiredName[];
  /** When the first of the peers that are between two models may reach the next (milliseconds since the epoch). */
  readonly nextSettled?: number;
}

export function advance({ history, next, now, settleMs, generations, previous }: Advance): Served {
  const steps = partsOf(next).map((part) => {
    const label = labelOf(part.peer);
    return stepOf(part, history.get(label), { now, settleMs, generations });
  });
  const federation = servedModel(next, steps, previous?.federation);
  const present = new Map(steps.map(({ entry }) => [labelOf(entry), entry]));
  const retired = [...history]
    .filter(([label]) => !present.has(label))
    .flatMap(([, entry]) => retiredEntry(entry, now, settleMs) ?? []);
  const settled = steps.flatMap(({ until }) => until ?? []);
  return {
    history: new Map([...present, ...retired.map((entry) => [labelOf(entry), entry] as const)]),
    federation,
    retired: shareByKey(previous?.retired, retiredNames(retired, federation), labelOf),
    ...(settled.length > 0 && { nextSettled: Math.min(...settled) }),
  };
}

interface Step {
  readonly entry: ServedPeer;
  readonly peer: Peer;
  readonly grants: readonly Grant[];
  readonly imports: readonly Import[];
  /** Present while the peer is between two models: the earliest end. */
  readonly until?: number;
}

function stepOf(
  part: PeerPart,
  before: ServedPeer | undefined,
  { now, settleMs, generations }: Pick<Advance, 'now' | 'settleMs' | 'generations'>,
): Step {
  const { peer } = part;
  const target = stateOf(part);
  const held = (before?.states ?? [])
    // The clock may have been set back.
    .map((state) =>
      state.until === undefined ? state : { ...state, until: Math.min(state.until, now + START_SETTLE_MS) },
    )
    // Under one key all bundles have their oldest root in common; what has none is not a state of this peer.
    .filter(
      ({ until, roots }) => (until === undefined || now < until) && roots.some((root) => target.roots.includes(root)),
    );
  const served = meetOf(target, held);
  const isBetween = served !== target;
  // A state never ends before the ones that it superseded: what was served since then is told from what is held.
  const supersededUntil = Math.max(now + settleMs, ...held.flatMap(({ until }) => until ?? []));
  const generation = generationOf(labelOf(peer), before?.generation, target, served, generations);
  const current = held.at(-1);
  const isKept = current !== undefined && current.until === undefined && isSameState(current, served);
  const superseded = held
    .filter((state) => state !== current || !isKept)
    .filter((state) => !isSameState(state, served))
    .map((state) => ({ ...state, until: state.until ?? supersededUntil }));
  const { name, key, domainKey, gatewayIdentities } = peer;
  const { grants, imports } = isBetween ? narrowTo(part, served) : part;
  return {
    entry: share(before, {
      name,
      key,
      domainKey,
      gatewayIdentities,
      generation,
      states: [...superseded, isKept ? current : served],
    }),
    peer: { ...withRoots(peer, served.roots), generation: generation.id },
    grants,
    imports,
    ...(isBetween && {
      until: Math.min(...superseded.filter((state) => exceeds(state, served)).map(({ until }) => until)),
    }),
  };
}

/** While nothing is taken from the roots that open connections may rest on, the generation stays. */
function generationOf(
  label: string,
  before: Generation | undefined,
  target: ServedState,
  served: ServedState,
  { begin, goOn }: Generations,
): Generation {
  if (before === undefined || holdsMore(before.roots, target.roots))
    return { id: begin(label, target.roots, before?.id), roots: served.roots };
  const roots = [...new Set([...before.roots, ...served.roots])].sort();
  return { id: goOn(label, { id: before.id, roots }, target.roots), roots };
}

function servedModel(next: Federation, steps: readonly Step[], previous: Federation | undefined): Federation {
  const between = new Map(steps.filter(({ until }) => until !== undefined).map((step) => [step.peer.name, step]));
  const peers = shareByKey(
    previous?.peers,
    steps.map(({ peer }) => peer),
    ({ name }) => name,
  );
  if (between.size === 0) return { ...next, peers };
  const byName = (grant: Grant): string => `${grant.peer}/${grant.export.name}`;
  const byLocalName = ({ port, localNames: [name] }: Import): string => `${port}/${name}`;
  const narrowed = new Map(
    [...between.values()].flatMap(({ grants }) => grants.map((grant) => [byName(grant), grant])),
  );
  const grants = next.grants.flatMap((grant) =>
    between.has(grant.peer) ? (narrowed.get(byName(grant)) ?? []) : [grant],
  );
  return {
    ...next,
    peers,
    grants: shareByKey(previous?.grants, grants, byName),
    // The names of imports stay, so that callers are told 503 and not that the name is unknown.
    imports: shareByKey(
      previous?.imports,
      next.imports.map((one): Import => {
        const narrowed = between.get(one.peer)?.imports;
        if (narrowed === undefined || one.denied) return one;
        return narrowed.find((other) => byLocalName(other) === byLocalName(one)) ?? { ...one, denied: true };
      }),
      byLocalName,
    ),
  };
}
