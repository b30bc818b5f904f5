// Whether a request had to be served: an oracle of what an update may keep back, from the configurations and their times.
// Must not: share code with src/.

import { type Asked, type AskedLocally, allowed, type Choice, isServed, peerAt } from './flip-configs.ts';

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
  readonly what: Asked | AskedLocally;
  readonly status: number;
  /** The configuration that was written last when its connection was opened, when it was asked and when it was answered. */
  readonly opened: number;
  readonly from: number;
  readonly to: number;
  /** When it was asked and when it was answered. */
  readonly at: number;
  readonly until: number;
}

export function serves(choice: Choice, what: Asked | AskedLocally): boolean {
  return 'who' in what ? allowed(choice, what).length > 0 : isServed(choice, what);
}

/** Whether one of the configurations that may have been served then, with what came before it, lets a gateway refuse. */
export function mayBeKeptBack(missed: Missed, flips: Flips): boolean {
  for (let index = Math.max(missed.from - 1, 0); index <= missed.to; index++)
    if (isKeptBack(missed, index, flips) || isOnOldName(missed, index, flips)) return true;
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
  if (!('who' in what)) return false;
  const since = choices.slice(Math.max(opened - 1, 0), index);
  const key = partOf(choices[index], what)?.key;
  return since.some((choice) => partOf(choice, what)?.key !== key) && since.some((choice) => !serves(choice, what));
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
  what: Asked | AskedLocally,
  named?: string,
): { readonly name: string; readonly key: string; readonly has: ReadonlySet<string> } | undefined {
  if (choice === undefined) return undefined;
  const { peers, exports, imports } = choice;
  const imported = 'who' in what ? undefined : imports.find(({ port, as }) => port === what.port && as === what.name);
  const asked = 'who' in what ? peerAt(choice, what.who, what.sni)?.name : imported?.peer;
  const peer = peers.find(({ name }) => name === (named ?? asked));
  if (peer === undefined) return undefined;
  const { name, domain, roots, identities, sni } = peer;
  const grants = exports.flatMap(({ rules, ...target }) =>
    rules.filter((rule) => rule.peer === name).map((rule) => JSON.stringify([target, rule])),
  );
  const mine = imports.filter((one) => one.peer === name).map((one) => JSON.stringify(one));
  return {
    name,
    key: JSON.stringify([name, domain, Math.min(...roots), identities, sni]),
    has: new Set([...roots.map(String), ...grants, ...mine]),
  };
}
