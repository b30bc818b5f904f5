// I/O: a configuration file and the files that it names.
// In: a path. Out: the parsed configuration, the bytes of its files, and every path that it depends on.
// Must not: judge what the files hold (trust/ does), nor let a huge or hostile file stall the process.

import { constants, type FileHandle, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Diagnostic, errorAt, type Finding, type Path, PosternError, warningAt } from '../errors.ts';
import { MAX_CONFIG_BYTES, type ParsedConfig, parseConfig, toDiagnostics } from './parse.ts';
import type { Config } from './schema.ts';

/** Far more than a bundle of 32 certificates needs. */
const MAX_FILE_BYTES = 1024 * 1024;
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
  readonly diagnostics: (more?: readonly Finding[]) => readonly Diagnostic[];
}

export interface LoadOptions {
  /** Parses on this thread: right for a command that has nothing else to do. */
  readonly inline?: boolean;
  readonly deadlineMs?: number;
}

/** Errors: CONFIG_UNREADABLE when the file itself cannot be read. */
export async function loadConfig(file: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const text = await readText(file);
  const parsed = options.inline ? parseConfig(text) : await parseInWorker(text, options.deadlineMs ?? DEADLINE_MS);
  const findings: Finding[] = [...parsed.findings];
  const files = new Map<string, Buffer>();
  const dependencies = new Set([resolve(file)]);
  for (const { name, path, secret } of parsed.config === undefined ? [] : namedFiles(parsed.config)) {
    const absolute = resolve(dirname(file), name);
    dependencies.add(absolute);
    const read = await readNamed(absolute, name, path, secret);
    findings.push(...read.findings);
    if (read.bytes !== undefined) files.set(name, read.bytes);
  }
  return {
    file,
    text,
    parsed,
    findings,
    files,
    dependencies: [...dependencies],
    diagnostics: (more = []) => toDiagnostics([...findings, ...more], parsed, text, file),
  };
}

interface NamedFile {
  readonly name: string;
  readonly path: Path;
  readonly secret: boolean;
}

function namedFiles({ identity, peers }: Config): readonly NamedFile[] {
  const issuer = 'issuer' in identity ? identity.issuer : undefined;
  return [
    ...(issuer === undefined
      ? []
      : [
          { name: issuer.certificate, path: ['identity', 'issuer', 'certificate'], secret: false },
          { name: issuer.privateKey, path: ['identity', 'issuer', 'privateKey'], secret: true },
        ]),
    ...peers.map((peer) => ({ name: peer.trustBundle.file, path: ['peers', peer.name, 'trustBundle'], secret: false })),
  ];
}

async function readNamed(
  absolute: string,
  name: string,
  path: Path,
  secret: boolean,
): Promise<{ readonly bytes?: Buffer; readonly findings: readonly Finding[] }> {
  try {
    const { bytes, mode } = await readRegular(absolute, MAX_FILE_BYTES);
    const exposed = secret && (mode & 0o077) !== 0;
    const message = `the private key file ${name} can be used by others (mode ${(mode & 0o777).toString(8)})`;
    return { bytes, findings: exposed ? [warningAt('KEY_FILE_EXPOSED', path, message, `chmod 600 ${name}`)] : [] };
  } catch (error) {
    return {
      findings: [
        errorAt(
          'FILE_UNREADABLE',
          path,
          `${name} cannot be read: ${reasonOf(error)}`,
          'write the name of a file, relative to this one',
        ),
      ],
    };
  }
}

async function readText(file: string): Promise<string> {
  try {
    const { bytes } = await readRegular(file, MAX_CONFIG_BYTES + 1);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new PosternError('CONFIG_UNREADABLE', `${file} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Reads what one open file holds: no second look by name, so that a swap between the two cannot mix them. */
async function readRegular(path: string, limit: number): Promise<{ readonly bytes: Buffer; readonly mode: number }> {
  // Not blocking: opening a FIFO that nobody writes to would wait for ever.
  const handle: FileHandle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw new Error('not a regular file');
    if (facts.size > limit) throw new Error('the file is too large');
    return { bytes: await handle.readFile(), mode: facts.mode };
  } finally {
    await handle.close();
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'it is not UTF-8 text';
  return error instanceof Error ? error.message : 'unknown reason';
}

function parseInWorker(text: string, deadlineMs: number): Promise<ParsedConfig> {
  return new Promise((fulfil, reject) => {
    const worker = new Worker(new URL('./parse-worker.js', import.meta.url), {
      workerData: text,
      resourceLimits: { maxOldGenerationSizeMb: 1024 },
    });
    const end = (outcome: () => void): void => {
      clearTimeout(timer);
      outcome();
      void worker.terminate();
    };
    const timer = setTimeout(() => end(() => fulfil(timedOut(deadlineMs))), deadlineMs);
    worker.once('message', (parsed: ParsedConfig) => end(() => fulfil(parsed)));
    worker.once('error', (error: NodeJS.ErrnoException) =>
      end(() => (error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? fulfil(timedOut(deadlineMs)) : reject(error))),
    );
  });
}

function timedOut(deadlineMs: number): ParsedConfig {
  const message = `the file could not be parsed within ${deadlineMs} ms`;
  const finding = errorAt('YAML_TIMEOUT', [], message, 'make it smaller: a map with very many keys takes long');
  return { findings: [finding], places: [{ line: 1, column: 1 }], raw: undefined, index: new Int32Array(3) };
}
