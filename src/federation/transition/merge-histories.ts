// The histories of two processes that share a record (a rolling update): gateways move from one to the other, and may hold
// what either has served.
// Must not: forget what one of the two knows, or begin what keeps two processes with equal configurations writing forever.

import { share } from '../structural-sharing.ts';
import { type HeldState, type History, type ServedPeer, START_SETTLE_MS } from './history.ts';
import { RETIRED_MS } from './retired-names.ts';
import { isSameState } from './served-state.ts';

/** Our history, and what another process has recorded. Entries to which it adds nothing stay the same objects. */
export function mergeHistories(ours: History, theirs: History, now: number): History {
  const merged = new Map(ours);
  for (const [label, other] of theirs) {
    const own = ours.get(label);
    if (own !== undefined) merged.set(label, mergeEntries(own, other, now));
    else if (other.ended === undefined || now < other.ended.until)
      merged.set(label, { ...other, states: heldStates(other, now) });
  }
  return merged;
}

/** Whether a process that knows only `recorded` knows all that `history` says that gateways may hold. */
export function covers(recorded: History, history: History): boolean {
  return [...history].every(([label, own]) => {
    const other = recorded.get(label);
    if (other === undefined) return false;
    if (own === other) return true;
    const isEndKnown = own.ended === undefined || endOf(other.ended) >= own.ended.until;
    const areRootsKnown =
      own.generation.id !== other.generation.id ||
      own.generation.roots.every((root) => other.generation.roots.includes(root));
    return (
      isEndKnown &&
      areRootsKnown &&
      own.states.every((state) => other.states.some((one) => isSameState(one, state) && endOf(one) >= endOf(state)))
    );
  });
}

function mergeEntries(own: ServedPeer, other: ServedPeer, now: number): ServedPeer {
  const theirs = heldStates(other, now);
  const known = own.states.map((state): HeldState => {
    const same = theirs.find((one) => isSameState(one, state));
    if (state.until === undefined || same?.until === undefined) return state;
    return { ...state, until: Math.max(state.until, same.until) };
  });
  const isForeign = (state: HeldState): boolean => !own.states.some((one) => isSameState(one, state));
  const ended = own.ended && {
    ...own.ended,
    until: Math.max(own.ended.until, Math.min(endOf(other.ended), now + RETIRED_MS)),
  };
  const { id, roots } = own.generation;
  // Connections of a generation that we do not serve end in any case. But before the other process began its own, it may have
  // continued ours with roots that we never saw; the states that it superseded tell them.
  const further =
    id === other.generation.id
      ? other.generation.roots
      : other.states
          .filter(({ until }) => until !== undefined && now < until)
          .filter(isForeign)
          .flatMap((one) => one.roots);
  return share(own, {
    ...own,
    ...(ended && { ended }),
    generation: { id, roots: [...new Set([...roots, ...further])].sort() },
    states: inOrder([...theirs.filter(isForeign), ...known]),
  });
}

/** What the other process serves now may be held for as long as it is there, and writes. */
function heldStates({ states }: ServedPeer, now: number): readonly HeldState[] {
  const held = states.map((state): HeldState => ({ ...state, until: state.until ?? now + START_SETTLE_MS }));
  return inOrder(held.filter((state) => now < endOf(state)));
}

/** What is held for longer counts as newer. So no state outlasts those after it, and none is held longer than it was said. */
function inOrder(states: readonly HeldState[]): readonly HeldState[] {
  // By comparison: two that have no end differ by NaN.
  return states.toSorted((a, b) => (endOf(a) < endOf(b) ? -1 : Number(endOf(a) > endOf(b))));
}

function endOf(held: { readonly until?: number } | undefined): number {
  return held?.until ?? Number.POSITIVE_INFINITY;
}
