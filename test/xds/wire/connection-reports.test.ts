// What is read of a gateway's access log messages, and that anything else is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { XdsError } from '../../../src/xds/stream-status.ts';
import { parseReports, reportingNode } from '../../../src/xds/wire/connection-reports.ts';
import { logMessage } from './log-messages.ts';

test('A report has its cluster, when the connection began, whether the peer answered, whether the connection ended, the failure and the flags', () => {
  const message = logMessage(
    [
      {
        start_time: { seconds: 1_800_000_000, nanos: 250_000_000 },
        upstream_remote_address: { socket_address: { address: '10.0.0.1', port_value: 15443 } },
        ...{ upstream_cluster: 'dial/a@1', upstream_wire_bytes_received: 300, access_log_type: 'TcpPeriodic' },
      },
      {
        upstream_cluster: 'dial/b@2',
        upstream_transport_failure_reason: 'TLS_error',
        access_log_type: 'TcpConnectionEnd',
        response_flags: { upstream_connection_failure: true, no_healthy_upstream: true, delay_injected: true },
      },
    ],
    { id: 'egress-1', cluster: 'egress' },
  );
  const { node, end } = reportingNode(message);
  const { reports } = parseReports(message, end, 10);
  assert.deepEqual([node?.id, node?.cluster], ['egress-1', 'egress']);
  assert.deepEqual(reports, [
    {
      address: '10.0.0.1:15443',
      ...{ cluster: 'dial/a@1', startedAt: 1_800_000_000_250, isAnswered: true, isEnded: false, failure: '' },
      flags: [],
    },
    {
      address: '',
      ...{ cluster: 'dial/b@2', startedAt: 0, isAnswered: false, isEnded: true, failure: 'TLS_error' },
      flags: ['no_healthy_upstream', 'upstream_connection_failure'],
    },
  ]);
});

test('Text of a report is cut, and nothing in it steers a terminal', () => {
  const [report] = parseReports(
    logMessage([
      { upstream_cluster: 'c'.repeat(2000), upstream_transport_failure_reason: `\u001b[2J${'x'.repeat(2000)}` },
    ]),
    0,
    10,
  ).reports;
  assert.equal(report?.cluster.length, 512);
  assert.equal(report?.failure.length, 512);
  assert.ok(!report?.failure.includes('\u001b'));
});

test('The address of a report is one of IP, or none', () => {
  const addresses = [
    { socket_address: { address: '2001:db8::1', port_value: 443 } },
    { socket_address: { address: '\u001b[2J', port_value: 443 } },
    { socket_address: { address: '1'.repeat(2000), port_value: 443 } },
    { envoy_internal_address: { server_listener_name: 'import/a@1' } },
  ];
  const { reports } = parseReports(
    logMessage(addresses.map((upstream_remote_address) => ({ upstream_remote_address }))),
    0,
    10,
  );
  assert.deepEqual(
    reports.map(({ address }) => address),
    ['[2001:db8::1]:443', '', '', ''],
  );
});

test('No more reports are read than asked for, and what comes behind them is not looked at', () => {
  const three = logMessage(['a', 'b', 'c'].map((upstream_cluster) => ({ upstream_cluster })));
  const behind = Buffer.concat([three, logMessage([{ upstream_cluster: 'd' }]), Buffer.from('ffff', 'hex')]);
  const { reports, isCut } = parseReports(behind, 0, 2);
  assert.deepEqual([reports.map(({ cluster }) => cluster), isCut], [['a', 'b'], true]);
  assert.equal(parseReports(three, 0, 3).isCut, false);
});

test('Of the node only the beginning is read, where Envoy writes its id and its cluster', () => {
  const long = logMessage([], { id: 'n', cluster: 'egress', extensions: Array.from({ length: 50 }, () => ({})) });
  const extension = long.lastIndexOf(Buffer.from([0x4a, 0]));
  // A tag that no field has.
  const broken = Buffer.from(long).fill(0x07, extension, extension + 1);
  assert.equal(reportingNode(broken).node?.cluster, 'egress');
});

test('Any bytes are read as reports or refused with INVALID_ARGUMENT', () => {
  const valid = logMessage([{ upstream_cluster: 'a', response_flags: { upstream_overflow: true } }], { id: 'n' });
  const changed = fc
    .tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: valid.length }))
    .map(([at, byte, end]) => {
      const copy = Buffer.from(valid);
      copy[at] = byte;
      return copy.subarray(0, end);
    });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
    changed,
  );
  fc.assert(
    fc.property(bytes, (message) => {
      try {
        parseReports(message, reportingNode(message).end, 10);
      } catch (error) {
        assert.ok(error instanceof XdsError && error.status === 'INVALID_ARGUMENT', String(error));
      }
    }),
    { numRuns: 3000 },
  );
});
