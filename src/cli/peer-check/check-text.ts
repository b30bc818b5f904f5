// The text of `postern check peer`: one paragraph for each way to the peer.
// Must not: show anything that the JSON does not have.

import { REFUSED_BY } from '../../envoy/reason-row.ts';
import { formatHostPort } from '../../host-port.ts';
import { oneLine } from '../../one-line.ts';
import type { CertificateFacts } from './certificate-facts.ts';
import type { CheckedWay } from './check-peer.ts';
import type { Mismatch } from './check-protocols.ts';
import { oneOf } from './own-answers.ts';
import type { AskedRequest } from './request.ts';
import type { Verdict } from './verdict.ts';

export interface CheckReport {
  readonly peer: string;
  readonly trustDomain: string;
  readonly mesh: string;
  readonly ok: boolean;
  /** What we show to the peer. */
  readonly ours: CertificateFacts;
  readonly ways: readonly CheckedWay[];
  /** Without --request, which is about one import. */
  readonly mismatches?: readonly Mismatch[];
  /** With --request. */
  readonly request?: AskedRequest;
}

export function checkText({ peer, trustDomain, mesh, ours, ways, mismatches = [], request }: CheckReport): string {
  const shown = new Set<string>();
  const sections = [
    [
      `peer ${peer} (${trustDomain}), dialled as the egress gateway of ${mesh} would`,
      ...certificateLines('we show', ours),
    ],
    ...ways.map((way) => wayLines(way, shown)),
    ...mismatches.map((one) => [`import ${one.import}`, `  ${one.reason}: ${one.text}`, `    -> ${one.remedy}`]),
    ...(request === undefined ? [] : [requestLines(request)]),
  ];
  return `${sections.map((lines) => lines.map(oneLine).join('\n')).join('\n\n')}\n`;
}

/** `shown`: the remedies that stand above. */
function wayLines(way: CheckedWay, shown: Set<string>): readonly string[] {
  const { host, port, ip, tcpImport, serverName, alpn, theirs, status, verdicts } = way;
  const at = ip === undefined || ip === host ? '' : ` at ${ip}`;
  const use = tcpImport === undefined ? 'HTTP' : `TCP import ${tcpImport}`;
  return [
    `${formatHostPort({ host, port })}${at}, ${use}: ${verdicts.length === 0 ? fine(status) : 'NOT REACHABLE'}`,
    `  server name ${serverName}, ALPN ${alpn}`,
    ...verdicts.flatMap((verdict) => verdictLines(verdict, shown)),
    ...(theirs === undefined ? [] : certificateLines('it shows', theirs).map((line) => `  ${line}`)),
  ];
}

function requestLines(asked: AskedRequest): readonly string[] {
  const { method, path, workload, requestId, address, status, grpcStatus, reason, possible, text, remedy } = asked;
  const grpc = grpcStatus === undefined ? '' : `, grpc-status ${grpcStatus}`;
  const others = possible.filter((code) => code !== reason);
  return [
    `${method} ${asked.import} ${path}${address === undefined ? '' : ` at ${address}`}: ${status === undefined ? 'no answer' : `${status}${grpc}`}`,
    `  ${workload === undefined ? 'without the claim of a workload' : `as ${workload}`}, request id ${requestId}`,
    `  ${reason}: ${text}`,
    ...(others.length === 0 ? [] : [`  its log has ${oneOf(others)}`]),
    ...(remedy === '' ? [] : [`    -> ${remedy}`]),
  ];
}

function fine(status: number | undefined): string {
  return status === undefined ? 'fine (handshake)' : `fine (handshake, health check ${status})`;
}

function verdictLines({ refusedBy, reason, text, remedy }: Verdict, shown: Set<string>): readonly string[] {
  const isShown = shown.has(remedy);
  shown.add(remedy);
  return [`  ${reason} (${REFUSED_BY[refusedBy]}): ${text}`, `    -> ${isShown ? 'as above' : remedy}`];
}

function certificateLines(what: string, facts: CertificateFacts): readonly string[] {
  const { uris, subject, issuer, key, notBefore, notAfter, fingerprint, unreadable } = facts;
  return [
    `${what} ${uris.join(', ') || 'no URI name'}`,
    `  subject ${subject || '(empty)'}, issuer ${issuer || '(empty)'}, ${key}`,
    `  valid from ${notBefore} to ${notAfter}`,
    `  SHA-256 ${fingerprint}`,
    ...(unreadable === undefined ? [] : [`  Postern's strict reader does not take it: ${unreadable}`]),
  ];
}
