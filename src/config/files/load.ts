// I/O: a configuration file and the files that it names.
// Must not: check what the files hold (trust/ does), nor let a huge or hostile file stall the process.

import { isUtf8 } from 'node:buffer';
import { dirname, resolve } from 'node:path';
import { type Diagnostic, errorAt, type Finding, type Path, PosternError, warningAt } from '../../errors.ts';
import type { ConfigOutline } from '../outline.ts';
import { MAX_CONFIG_BYTES, type ParsedConfig, parseConfig, refused, tooLarge, withRequiredEnd } from '../parse.ts';
import { toDiagnostics } from '../placement.ts';
import { holdsKey, quote } from '../schema/values/string-checks.ts';
import type { Place } from '../yaml/positions.ts';
import { exposure, type KeyAccess } from './key-access.ts';
import { type FileContent, ownUser, readAll, readRegular } from './regular-file.ts';

/** Far more than a bundle of 32 certificates needs. */
export const MAX_FILE_BYTES = 1024 * 1024;
/** Parsed in this thread: takes less than the deadline of a thread even at its worst. */
const MAX_INLINE_BYTES = 256 * 1024;
const DEADLINE_MS = 5000;

export interface LoadedConfig {
  readonly file: string;
  readonly text: string;
  readonly parsed: ParsedConfig;
  /** Those of parsing, and of reading the files that it names. */
  readonly findings: readonly Finding[];
  /** Bytes by the name that the configuration uses. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Absolute paths of the file and of all that it names. */
  readonly dependencies: readonly string[];
  /** What each of the dependencies held when it was read: `watchFiles` reports what differs from it. */
  readonly digests: ReadonlyMap<string, string>;
  /** Findings with their places in the file; without an argument, those of loading. */
  readonly diagnostics: (findings?: readonly Finding[]) => readonly Diagnostic[];
  /** The files that the configuration names and that do not exist; only with `mayBeAbsent`. */
  readonly absent: readonly AbsentFile[];
}

export interface AbsentFile {
  readonly path: Path;
  /** Says that a certificate file was not checked. A private key is rarely at hand, so it gets no notice and is only listed. */
  readonly notice?: Finding;
}

export interface LoadOptions {
  /** Parses on this thread, unless the file is large: right for a command that has nothing else to do. */
  readonly inline?: boolean;
  readonly deadlineMs?: number;
  /** Whether the last line must be the end mark of YAML: a file that was cut has lost it. */
  readonly requireEnd?: boolean;
  /** Whether the group of the issuer's key file may use it. */
  readonly groupKeys?: boolean;
  /** Files that the configuration names and that do not exist are no findings, but listed as absent: `validate --without-keys`. */
  readonly mayBeAbsent?: boolean;
  /** The text, where it does not come from a file; names of files are then relative to the working directory. */
  readonly content?: FileContent;
}

/** Errors: CONFIG_UNREADABLE when the file itself cannot be read. */
export async function loadConfig(file: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const path = resolve(file);
  const content = options.content ?? (await readRegular(path, MAX_CONFIG_BYTES));
  if (content.bytes === undefined && !content.tooLarge)
    throw new PosternError(
      'CONFIG_UNREADABLE',
      `${file} cannot be read: ${content.reason}; give the name of a YAML file that Postern may read`,
    );
  // Editors on Windows begin a file with a byte order mark, which means nothing in UTF-8.
  const text = (content.bytes?.toString('utf8') ?? '').replace(/^\ufeff/, '');
  const whole = content.bytes === undefined ? tooLarge() : await parseBytes(content.bytes, text, options);
  const parsed = options.requireEnd ? withRequiredEnd(whole, text) : whole;
  const outline = parsed.config ?? parsed.outline;
  const named = outline === undefined ? [] : namedFiles(outline);
  const absolute = (name: string): string => resolve(dirname(path), name);
  const read = await readAll(
    named.map(({ name }) => absolute(name)),
    MAX_FILE_BYTES,
    (found) => found,
  );
  const findings: Finding[] = [...parsed.findings];
  const files = new Map<string, Buffer>();
  const absent: AbsentFile[] = [];
  for (const one of named) {
    const found = read.get(absolute(one.name));
    if (found === undefined) continue;
    if (options.mayBeAbsent && found.isAbsent) {
      absent.push({ path: one.path, ...(!one.secret && { notice: absenceNotice(one) }) });
      continue;
    }
    findings.push(...fileFindings(one, found, { groupAllowed: options.groupKeys ?? false, user: ownUser() }));
    if (found.bytes !== undefined) files.set(one.name, found.bytes);
  }
  return {
    file,
    text,
    parsed,
    findings,
    files,
    absent,
    dependencies: [...new Set([path, ...read.keys()])],
    digests: new Map([...read, [path, content] as const].map(([key, { digest }]) => [key, digest])),
    diagnostics: (all = findings) => toDiagnostics(all, parsed, text, file),
  };
}

