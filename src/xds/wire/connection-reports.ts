// Reads what gateways report of their connections (StreamAccessLogsMessage, envoy.service.accesslog.v3): only the fields that
// say which cluster a connection is of, when it began, whether the other end answered, and why it failed.
// Must not: keep a slice of the message, or text that could steer a terminal.

import { XdsError } from '../stream-status.ts';
import { parseNode, printable } from './discovery-request.ts';
import type { NodeClaims } from './messages.ts';

export interface ConnectionReport {
  readonly cluster: string;
  /** When the connection began, by the clock of the Envoy, in milliseconds. */
  readonly startedAt: number;
  /** Bytes came back over the connection. */
  readonly isAnswered: boolean;
  /** The connection has ended, and is reported no more. */
  readonly isEnded: boolean;
  /** Envoy's words for a handshake that failed; empty when it says none. */
  readonly failure: string;
  readonly flags: readonly ConnectionFlag[];
}

/** By the numbers of ResponseFlags (envoy.data.accesslog.v3). */
const FLAGS = new Map([
  [2, 'no_healthy_upstream'],
  [6, 'upstream_connection_failure'],
  [7, 'upstream_connection_termination'],
  [8, 'upstream_overflow'],
  [27, 'dns_resolution_failure'],
] as const);
export type ConnectionFlag =
  | 'no_healthy_upstream'
  | 'upstream_connection_failure'
  | 'upstream_connection_termination'
  | 'upstream_overflow'
  | 'dns_resolution_failure';

export interface ReportMessage {
  readonly node?: NodeClaims;
  readonly reports: readonly ConnectionReport[];
}

const MAX_CLUSTER_BYTES = 512;
const MAX_FAILURE_BYTES = 512;
const PERIODIC = 2;

/** Errors: XdsError INVALID_ARGUMENT. */
export function parseReports(message: Buffer): ReportMessage {
  let node: NodeClaims | undefined;
  const reports: ConnectionReport[] = [];
  for (const [field, value] of fieldsOf(message)) {
    if (typeof value === 'number') continue;
    if (field === 1) for (const [inner, claims] of messagesOf(value)) if (inner === 1) node = parseNode(claims);
    if (field === 3)
      for (const [inner, entry] of messagesOf(value))
        if (inner === 1) for (const [part, common] of messagesOf(entry)) if (part === 1) reports.push(reportOf(common));
  }
  return { ...(node && { node }), reports };
}

/** Of an AccessLogCommon. */
function reportOf(common: Buffer): ConnectionReport {
  const report = { cluster: '', startedAt: 0, isAnswered: false, isEnded: true, failure: '' };
  let flags: readonly ConnectionFlag[] = [];
  for (const [field, value] of fieldsOf(common)) {
    if (typeof value === 'number') {
      if (field === 32) report.isAnswered = value > 0;
      else if (field === 33) report.isEnded = value !== PERIODIC;
    } else if (field === 15) report.cluster = text(value, MAX_CLUSTER_BYTES);
    else if (field === 5) report.startedAt = timeOf(value);
    else if (field === 18) report.failure = printable(text(value, MAX_FAILURE_BYTES));
    else if (field === 16) flags = flagsOf(value);
  }
  return { ...report, flags };
}

/** Of a google.protobuf.Timestamp. */
function timeOf(bytes: Buffer): number {
  let [seconds, nanos] = [0, 0];
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 1 && typeof value === 'number') seconds = value;
    if (field === 2 && typeof value === 'number') nanos = value;
  }
  return seconds * 1000 + nanos / 1e6;
}

function flagsOf(bytes: Buffer): readonly ConnectionFlag[] {
  const flags: ConnectionFlag[] = [];
  for (const [field, value] of fieldsOf(bytes)) {
    const flag = FLAGS.get(field as 2);
    if (flag !== undefined && value === 1) flags.push(flag);
  }
  return flags;
}

function text(bytes: Buffer, most: number): string {
  return bytes.toString('utf8', 0, Math.min(bytes.length, most));
}

function* messagesOf(bytes: Buffer): Generator<readonly [field: number, value: Buffer]> {
  for (const [field, value] of fieldsOf(bytes)) if (typeof value !== 'number') yield [field, value];
}

/** Every field in order: numbers of varints, slices of the rest. Errors: XdsError INVALID_ARGUMENT. */
function* fieldsOf(bytes: Buffer): Generator<readonly [field: number, value: Buffer | number]> {
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (let count = 0; count < 10; count += 1) {
      const byte = bytes[at];
      if (byte === undefined) break;
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw malformed();
  };
  const slice = (length: number): Buffer => {
    if (length > bytes.length - at) throw malformed();
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield [field, varint()];
        break;
      case 1:
        yield [field, slice(8)];
        break;
      case 2:
        yield [field, slice(varint())];
        break;
      case 5:
        yield [field, slice(4)];
        break;
      default:
        throw malformed();
    }
  }
}

function malformed(): XdsError {
  return new XdsError('INVALID_ARGUMENT', 'the message is not one of an access log');
}
