// Starts the servers that are compared, a fresh process for each run.
// Must not: leave one behind (Processes ends them).

import { mkdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../deploy/demo/ports.ts';
import type { Processes, Running } from '../deploy/demo/processes.ts';
import type { BenchCertificates } from './certificates.ts';
import type { Target } from './load.ts';

export const SERVERS = ['postern', 'workers', 'snapshot', 'linear', 'limit', 'native'] as const;
export type ServerName = (typeof SERVERS)[number];

export const TITLES: Readonly<Record<ServerName, string>> = {
  postern: 'Postern',
  workers: 'Postern, 2 workers',
  snapshot: 'go-control-plane SnapshotCache',
  linear: 'go-control-plane LinearCache',
  limit: 'bare node:http2',
  native: 'native, shared bytes',
};

export interface Binaries {
  readonly gcp: string;
  readonly native: string;
  readonly xdsload: string;
}

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PEER = fileURLToPath(new URL('../../bench/peer/', import.meta.url));

/** Builds the Go programs; their modules come from the Go module proxy. Errors: what `go build` said. */
export async function buildBinaries(processes: Processes, folder: string): Promise<Binaries> {
  mkdirSync(folder, { recursive: true });
  const build = async (name: string): Promise<string> => {
    const out = join(folder, name);
    await processes.run(`go build ${name}`, 'go', ['build', '-C', PEER, '-o', out, `./${name}`]);
    return out;
  };
  return { gcp: await build('gcp'), native: await build('native'), xdsload: await build('xdsload') };
}

export interface Started {
  readonly running: Running;
  readonly target: Target;
}

let count = 0;

export async function startServer(
  processes: Processes,
  name: ServerName,
  binaries: Binaries,
  dump: string,
  perNode: boolean,
  certificates: BenchCertificates | undefined,
): Promise<Started> {
  const [port = 0, httpPort = 0] = await freePorts('127.0.0.1', 2);
  const args = ['--load', dump, '--addr', `127.0.0.1:${port}`, '--http', `127.0.0.1:${httpPort}`];
  if (name === 'workers') args.push('--workers', '2');
  if (perNode) args.push('--snapshot', 'per-node');
  if (certificates !== undefined) {
    const { server, ca } = certificates;
    args.push('--tls-cert', server.cert, '--tls-key', server.key, '--tls-ca', ca);
  }
  count += 1;
  const label = `${name}-${count}`;
  const running = processes.start(label, ...command(name, binaries, args));
  await listening(port, running);
  await listening(httpPort, running);
  if (name !== 'snapshot' && name !== 'linear') await said('ready', running);
  const tls = certificates === undefined ? undefined : { ca: certificates.ca, client: certificates.client };
  return {
    running,
    target: { address: `127.0.0.1:${port}`, http: `127.0.0.1:${httpPort}`, pid: running.pid, tls },
  };
}

function command(name: ServerName, { gcp, native }: Binaries, args: readonly string[]): [string, string[]] {
  if (name === 'native') return [native, [...args]];
  if (name === 'snapshot' || name === 'linear') return [gcp, [...args, '--cache', name]];
  return [process.execPath, [join(HERE, name === 'limit' ? 'limit.js' : 'serve.js'), ...args]];
}

async function listening(port: number, running: Running): Promise<void> {
  while (running.alive()) {
    const isOpen = await new Promise<boolean>((fulfil) => {
      const socket = createConnection(port, '127.0.0.1', () => {
        socket.destroy();
        fulfil(true);
      }).on('error', () => fulfil(false));
    });
    if (isOpen) return;
    await sleep(20);
  }
  throw new Error(`${running.name} ended: ${running.stderr()}`);
}

async function said(word: string, running: Running): Promise<void> {
  while (!running.stdout().includes(word)) {
    if (!running.alive()) throw new Error(`${running.name} ended: ${running.stderr()}`);
    await sleep(20);
  }
}
