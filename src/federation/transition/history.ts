// What gateways may hold of each peer, as a value: it survives the process (served-record.ts).
// Must not: decide what is served.

import type { Peer } from '../model.ts';
import type { ServedState } from './served-state.ts';

/** How long the meet is served at the start of a process, whose gateways have yet to come back. */
export const START_SETTLE_MS = 15_000;

/** What gateways may hold of one peer under one key. */
export interface ServedPeer {
  readonly name: string;
  readonly key: string;
  readonly domainKey: string;
  readonly gatewayIdentities: Peer['gatewayIdentities'];
  /** Present: the name has ended. What was served last bounds what is served of it, until then (milliseconds since the epoch). */
  readonly ended?: { readonly until: number; readonly last: ServedState };
  /** Connections of one generation end when the next begins, which is when one of the roots that they may rest on goes. */
  readonly generation: Generation;
  /** The newest last. It alone has no end, unless the name has ended; then none is left after a while. */
  readonly states: readonly HeldState[];
}

export interface Generation {
  readonly id: string;
  /** Every root that a connection of this generation may rest on. */
  readonly roots: readonly string[];
}

export interface HeldState extends ServedState {
  /** A gateway may hold it until then (milliseconds since the epoch). */
  readonly until?: number;
}

/** By name and key. */
export type History = ReadonlyMap<string, ServedPeer>;

/** The history as a new process finds it: a gateway may hold anything of it until it has come back. */
export function afterRestart(history: History, now: number): History {
  const until = now + START_SETTLE_MS;
  return new Map(
    [...history].map(([label, entry]) => [
      label,
      { ...entry, states: entry.states.map((state) => ({ ...state, until })) },
    ]),
  );
}

export function labelOf({ name, key }: { readonly name: string; readonly key: string }): string {
  return `${name}@${key}`;
}
