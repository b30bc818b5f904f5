// The history of the served state, kept for this process and recorded for the next one. A record that cannot be written
// stops nothing: peers whose roots it does not hold get a generation that follows from their bundle alone. Then the next
// process gives them another one as soon as a root is removed, at the price that an added root ends connections as well.

import { digestOf } from '../federation/meaning-digest.ts';
import type { Federation } from '../federation/model.ts';
import { mergeHistories, type ServedRecord } from '../federation/served-record.ts';
import { holdsMore } from '../federation/served-state.ts';
import {
  advance,
  afterRestart,
  type Generations,
  type History,
  SETTLE_MS,
  type Served,
  START_SETTLE_MS,
} from '../federation/transition.ts';

/** Where the record is kept; it reports its own failures. */
export interface RecordStore {
  /** What the last process recorded for this mesh; undefined: no usable record. */
  read(trustDomain: string): ServedRecord | undefined;
  /** What another process has recorded since the last read or write of this one. */
  readForeign(trustDomain: string): ServedRecord | undefined;
  /** Whether the record is on disk. */
  write(record: ServedRecord): boolean;
}

export class ServedHistory {
  private readonly store: RecordStore | undefined;
  private lineage: string;
  private history: History | undefined;
  /** What the store holds. */
  private recorded: History = new Map();
  private last: Served | undefined;

  /** `lineage`: random; without a store, nothing is recorded. */
  constructor(store: RecordStore | undefined, lineage: string) {
    this.store = store;
    this.lineage = lineage;
  }

  /** How the next model is served, provided that it can be recorded first. */
  plan(next: Federation, now: number): Served {
    return this.advance(next, now, this.store === undefined ? this.unrecorded() : this.recordable());
  }

  /** The same if it cannot. */
  planUnrecorded(next: Federation, now: number): Served {
    return this.advance(next, now, this.unrecorded());
  }

  /** Call it before anything of `served` is published. False: publish `planUnrecorded` instead. */
  record(served: Served, now: number): boolean {
    if (this.store === undefined || isSame(served.history, this.recorded)) return true;
    const { trustDomain } = served.federation.mesh;
    const foreign = this.store.readForeign(trustDomain);
    const history = foreign === undefined ? served.history : mergeHistories(served.history, foreign.history, now);
    if (!this.store.write({ trustDomain, lineage: this.lineage, history })) return false;
    this.recorded = history;
    return true;
  }

  commit(served: Served): void {
    this.history = served.history;
    this.last = served;
  }

  private advance(next: Federation, now: number, generations: Generations): Served {
    const isStarting = this.last === undefined;
    this.history ??= this.restored(next.mesh.trustDomain, now);
    const settleMs = isStarting ? START_SETTLE_MS : SETTLE_MS;
    return advance({ history: this.history, next, now, settleMs, generations, previous: this.last });
  }

  private restored(trustDomain: string, now: number): History {
    const record = this.store?.read(trustDomain);
    if (record === undefined) return new Map();
    this.lineage = record.lineage;
    this.recorded = record.history;
    return afterRestart(record.history, now);
  }

  private recordable(): Generations {
    return {
      begin: (label, roots, previous) => digestOf('generation', this.lineage, label, roots, previous),
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
