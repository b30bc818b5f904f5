// Tags, and what the bytes of each universal type may be in DER: numbers, identifiers, times, text.
// As strict as Envoy's TLS library, which reads a value of a type that it does not expect by its tag as well.
// Must not: know where in a certificate a value is.

import { isUtf8 } from 'node:buffer';

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag `[number]`, whose meaning its context decides; a constructed value holds other values. */
export function contextTag(number: number, form: 'primitive' | 'constructed'): number {
  return (form === 'constructed' ? 0xa0 : 0x80) | number;
}

export function isMinimalInteger(content: Buffer): boolean {
  const [one, two = 0] = content;
  if (one === undefined) return false;
  return content.length === 1 || !((one === 0 && two < 0x80) || (one === 0xff && two >= 0x80));
}

/** The content of a BIT STRING: a count of unused bits, which are zero. */
export function isBitString(content: Buffer): boolean {
  const unused = content[0] ?? 8;
  const last = content.length === 1 ? 0xff : (content.at(-1) ?? 0);
  return unused < 8 && (last & ((1 << unused) - 1)) === 0;
}

/** The content of an OBJECT IDENTIFIER: numbers in groups of seven bits, none of which begins with an empty group. */
export function isOid(content: Buffer): boolean {
  let isFirst = true;
  for (const byte of content) {
    if (isFirst && byte === 0x80) return false;
    isFirst = byte < 0x80;
  }
  return content.length > 0 && isFirst;
}

/**
 * RFC 5280, 4.1.2.5: seconds, Z, no fraction; a moment that the calendar has. In milliseconds since the epoch; undefined for
 * anything else.
 */
export function timeOf(tag: number, content: Buffer): number | undefined {
  const form = tag === TAG.utcTime ? UTC_TIME : tag === TAG.generalizedTime ? GENERALIZED_TIME : undefined;
  const match = form?.exec(content.toString('latin1'));
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(tag === TAG.utcTime ? year + (year < 50 ? 2000 : 1900) : year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const parts = [date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes()];
  const isReal = parts.every((part, index) => part === [month, day, hour, minute][index]);
  return isReal && date.getUTCSeconds() === second ? date.getTime() : undefined;
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** Whether a string's bytes are text of its type; false for types that are no string. */
export function isText(tag: number, content: Buffer): boolean {
  switch (tag) {
    case TAG.utf8String:
      return isUtf8(content) && pointsOf(content).every(isCharacter);
    case TAG.numericString:
    case TAG.printableString:
    case TAG.ia5String:
    case TAG.visibleString:
      return content.every((byte) => byte < 0x80);
    case TAG.t61String:
      return true;
    case TAG.bmpString:
      return content.length % 2 === 0 && unitsOf(content, 2).every(isCharacter);
    case TAG.universalString:
      return content.length % 4 === 0 && unitsOf(content, 4).every(isCharacter);
    default:
      return false;
  }
}

function pointsOf(content: Buffer): readonly number[] {
  return Array.from(content.toString('utf8'), (character) => character.codePointAt(0) ?? 0);
}

function unitsOf(content: Buffer, size: 2 | 4): readonly number[] {
  return Array.from({ length: content.length / size }, (_, index) => content.readUIntBE(index * size, size));
}

/** A code point that Unicode gives to characters: no half of a pair, none of those that it reserves for ever (3.4, D14). */
function isCharacter(point: number): boolean {
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
  return (point & 0xfffe) !== 0xfffe && (point < 0xfdd0 || point > 0xfdef);
}
