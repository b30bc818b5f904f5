// From YAML text to a Config, or to everything that is wrong with it.
// Must not: touch files or the clock, or return anything but plain data: it may come from a worker.

import { errorAt, type Finding, hasErrors, type Path } from '../errors.ts';
import { withoutConsequences } from './checks/consequences.ts';
import { keyCombinations } from './checks/key-combinations.ts';
import { peerNames, withIdentityHint } from './checks/names.ts';
import { toFindings, withSpellingHints } from './checks/zod-findings.ts';
import { normalize } from './normalize.ts';
import { openEgress } from './open-egress.ts';
import { type ConfigOutline, outlineOf } from './outline.ts';
import { type PlacedFindings, placed } from './placement.ts';
import type { Config } from './schema/config.ts';
import { configSchema } from './schema/config-schema.ts';
import type { ReadItems } from './yaml/incremental.ts';
import { NO_POSITIONS, type Place, type PositionIndex, Positions } from './yaml/positions.ts';
import { parseItems, parseYaml } from './yaml/read-yaml.ts';

export interface ParsedConfig extends PlacedFindings {
  /** Absent when there is an error among the findings. */
  readonly config?: Config;
  /** In the place of `config`, for rules across objects; absent when the text is too broken to check them. */
  readonly outline?: ConfigOutline;
  /** The places of all values, for later findings; empty without `config` and `outline`. */
  readonly positions: PositionIndex;
}

/** The largest file that is read, in bytes: ten thousand exports need about 2 MiB. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** What is remembered between the texts of one reader: the items of the last configuration, which is most of the next. */
export interface Memory {
  items: ReadItems;
}

/** With a memory the outcome is the same, sooner. */
export function parseConfig(text: string, memory?: Memory): ParsedConfig {
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) return tooLarge();
  const byItems = memory && parseItems(text, memory.items);
  const yaml = byItems ?? parseYaml(text);
  const positions = new Positions(yaml.positions, text);
  if (yaml.value === undefined) {
    const findings = yaml.findings.map(({ finding }) => finding);
    return { ...placed(findings, yaml.findings, positions), positions: NO_POSITIONS };
  }
  const root = yaml.value;
  const shape = configSchema.safeParse(root);
  const written = { root, sourceOf: (path: Path) => positions.sourceOf(path) };
  const ofShape = [...toFindings(shape.error?.issues ?? [], written), ...keyCombinations(root), ...peerNames(root)].map(
    (finding) => withIdentityHint(finding, root),
  );
  const findings = withoutConsequences(yaml, withSpellingHints(ofShape, configSchema));
  if (yaml.broken) return { ...placed(findings, yaml.findings, positions), positions: NO_POSITIONS };
  const isSound = shape.success && !hasErrors(findings);
  const normal = isSound ? normalize(shape.data) : undefined;
  const outline = normal ?? outlineOf(root, [...yaml.findings.map(({ finding }) => finding), ...ofShape]);
  // A rejected text is forgotten: it may be anything, and the next one is most likely the last good one, corrected.
  if (memory && isSound) memory.items = byItems?.items ?? new Map();
  const all = [...findings, ...openEgress(outline)];
  const config = hasErrors(all) ? undefined : normal;
  return {
    ...placed(all, yaml.findings, positions),
    ...(config === undefined ? { outline } : { config }),
    positions: yaml.positions,
  };
}

/**
 * What was parsed, with an error when the last line of the text is not YAML's mark of a document's end. A text of which any
 * part of the end is missing can be valid YAML, and the mark is the last that is lost.
 */
export function withRequiredEnd(parsed: ParsedConfig, text: string): ParsedConfig {
  if (/(?:^|\n)\.\.\.(?:\r?\n)?$/.test(text)) return parsed;
  const lines = text.split('\n');
  const message = 'the last line of the file is not "...": the file may have been cut';
  const finding = errorAt('END_MISSING', [], message, 'write the whole file again, with a last line of three dots');
  const { config, outline = config, ...rest } = parsed;
  return {
    ...rest,
    ...(outline && { outline }),
    findings: [...parsed.findings, finding],
    places: [...parsed.places, { line: lines.length, column: (lines.at(-1) ?? '').length + 1 }],
  };
}

/** A text that was not looked into. */
export function refused(finding: Finding, place: Place = { line: 1, column: 1 }): ParsedConfig {
  return { findings: [finding], places: [place], positions: NO_POSITIONS };
}

export function tooLarge(): ParsedConfig {
  const hint = 'split the mesh, or remove what is not needed';
  return refused(errorAt('YAML_TOO_LARGE', [], 'the file is larger than 8 MiB', hint));
}
