// The lines that a gateway has written about one connection of the differential test, found by the client's port.
// Must not: take a line of another connection.

import { REASONS, type ReasonCode } from '../../../src/envoy/reasons.ts';

export type Line = Readonly<Record<string, unknown>>;

/** What the log says of one connection. */
export interface Logged {
  readonly reason: string;
  readonly rule?: string;
  readonly line: Line;
}

/** The line that decided: of the request, else of what the connection carried, else of the connection. Undefined: not written yet. */
export function loggedOf(log: readonly Line[], port: number, isRequest: boolean): Logged | undefined {
  const client = `127.0.0.1:${port}`;
  const own = log.filter((line) => line['client'] === client);
  const ids = new Set(own.map((line) => line['conn_id']));
  const all = log.filter((line) => own.includes(line) || ids.has(line['conn_id']));
  const of = (layer: string): Line | undefined => all.find((line) => line['layer'] === layer);
  const [listener, inner] = [of('listener'), of(isRequest ? 'http' : 'tcp')];
  // A connection whose handshake failed carries nothing.
  const isOver = listener !== undefined && listener['verdict'] !== 'allowed';
  const line = isOver ? listener : inner;
  if (line === undefined) return undefined;
  const rule = line['rule'];
  return { reason: String(line['reason']), ...(typeof rule === 'string' && { rule }), line };
}

/** What went wrong after it was admitted: the test leaves, and its servers close. */
export function isAdmitted(reason: string): boolean {
  return reason === 'ALLOWED' || (Object.hasOwn(REASONS, reason) && REASONS[reason as ReasonCode].verdict === 'failed');
}
