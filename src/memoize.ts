// Memoization of pure functions of objects: what a large resource costs for each grant, import or peer is paid again only
// for those that changed. Each function has a map of its own, so that no caller can get the result of another function.

/**
 * Memoizes `compute` by its arguments, all compared by identity (===). For each first argument it keeps the latest result,
 * as long as that argument lives. `compute` must be pure and its result must not be changed. Errors are not kept.
 */
export function memoizeByIdentity<K extends object, A extends readonly unknown[], R>(
  compute: (key: K, ...inputs: A) => R,
): (key: K, ...inputs: A) => R {
  const latest = new WeakMap<K, { readonly inputs: A; readonly result: R }>();
  return (key, ...inputs) => {
    const kept = latest.get(key);
    if (kept !== undefined && areIdentical(kept.inputs, inputs)) return kept.result;
    const result = compute(key, ...inputs);
    latest.set(key, { inputs, result });
    return result;
  };
}

/** Whether both lists hold the same objects, or equal strings and numbers, in the same order. */
export function areIdentical(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a === b || (a.length === b.length && a.every((item, index) => item === b[index]));
}
