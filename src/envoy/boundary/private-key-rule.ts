// Boundary rule for private keys: whether a resource holds one, in any field.
// Must not: skip a field because of its name; `private_key` is the only field that is meant for a key.

import { memoizeByIdentity } from '../../memoize.ts';

/** Whether any text of the resource is a private key, or a field that is meant for one is set. */
export function holdsKey(resource: object): boolean {
  return Object.entries(resource).some(([field, value]) =>
    Array.isArray(value) && field !== KEY_FIELD ? value.some(itemHoldsKey) : fieldHoldsKey(field, value),
  );
}

const KEY_FIELD = 'private_key';

function itemHoldsKey(item: unknown): boolean {
  return typeof item === 'object' && item !== null ? objectHoldsKey(item) : within(item);
}

const objectHoldsKey = memoizeByIdentity((item: object) => within(item));

function fieldHoldsKey(field: string, value: unknown): boolean {
  return field === KEY_FIELD || within(value);
}

function within(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('PRIVATE KEY-----');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([field, item]) => fieldHoldsKey(field, item));
}
