// The parts that every server of the bench has: its arguments, and the HTTP port that applies changes.
// Must not: know xDS.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { formatHostPort, type HostPort, parseHostPort } from '../src/host-port.ts';
import { shortName } from '../src/snapshot/resource-types.ts';
import type { ServerTls } from '../src/xds/transport/xds-server.ts';
import { commandLine } from './command-line.ts';
import { type DumpedType, readDump } from './dump.ts';

export interface ServeOptions {
  readonly dump: readonly DumpedType[];
  readonly address: HostPort;
  readonly http: HostPort;
  readonly workers: number;
  /** A snapshot for each node.id, all of the same content. */
  readonly perNode: boolean;
  readonly tls: ServerTls | undefined;
}

const USAGE = `npm run bench:serve -- --load FILE [--addr HOST:PORT] [--http HOST:PORT]
  [--workers N | --snapshot per-node] [--tls-cert F --tls-key F --tls-ca F]`;

/** Errors: ends the process and says what is wrong. */
export function serveArguments(): ServeOptions {
  return commandLine(USAGE, () => {
    const { values } = parseArgs({
      options: {
        load: { type: 'string' },
        addr: { type: 'string', default: '127.0.0.1:18000' },
        http: { type: 'string', default: '127.0.0.1:18001' },
        workers: { type: 'string', default: '1' },
        snapshot: { type: 'string', default: 'shared' },
        'tls-cert': { type: 'string' },
        'tls-key': { type: 'string' },
        'tls-ca': { type: 'string' },
      },
    });
    const { load, snapshot } = values;
    if (load === undefined) throw new Error('--load FILE is missing');
    const workers = Number(values.workers);
    if (!Number.isInteger(workers) || workers < 1)
      throw new Error(`--workers: not a number of processes: ${values.workers}`);
    if (snapshot !== 'shared' && snapshot !== 'per-node')
      throw new Error(`--snapshot: shared or per-node, not ${snapshot}`);
    const perNode = snapshot === 'per-node';
    if (perNode && workers > 1)
      throw new Error('--snapshot per-node is for one process: workers are told of gateways first');
    return {
      dump: readDump(readFileSync(load)),
      address: address(values.addr),
      http: address(values.http),
      workers,
      perNode,
      tls: tlsFiles(values['tls-cert'], values['tls-key'], values['tls-ca']),
    };
  });
}

function tlsFiles(cert?: string, key?: string, ca?: string): ServerTls | undefined {
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined || ca === undefined)
    throw new Error('--tls-cert, --tls-key and --tls-ca belong together');
  const read = (file: string): string => readFileSync(file, 'utf8');
  return { certificateChain: read(cert), privateKey: read(key), clientCa: read(ca) };
}

function address(text: string): HostPort {
  const parsed = parseHostPort(text);
  if (parsed === undefined) throw new Error(`not HOST:PORT: ${text}`);
  return parsed;
}

/** `/bump?what=one|all[&type=cds]`, as bench/peer/gcp has it; and `/stats`. `apply` is told which types are meant. */
export function serveTrigger(
  { host, port }: HostPort,
  apply: (what: string, isType: (typeUrl: string) => boolean) => object,
  stats: () => Promise<object> = async () => ({}),
): void {
  createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://bench');
    const type = url.searchParams.get('type') ?? 'cds';
    if (url.pathname === '/bump') {
      const started = performance.now();
      const said = apply(url.searchParams.get('what') ?? 'one', (typeUrl) => shortName(typeUrl).toLowerCase() === type);
      response.end(JSON.stringify({ ...said, took_ms: performance.now() - started }));
    } else if (url.pathname === '/stats') {
      response.end(JSON.stringify({ ...(await stats()), rss: process.memoryUsage().rss, cpu: process.cpuUsage() }));
    } else response.writeHead(404).end();
  }).listen(port, host);
}

/** What a server of the bench says once it listens. */
export function readyLine({ address, http }: ServeOptions): string {
  return `ready pid=${process.pid} xds=${formatHostPort(address)} http=${formatHostPort(http)}`;
}
