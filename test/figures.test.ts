// Figures that the documents repeat, against the code that sets them: limits of the xDS port, limits of the gateways, ages.
// Must not: copy a figure; each comes from a constant, or from the text of the file that sets it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../deploy/reference.ts';
import { COMMANDS } from '../src/cli/commands/command-list.ts';
import { connectionLog, requestLog, tcpLog, tunnelLog } from '../src/envoy/http/access-log.ts';
import * as limits from '../src/envoy/limits.ts';
import { START_SETTLE_MS } from '../src/federation/transition/history.ts';
import { SETTLE_MS } from '../src/federation/transition/transition.ts';
import type { TrustDomain } from '../src/trust/spiffe.ts';
import { REFUSALS } from '../src/xds/admission/refusal.ts';
import { WARM_UP_MS } from '../src/xds/transport/warm-up.ts';

const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** The number that a file gives a name: `connections: 20_000`, `const MAX_NACK_BYTES = 2048`, `streams: { burst: 1, perSecond: 2 }`. */
function figure(file: string, pattern: RegExp): number {
  const [, digits] = pattern.exec(textOf(file)) ?? [];
  assert.ok(digits, `${file} has no ${pattern}`);
  return Number(digits.replaceAll('_', ''));
}

/** `20 000`, as SECURITY.md writes it; four digits without a space. */
const spaced = (value: number): string =>
  value < 10_000 ? String(value) : String(value).replace(/\B(?=(\d{3})+$)/g, ' ');
/** `8,192`, as docs/operations.md writes it. */
const commas = (value: number): string => value.toLocaleString('en-US');

describe('the limits of the xDS port in SECURITY.md', () => {
  const server = 'src/xds/transport/xds-server.ts';
  const of = (name: string): number => figure(server, new RegExp(`\\b${name}: ([\\d_]+)`));
  /** Of requests, where a rate has several parts. */
  const rate = (name: string): string => {
    const [burst, second] = ['burst: ([\\d_]+)', 'burst: [\\d_]+, perSecond: ([\\d_]+)'].map((part) =>
      figure(server, new RegExp(`${name}: \\{\\s*(?:requests: \\{ )?${part}`)),
    );
    return `${spaced(burst ?? 0)} at once, then ${spaced(second ?? 0)} each second`;
  };
  const request = 'src/xds/wire/discovery-request.ts';
  const claims = figure(request, /MAX_CLAIM_BYTES = ([\d_]+)/);
  const agent = figure(request, /MAX_USER_AGENT_BYTES = ([\d_]+)/);
  const reason = figure(request, /MAX_NACK_BYTES = ([\d_]+)/);
  const reachability = 'src/runtime/reachability/peer-reachability.ts';
  const mibOf = (pattern: RegExp): string => `${figure(server, pattern)} MiB`;
  const rows = [
    `| connections | ${spaced(of('connections'))} |`,
    `| time for the TLS handshake | ${of('handshakeMs') / 1000} s |`,
    `| streams of one connection | ${figure(server, /max_concurrent_streams': ([\d_]+)/)} |`,
    `| streams that one connection opens | ${rate('streamsPerConnection')} |`,
    `its connections | ${rate('streamsPerGateway')} |`,
    `| streams of one gateway, from their opening | ${of('streamsPerGateway')} |`,
    `| time until the first request | ${of('firstRequestMs') / 1000} s |`,
    `| names in one request, and of one type on one stream | ${spaced(of('namesPerType'))} |`,
    `| ${claims} bytes; ${agent} are kept of the user agent, ${reason} of the reason of a rejection |`,
    `| requests of one stream | ${rate('ratesPerStream')} |`,
    `besides those of its resources | ${of('reportStreamsPerGateway')} |`,
    `| time until the first message of such a stream | ${of('firstRequestMs') / 1000} s |`,
    `KiB, of which ${of('reportsPerMessage')} reports are read |`,
    `| reports: ${rate('reportsRead')}; bytes: ${mibOf(/reportBytesRead: \{ burst: (\d+)/)} at once`,
    `ends | ${mibOf(/reportBytesReceived: \{ burst: (\d+)/)} at once, then ${mibOf(/reportBytesReceived: .* perSecond: (\d+)/)} each second |`,
    `| ${spaced(figure(reachability, /MAX_STATES = ([\d_]+)/))} states;`,
    `without a stream is forgotten after ${figure(reachability, /FORGET_MS = ([\d_]+)/)} minutes |`,
    `| requests of all streams of one gateway | ${rate('ratesPerGateway')} |`,
    `| time that a client may leave what was sent unread | ${of('stallMs') / 1000} s |`,
  ];
  for (const row of rows)
    test(`The limits in SECURITY.md have the row ${row}`, () => assert.ok(textOf('SECURITY.md').includes(row)));
});

