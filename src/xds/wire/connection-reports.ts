// Reads what gateways report of their connections (StreamAccessLogsMessage, envoy.service.accesslog.v3): only the fields that
// say which cluster a connection is of, when it began, whether the other end answered, and why it failed.
// Must not: keep a slice of the message, read more than its caller has an allowance for, or keep text that could steer a terminal.

import { isIP } from 'node:net';
import { formatHostPort } from '../../host-port.ts';
import { XdsError } from '../stream-status.ts';
import { MAX_CLAIM_BYTES, printable } from './discovery-request.ts';
import { FlatFields } from './flat-fields.ts';
import type { NodeClaims } from './messages.ts';

export interface ConnectionReport {
  readonly cluster: string;
  /** Of the other end, `IP:PORT`: the last one that was tried. Empty when none was. */
  readonly address: string;
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

export interface ReportingNode {
  readonly node?: NodeClaims;
  /** Where the message goes on behind the node, which may be most of it: Envoy lists its extensions there. */
  readonly end: number;
}

export interface ReportMessage {
  readonly reports: readonly ConnectionReport[];
  /** There are more reports than may be read. */
  readonly isCut: boolean;
}

const MAX_CLUSTER_BYTES = 512;
const MAX_FAILURE_BYTES = 512;
/** Longer than any IP address. */
const MAX_ADDRESS_BYTES = 64;
const PERIODIC = 2;
/** Envoy writes the fields of a message in the order of their numbers: `id` and `cluster` come before all others. */
const MAX_NODE_FIELDS = 8;

/** The node that a message names, which has to stand at its beginning. Errors: XdsError INVALID_ARGUMENT. */
export function reportingNode(message: Buffer): ReportingNode {
  const fields = new FlatFields(message);
  if (!fields.next(message.length) || !isMessage(fields, 1)) return { end: 0 };
  const end = fields.enter();
  if (!fields.next(end) || !isMessage(fields, 1)) return { end };
  return { node: nodeOf(fields), end };
}

/** The first `most` reports from `at` on. Errors: XdsError INVALID_ARGUMENT. */
export function parseReports(message: Buffer, at: number, most: number): ReportMessage {
  const reports: ConnectionReport[] = [];
  const fields = new FlatFields(message, at);
  while (fields.next(message.length)) {
    if (!isMessage(fields, 3)) continue;
    const logsEnd = fields.enter();
    while (fields.next(logsEnd)) {
      if (!isMessage(fields, 1)) continue;
      if (reports.length >= most) return { reports, isCut: true };
      const entryEnd = fields.enter();
      while (fields.next(entryEnd)) {
        if (!isMessage(fields, 1)) continue;
        // A repeated AccessLogCommon would be as many reports.
        reports.push(reportOf(fields));
        fields.at = entryEnd;
      }
    }
  }
  return { reports, isCut: false };
}

function isMessage(fields: FlatFields, field: number): boolean {
  return fields.isDelimited && fields.field === field;
}

function nodeOf(fields: FlatFields): NodeClaims {
  const end = fields.enter();
  const node = { id: '', cluster: '', userAgent: '', isEnvoy: false, clientFeatures: [] };
  for (let count = 0; count < MAX_NODE_FIELDS && fields.next(end); count += 1) {
    if (isMessage(fields, 1)) node.id = claim(fields);
    else if (isMessage(fields, 2)) node.cluster = claim(fields);
  }
  return node;
}

function claim(fields: FlatFields): string {
  if (fields.at - fields.from > MAX_CLAIM_BYTES)
    throw new XdsError('INVALID_ARGUMENT', `node.id or node.cluster is longer than ${MAX_CLAIM_BYTES} bytes`);
  return fields.text(MAX_CLAIM_BYTES);
}

/** Of the AccessLogCommon at which `fields` stands. */
function reportOf(fields: FlatFields): ConnectionReport {
  const report = { cluster: '', address: '', startedAt: 0, isAnswered: false, isEnded: true, failure: '' };
  let flags: readonly ConnectionFlag[] = NO_FLAGS;
  const end = fields.enter();
  while (fields.next(end)) {
    const { field, isDelimited, value } = fields;
    if (value >= 0) {
      if (field === 32) report.isAnswered = value > 0;
      else if (field === 33) report.isEnded = value !== PERIODIC;
    } else if (!isDelimited) continue;
    else if (field === 15) report.cluster = fields.text(MAX_CLUSTER_BYTES);
    else if (field === 13) report.address = addressOf(fields);
    else if (field === 5) report.startedAt = timeOf(fields);
    else if (field === 18) report.failure = printable(fields.text(MAX_FAILURE_BYTES));
    else if (field === 16) flags = flagsOf(fields);
  }
  return { ...report, flags };
}

/** Of a google.protobuf.Timestamp. */
function timeOf(fields: FlatFields): number {
  let [seconds, nanos] = [0, 0];
  const end = fields.enter();
  while (fields.next(end)) {
    if (fields.value < 0) continue;
    if (fields.field === 1) seconds = fields.value;
    else if (fields.field === 2) nanos = fields.value;
  }
  return seconds * 1000 + nanos / 1e6;
}

/** Of an envoy.config.core.v3.Address; empty for what is no address of a socket. */
function addressOf(fields: FlatFields): string {
  let [host, port] = ['', 0];
  const end = fields.enter();
  while (fields.next(end)) {
    if (!isMessage(fields, 1)) continue;
    const socketEnd = fields.enter();
    while (fields.next(socketEnd)) {
      if (isMessage(fields, 2)) host = fields.text(MAX_ADDRESS_BYTES);
      else if (fields.field === 3 && fields.value >= 0) port = fields.value;
    }
  }
  return isIP(host) === 0 ? '' : formatHostPort({ host, port });
}

const NO_FLAGS: readonly ConnectionFlag[] = [];

/** Each at most once, however often a client sets it. */
function flagsOf(fields: FlatFields): readonly ConnectionFlag[] {
  const flags = new Set<ConnectionFlag>();
  const end = fields.enter();
  while (fields.next(end)) {
    const flag = FLAGS.get(fields.field as 2);
    if (flag !== undefined && fields.value === 1) flags.add(flag);
  }
  return [...flags];
}
