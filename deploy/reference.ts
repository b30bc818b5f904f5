// Writes the tables of docs/ that are made from the code: commands, flags, keys, finding codes, headers (`npm run
// reference`).
// Must not: touch a line outside of the marks; test/readme.test.ts fails when a page is not what this gives.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { variableOf } from '../src/cli/arguments.ts';
import type { Exit } from '../src/cli/command.ts';
import { COMMANDS } from '../src/cli/commands/command-list.ts';
import { jsonSchema } from '../src/config/schema/json-schema.ts';
import { REMOVALS } from '../src/envoy/http/headers/header-removals.ts';
import { type Change, WITH_HOSTS } from '../src/envoy/http/headers/internal-hosts.ts';
import { REASONS } from '../src/envoy/reasons.ts';
import { ERROR_CODES, type ErrorCode, EXIT, EXIT_MEANINGS, FINDING_CODES, type FindingCode } from '../src/errors.ts';
import { WARNING_BESIDE_A_USABLE_CA } from '../src/trust/bundle.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Findings that do not keep a configuration from being served; all others do. */
export const WARNINGS: readonly FindingCode[] = [
  'BUNDLE_DUPLICATE',
  'BUNDLE_EXPIRES_SOON',
  'CALLER_NAMES_LONG',
  'EGRESS_OPEN',
  'GRANT_EXPIRED',
  'IDENTITY_EXPIRED',
  'ISSUER_EXPIRES_SOON',
  'ISSUER_OUTSIDE_MESH',
  'ISSUER_ROOT_RESTRICTED',
  'KEY_FILE_EXPOSED',
];

const ERROR_MEANINGS: Readonly<Record<ErrorCode, string>> = {
  NOT_IN_SYNC: 'A gateway is not in sync or not connected, or the configuration file was rejected (`status --check`).',
  PEER_UNREACHABLE:
    'Not every address of the peer can be reached as the egress gateway would (`check peer`); the output says why.',
  LOG_LINE:
    'The line, or the log, holds nothing that `explain` can read: it is cut, of another program, or of another version.',
  UNJUDGED:
    'A resource holds something that `can` and `who` of this version do not know, so that there is no answer. Please report it.',
  DRAIN_INCOMPLETE: 'Requests were still open when the time of `drain` was over.',
  USAGE: 'The command line is wrong; the message names the flag.',
  CONFIG_UNREADABLE: 'The configuration file itself cannot be read.',
  CONFIG_INVALID:
    'The configuration has errors. A command prints them instead of this code; the log of `run` shows both.',
  RESOURCE_INVALID: 'Envoy would reject a resource that Postern built. Nothing was published. Please report it.',
  BOUNDARY_VIOLATED: 'A resource would weaken the boundary. Nothing was published. Please report it.',
  SNAPSHOT_INCONSISTENT: 'A resource refers to one that is not there. Nothing was published. Please report it.',
  CERTIFICATE_INVALID: 'Reserved: this version does not print it.',
  STATE_UNUSABLE: 'The state folder or the output folder cannot be used; the message says what to do.',
  LISTEN_FAILED: 'The xDS or the admin address cannot be bound.',
  ADMIN_UNREACHABLE:
    'The admin port of Postern, or for `drain` that of the Envoy, does not answer at this address; the message says what does.',
};

interface JsonSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly not?: unknown;
}

/** The pages with generated parts, and the names in their marks. */
export const PAGES = {
  'docs/commands.md': ['commands', 'exit', 'flags'],
  'docs/configuration.md': ['keys', 'later', 'headers', 'hosts'],
  'docs/findings.md': ['findings', 'errors'],
  'docs/reasons.md': ['reasons'],
} as const;

export type Page = keyof typeof PAGES;

const PARTS: Readonly<Record<(typeof PAGES)[Page][number], () => string>> = {
  commands: commandTable,
  exit: exitTable,
  flags: flagTables,
  keys: () => table(['Key', 'Required', 'What it is'], keyRows(jsonSchema() as JsonSchema, '')),
  later: laterList,
  headers: headerTable,
  hosts: hostTable,
  findings: findingTable,
  errors: errorTable,
  reasons: reasonTable,
};

/** The text of a page with every marked part replaced. Errors: a part without marks, or marks without a part. */
export function refreshed(page: Page, text: string): string {
  const missing = new Set<string>(PAGES[page]);
  const result = text.replace(
    /(<!-- reference: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_all, begin: string, name: string, end: string) => {
      const part = PAGES[page].find((known) => known === name && missing.delete(known));
      if (part === undefined) throw new Error(`${page} marks a part twice, or one that it does not have: ${name}`);
      return `${begin}${PARTS[part]()}\n${end}`;
    },
  );
  if (missing.size > 0) throw new Error(`${page} has no marks for ${[...missing].join(', ')}`);
  return result;
}

function commandTable(): string {
  return table(
    ['Command', 'What it does', 'Exit status'],
    COMMANDS.map(({ name, positionals = [], summary, flags, exits }) => {
      const needed = flags
        .filter(({ required }) => required)
        .map(({ name, short, value }) => [short ? `-${short}` : `--${name}`, value].filter(Boolean).join(' '));
      const words = ['postern', name, ...positionals, ...needed].join(' ');
      return [`\`${words}\``, summary, exits.map((exit) => EXIT[exit]).join(', ')];
    }),
  );
}

