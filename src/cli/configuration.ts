// Reads and resolves the configuration, which is what several commands do first.
// Must not: serve, write anything, or load the codec (compile-once.ts does).

import { dirname, join, parse } from 'node:path';
import { type LoadedConfig, loadConfig } from '../config/files/load.ts';
import type { FileContent } from '../config/files/regular-file.ts';
import { MAX_CONFIG_BYTES } from '../config/parse.ts';
import { type Diagnostic, type Finding, hasBlockingErrors, PosternError } from '../errors.ts';
import { findingsOf, type Resolved, resolve } from '../federation/resolve/resolve.ts';
import { RejectedConfig } from '../pipeline/rejected-config.ts';
import { type Invocation, required } from './command.ts';
import { identityFileFindings } from './identity-files.ts';

/** How findings name standard input. */
export const STANDARD_INPUT = '<stdin>';

export interface ReadConfiguration {
  readonly loaded: LoadedConfig;
  /** Absent when an error concerns more than the trust in one peer, in our own workloads or in one export's backend. */
  readonly resolved?: Resolved;
  readonly diagnostics: readonly Diagnostic[];
  /** Of the certificate of `identity.files`, which are among the diagnostics. */
  readonly identityFindings?: readonly Finding[];
  /** The same files at another time; undefined when they could not be served then. */
  readonly resolvedAt?: (now: number) => Resolved | undefined;
}

export interface ReadOptions {
  readonly groupKeys?: boolean;
  /** The last line must be "...". */
  readonly requireEnd?: boolean;
  /** Key and certificate files that do not exist are no findings; a peer without its file has a bundle of no certificates. */
  readonly withoutKeys?: boolean;
}

/** `-` is standard input. Errors: CONFIG_UNREADABLE. */
export async function readConfiguration(
  file: string,
  now: number,
  { withoutKeys = false, ...settings }: ReadOptions = {},
): Promise<ReadConfiguration> {
  const options = { inline: true, mayBeAbsent: withoutKeys, ...settings };
  const loaded =
    file === '-'
      ? await loadConfig(STANDARD_INPUT, { ...options, content: await readStandardInput() })
      : await loadConfig(file, options);
  const { config, outline = config } = loaded.parsed;
  const absentPeers = new Set(
    loaded.absent.flatMap(({ path: [section, peer] }) => (section === 'peers' ? [String(peer)] : [])),
  );
  const isMeshBundleAbsent = loaded.absent.some(({ path: [section] }) => section === 'mesh');
  const absentExports = new Set(
    loaded.absent.flatMap(({ path: [section, index] }) => {
      const name = section === 'exports' ? outline?.exports[Number(index)]?.name : undefined;
      return name == null ? [] : [name];
    }),
  );
  const around = {
    files: loaded.files,
    loadFindings: loaded.findings,
    now,
    absentPeers,
    isMeshBundleAbsent,
    absentExports,
  };
  if (config === undefined || hasBlockingErrors(loaded.findings)) {
    const findings = outline && findingsOf({ config: outline, ...around });
    return { loaded, diagnostics: loaded.diagnostics(findings) };
  }
  const resolvedAt = (time: number): Resolved | undefined => resolve({ config, ...around, now: time }).resolved;
  const { resolved, findings } = resolve({ config, ...around });
  const { identity } = config;
  const identityFindings = 'files' in identity ? await identityFileFindings(identity.files, now) : [];
  return {
    loaded,
    resolvedAt,
    ...(resolved !== undefined && { resolved }),
    diagnostics: loaded.diagnostics([...findings, ...identityFindings]),
    identityFindings,
  };
}

/** Errors: RejectedConfig when `run` would not serve it. */
export async function resolvedConfiguration(
  file: string,
  now: number,
  options: ReadOptions = {},
): Promise<Resolved & ReadConfiguration> {
  const read = await readConfiguration(file, now, options);
  if (read.resolved === undefined) throw new RejectedConfig(read.diagnostics);
  return { ...read, ...read.resolved };
}

/** Stops at the first byte over the limit of a file. */
async function readStandardInput(): Promise<FileContent> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of process.stdin) {
    parts.push(Buffer.from(part as Uint8Array));
    length += parts.at(-1)?.length ?? 0;
    if (length > MAX_CONFIG_BYTES) return { reason: 'it is too large', tooLarge: true, digest: '' };
  }
  return { bytes: Buffer.concat(parts), tooLarge: false, digest: '' };
}

/** The file of a command that keeps its state beside it, or reads it again: standard input will not do. */
export function namedFile(invocation: Invocation): string {
  const file = required(invocation, 'file');
  if (file === '-') throw new PosternError('USAGE', `${invocation.named('file')} takes the path of a file here, not -`);
  return file;
}

/** --state, or a folder beside the configuration: `bank.yaml` has `bank.state/`. */
export function stateFolder({ flag }: Invocation, file: string): string {
  return flag('state') ?? join(dirname(file), `${parse(file).name}.state`);
}
