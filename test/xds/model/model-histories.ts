// Random histories of one stream and its successors, as plain data: the actions of an operator, a client and the clock.
// Must not: know a server or a client.

import fc from 'fast-check';
import { createResource, type Resource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot, type Snapshot } from '../../../src/snapshot/snapshot.ts';
import type { Kind } from '../fixtures.ts';

/** In the order of pushes. */
export const KINDS: readonly Kind[] = ['cluster', 'endpoint', 'secret', 'route', 'listener'];
export const NAMES = ['a', 'b', 'c'];
/** Of every resource there are this many contents; the last is so large that a response of two is split. */
const VALUES = 4;
const LARGE = Buffer.alloc(1_900_000);

/** What an operator wrote: of each kind, names and the number of their content. */
export type Content = Readonly<Record<Kind, ReadonlyMap<string, number>>>;

export const NO_CONTENT: Content = {
  cluster: new Map(),
  endpoint: new Map(),
  secret: new Map(),
  route: new Map(),
  listener: new Map(),
};

interface Edit {
  readonly kind: Kind;
  readonly name: string;
  /** None: it is gone. */
  readonly value: number | undefined;
}

/** A change of what a client is subscribed to. */
export interface Change {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
}

/** What a client says that it has from an earlier stream. */
export type Memory = 'right' | 'outdated' | 'with what never was' | 'nothing';
/** The nonce of a request that is neither ACK nor NACK. */
export type OtherNonce = 'none' | 'stale' | 'unknown';

export type Action =
  | { readonly do: 'update'; readonly edits: readonly Edit[]; readonly anew: boolean }
  | { readonly do: 'answer'; readonly which: number; readonly reject: boolean; readonly change: Change }
  | {
      readonly do: 'ask';
      readonly kind: Kind;
      readonly change: Change;
      readonly nonce: OtherNonce;
      readonly error: boolean;
    }
  | { readonly do: 'ask again'; readonly kind: Kind }
  | { readonly do: 'reconnect'; readonly order: readonly Kind[]; readonly memory: Memory; readonly knowsState: boolean }
  | { readonly do: 'wait'; readonly milliseconds: number | undefined }
  | { readonly do: 'retry' };

export interface History {
  readonly start: readonly Edit[];
  /** Whether the first stream is opened before there is a state. */
  readonly early: boolean;
  readonly actions: readonly Action[];
}

const kind = fc.constantFrom(...KINDS);
const edit: fc.Arbitrary<Edit> = fc.record({
  kind,
  name: fc.constantFrom(...NAMES),
  value: fc.option(fc.nat(VALUES - 1), { nil: undefined, freq: 2 }),
});
const names = (most: number) => fc.uniqueArray(fc.constantFrom(...NAMES, '*', '*'), { maxLength: most });
const change: fc.Arbitrary<Change> = fc.record({ subscribe: names(2), unsubscribe: names(1) });
const noChange: fc.Arbitrary<Change> = fc.constant({ subscribe: [], unsubscribe: [] });
const isOne = (outOf: number) => fc.nat(outOf - 1).map((value) => value === 0);
const reconnect: fc.Arbitrary<Action> = fc.record({
  do: fc.constant('reconnect' as const),
  order: fc.oneof(
    { weight: 2, arbitrary: fc.constant(KINDS) },
    { weight: 1, arbitrary: fc.shuffledSubarray([...KINDS], { minLength: 1 }) },
  ),
  memory: fc.constantFrom<Memory>('right', 'right', 'outdated', 'with what never was', 'nothing'),
  knowsState: isOne(8).map((not) => !not),
});

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('update' as const),
      edits: fc.array(edit, { minLength: 1, maxLength: 4 }),
      anew: isOne(4),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      which: fc.nat(5),
      reject: isOne(5),
      change: fc.oneof({ weight: 5, arbitrary: noChange }, { weight: 1, arbitrary: change }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      kind,
      change,
      nonce: fc.constantFrom<OtherNonce>('none', 'stale', 'unknown'),
      error: isOne(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ask again' as const), kind }) },
  { weight: 1, arbitrary: reconnect },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      milliseconds: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retry' as const) }) },
);

export const history: fc.Arbitrary<History> = fc.record({
  start: fc.array(edit, { minLength: 0, maxLength: 12 }),
  early: isOne(4),
  actions: fc.array(action, { maxLength: 40, size: 'max' }),
});

export function edited(content: Content, edits: readonly Edit[]): Content {
  const next = Object.fromEntries(KINDS.map((each) => [each, new Map(content[each])])) as Record<
    Kind,
    Map<string, number>
  >;
  for (const { kind: of, name, value } of edits) {
    if (value === undefined) next[of].delete(name);
    else next[of].set(name, value);
  }
  return next;
}

/** Each resource refers to one of each kind that it can refer to, as far as there is one; which, its content says. */
export function snapshotOf(content: Content, previous: Snapshot | undefined): Snapshot {
  const resources = KINDS.flatMap((each) =>
    [...content[each]].map(([name, value]) => {
      const made = resourceOf(content, each, name, value);
      const before = previous?.types.get(made.typeUrl)?.resources.get(name);
      return before?.version === made.version ? before : made;
    }),
  );
  return createSnapshot(resources, previous);
}

const REFERS_TO: Partial<Record<Kind, readonly Kind[]>> = {
  cluster: ['endpoint', 'secret'],
  route: ['cluster'],
  listener: ['cluster', 'secret', 'route'],
};

const made = new Map<string, Resource>();

function resourceOf(content: Content, of: Kind, name: string, value: number): Resource {
  const references = (REFERS_TO[of] ?? []).flatMap((to) => {
    const there = [...content[to].keys()].sort();
    const target = there[(NAMES.indexOf(name) + value) % Math.max(there.length, 1)];
    // What a source is named by changes with the content, now and then, and the target with it or not.
    const source = value === 1 ? 'other' : 'ads';
    return target === undefined ? [] : [{ typeUrl: TYPE[to], name: target, source }];
  });
  const body = JSON.stringify([of, name, value, references]);
  const known = made.get(body);
  if (known !== undefined) return known;
  const small = createResource(TYPE[of], name, Buffer.from(body), references);
  // Only the length of `any` counts for a split: what is large costs no hash.
  const resource = value === VALUES - 1 ? { ...small, any: LARGE } : small;
  made.set(body, resource);
  return resource;
}
