// What every server of the bench has: the same arguments, and the same HTTP port that applies changes.
// In: argv; a function that applies one change. Out: where to listen and what to serve. Must not: know xDS.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { type HostPort, parseHostPort } from '../src/config/host-port.ts';
import { shortName } from '../src/snapshot/types.ts';
import type { ServerTls } from '../src/xds/server.ts';

export interface ServeOptions {
  readonly load: string;
  readonly address: HostPort;
  readonly http: HostPort;
  readonly workers: number;
  /** A snapshot for each node.id, all of the same content. */
  readonly perNode: boolean;
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string } | undefined;
}

/** `--load FILE --addr HOST:PORT --http HOST:PORT [--workers N] [--tls-cert F --tls-key F --tls-ca F]` */
export function serveArguments(): ServeOptions {
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
  const { load, 'tls-cert': cert, 'tls-key': key, 'tls-ca': ca } = values;
  if (load === undefined) throw new Error('--load FILE is missing');
  if ([cert, key, ca].some((one) => one === undefined) && [cert, key, ca].some((one) => one !== undefined))
    throw new Error('--tls-cert, --tls-key and --tls-ca belong together');
  const workers = Number(values.workers);
  if (!Number.isInteger(workers) || workers < 1)
    throw new Error(`--workers: not a number of processes: ${values.workers}`);
  const perNode = values.snapshot === 'per-node';
  if (perNode && workers > 1)
    throw new Error('--snapshot per-node is for one process: workers are told of gateways first');
  return {
    load,
    address: address(values.addr),
    http: address(values.http),
    workers,
    perNode,
    tls: cert === undefined || key === undefined || ca === undefined ? undefined : { cert, key, ca },
  };
}

export function tlsFiles({ tls }: ServeOptions): ServerTls | undefined {
  if (tls === undefined) return undefined;
  const read = (file: string): string => readFileSync(file, 'utf8');
  return { certificateChain: read(tls.cert), privateKey: read(tls.key), clientCa: read(tls.ca) };
}

function address(text: string): HostPort {
  const parsed = parseHostPort(text);
  if (parsed === undefined) throw new Error(`not HOST:PORT: ${text}`);
  return parsed;
}

/** `/bump?what=one|all[&type=cds]`, as shared/peer/gcp has it; and `/stats`. `apply` is told which types are meant. */
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
