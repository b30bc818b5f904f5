// Private keys, wherever a resource could hold one. In: a resource. Out: whether it does. Must not: look at one field less
// because of what the field is called, except that no field is meant for a key but `private_key`.

import { memoizeByIdentity } from '../../memoize.ts';

/** No text of a resource is a private key, and no field is meant for one, outside `cert/…`. */
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
