// Reads from the metadata of a node which bootstrap its gateway was started with.
// Must not: read all of what a client may put there, nor refuse a stream for it: it is a claim that nothing depends on.

import { Fields } from './proto-reader.ts';

/** As `postern bootstrap` writes it. */
const KEY = Buffer.from('postern.bootstrap');
const DIGEST_BYTES = 16;
const DIGEST = /^[0-9a-f]{16}$/;
/** Far more than a bootstrap has; a map has no order. */
const MAX_ENTRIES = 100;

/** Of a google.protobuf.Struct; undefined when it names none, as those of earlier versions. Errors: XdsError. */
export function bootstrapIn(metadata: Buffer): string | undefined {
  const entries = new Fields(metadata);
  for (let count = 0; count < MAX_ENTRIES && entries.next(); count += 1) {
    if (entries.field !== 1) continue;
    const entry = new Fields(entries.bytes());
    let isOurs = false;
    let value: Buffer | undefined;
    while (entry.next()) {
      if (entry.field === 1) isOurs = entry.length === KEY.length && entry.bytes().equals(KEY);
      else if (entry.field === 2) value = entry.bytes();
    }
    if (isOurs) return value === undefined ? undefined : digestIn(value);
  }
  return undefined;
}

/** Of a google.protobuf.Value. */
function digestIn(value: Buffer): string | undefined {
  const fields = new Fields(value);
  let text = '';
  while (fields.next()) if (fields.field === 3) text = fields.text(DIGEST_BYTES + 1);
  return DIGEST.test(text) ? text : undefined;
}