describe('the limits of the gateways in docs/operations.md', () => {
  const [breakers] = limits.breakers().thresholds ?? [];
  assert.ok(breakers);
  const { max_requests = 0, max_connections = 0, max_pending_requests = 0, max_retries = 0 } = breakers;
  const mib = (bytes = 0): string => `${Number(bytes) / 1024 / 1024} MiB`;
  const seconds = (text: unknown = ''): string => String(text).replace('s', ' s');
  const rows = [
    `| ${limits.CALLERS.max_headers_count} at the egress (${limits.PEERS.max_headers_count} at the ingress) |`,
    `| ${limits.REQUEST_HEADERS_KB.egress} KiB at the egress (${limits.REQUEST_HEADERS_KB.ingress} at the ingress) |`,
    `| ${limits.TOWARDS_HTTP1_BACKEND.max_headers_count} and ${limits.TOWARDS_HTTP1_BACKEND.max_response_headers_kb} KiB from a backend (${limits.TOWARDS_PEER.max_headers_count} and ${limits.TOWARDS_PEER.max_response_headers_kb} KiB from a peer) |`,
    `| ${commas(Number(max_requests))} to HTTP/2, ${commas(Number(max_connections))} to HTTP/1 backends |`,
    `| requests of one cluster that wait | ${commas(Number(max_pending_requests))} |`,
    `| ${commas(Number(max_connections))}; ${commas(Number(max_retries))} |`,
    `| streams of one HTTP/2 connection | ${limits.FROM_PEERS.max_concurrent_streams} |`,
    `| requests of one connection to a peer | ${commas(Number(limits.TOWARDS_PEER.max_requests_per_connection))} |`,
    `| between gateways ${mib(Number(limits.FROM_PEERS.initial_stream_window_size))} (`,
    `| ${seconds(limits.TOWARDS_HTTP1_BACKEND.idle_timeout)}, ${seconds(limits.TOWARDS_HTTP2_BACKEND.idle_timeout)} |`,
    `| silence of a TCP connection: ingress, egress | ${seconds(limits.TCP.idle)}, ${seconds(limits.TCP_CALLER.idle)} |`,
    `| age of a TCP connection: ingress, egress | ${seconds(limits.TCP.age)}, ${seconds(limits.TCP_CALLER.age)} |`,
    `| ${seconds(limits.TOWARDS_PEER.idle_timeout)}, ${seconds(limits.PEERS.idle_timeout)}, ${seconds(limits.CALLERS.idle_timeout)} |`,
  ];
  for (const row of rows)
    test(`The limits in docs/operations.md have the row ${row}`, () =>
      assert.ok(textOf('docs/operations.md').includes(row)));
});

test('SECURITY.md says how long changes of trust are kept back, also after a start, and how long retired names are kept', () => {
  assert.equal(SETTLE_MS, 8000);
  assert.match(textOf('SECURITY.md'), /in one edit or within eight seconds, what comes is kept back/);
  assert.equal(START_SETTLE_MS, 15_000);
  assert.match(textOf('SECURITY.md'), /counts fifteen seconds from its start/);
  assert.match(textOf('src/federation/transition/retired-names.ts'), /RETIRED_MS = 60 \* 60 \* 1000;/);
  assert.match(textOf('SECURITY.md'), /Names that ended are remembered for an hour/);
});

test('docs/operations.md lists every reason of a refusal by which the metric counts, in the order of the code', () => {
  const [, row = ''] =
    /\n\| `postern_xds_clients_refused_total` \| `reason` (.*)\n/.exec(textOf('docs/operations.md')) ?? [];
  const reasons = [...row.matchAll(/`([a-z_]+)`/g)].map(([, reason]) => reason);
  assert.deepEqual(reasons, Object.keys(REFUSALS));
});

test('docs/operations.md lists every field of the access logs, each with the layers that have it, and no other', () => {
  const mesh = { name: 'bank', trustDomain: 'bank.example' as TrustDomain };
  const fieldsOf = (log: object): readonly string[] => {
    const { typed_config: config } = log as {
      readonly typed_config: { readonly log_format?: { readonly json_format: object } };
    };
    return Object.keys(config.log_format?.json_format ?? {});
  };
  const logs: Readonly<Record<string, readonly object[]>> = {
    listener: connectionLog(mesh, 'ingress'),
    http: [...requestLog(mesh, 'ingress', 'shop'), ...requestLog(mesh, 'egress', undefined)],
    tcp: [...tcpLog(mesh, 'ingress'), ...tcpLog(mesh, 'egress')],
    tunnel: tunnelLog(mesh),
  };
  const expected = new Map<string, string[]>();
  for (const [layer, both] of Object.entries(logs))
    for (const field of new Set(both.flatMap(fieldsOf))) expected.set(field, [...(expected.get(field) ?? []), layer]);
  const [, table = ''] =
    /\| Field \| In \| What it says \|\n.*\n((?:\|.*\n)+)/.exec(textOf('docs/operations.md')) ?? [];
  const listed = new Map<string, string[]>();
  for (const row of table.trimEnd().split('\n')) {
    const [, names = '', layers = ''] = row.split(' | ').length < 3 ? [] : ['', ...row.slice(2).split(' | ')];
    const inLayers =
      layers === 'all' ? Object.keys(logs) : [...layers.matchAll(/`(\w+)`/g)].map(([, one]) => one ?? '');
    for (const [, name = ''] of names.matchAll(/`(\w+)`/g)) listed.set(name, inLayers);
  }
  assert.deepEqual(Object.fromEntries(listed), Object.fromEntries(expected));
});

// The list of commands loads nothing of the server, so that it spells the default itself.
test('The command run warms up for as long as the benchmarks do, unless it is told otherwise', () => {
  const run = COMMANDS.find(({ name }) => name === 'run');
  assert.equal(run?.flags.find(({ name }) => name === 'warm-up')?.default, String(WARM_UP_MS));
});

test('The meet of two models is served for longer than a gateway or one of its connections drains', () => {
  const gateway = figure('src/envoy/resources/gateway-bootstrap.ts', /'--drain-time-s ([\d]+)'/);
  const connection = figure('src/envoy/http/http-connection-manager.ts', /drain_timeout: '([\d]+)s'/);
  assert.ok(SETTLE_MS > 1000 * Math.max(gateway, connection));
});
