// The text of `postern status`, laid out for 80 columns.
// Must not: show a number or name that the JSON does not have.

import { connectedEnvoys, workerProblems } from '../admin/status-problems.ts';
import type { GatewayStreamType, Status } from '../admin/status-view.ts';
import { formatDiagnostic } from '../errors.ts';
import { inOneLine } from '../one-line.ts';
import { table } from './table.ts';

const TYPES = ['CDS', 'EDS', 'SDS', 'RDS', 'LDS'];
/** Longer lists end with a line that says how many more the JSON has. */
const MAX_ROWS = 20;
const MAX_EXPIRIES = 10;
const DAY = 24 * 60 * 60 * 1000;

/** What answers need not be Postern: nothing of the answer steers the terminal, or the CI system that reads the output. */
export function statusText(answer: Status, now: number): string {
  const status = inOneLine(answer);
  const { mesh, trustDomain, version, config } = status;
  const sections = [
    [
      `mesh ${mesh} (${trustDomain}), Postern ${version}`,
      `file ${config.file}, applied ${time(config.appliedAt)}`,
      ...caLines(status),
    ],
    [...status.gateways.flatMap((gateway) => gatewayLines(gateway)), ...workerProblems(status)],
    refusedLines(status),
    peerLines(status),
    reachabilityLines(status),
    exportLines(status),
    importLines(status),
    expiryLines(status, now),
    nackLines(status),
    [...deniedLines(status), ...rejectedLines(status), ...config.warnings.map(formatDiagnostic)],
  ];
  return `${sections.flatMap((lines) => (lines.length === 0 ? [] : [lines.join('\n')])).join('\n\n')}\n`;
}

/** Times in one form: UTC, to the second. */
function time(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z');
}

function caLines({ controlPlaneCa: ca }: Status): readonly string[] {
  const { onDisk = 'same', replaced = false } = ca;
  return [
    `control-plane CA until ${time(ca.notAfter)}, SHA-256`,
    `  ${ca.fingerprint}`,
    ...(replaced
      ? [
          '  made at this start, and the gateways have certificates of an earlier one:',
          '  restore the state folder, or give the gateways new certificates',
          '  (postern certs gateway)',
        ]
      : []),
    ...(onDisk === 'missing'
      ? ['  the state folder has lost this CA: restore it before you restart run,', '  or all gateways are locked out']
      : []),
    ...(onDisk === 'other'
      ? ['  the state folder holds another CA: gateway certificates that it issues are refused here']
      : []),
  ];
}

function gatewayLines({ gateway, nodes }: Status['gateways'][number]): readonly string[] {
  const envoys = connectedEnvoys(nodes);
  const ids = envoys.map(({ nodeId }) => nodeId);
  return [
    `${gateway} gateway: ${envoys.length === 0 ? 'none connected' : `${envoys.length} connected`}`,
    ...envoys.flatMap(({ nodeId, address, since, certificateNotAfter, oldBootstrap, types }) => {
      const same = ids.filter((id) => id === nodeId).length;
      return [
        `  ${nodeId}${same > 1 ? ` (one of ${same} connections with this node id)` : ''}`,
        `    from ${address} since ${time(since)}`,
        ...(certificateNotAfter === undefined ? [] : [`    client certificate until ${time(certificateNotAfter)}`]),
        ...(oldBootstrap === true
          ? [`    old bootstrap: make a new one (postern bootstrap ${gateway}), and restart it`]
          : []),
        `    ${TYPES.map((type) => `${type} ${stateOf(type, types)}`).join('  ')}`,
      ];
    }),
  ];
}

/** Clients of the xDS port; a process of an earlier version does not report them. */
function refusedLines({ refused = [] }: Partial<Status>): readonly string[] {
  return refused.flatMap(({ reason, count, lastAt, advice }) => [
    `refused: ${count} ${reason}${lastAt === undefined ? '' : `, last at ${time(lastAt)}`}`,
    `  ${advice}`,
  ]);
}

/** Of several streams for one type, a state other than SYNCED. */
function stateOf(type: string, types: readonly GatewayStreamType[]): string {
  const states = types.filter((one) => one.type === type).map(({ state }) => state);
  return states.find((state) => state !== 'SYNCED') ?? states[0] ?? '-';
}

function peerLines({ peers, deniedPeers = [] }: Status): readonly string[] {
  const rows = [
    ...peers.map((peer) => [peer.name, peer.trustDomain, 'served', time(peer.bundleNotAfter)]),
    ...deniedPeers.map(({ name, trustDomain }) => [name, trustDomain, 'denied', '-']),
  ];
  return listed(['PEER', 'TRUST DOMAIN', 'STATE', 'BUNDLE UNTIL'], rows);
}

