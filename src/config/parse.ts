// From YAML text to a Config, or to everything that is wrong with it.
// In: text. Out: plain data only (it may come from a worker): Config, findings, places. Must not: touch files or the clock.

import { type Diagnostic, errorAt, type Finding, hasErrors, type Path, warningAt, withoutKeys } from '../errors.ts';
import { isLabel } from '../host-port.ts';
import { foreignIdentity } from './checks/foreign-identity.ts';
import { togetherRules } from './checks/key-combinations.ts';
import { spelled } from './checks/misspelled-keys.ts';
import { toFindings } from './checks/zod-findings.ts';
import { normalize } from './normalize.ts';
import { type Config, configSchema } from './schema/config-schema.ts';
import { shown } from './schema/string-checks.ts';
import type { ReadItems } from './yaml/incremental.ts';
import { NO_POSITIONS, type Place, type PositionIndex, Positions } from './yaml/positions.ts';
import { type ParsedYaml, parseItems, parseYaml } from './yaml/read-yaml.ts';

export interface ParsedConfig {
  /** Absent when there is an error among the findings. */
  readonly config?: Config;
  /** In the order of the text. */
  readonly findings: readonly Finding[];
  /** Where each of `findings` stands, by its index. */
  readonly places: readonly Place[];
  /** Where everything else stands; empty without `config`, since nothing is found later then. */
  readonly positions: PositionIndex;
}

/** The largest file that is read, in bytes: ten thousand exports need about 2 MiB. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
/** More than a person reads, and few enough to be logged. */
const MAX_FINDINGS = 1000;

/** What is remembered between the texts of one reader: the items of the last configuration, which is most of the next. */
export interface Memory {
  items: ReadItems;
}

/** With a memory the outcome is the same, sooner. */
export function parseConfig(text: string, memory?: Memory): ParsedConfig {
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) return tooLarge();
  const inItems = memory && parseItems(text, memory.items);
  const yaml = inItems ?? parseYaml(text);
  const positions = new Positions(yaml.positions, text);
  const offsets = new Map<Finding, number>(yaml.found.map(({ finding, offset }) => [finding, offset]));
  if (yaml.value === undefined) return listed([...offsets.keys()], offsets, positions);
  const shape = configSchema.safeParse(yaml.value);
  const judged = [
    ...(shape.success ? [] : toFindings(shape.error.issues, written(yaml.value, positions))),
    ...togetherRules(yaml.value),
    ...peerNames(yaml.value),
  ].map((finding) => foreignIdentity(finding, yaml.value));
  const findings = withoutConsequences(yaml, spelled(judged, configSchema));
  if (!shape.success || hasErrors(findings)) return listed(findings, offsets, positions);
  const config = normalize(shape.data);
  // A rejected text is forgotten: it may be anything, and the next one is most likely the last good one, corrected.
  if (memory) memory.items = inItems?.items ?? new Map();
  return {
    ...listed([...findings, ...openEgress(config)], offsets, positions),
    config,
    positions: yaml.positions,
  };
}

/** What is known without looking into the text. */
export function refused(finding: Finding, place: Place = { line: 1, column: 1 }): ParsedConfig {
  return { findings: [finding], places: [place], positions: NO_POSITIONS };
}

export function tooLarge(): ParsedConfig {
  const hint = 'split the mesh, or remove what is not needed';
  return refused(errorAt('YAML_TOO_LARGE', [], 'the file is larger than 8 MiB', hint));
}

function written(root: unknown, positions: Positions) {
  return { root, sourceOf: (path: Path) => positions.sourceOf(path) };
}

/**
 * All findings, without those that only follow from another: a second one of the same code at the same path, one about a
 * value that was already refused as YAML, and in a broken text what may be missing or misplaced only for that.
 */
