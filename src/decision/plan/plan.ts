// What a change of the configuration does: who reaches more or less, what is trusted or limited otherwise, whose connections end,
// and which resources change.
// Must not: call a change narrower that allows anything new.

import { checkForm } from '../../envoy/boundary/checks/boundary-check.ts';
import type { ResourceJson } from '../../envoy/proto/types.gen.ts';
import { PosternError } from '../../errors.ts';
import { unjudged } from '../matching/unjudged.ts';
import { reach } from '../reach.ts';
import { gained, type Reach } from '../reach-set.ts';
import { type NewLimit, type PlaceChange, placeChanges } from './place-changes.ts';
import { placesOf } from './places.ts';
import {
  type EndingConnections,
  endingConnections,
  type ResourceChange,
  resourceChanges,
  trustedAs,
} from './resource-changes.ts';
import { resourcesInUse } from './resources-in-use.ts';

export interface Plan {
  /** Without what was allowed before already: an entry may be partly known. */
  readonly gained: readonly Reach[];
  readonly lost: readonly Reach[];
  /** All that is allowed before, and afterwards. */
  readonly before: readonly Reach[];
  readonly after: readonly Reach[];
  readonly places: readonly PlaceChange[];
  /** Of exports, imports and peers that were not there before. */
  readonly newLimits: readonly NewLimit[];
  readonly connections: readonly EndingConnections[];
  readonly resources: readonly ResourceChange[];
  /** CAs that are not here on one side (--without-keys): what they let in may be more than before. */
  readonly notCompared: readonly string[];
  /** CAs that are here on neither side. */
  readonly notKnown: readonly string[];
  /** What is served now has a form that this version does not know, so more or less may be reached than is listed. */
  readonly notJudged: readonly string[];
}

export type Gateways = Readonly<Record<'ingress' | 'egress', readonly ResourceJson[]>>;

/** Of connections with a peer; those to backends end by themselves. */
const PEER_CA = /^CA of a (?:caller|gateway)$/;

/** Errors: UNJUDGED. */
export function planOf(before: Gateways, after: Gateways): Plan {
  const plans = (['ingress', 'egress'] as const).map((gateway) => {
    const [oldFault, fault] = [faultOf(before[gateway]), faultOf(after[gateway])];
    // Of what this version itself would serve, nothing is left unjudged.
    if (fault !== undefined) throw unjudged(`the changed ${gateway}: ${fault},`);
    const [old, next] = [resourcesInUse(before[gateway]), resourcesInUse(after[gateway])];
    const [had, has] = [reach(old), reach(next)];
    const places = placesOf(gateway, next);
    const { changes, newLimits, notCompared, notKnown } = placeChanges(placesOf(gateway, old), places);
    const compared = { gateway, before: old, after: next, withoutDigests: notCompared.length > 0 };
    // Of a place that goes, as a port does, the rest of its peer keeps its connections.
    const trusting = new Map(places.map(({ of, accepts }) => [of, accepts]));
    const lostCas = changes.filter(
      ({ of, kind, isWider }) => PEER_CA.test(kind) && !isWider && trusting.get(of)?.[kind] !== undefined,
    );
    return {
      gained: inOrder(gained(had, has)),
      lost: inOrder(gained(has, had)),
      before: had,
      after: has,
      places: changes,
      newLimits,
      connections: endingConnections(compared, new Set(lostCas.map(({ of }) => trustedAs(of)))),
      resources: resourceChanges(compared),
      notCompared,
      notKnown,
      notJudged: oldFault === undefined ? [] : [`${gateway}: ${oldFault}`],
    };
  });
  return {
    gained: plans.flatMap((plan) => plan.gained),
    lost: plans.flatMap((plan) => plan.lost),
    before: plans.flatMap((plan) => plan.before),
    after: plans.flatMap((plan) => plan.after),
    places: plans.flatMap((plan) => plan.places),
    newLimits: plans.flatMap((plan) => plan.newLimits),
    connections: plans.flatMap((plan) => plan.connections),
    resources: plans.flatMap((plan) => plan.resources),
    notCompared: plans.flatMap((plan) => plan.notCompared),
    notKnown: plans.flatMap((plan) => plan.notKnown),
    notJudged: plans.flatMap((plan) => plan.notJudged),
  };
}

/** A plan compares what it knows; that there is nothing else, the boundary check knows. */
function faultOf(resources: readonly ResourceJson[]): string | undefined {
  try {
    checkForm(resources);
    return undefined;
  } catch (error) {
    if (error instanceof PosternError && error.code === 'BOUNDARY_VIOLATED') return error.message;
    throw error;
  }
}

function inOrder(entries: readonly Reach[]): readonly Reach[] {
  const keyed = entries.map((entry) => [keyOf(entry), entry] as const);
  return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

function keyOf({ peer, service, port, host, workload, method, path, upgrade, conditions }: Reach): string {
  return JSON.stringify([peer, port, service, host, workload, method, path, upgrade, conditions]);
}
