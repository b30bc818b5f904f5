// Runs the load generator once against one server, and reads the figures that are compared from its report.
// Must not: interpret them.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Credentials } from './certificates.ts';

const run = promisify(execFile);

export interface Cell {
  /** The name in the table: `storm`, … */
  readonly name: string;
  readonly peers: number;
  readonly services: number;
  readonly streams: number;
  readonly mode: 'sotw' | 'delta';
  readonly tls: boolean;
  /** A snapshot for each node, of the same content. */
  readonly perGateway: boolean;
  /** Which type changes, and how often; `all`: everything changes at once. */
  readonly change: 'cds' | 'rds' | 'sds' | 'all';
  readonly rounds: number;
  /** Seconds of subscribing and unsubscribing in a closed loop. */
  readonly churnSeconds: number;
  /** Whether Postern is also measured with two workers. */
  readonly workers: boolean;
}

/** Times in milliseconds, memory in kilobytes. */
export interface Figures {
  readonly storm: number;
  readonly stormCpuPerMb: number;
  /** When the first stream has the change. */
  readonly changeFirst: number;
  readonly changeP50: number;
  readonly changeP99: number;
  readonly changeCpu: number;
  readonly churnPairs: number;
  readonly memoryPerStream: number;
  readonly protocolErrors: number;
}

interface Report {
  readonly protocol_errors: number;
  readonly server_rss_per_stream_kb: number;
  readonly storm: {
    readonly complete: number;
    readonly server_cpu_ms_per_mb: number;
    readonly first_full_set_ms: { readonly max: number };
  };
  readonly fanout?: readonly {
    readonly server_cpu_s: number;
    readonly latency_ms: { readonly min: number; readonly p50: number; readonly p99: number };
  }[];
  readonly churn?: { readonly pairs_per_s: number };
}

export interface Target {
  readonly address: string;
  readonly http: string;
  readonly pid: number;
  readonly tls: { readonly ca: string; readonly client: Credentials } | undefined;
}

/** Errors: a stream that did not get its full set, or what the load generator said. */
export async function load(xdsload: string, cell: Cell, target: Target): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const file = join(folder, 'report.json');
  const what = cell.change === 'all' ? 'what=all' : `what=one&type=${cell.change}`;
  const args = ['--addr', target.address, '--mode', cell.mode, '--streams', String(cell.streams)];
  args.push('--server-pid', String(target.pid), '--json', file, '--rounds', String(cell.rounds));
  args.push('--trigger-http', `http://${target.http}/bump?${what}`);
  args.push('--fanout-types', cell.change === 'all' ? 'cds,lds,rds,sds' : cell.change);
  if (cell.churnSeconds > 0) args.push('--churn', `${cell.churnSeconds}s`);
  if (target.tls !== undefined) {
    const { ca, client } = target.tls;
    args.push('--tls-ca', ca, '--tls-cert', client.cert, '--tls-key', client.key);
    args.push('--tls-server-name', 'localhost', '--tls-no-resume');
  }
  try {
    await run(xdsload, args, { maxBuffer: 1 << 26, timeout: 300_000 });
    return figures(JSON.parse(readFileSync(file, 'utf8')) as Report, cell);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function figures(report: Report, cell: Cell): Figures {
  if (report.storm.complete !== cell.streams)
    throw new Error(`${report.storm.complete} of ${cell.streams} streams got their full set`);
  const rounds = report.fanout ?? [];
  return {
    storm: report.storm.first_full_set_ms.max,
    stormCpuPerMb: report.storm.server_cpu_ms_per_mb,
    changeFirst: median(rounds.map((round) => round.latency_ms.min)),
    changeP50: median(rounds.map((round) => round.latency_ms.p50)),
    changeP99: median(rounds.map((round) => round.latency_ms.p99)),
    changeCpu: median(rounds.map((round) => round.server_cpu_s * 1000)),
    churnPairs: report.churn?.pairs_per_s ?? Number.NaN,
    memoryPerStream: report.server_rss_per_stream_kb,
    protocolErrors: report.protocol_errors,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}
