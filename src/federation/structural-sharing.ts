// Structural sharing between two versions of the model: unchanged parts stay the same objects.
// Must not: know what the values mean. It walks plain readonly data and compares everything else by identity.

/** A value equal to `next` that reuses every part of `previous` that is deeply equal. */
export function share<T>(previous: T | undefined, next: T): T {
  if (previous === undefined || Object.is(previous, next)) return next;
  if (Array.isArray(previous) && Array.isArray(next)) {
    const items = next.map((item, index) => share<unknown>(previous[index], item));
    const same = items.length === previous.length && items.every((item, index) => item === previous[index]);
    return (same ? previous : items) as T;
  }
  if (isPlain(previous) && isPlain(next)) {
    const entries = Object.entries(next).map(([key, value]) => [key, share<unknown>(previous[key], value)] as const);
    const same =
      entries.length === Object.keys(previous).length &&
      entries.every(([key, value]) => Object.hasOwn(previous, key) && value === previous[key]);
    return (same ? previous : Object.fromEntries(entries)) as T;
  }
  return next;
}

/** Shares a list whose items are matched by a key, so that an insertion does not shift all items behind it. */
export function shareByKey<T>(
  previous: readonly T[] | undefined,
  next: readonly T[],
  keyOf: (item: T) => string,
): readonly T[] {
  if (previous === undefined) return next;
  const byKey = new Map(previous.map((item) => [keyOf(item), item]));
  const items = next.map((item) => share(byKey.get(keyOf(item)), item));
  const same = items.length === previous.length && items.every((item, index) => item === previous[index]);
  return same ? previous : items;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