async function parseBytes(bytes: Buffer, text: string, options: LoadOptions): Promise<ParsedConfig> {
  if (!isUtf8(bytes)) {
    const hint = 'save the file as UTF-8';
    return refused(errorAt('YAML_SYNTAX', [], 'the file is not UTF-8 text from here on', hint), firstBroken(bytes));
  }
  if (options.inline && bytes.length <= MAX_INLINE_BYTES) return parseConfig(text);
  const { parseInWorker } = await import('./parse-in-worker.ts');
  return parseInWorker(text, options.deadlineMs ?? DEADLINE_MS);
}

/** Where decoding went wrong: what is decoded and encoded again is the same up to there. */
function firstBroken(bytes: Buffer): Place {
  const again = Buffer.from(bytes.toString('utf8'), 'utf8');
  let same = 0;
  while (same < bytes.length && bytes[same] === again[same]) same += 1;
  const lines = bytes.subarray(0, same).toString('utf8').split('\n');
  // The bytes of a broken character count as one column.
  const column = (lines.at(-1) ?? '').replace(/\ufffd+$/, '').length + 1;
  return { line: lines.length, column };
}

interface NamedFile {
  readonly name: string;
  readonly path: Path;
  readonly secret: boolean;
  /** Whose trust a finding about the file concerns. */
  readonly concerns?: Pick<Finding, 'concernsPeer' | 'concernsMesh' | 'concernsExport'>;
}

function namedFiles({ mesh, identity, peers, exports }: ConfigOutline): readonly NamedFile[] {
  const issuer = identity !== null && 'issuer' in identity ? identity.issuer : undefined;
  const own = (name: string | null | undefined, key: string, secret: boolean): readonly NamedFile[] =>
    name == null ? [] : [{ name, path: ['identity', 'issuer', key], secret }];
  const bundle = (
    name: string | null | undefined,
    path: Path,
    concerns: NamedFile['concerns'],
  ): readonly NamedFile[] => (name == null ? [] : [{ name, path, secret: false, ...(concerns && { concerns }) }]);
  return [
    ...own(issuer?.certificate, 'certificate', false),
    ...own(issuer?.privateKey, 'privateKey', true),
    ...bundle(mesh.trustBundle, ['mesh', 'trustBundle'], { concernsMesh: true }),
    ...peers.flatMap(({ name: peer, trustBundle: { file } }) =>
      // In the short form, the path's last step does not exist, and its parent is the place.
      bundle(file, ['peers', peer, 'trustBundle', 'file'], { concernsPeer: peer }),
    ),
    ...exports.flatMap(({ name, backendTls }, index) =>
      bundle(backendTls?.ca, ['exports', index, 'backend', 'ca'], name === null ? undefined : { concernsExport: name }),
    ),
  ];
}

/** FILE_UNREADABLE, which `validate --without-keys` shows as a notice. */
function absenceNotice({ name, path }: NamedFile): Finding {
  const hint = 'correct the name, which is relative to the folder of this file, if the file should be here';
  return errorAt('FILE_UNREADABLE', path, `${quote(name)} does not exist here, so it was not checked`, hint);
}

function fileFindings(file: NamedFile, { bytes, access, reason }: FileContent, keys: KeyAccess): readonly Finding[] {
  const { path, secret, concerns } = file;
  const [what, name] = secret ? keyFileName(file.name) : [quote(file.name), file.name];
  if (bytes === undefined) {
    const hint =
      'correct the name, which is relative to the folder of this file, or make it a file that Postern may read';
    const finding = errorAt('FILE_UNREADABLE', path, `${what} cannot be read: ${reason}`, hint);
    return [{ ...finding, ...concerns }];
  }
  const exposed = secret && access !== undefined ? exposure(access, keys, name) : undefined;
  if (exposed === undefined) return [];
  return [warningAt('KEY_FILE_EXPOSED', path, `${what} is not Postern's alone: ${exposed.who}`, exposed.remedy)];
}

/** A text in the place of a key file's name may be the key, which has no extension as file names do. */
function keyFileName(name: string): readonly [string, string] {
  const isName = /^[\w./-]{1,100}\.[a-z]{2,5}$/.test(name) && !holdsKey(name);
  return isName ? [`the private key file ${quote(name)}`, name] : ['the private key file', 'it'];
}
