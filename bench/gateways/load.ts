// Sends requests with h2load, or bytes over TCP, through a chain of gateways.
// Must not: count a run in which a request failed.

import { readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Processes } from '../../deploy/demo/processes.ts';
import type { ExportName } from './bank-and-shop.ts';
import { OTHERS } from './envoys.ts';

/** What is asked of the gateways. */
export interface Cell {
  readonly name: string;
  readonly exported: Exclude<ExportName, 'ledger'>;
  readonly path: string;
  readonly isHttp1: boolean;
  /** A file that is sent. */
  readonly body?: string;
  /** Of one repetition: a tenth of a second of work. Many short ones find the quiet moments of a machine. */
  readonly requests: number;
  readonly connections: number;
  readonly streams: number;
}

export const CELLS = {
  http1: cell('HTTP/1.1, 1 kB', 'web', '/v1/1kB', 800, true),
  http2: cell('HTTP/2, 1 kB', 'api', '/v1/1kB', 800),
  grpc: { ...cell('gRPC, 1 kB each way', 'rates', '/fx.Rates/Get.grpc', 800), body: 'message.grpc' },
  http1Large: cell('HTTP/1.1, 1 MB', 'web', '/v1/1MB', 40, true),
  http2Large: cell('HTTP/2, 1 MB', 'api', '/v1/1MB', 40),
} as const satisfies Readonly<Record<string, Cell>>;
export type CellName = keyof typeof CELLS;

/** 32 requests at a time. */
function cell(name: string, exported: Cell['exported'], path: string, requests: number, isHttp1 = false): Cell {
  const atOnce = isHttp1 ? { connections: 32, streams: 1 } : { connections: 4, streams: 8 };
  return { name, exported, path, isHttp1, requests, ...atOnce };
}

export interface LoadTools {
  readonly processes: Processes;
  readonly folder: string;
  readonly h2load: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What applications send beside what HTTP needs. */
const HEADERS = [
  'accept: application/json',
  'accept-encoding: gzip, br',
  'authorization: Bearer 3f9a7c1e5b8d42f6a0e9c7b5d3f1a8e6',
  'x-correlation-id: 0d9f6c4e-3b1a-4e7d-8c5f-2a6b9d0e1f34',
];
const GRPC_HEADERS = ['content-type: application/grpc', 'te: trailers', 'grpc-accept-encoding: identity, gzip'];

/** Latencies of the requests in milliseconds, sorted. Errors: a request failed. */
export async function requests(
  { processes, folder, h2load, env }: LoadTools,
  { exported, path, isHttp1, body, requests, connections, streams }: Cell,
  port: number,
  share = 1,
): Promise<readonly number[]> {
  const log = join(folder, 'h2load.log');
  rmSync(log, { force: true });
  const count = Math.max(connections, Math.round(requests * share));
  const headers = [...HEADERS, ...(exported === 'rates' ? GRPC_HEADERS : [])];
  const args = [
    ...['-c', OTHERS, 'env', ...Object.entries(env).map(([key, value]) => `${key}=${value}`)],
    h2load,
    ...(isHttp1 ? ['--h1'] : []),
    ...['-n', String(count), '-c', String(connections), '-m', String(streams), `--log-file=${log}`],
    ...headers.flatMap((header) => ['-H', header]),
    ...(body === undefined ? [] : ['-d', join(folder, body)]),
    `--connect-to=127.0.0.1:${port}`,
    `http://${exported}.bank${path}`,
  ];
  const said = await processes.run('h2load', 'taskset', args);
  if (!said.includes(`${count} succeeded, 0 failed, 0 errored`) || !said.includes(`status codes: ${count} 2xx`))
    throw new Error(`requests failed:\n${said}`);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  return lines.map((line) => Number(line.split('\t')[2]) / 1000).sort((a, b) => a - b);
}

/** Answers each connection with what it asks for: a number of bytes. */
export async function byteServer(port: number): Promise<Server> {
  const chunk = Buffer.alloc(256 * 1024, 'x');
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (asked) => {
      let left = Number(asked.toString());
      const send = (): void => {
        while (left > 0) {
          const some = chunk.subarray(0, Math.min(left, chunk.length));
          left -= some.length;
          if (!socket.write(some)) {
            socket.once('drain', send);
            return;
          }
        }
        socket.end();
      };
      send();
    });
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return server;
}

/** Seconds until so many bytes have arrived. Errors: fewer did. */
export function download(port: number, bytes: number): Promise<number> {
  const started = performance.now();
  return new Promise((done, fail) => {
    let arrived = 0;
    const socket = connect(port, '127.0.0.1', () => socket.write(String(bytes)));
    socket.on('data', (data) => {
      arrived += data.length;
    });
    socket.on('error', fail);
    socket.on('close', () => {
      if (arrived === bytes) done((performance.now() - started) / 1000);
      else fail(new Error(`${arrived} of ${bytes} bytes arrived over TCP`));
    });
  });
}