/** Of a process of an earlier version, none. */
function reachabilityLines({ peers }: Status): readonly string[] {
  const known = peers.flatMap(({ name, reachability = [] }) => reachability.map((one) => ({ name, ...one })));
  const rows = known.map((one) => [
    wayTo(one),
    one.node,
    one.reachable ? 'reachable' : (one.reason ?? 'not reachable'),
    time(one.since),
    one.lastSuccess === undefined ? 'never' : time(one.lastSuccess),
    one.lastFailure === undefined ? 'never' : time(one.lastFailure),
  ]);
  const failing = known.filter(({ reachable }) => !reachable).slice(0, MAX_ROWS);
  return [
    ...listed(['PEER', 'FROM', 'STATE', 'SINCE', 'LAST SUCCESS', 'LAST FAILURE'], rows),
    ...failing.flatMap((one) => [
      `${wayTo(one)}: ${one.text ?? ''}${one.envoy === undefined ? '' : ` (${one.envoy})`}`,
      ...(one.addresses ?? []).map(({ address, reason, text }) => `  ${address || 'no address'}: ${reason} (${text})`),
    ]),
  ];
}

function wayTo({ name, tcpImport }: { readonly name: string; readonly tcpImport?: string }): string {
  return tcpImport === undefined ? name : `${name} (TCP ${tcpImport})`;
}

function exportLines({ exports = [] }: Partial<Status>): readonly string[] {
  const rows = exports.map(({ name, protocol, peers }) => [name, protocol, peers.join(', ') || '-']);
  const over = exports.flatMap(({ name, ended = [] }) =>
    ended.map(({ peer, lastDay }) => `the grant of ${name} to ${peer} ended on ${lastDay} (expires)`),
  );
  const more = over.length > MAX_ROWS ? [`and ${over.length - MAX_ROWS} more grants that ended: -o json`] : [];
  return [...listed(['EXPORT', 'PROTOCOL', 'GRANTED TO'], rows), ...over.slice(0, MAX_ROWS), ...more];
}

function importLines({ imports = [] }: Partial<Status>): readonly string[] {
  const rows = imports.map(({ as, port, name, peer, denied }) => [
    `${as}:${port}`,
    name,
    peer,
    denied ? 'denied' : 'served',
  ]);
  return listed(['LOCAL NAME', 'IMPORT', 'PEER', 'STATE'], rows);
}

/** The certificates that expire first. */
function expiryLines({ certificateEnds }: Status, now: number): readonly string[] {
  const rows = certificateEnds.map(({ kind, peer, node, notAfter }) => {
    const days = Math.floor((Date.parse(notAfter) - now) / DAY);
    const left = Date.parse(notAfter) <= now ? 'expired' : days === 0 ? 'less than a day' : `${days} days`;
    return [kind, peer ?? node ?? '-', time(notAfter), left];
  });
  return listed(['CERTIFICATE', 'OF', 'UNTIL', 'LEFT'], rows, MAX_EXPIRIES);
}

/** Envoy's words for every rejection that still applies. */
function nackLines(status: Status): readonly string[] {
  return status.gateways.flatMap(({ gateway, nodes }) =>
    nodes.flatMap((node) =>
      node.types.flatMap(({ type, nack }) =>
        nack === undefined
          ? []
          : [
              `${gateway} ${node.nodeId} rejected ${type} ${nack.version.slice(0, 8)} at ${time(nack.at)}: ${nack.message}`,
            ],
      ),
    ),
  );
}

function deniedLines({ deniedPeers = [] }: Status): readonly string[] {
  return deniedPeers.map(({ name, reasons }) => `peer ${name} is denied: ${reasons.join('; ')}`);
}

function rejectedLines({ config: { rejected } }: Status): readonly string[] {
  if (rejected === undefined) return [];
  const at = `${time(rejected.at)} (${rejected.reason})`;
  return [
    rejected.partly === true
      ? `Parts of the file were rejected at ${at}; the rest of it is served:`
      : `The file as it is now was rejected at ${at}; what was served before is still served:`,
    ...rejected.diagnostics.map(formatDiagnostic),
  ];
}

function listed(head: readonly string[], rows: readonly (readonly string[])[], most = MAX_ROWS): readonly string[] {
  if (rows.length === 0) return [];
  const more = rows.length > most ? [`and ${rows.length - most} more: -o json`] : [];
  return [table([head, ...rows.slice(0, most)]).trimEnd(), ...more];
}
