// Numbers that a seed determines, for tests that try what nobody thought of and have to be repeatable.
// Must not: be used for keys.

export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 0 ≤ x < 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(of: number): boolean {
    return this.next() < of;
  }

  one<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined) throw new Error('nothing to choose from');
    return item;
  }

  /** At least one of them, in their order. */
  some<T>(items: readonly T[], each = 0.5): readonly T[] {
    const chosen = items.filter(() => this.chance(each));
    return chosen.length === 0 ? [this.one(items)] : chosen;
  }
}
