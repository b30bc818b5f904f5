// How many cases a random test tries and where they begin: `npm test -- NAME --count N --seed N`, or as usual.
// Must not: change between two runs of the same command.

export interface AskedSize {
  readonly count: number;
  readonly seed: number;
  /** A run that asks for a number of cases also prints what they were. */
  readonly isAsked: boolean;
}

export function askedSize(usual: { readonly count: number; readonly seed: number }): AskedSize {
  const { POSTERN_TEST_COUNT: count, POSTERN_TEST_SEED: seed } = process.env;
  return { count: Number(count ?? usual.count), seed: Number(seed ?? usual.seed), isAsked: count !== undefined };
}
