// All resources of one type, by name and in the order of their names; a set shares unchanged parts with the one before it.
// Must not: copy ten thousand entries because one of them changed.

import type { Resource } from './resource.ts';

/** With more replacements than these, or with other names, the entries are rebuilt, and nothing is shared with the set before. */
export const MAX_REPLACED = 64;

export class ResourceSet {
  static readonly empty = new ResourceSet(new Map(), new Map());
  /** In the order of the names. */
  private readonly entries: ReadonlyMap<string, Resource>;
  /** Newer resources of names in `entries`. */
  private readonly replaced: ReadonlyMap<string, Resource>;

  private constructor(entries: ReadonlyMap<string, Resource>, replaced: ReadonlyMap<string, Resource>) {
    this.entries = entries;
    this.replaced = replaced;
  }

  get size(): number {
    return this.entries.size;
  }

  get(name: string): Resource | undefined {
    return (this.replaced.size > 0 ? this.replaced.get(name) : undefined) ?? this.entries.get(name);
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  keys(): Iterable<string> {
    return this.entries.keys();
  }

  *values(): Iterable<Resource> {
    if (this.replaced.size === 0) yield* this.entries.values();
    else for (const [name, resource] of this.entries) yield this.replaced.get(name) ?? resource;
  }

  /** With `changed`, each in place of the resource of its name, and without the names in `removed`. */
  with(changed: readonly Resource[], removed: readonly string[]): ResourceSet {
    const isReplacement = removed.length === 0 && changed.every(({ name }) => this.entries.has(name));
    if (isReplacement && changed.length + this.replaced.size <= MAX_REPLACED) {
      return new ResourceSet(this.entries, new Map([...this.replaced, ...changed.map(named)]));
    }
    const entries = new Map([...this.values()].map(named));
    for (const name of removed) entries.delete(name);
    for (const resource of changed) entries.set(resource.name, resource);
    return new ResourceSet(isReplacement ? entries : sorted(entries), new Map());
  }
}

function named(resource: Resource): [string, Resource] {
  return [resource.name, resource];
}

function sorted(entries: ReadonlyMap<string, Resource>): ReadonlyMap<string, Resource> {
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