/** For each command: its flags, the variable that sets each, and what it does. */
function flagTables(): string {
  return COMMANDS.map(({ name, flags, summary, examples }) => {
    const rows = flags.map((flag) => [
      `\`${flag.short === undefined ? '' : `-${flag.short}, `}--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}\``,
      variableOf(flag) === undefined ? '' : `\`${variableOf(flag)}\``,
      flag.required ? 'required' : flag.default === undefined ? '' : `\`${flag.default}\``,
      flag.summary,
    ]);
    const list =
      rows.length === 0 ? 'It has no flags.' : table(['Flag', 'Environment', 'Default', 'What it does'], rows);
    return `### postern ${name}\n\n${summary}\n\n${list}\n\n\`\`\`sh\n${examples.join('\n')}\n\`\`\`\n`;
  }).join('\n');
}

function exitTable(): string {
  return table(
    ['Exit status', 'Meaning'],
    (Object.keys(EXIT) as Exit[]).map((exit) => [String(EXIT[exit]), EXIT_MEANINGS[exit]]),
  );
}

function reasonTable(): string {
  return table(
    ['Code', 'Verdict', 'In the log of', 'Meaning', 'Usual cause', 'What to do'],
    Object.entries(REASONS).map(([code, { verdict, at, meaning, cause, cure }]) => [
      `\`${code}\``,
      verdict,
      at,
      meaning,
      cause,
      cure,
    ]),
  );
}

function findingTable(): string {
  return table(
    ['Code', 'Kind', 'Meaning'],
    (Object.keys(FINDING_CODES) as FindingCode[]).map((code) => [
      `\`${code}\``,
      WARNINGS.includes(code)
        ? 'warning'
        : WARNING_BESIDE_A_USABLE_CA.has(code)
          ? 'error; warning beside a usable CA'
          : 'error',
      FINDING_CODES[code],
    ]),
  );
}

function headerTable(): string {
  const groups = new Map<string, string[]>();
  let why = '';
  for (const removal of REMOVALS) {
    if (removal.why !== 'the same') why = removal.why;
    const from = removal.from === 'both' ? 'requests and responses' : removal.from;
    const key = `${why}|${from === 'trailers' ? 'all trailers' : from}`;
    groups.set(key, [...(groups.get(key) ?? []), ...removal.names]);
  }
  return table(
    ['What it is', 'Removed from', 'Headers'],
    [...groups].map(([key, names]) => [...key.split('|'), names.map((name) => `\`${name}\``).join(' ')]),
  );
}

const CHANGES: Readonly<Record<Change, string>> = {
  relative: 'an internal host is removed, the path stays: `/x`',
  refresh: 'the same, for the URL in it',
  link: 'the same between `<` and `>`; elsewhere the name becomes `name.invalid`',
  cookie: '`Domain` is removed',
  hide: 'the name becomes `name.invalid`',
};

function hostTable(): string {
  const changes = Object.keys(CHANGES) as Change[];
  return table(
    ['Response headers', 'What happens'],
    changes.map((change) => {
      const names = Object.keys(WITH_HOSTS).filter((name) => WITH_HOSTS[name] === change);
      return [names.map((name) => `\`${name}\``).join(' '), CHANGES[change]];
    }),
  );
}

function errorTable(): string {
  return table(
    ['Code', 'Exit status', 'Meaning'],
    (Object.keys(ERROR_CODES) as ErrorCode[]).map((code) => [
      `\`${code}\``,
      String(ERROR_CODES[code]),
      ERROR_MEANINGS[code],
    ]),
  );
}

/** One row for each supported key, in the order of the schema: `exports[].consumers[].peer`. */
function keyRows(schema: JsonSchema, path: string): readonly (readonly string[])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    if (isLater(value)) return [];
    const at = path === '' ? key : `${path}.${key}`;
    const required = schema.required?.includes(key) ? 'yes' : '';
    return [[`\`${at}\``, required, descriptionOf(value)], ...below(value, at)];
  });
}

function below(value: JsonSchema, at: string): readonly (readonly string[])[] {
  const forms = [value, ...(value.anyOf ?? [])].filter((form) => !isLater(form));
  return forms.flatMap((form) => [
    ...keyRows(form, at),
    ...(form.items === undefined ? [] : keyRows(form.items, `${at}[]`)),
    ...(typeof form.additionalProperties === 'object' ? entries(form.additionalProperties, `${at}.NAME`) : []),
  ]);
}

function entries(value: JsonSchema, at: string): readonly (readonly string[])[] {
  return [[`\`${at}\``, '', descriptionOf(value)], ...below(value, at)];
}

function laterList(): string {
  const paths = laterKeys(jsonSchema() as JsonSchema, '');
  return paths.map((path) => `\`${path}\``).join(', ');
}

function laterKeys(schema: JsonSchema, path: string): readonly string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const at = path === '' ? key : `${path}.${key}`;
    return isLater(value) ? [at] : laterKeys(value, at);
  });
  const items = schema.items === undefined ? [] : laterKeys(schema.items, `${path}[]`);
  const values = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  const forms = (schema.anyOf ?? []).flatMap((form) => (isLater(form) ? [] : laterKeys(form, path)));
  return [...own, ...items, ...forms, ...(values === undefined ? [] : laterKeys(values, `${path}.NAME`))];
}

/** Known, and refused with NOT_YET: its schema takes nothing. */
function isLater(schema: JsonSchema): boolean {
  return schema.not !== undefined;
}

function descriptionOf(schema: JsonSchema): string {
  const { description = '', enum: values } = schema;
  const items = schema.items?.description;
  const list = items === undefined || description.includes(items) ? '' : ` Each item: ${items}`;
  const choice = values ?? schema.items?.enum;
  return `${description}${list}${choice === undefined ? '' : ` One of ${choice.map((one) => `\`${one}\``).join(', ')}.`}`.trim();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const page of Object.keys(PAGES) as Page[]) {
    const file = join(ROOT, page);
    writeFileSync(file, refreshed(page, readFileSync(file, 'utf8')));
  }
}