function withoutConsequences({ found, broken }: ParsedYaml, judged: readonly Finding[]): readonly Finding[] {
  const pathsJudged = new Set(judged.map(key));
  const ofYaml = found.filter(({ weak, finding }) => {
    return !(weak && pathsJudged.has(key(finding))) && !(broken && STRUCTURE.has(finding.code));
  });
  const pathsRefused = new Set(
    ofYaml.filter(({ finding }) => isAboutValue(finding)).map(({ finding }) => key(finding)),
  );
  const seen = new Set<string>();
  const ofShape = judged.filter((finding) => {
    if (broken && STRUCTURE.has(finding.code)) return false;
    const same = `${finding.code} ${key(finding)}`;
    if (seen.has(same) || pathsRefused.has(key(finding))) return false;
    seen.add(same);
    return true;
  });
  return [...ofYaml.map(({ finding }) => finding), ...ofShape];
}

function isAboutValue({ code, path }: Finding): boolean {
  return path.length > 0 && code !== 'YAML_DUPLICATE_KEY' && code !== 'UNKNOWN_KEY';
}

const STRUCTURE: ReadonlySet<string> = new Set(['MISSING_KEY', 'UNKNOWN_KEY', 'WRONG_TYPE', 'EMPTY']);

function key({ path }: Finding): string {
  return JSON.stringify(path);
}

/** Findings in the order of the text, with their places. */
function listed(
  findings: readonly Finding[],
  offsets: ReadonlyMap<Finding, number>,
  positions: Positions,
): ParsedConfig {
  const placed = findings
    .map((finding) => {
      const offset = offsets.get(finding);
      const place =
        offset === undefined ? positions.placeOfPath(finding.path, finding.atKey) : positions.placeOf(offset);
      return { finding, place };
    })
    .sort((a, b) => byPlace(a.place, b.place));
  const more = placed[MAX_FINDINGS];
  if (more !== undefined) {
    const message = `${placed.length - MAX_FINDINGS} more findings from here on`;
    const finding = errorAt('MORE_FINDINGS', more.finding.path, message, 'correct those above first');
    placed.splice(MAX_FINDINGS, placed.length, { finding, place: more.place });
  }
  return {
    findings: placed.map(({ finding }) => finding),
    places: placed.map(({ place }) => place),
    positions: NO_POSITIONS,
  };
}

function byPlace(a: Place, b: Place): number {
  return a.line - b.line || a.column - b.column;
}

function peerNames(root: unknown): readonly Finding[] {
  const peers = (root as { readonly peers?: unknown } | null)?.peers;
  if (typeof peers !== 'object' || peers === null || Array.isArray(peers)) return [];
  return Object.keys(peers).flatMap((name) =>
    isLabel(name)
      ? []
      : [
          {
            ...errorAt(
              'INVALID_NAME',
              ['peers', name],
              `${shown(name)} is not one host name label`,
              'write lower-case ASCII letters, digits and hyphens',
            ),
            atKey: true,
          },
        ],
  );
}

/** Whoever reaches the egress port may call: on an address that other machines reach, that has to be said. */
function openEgress(config: Config): readonly Finding[] {
  const egress = config.gateways.egress;
  if (egress === undefined || egress.clients === 'plaintext' || /^(127\.|::1$)/.test(egress.address)) return [];
  const message = `the egress gateway takes plaintext at ${egress.address}, from whoever reaches it`;
  return [
    warningAt(
      'EGRESS_OPEN',
      ['gateways', 'egress', 'address'],
      message,
      'bind a loopback address, or write clients: plaintext to say that this is meant',
    ),
  ];
}

/** Adds file, line and column to findings, and sorts them by place. */
export function toDiagnostics(
  findings: readonly Finding[],
  parsed: ParsedConfig,
  text: string,
  file: string,
): readonly Diagnostic[] {
  const known = new Map(parsed.findings.map((finding, index) => [finding, parsed.places[index]]));
  const positions = new Positions(parsed.positions, text);
  return findings
    .map((finding) => ({
      ...finding,
      // A key of a map may be a pasted key as well.
      path: finding.path.map((step) => (typeof step === 'string' ? withoutKeys(step) : step)),
      file,
      ...(known.get(finding) ?? positions.placeOfPath(finding.path, finding.atKey)),
    }))
    .sort((a, b) => byPlace(a, b) || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0));
}
