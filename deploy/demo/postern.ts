// One mesh as processes: its Postern, and its gateways as real Envoys started the way `postern bootstrap` says.
// Must not: know the demo's meshes; tests start their own with this.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { formatHostPort, type HostPort } from '../../src/host-port.ts';
import { LIMIT_MS } from './limit.ts';
import { lastLines, type Processes, type Running } from './processes.ts';

export type Role = 'ingress' | 'egress';

/** Where one mesh lives. */
export interface Place {
  readonly name: string;
  /** The YAML file. */
  readonly file: string;
  /** A folder for what is made on the way: certificates of gateways, bootstraps. */
  readonly work: string;
  readonly xds: HostPort;
  readonly admin: HostPort;
  readonly envoyAdmin: Readonly<Record<Role, HostPort>>;
}

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** Runs a postern command to its end, and returns its stdout. */
export type RunPostern = (...args: readonly string[]) => Promise<string>;

/** Runs a postern command to its end and returns its stdout. Throws its exit status and output when it fails. */
export async function postern(processes: Processes, ...args: readonly string[]): Promise<string> {
  return await processes.run(`postern ${args.join(' ')}`, process.execPath, [MAIN, ...args]);
}

/** Starts the control plane of a mesh, with more flags if they are given, and waits until it says that it is ready. */
export async function startPostern(processes: Processes, place: Place, more: readonly string[] = []): Promise<Running> {
  const args = ['run', '-f', place.file, '--xds', formatHostPort(place.xds), '--admin', formatHostPort(place.admin)];
  // A handful of gateways: nothing to be warm for.
  args.push('--warm-up', '0', ...more);
  const running = processes.start(`${place.name}-postern`, process.execPath, [MAIN, ...args]);
  await until(`Postern of ${place.name} ready`, running, async () => {
    const answer = await fetch(`http://${formatHostPort(place.admin)}/readyz`);
    return answer.ok;
  });
  return running;
}

export interface GatewayOptions {
  /** The bootstrap says delta; `sotw` turns it into state of the world. */
  readonly ads?: 'delta' | 'sotw';
  /** Where each gateway answers a scrape; absent: nowhere. */
  readonly metrics?: Readonly<Partial<Record<Role, HostPort>>>;
  /** Does not wait until the gateway serves. */
  readonly impatient?: boolean;
  /** How the commands run that make its files; in processes of their own, where nothing is said. */
  readonly postern?: RunPostern;
}

/** Starts a gateway of a mesh with a client certificate and a bootstrap of its own, and waits until it serves. */
export async function startGateway(
  processes: Processes,
  envoy: string,
  place: Place,
  role: Role,
  options: GatewayOptions = {},
): Promise<Running> {
  const work = join(place.work, role);
  mkdirSync(work, { recursive: true });
  const admin = formatHostPort(place.envoyAdmin[role]);
  const nodeId = `${place.name}-${role}-1`;
  const common = ['-f', place.file];
  const run = options.postern ?? ((...args) => postern(processes, ...args));
  await run('certs', 'gateway', role, ...common, '--out', join(work, 'certs'));
  const xds = ['--certs', join(work, 'certs'), '--xds', formatHostPort(place.xds), '--admin', admin];
  const metrics = options.metrics?.[role];
  if (metrics !== undefined) xds.push('--metrics', formatHostPort(metrics));
  const made = await run('bootstrap', role, ...common, '--node-id', nodeId, ...xds);
  const bootstrap = options.ads === 'sotw' ? made.replace(/\bDELTA_GRPC\b/, 'GRPC') : made;
  const file = join(work, 'bootstrap.yaml');
  writeFileSync(file, bootstrap);
  const running = processes.start(`${place.name}-${role}`, envoy, envoyArguments(bootstrap, file));
  if (!options.impatient) {
    await until(`${role} gateway of ${place.name} serving`, running, () => isLive(place.envoyAdmin[role]));
  }
  return running;
}

export async function isLive(envoyAdmin: HostPort): Promise<boolean> {
  const answer = await fetch(`http://${formatHostPort(envoyAdmin)}/ready`);
  return (await answer.text()).startsWith('LIVE');
}

/**
 * The arguments of the command line in the bootstrap's first comment, with our file in it. One worker thread and quick
 * log flushes are this machine's business, not the operator's, so they are added here.
 */
export function envoyArguments(bootstrap: string, file: string): readonly string[] {
  const comment = /^#.*\benvoy\b.*$/m.exec(bootstrap)?.[0] ?? '';
  const words = comment
    .slice(comment.search(/\benvoy\b/))
    .split(/\s+/)
    .slice(1);
  const at = words.findIndex((word) => word === '-c' || word === '--config-path');
  if (at < 0) throw new Error(`the bootstrap does not say how to start Envoy; its first comment is: ${comment}`);
  const own = [...words.slice(0, at), ...words.slice(at + 2)];
  const added = [
    ['--disable-hot-restart'],
    ['--concurrency', '1'],
    ['-l', 'warning'],
    ['--file-flush-interval-msec', '50'],
  ];
  return ['-c', file, ...own, ...added.filter(([flag = '']) => !own.includes(flag)).flat()];
}

/** Polls until `done` says true. Errors: the process ended, or the time is over; both with its last words. */
export async function until(what: string, running: Running, done: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (Date.now() < end) {
    if (!running.alive())
      throw new Error(
        `${running.name} ended (${running.outcome()}) before: ${what}\n${lastLines(running.stderr(), 15)}`,
      );
    if (await done().catch(() => false)) return;
    await sleep(50);
  }
  throw new Error(`not within ${LIMIT_MS / 1000} s: ${what}\n${lastLines(running.stderr(), 15)}`);
}
