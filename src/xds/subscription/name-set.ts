// The names of a subscription: an immutable set; the cost of a change grows only with the change. Streams that subscribe to the same
// names share one set. Must not: collect changes without compacting them.

/** With more changes than these, and one more for this many names, a set is rebuilt. */
const MIN_CHANGES = 16;
const NAMES_PER_CHANGE = 256;
/** Sets that streams subscribed to lately. */
const MAX_RECENT = 64;
const MAX_KEY_CHARACTERS = 256 * 1024;
/** Up to this many names, looking for a shared set costs more than it saves. */
const FEW = 4;
/** What a name costs beside its characters. */
const NAME_OVERHEAD = 64;

interface Base {
  readonly names: ReadonlySet<string>;
  readonly bytes: number;
}
const recentSets = new Map<string, Base>();

export class NameSet {
  static readonly empty = new NameSet({ names: new Set(), bytes: 0 }, [], []);
  readonly size: number;
  /** About how many bytes the names take; shared names count for each stream. */
  readonly bytes: number;
  private readonly own: Base;
  private readonly base: ReadonlySet<string>;
  /** In this set and not in `base`; and the reverse. */
  private readonly added: readonly string[];
  private readonly dropped: readonly string[];

  private constructor(base: Base, added: readonly string[], dropped: readonly string[]) {
    this.own = base;
    this.base = base.names;
    this.added = added;
    this.dropped = dropped;
    this.size = base.names.size + added.length - dropped.length;
    this.bytes = base.bytes + bytesOfNames(added) - bytesOfNames(dropped);
  }

  static of(names: readonly string[]): NameSet {
    return names.length <= FEW ? NameSet.empty.change(names, []) : new NameSet(shared(names), [], []);
  }

  /** Whether this set is `other` with a few changes; if not, it was rebuilt or is another set. */
  isOf(other: NameSet): boolean {
    return this.own === other.own;
  }

  has(name: string): boolean {
    return this.base.has(name) ? !this.dropped.includes(name) : this.added.includes(name);
  }

  /** With `add`, then without `drop`. */
  change(add: readonly string[], drop: readonly string[]): NameSet {
    const most = MIN_CHANGES + this.base.size / NAMES_PER_CHANGE;
    if (add.length + drop.length + this.added.length + this.dropped.length > most) {
      if (this.size === 0 && drop.length === 0) return NameSet.of(add);
      const names = new Set(this);
      for (const name of add) names.add(name);
      for (const name of drop) names.delete(name);
      return NameSet.of([...names]);
    }
    let { added, dropped } = this;
    for (const name of add) {
      if (this.base.has(name)) dropped = without(dropped, name);
      else added = including(added, name);
    }
    for (const name of drop) {
      if (this.base.has(name)) dropped = including(dropped, name);
      else added = without(added, name);
    }
    return added === this.added && dropped === this.dropped ? this : new NameSet(this.own, added, dropped);
  }

  /** In no order; cheaper than to iterate, for the small sets that most requests make. */
  list(): readonly string[] {
    return this.base.size === 0 ? this.added : [...this];
  }

  *[Symbol.iterator](): Iterator<string> {
    for (const name of this.base) if (this.dropped.length === 0 || !this.dropped.includes(name)) yield name;
    yield* this.added;
  }
}

/** A text that is unique for a list of names, which come from the wire and may hold any character. */
export function nameKey(names: readonly string[]): string {
  return JSON.stringify(names);
}

function including(names: readonly string[], name: string): readonly string[] {
  return names.includes(name) ? names : [...names, name];
}

function without(names: readonly string[], name: string): readonly string[] {
  return names.includes(name) ? names.filter((other) => other !== name) : names;
}

/** How many bytes names take at most: two for each character. */
export function bytesOfNames(names: Iterable<string>): number {
  let bytes = 0;
  for (const name of names) bytes += 2 * name.length + NAME_OVERHEAD;
  return bytes;
}

function shared(names: readonly string[]): Base {
  const key = nameKey(names);
  const earlier = recentSets.get(key);
  if (earlier !== undefined) return earlier;
  const set = new Set(names);
  const base = { names: set, bytes: bytesOfNames(set) };
  if (key.length > MAX_KEY_CHARACTERS) return base;
  if (recentSets.size >= MAX_RECENT) recentSets.delete(recentSets.keys().next().value ?? '');
  recentSets.set(key, base);
  return base;
}
