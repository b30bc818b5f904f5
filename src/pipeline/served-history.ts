// The history of the served state, kept for this process and recorded for the next one. A record that cannot be written
// stops nothing: peers whose roots it does not hold get a generation that follows from their bundle alone. Then the next
// process gives them another one as soon as a root is removed, at the price that an added root ends connections as well.

import { digestOf } from '../federation/meaning-digest.ts';
import type { Federation } from '../federation/model.ts';
import { afterRestart, type HeldState, type History, START_SETTLE_MS } from '../federation/transition/history.ts';
import { covers, mergeHistories } from '../federation/transition/merge-histories.ts';
import type { ServedRecord } from '../federation/transition/served-record.ts';
import { holdsMore } from '../federation/transition/served-state.ts';
import { advance, type Generations, SETTLE_MS, type Served } from '../federation/transition/transition.ts';

/** Where the record is kept; it reports its own failures. */
export interface RecordStore {
  /** What the last process recorded for this mesh; undefined: no usable record. */
  read(trustDomain: string): ServedRecord | undefined;
  /** Whether the record is not what this process has read or written last: another process wrote it, or it was restored. */
  isChanged(): boolean;
  /** Whether the record is on disk. */
  write(record: ServedRecord): boolean;
}

export interface ServedHistoryOptions {
  /** Without one, nothing is recorded. */
  readonly store?: RecordStore | undefined;
  /** A random value, another one at each call. */
  readonly random: () => string;
  /** A clock in milliseconds that nobody sets; without one, a wall clock that is set forward ends what settles. */
  readonly uptime?: (() => number) | undefined;
}

/** Two clocks that differ by less agree. */
const CLOCK_STEP_MS = 1000;

export class ServedHistory {
  private readonly options: ServedHistoryOptions;
  private history: History | undefined;
  /** What the store holds. */
  private recorded: History = new Map();
  /** What this process has recorded last. */
  private written: History = new Map();
  private last: Served | undefined;
  /** When both clocks were read last. */
  private clocks: { readonly wall: number; readonly uptime: number } | undefined;

  constructor(options: ServedHistoryOptions) {
    this.options = options;
  }

  /** How the next model is served, provided that it can be recorded first. */
  plan(next: Federation, now: number): Served {
    this.followClock(now);
    this.takeIn(next.mesh.trustDomain, now);
    return this.advance(next, now, this.options.store === undefined ? this.unrecorded() : this.recordable());
  }

  /** The same if it cannot. */
  planUnrecorded(next: Federation, now: number): Served {
    return this.advance(next, now, this.unrecorded());
  }

  /** Whether the record holds what the last plan did not take into account. */
  isBehind(): boolean {
    return this.options.store?.isChanged() ?? false;
  }

  /** Call it before anything of `served` is published. False: publish `planUnrecorded` instead. */
  record(served: Served): boolean {
    const { store } = this.options;
    const { history, federation } = served;
    if (store === undefined || (isSame(history, this.written) && covers(this.recorded, history))) return true;
    if (!store.write({ trustDomain: federation.mesh.trustDomain, history })) return false;
    this.recorded = history;
    this.written = history;
    return true;
  }

  commit(served: Served): void {
    this.history = served.history;
    this.last = served;
  }

  private advance(next: Federation, now: number, generations: Generations): Served {
    const settleMs = this.last === undefined ? START_SETTLE_MS : SETTLE_MS;
    return advance({ history: this.history ?? new Map(), next, now, settleMs, generations, previous: this.last });
  }

  /** At first the record of the last process, later what another one has recorded since, or what was restored from a backup. */
  private takeIn(trustDomain: string, now: number): void {
    const { store } = this.options;
    if (this.history !== undefined && !this.isBehind()) return;
    this.recorded = store?.read(trustDomain)?.history ?? new Map();
    this.history =
      this.history === undefined ? afterRestart(this.recorded, now) : mergeHistories(this.history, this.recorded, now);
  }

  /** When the wall clock was set forward, what gateways may hold ends as much later. (Set back: transition.ts.) */
  private followClock(wall: number): void {
    const uptime = this.options.uptime?.();
    if (uptime === undefined) return;
    const step = this.clocks === undefined ? 0 : wall - this.clocks.wall - (uptime - this.clocks.uptime);
    this.clocks = { wall, uptime };
    if (step > CLOCK_STEP_MS && this.history !== undefined) this.history = postponed(this.history, Math.round(step));
  }

  /** No id ever comes a second time, in whichever process: a connection of an earlier generation never belongs to this one. */
  private recordable(): Generations {
    return {
      begin: (label) => digestOf('generation', this.options.random(), label),
      goOn: (_, { id }) => id,
    };
  }

  private unrecorded(): Generations {
    const fromBundle = (label: string, roots: readonly string[]): string => digestOf('unrecorded', label, roots);
    return {
      begin: fromBundle,
      goOn: (label, generation, roots) => {
        const recorded = this.recorded.get(label)?.generation;
        const isRecorded = recorded?.id === generation.id && !holdsMore(generation.roots, recorded.roots);
        return isRecorded ? generation.id : fromBundle(label, roots);
      },
    };
  }
}

/** Entries that did not change are the same objects. */
function isSame(a: History, b: History): boolean {
  return a.size === b.size && [...a].every(([label, entry]) => b.get(label) === entry);
}

function postponed(history: History, ms: number): History {
  const later = (state: HeldState): HeldState =>
    state.until === undefined ? state : { ...state, until: state.until + ms };
  return new Map(
    [...history].map(([label, { ended, ...entry }]) => [
      label,
      {
        ...entry,
        ...(ended && { ended: { ...ended, until: ended.until + ms } }),
        states: entry.states.map(later),
      },
    ]),
  );
}
