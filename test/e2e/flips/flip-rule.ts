// Whether a request had to be served: an oracle of what an update may keep back, from the configurations and their times.
// Must not: share code with src/.

import { type Choice, rulesOf } from './flip-configs.ts';
import { authenticationOf, groundOf, importOf, peerAt, serves } from './flip-oracle.ts';
import { type Asked, isTcp } from './flip-values.ts';

/** What gateways may hold of a configuration after the next one is served, in a running process and after its start. */
const [SETTLE_MS, START_SETTLE_MS] = [8000, 15_000];
/** From an edit or a start until it is served everywhere; far more than it takes. */
const APPLY_MS = 5000;

export interface Flips {
  readonly choices: readonly Choice[];
  /** When each was written. */
  readonly times: readonly number[];
  /** When the control plane was killed, and when it was back. */
  readonly kills: readonly { readonly died: number; readonly back: number }[];
}

export interface Missed {
  readonly what: Asked;
  /** 0: a connection of TCP that was closed. */
  readonly status: number;
  /** The configuration that was written last when its connection was opened, when it was asked and when it was answered. */
  readonly opened: number;
  readonly from: number;
  readonly to: number;
  /** When it was asked and when it was answered. */
  readonly at: number;
  readonly until: number;
}

/** Whether one of the configurations that may have been served then, with what came before it, lets a gateway refuse. */
export function mayBeKeptBack(missed: Missed, flips: Flips): boolean {
  for (let index = Math.max(missed.from - 1, 0); index <= missed.to; index++)
    if (isKeptBack(missed, index, flips) || isOnOldName(missed, index, flips) || isCutOver(missed, index, flips))
      return true;
  return false;
}

/** A root, grant or import of the peer goes, and what is asked for was not always there. */
function isKeptBack({ what, at }: Missed, index: number, { choices, times, kills }: Flips): boolean {
  const target = partOf(choices[index], what);
  if (target === undefined) return false;
  const held = choices.slice(0, index).flatMap((choice, before) => {
    const part = partOf(choice, what, target.name);
    return part?.key === target.key && heldUntil(before, times, kills) >= at ? [{ choice, part }] : [];
  });
  const goes = held.some(({ part }) => [...part.has].some((one) => !target.has.has(one)));
  return goes && held.some(({ choice }) => !serves(choice, what));
}

/** Its connection was opened under a name that has ended: that admits only what it admitted before. */
function isOnOldName({ what, opened }: Missed, index: number, { choices }: Flips): boolean {
  if (what.at === 'egress') return false;
  const since = choices.slice(Math.max(opened - 1, 0), index);
  const key = partOf(choices[index], what)?.key;
  return since.some((choice) => partOf(choice, what)?.key !== key) && since.some((choice) => !serves(choice, what));
}

/**
 * A new connection of TCP, in the moment of an edit by which those that are open end: it has met the old chain, whose gate is
 * removed in the same response of LDS.
 */
function isCutOver({ what, at }: Missed, index: number, { choices, times, kills }: Flips): boolean {
  const [before, after] = [choices[index - 1], choices[index]];
  if (!isTcp(what) || before === undefined || after === undefined) return false;
  return groundOf(before, what).key !== groundOf(after, what).key && at < appliedBy(times[index] ?? 0, kills);
}

/** An edit is applied by the control plane that is back, when the one that should have was killed over it. */
function appliedBy(written: number, kills: Flips['kills']): number {
  const over = kills.filter(({ died }) => died >= written && died < written + APPLY_MS);
  return Math.max(written, ...over.map(({ back }) => back)) + APPLY_MS;
}

function heldUntil(index: number, times: Flips['times'], kills: Flips['kills']): number {
  const [began, superseded] = [times[index] ?? 0, times[index + 1]];
  if (superseded === undefined) return Number.POSITIVE_INFINITY;
  return kills
    .filter(({ died }) => died >= began)
    .reduce(
      (until, { died, back }) => (died <= until ? Math.max(until, back + APPLY_MS + START_SETTLE_MS) : until),
      superseded + APPLY_MS + SETTLE_MS,
    );
}

/** Of the peer that a request concerns: by what its connections are authenticated, its roots and all that it may use. */
function partOf(
  choice: Choice | undefined,
  what: Asked,
  named?: string,
): { readonly name: string; readonly key: string; readonly has: ReadonlySet<string> } | undefined {
  if (choice === undefined) return undefined;
  const { peers, exports, imports, callers, ownRoots } = choice;
  const asked = what.at === 'ingress' ? peerAt(choice, what.who, what.label)?.name : importOf(choice, what)?.peer;
  const peer = peers.find(({ name }) => name === (named ?? asked));
  if (peer === undefined) return undefined;
  const { name, roots } = peer;
  const grants = exports.flatMap((exported) => {
    const { rules: _, ...target } = exported;
    const trust = target.tls?.mode === 'mtls' && ownRoots;
    return rulesOf(exported)
      .filter((rule) => rule.peer === name)
      .map((rule) => JSON.stringify([target, trust, rule]));
  });
  const mine = imports
    .filter((one) => one.peer === name)
    .flatMap(({ clients, ...imported }) =>
      (callers === 'mtls' ? clients : [undefined]).map((client) => JSON.stringify([imported, client])),
    );
  return {
    name,
    key: JSON.stringify(authenticationOf(peer)),
    has: new Set([...roots.map(String), ...grants, ...mine]),
  };
}
