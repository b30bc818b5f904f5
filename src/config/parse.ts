// From YAML text to a Config, or to everything that is wrong with it.
// In: text. Out: plain data only (it may come from a worker): Config, findings, places. Must not: touch files or the clock.

import { type Diagnostic, errorAt, type Finding, hasErrors, type Path, warningAt } from '../errors.ts';
import { isLabel } from './host-port.ts';
import { toFindings } from './issues.ts';
import { normalize, togetherRules } from './normalize.ts';
import { type Config, configSchema } from './schema.ts';
import { shown } from './values.ts';
import { locate, type Place, parseYaml, placeOf } from './yaml.ts';

export interface ParsedConfig {
  /** Absent when there is an error among the findings. */
  readonly config?: Config;
  readonly findings: readonly Finding[];
  /** Places of the first findings, those of the YAML itself; the others are found by their path. */
  readonly places: readonly Place[];
  /** The file as plain data and its position index: what `locateFinding` needs. */
  readonly raw: unknown;
  readonly index: Int32Array;
}

/** The largest file that is read, in bytes: ten thousand exports need about 2 MiB. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

export function parseConfig(text: string): ParsedConfig {
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) {
    const finding = errorAt(
      'YAML_TOO_LARGE',
      [],
      'the file is larger than 8 MiB',
      'split the mesh, or remove what is not needed',
    );
    return { findings: [finding], places: [{ line: 1, column: 1 }], raw: undefined, index: new Int32Array(3) };
  }
  const yaml = parseYaml(text);
  const base = { places: yaml.places, raw: yaml.value, index: yaml.index };
  if (yaml.value === undefined) return { ...base, findings: yaml.findings };
  const shape = configSchema.safeParse(yaml.value);
  const findings = [
    ...yaml.findings,
    ...(shape.success ? [] : toFindings(shape.error.issues, yaml.value)),
    ...togetherRules(yaml.value),
    ...peerNames(yaml.value),
  ];
  if (!shape.success || hasErrors(findings)) return { ...base, findings };
  const config = normalize(shape.data);
  return { ...base, config, findings: [...findings, ...openEgress(config)] };
}

function peerNames(root: unknown): readonly Finding[] {
  const peers = (root as { readonly peers?: unknown }).peers;
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
  const own = new Map(
    parsed.findings.slice(0, parsed.places.length).map((finding, index) => [finding, parsed.places[index]]),
  );
  return findings
    .map((finding) => ({
      ...finding,
      file,
      ...(own.get(finding) ?? placeOfPath(parsed, text, finding.path, finding.atKey ?? false)),
    }))
    .sort((a, b) => a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : 1));
}

function placeOfPath(parsed: ParsedConfig, text: string, path: Path, atKey: boolean): Place {
  const offsets = locate(parsed.raw, parsed.index, path);
  return placeOf(text, atKey ? offsets.key : offsets.value);
}

/** `FILE:LINE:COLUMN CODE message`, and the hint on the next line. */
export function formatDiagnostic({ file, line, column, code, severity, message, hint }: Diagnostic): string {
  return `${file}:${line}:${column} ${code} ${severity === 'warning' ? 'warning: ' : ''}${message}\n  ${hint}`;
}
