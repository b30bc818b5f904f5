// One row of the demo: a call, its expected and its actual outcome, and the reason in the gateways' logs.
// Must not: say why by itself, nor call a row fine when a backend saw what it must not see.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from './backends.ts';
import { type Answer, reasonOf } from './calls.ts';
import type { Running } from './processes.ts';
import type { Heard } from './tcp-calls.ts';
import { explain, isRefusedConnection, isRequest, isTcp, type LogLine, parseLog } from './why.ts';

/** What a caller can see of a call. */
export interface Case {
  readonly who: string;
  readonly calls: string;
  readonly through: string;
  /** Exactly what `got` must say. */
  readonly expected: string;
  readonly call: () => Promise<Answer | Heard>;
  /** The gateway that decides. */
  readonly decidedBy: Running;
}

export interface Row extends Omit<Case, 'call' | 'decidedBy'> {
  readonly got: string;
  readonly why: string;
  readonly fine: boolean;
}

/** Logs are flushed every 50 ms. */
const LOG_MS = 30_000;

export async function runCase(one: Case, backends: readonly Backend[]): Promise<Row> {
  const { call, decidedBy, ...shown } = one;
  const seenBefore = countSeen(backends);
  const logBefore = decidedBy.stdout().length;
  const answer = await call().catch((error: unknown) => new Error(reasonOf(error)));
  const connected = !(answer instanceof Error);
  const reached = countSeen(backends) > seenBefore;
  const got = connected ? describe(answer) : 'no connection';
  const leaked = reached && !got.includes(' from ') ? ' and yet a backend saw it' : '';
  const line = await logLine(
    decidedBy,
    logBefore,
    connected ? ('heard' in answer ? isTcp : isRequest) : isRefusedConnection,
  );
  const seenByCaller = connected ? '' : `${answer.message}; `;
  const why = seenByCaller + (line === undefined ? 'the log has no line for it' : explain(line));
  return { ...shown, got: got + leaked, why, fine: got + leaked === shown.expected && line !== undefined };
}

/** The status, who answered, and for gRPC its status: `200 from withdraw at the bank`. */
export function describe(answer: Answer | Heard): string {
  if ('heard' in answer) return `greeting from ${answer.heard}`;
  const { status, headers, body } = answer;
  const grpc = headers['grpc-status'];
  if (grpc !== undefined)
    return grpc === '0' ? `200 from ${body.slice(5).split(':')[0]}` : `gRPC status ${String(grpc)}`;
  const backend = /"backend":"([^"]*)"/.exec(body)?.[1];
  return backend === undefined ? String(status) : `${status} from ${backend}`;
}

/** The last of the new lines that tells of what just happened. */
async function logLine(
  gateway: Running,
  from: number,
  wanted: (line: LogLine) => boolean,
): Promise<LogLine | undefined> {
  const end = Date.now() + LOG_MS;
  while (Date.now() < end) {
    const line = parseLog(gateway.stdout().slice(from)).filter(wanted).at(-1);
    if (line !== undefined) return line;
    await sleep(20);
  }
  return undefined;
}

function countSeen(backends: readonly Backend[]): number {
  return backends.reduce((sum, { seen }) => sum + seen.length, 0);
}
