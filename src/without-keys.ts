// Takes what may be a private key out of a text that people will see: one may have been pasted where a name belongs.
// Must not: need to know where the text comes from; it is applied to all of them.

/** A part of base64, and what may be between two of them: white space, also as JSON and URLs write it. */
const CHUNK = String.raw`[\w+/=-]`;
const GAP = String.raw`(?:\s|\\{1,4}[nrt]|%0[aAdD])+`;
/** Pairs of hex with marks, as `openssl -text` prints a key; dumps, arrays of a program, escapes; decimal bytes. */
const BYTES = [
  String.raw`(?:[0-9a-f]{2}[:.-]\s*){11,}[0-9a-f]{0,2}`,
  String.raw`(?:(?:0x|\\{1,4}x)?[0-9a-f]{2}[\s,]*){12,}`,
  String.raw`(?:\d{1,3},\s*){15,}\d{1,3}`,
].join('|');
/** One run of base64 or hex, with what follows it on further lines. */
const LONG = `${CHUNK}{24,}(?:${GAP}${CHUNK}+)*`;
/** Short lines, or groups of one length. */
const GROUPS = [
  `${CHUNK}{12,23}(?:(?:[,.;]|${GAP})${CHUNK}{12,23})+(?:(?:[,.;]|${GAP})${CHUNK}+)?`,
  ...[4, 5, 6, 8, 10].map((size) => `\\b${CHUNK}{${size}}(?:${GAP}${CHUNK}{${size}}(?!\\w)){4,}(?:${GAP}${CHUNK}+)?`),
].join('|');

/**
 * A text without possible key material: a key may have been pasted where a name or a path belongs. A run without `-`, `_`
 * and `/` is taken for a key whatever its letters are; with them, it is a path or a name unless it mixes cases.
 */
export function withoutKeys(text: string): string {
  return text
    .replaceAll(new RegExp(BYTES, 'gi'), '…')
    .replaceAll(new RegExp(LONG, 'g'), (run) => (partsOf(run).some(isLongKey) ? '…' : run))
    .replaceAll(new RegExp(GROUPS, 'g'), (run) => (isGrouped(partsOf(run)) ? '…' : run));
}

function partsOf(run: string): readonly string[] {
  return run.split(/[^\w+/=%-]+n?|%0[ad]/i);
}

function isLongKey(part: string): boolean {
  return part.length >= 24 && (/[\da-z+=]{24,}/i.test(part) || isMixed(part));
}

function isMixed(part: string): boolean {
  return /[a-z]/.test(part) && /[A-Z]/.test(part);
}

/** Words have capitals at their begin at most, and digits at their end; of random groups, most are otherwise. */
function isGrouped([first = '', ...more]: readonly string[]): boolean {
  const groups = [first, ...more.slice(0, -1)];
  if (first.length >= 12) return groups.every(isMixed);
  const odd = groups.filter((group) => /[a-z][A-Z]|\d[a-z]|[A-Z]{2}[a-z]|[A-Z]\d|[a-z]\d+[A-Z]/.test(group));
  return odd.length * 2 > groups.length;
}
