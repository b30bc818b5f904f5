// What several commands do first: read the configuration, resolve it, and compile it as `run` would.
// In: a file. Out: the model and its snapshots, or all diagnostics. Must not: serve, or write anything.

import { dirname, join, parse } from 'node:path';
import { type LoadedConfig, loadConfig } from '../config/files/load.ts';
import { type Diagnostic, hasBlockingErrors } from '../errors.ts';
import type { GatewayRole } from '../federation/model.ts';
import { type Resolved, resolve } from '../federation/resolve.ts';
import { Compiler } from '../pipeline/compile.ts';
import { RejectedConfig } from '../pipeline/identity-needs.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { GatewayIdentity } from '../trust/issuing/identities.ts';
import { Private } from '../trust/keys/private-key.ts';

export interface ReadConfiguration {
  readonly loaded: LoadedConfig;
  /** Absent when the diagnostics hold an error that concerns more than the trust of one peer. */
  readonly resolved?: Resolved;
  readonly diagnostics: readonly Diagnostic[];
}

export async function readConfiguration(file: string, now: number, groupKeys = false): Promise<ReadConfiguration> {
  const loaded = await loadConfig(file, { inline: true, groupKeys });
  const { config } = loaded.parsed;
  if (config === undefined || hasBlockingErrors(loaded.findings)) return { loaded, diagnostics: loaded.diagnostics() };
  const { resolved, findings } = resolve({ config, files: loaded.files, now });
  return { loaded, ...(resolved !== undefined && { resolved }), diagnostics: loaded.diagnostics(findings) };
}

/** Errors: RejectedConfig when `run` would not serve it. */
export async function resolvedConfiguration(file: string, now: number): Promise<Resolved & ReadConfiguration> {
  const read = await readConfiguration(file, now);
  if (read.resolved === undefined) throw new RejectedConfig(read.diagnostics);
  return { ...read, ...read.resolved };
}

/**
 * What `run` would serve, with placeholders for what it issues: the same for the same configuration, and the issuing CA's key
 * signs nothing.
 */
export function compileOnce({ federation, issuer }: Resolved): ReadonlyMap<GatewayRole, Snapshot> {
  const above = (issuer?.intermediates ?? []).map(({ pem }) => pem).join('');
  return new Compiler().compile({
    federation,
    identity: (role, peer) => placeholder(role, peer, federation[role]?.identity ?? '', above),
    retired: [],
    // Of removed peers, and there are none.
    throwawayRootPem: '',
  });
}

function placeholder(role: GatewayRole, peer: string, id: string, above: string): GatewayIdentity {
  return {
    certificateChain: `[certificate of ${id} for ${peer}]\n${above}`,
    // No two secrets may hold one key.
    privateKey: new Private(`[key of the ${role} gateway for ${peer}]`),
    notBefore: 0,
    notAfter: 0,
    fingerprint: '',
  };
}

/** POSTERN_STATE, or a folder beside the configuration: `bank.yaml` has `bank.state/`. */
export function stateFolder(file: string, env: NodeJS.ProcessEnv): string {
  return env['POSTERN_STATE'] || join(dirname(file), `${parse(file).name}.state`);
}
