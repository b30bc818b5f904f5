// Findings with their lines and columns, in the order of the text.
// Must not: drop an error without saying how many were dropped.

import { type Diagnostic, errorAt, type Finding } from '../errors.ts';
import { withoutKeys } from '../without-keys.ts';
import { type Place, type PositionIndex, Positions } from './yaml/positions.ts';
import type { OffsetFinding } from './yaml/syntax-findings.ts';

export interface PlacedFindings {
  /** In the order of the text. */
  readonly findings: readonly Finding[];
  /** The place of each of `findings`, by its index. */
  readonly places: readonly Place[];
}

/** More than a person reads, and few enough to be logged. */
const MAX_FINDINGS = 1000;

/** Each of `findings` at its own offset, if it is among `atOffsets`, and else at its path. */
export function placed(
  findings: readonly Finding[],
  atOffsets: readonly OffsetFinding[],
  positions: Positions,
): PlacedFindings {
  const offsets = new Map(atOffsets.map(({ finding, offset }) => [finding, offset]));
  const all = findings
    .map((finding) => {
      const offset = offsets.get(finding);
      const place =
        offset === undefined ? positions.placeOfPath(finding.path, finding.atKey) : positions.placeOf(offset);
      return { finding, place };
    })
    .sort((a, b) => byPlace(a.place, b.place));
  const more = all[MAX_FINDINGS];
  if (more !== undefined) {
    const message = `${all.length - MAX_FINDINGS} more findings from here on`;
    const finding = errorAt('MORE_FINDINGS', more.finding.path, message, 'correct those above first');
    all.splice(MAX_FINDINGS, all.length, { finding, place: more.place });
  }
  return { findings: all.map(({ finding }) => finding), places: all.map(({ place }) => place) };
}

/** Adds file, line and column to findings, those of parsing and later ones, and sorts them by place, each once. */
export function toDiagnostics(
  findings: readonly Finding[],
  parsed: PlacedFindings & { readonly positions: PositionIndex },
  text: string,
  file: string,
): readonly Diagnostic[] {
  const places = new Map(parsed.findings.map((finding, index) => [finding, parsed.places[index]]));
  const positions = new Positions(parsed.positions, text);
  const diagnostics = findings
    .map((finding) => ({
      ...finding,
      // A key of a map may be a pasted key as well.
      path: finding.path.map((step) => (typeof step === 'string' ? withoutKeys(step) : step)),
      file,
      ...(places.get(finding) ?? positions.placeOfPath(finding.path, finding.atKey)),
    }))
    .sort((a, b) => byPlace(a, b) || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0));
  // Two certificates of one bundle may have the same thing said of them.
  const seen = new Set<string>();
  return diagnostics.filter(({ line, column, code, message }) => {
    const same = `${line}:${column} ${code} ${message}`;
    return !seen.has(same) && seen.add(same);
  });
}

function byPlace(a: Place, b: Place): number {
  return a.line - b.line || a.column - b.column;
}
