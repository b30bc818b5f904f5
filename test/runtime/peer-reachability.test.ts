// What the control plane concludes from the reports of its egress gateways.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dialCluster, tcpImport } from '../../src/envoy/resource-names.ts';
import type { Logger } from '../../src/log.ts';
import { peerFailure } from '../../src/runtime/reachability/peer-failure.ts';
import { ReachablePeers } from '../../src/runtime/reachability/peer-reachability.ts';
import type { ReportedConnections } from '../../src/serving/report-batch.ts';
import { Metrics } from '../../src/telemetry/metrics-registry.ts';
import type { StreamStatus } from '../../src/xds/stream-status.ts';

const REFUSED = {
  failure: 'delayed connect error: Connection refused',
  flags: ['upstream_connection_failure'],
  startedAt: 5000,
} as const;

function scene() {
  const logged: string[] = [];
  const log = (_fields: object, text: string): void => void logged.push(text);
  const logger: Logger = { info: log, warn: log, error: log };
  const metrics = new Metrics();
  let now = 1_000_000;
  let peers = [{ name: 'bank', key: '1' }];
  const reachable = new ReachablePeers(
    () => ({ peers, imports: [{ peer: 'bank', name: 'ledger', protocol: 'tcp' }] }),
    metrics,
    logger,
    () => now,
  );
  reachable.published();
  const stream = (nodeId: string): StreamStatus => ({
    ...{ gateway: 'egress', nodeId, userAgent: '', address: '', variant: 'delta', since: 0, types: [] },
  });
  return {
    logged,
    metrics,
    says: (nodeId: string, more: Partial<ReportedConnections>, cluster = dialCluster({ name: 'bank', key: '1' })) =>
      reachable.heard([{ gateway: 'egress', nodeId, cluster, isAnswered: false, failures: 0, ...more }]),
    crowd: (gateway: string) =>
      reachable.heard(
        Array.from({ length: 20_000 }, (_, index) => ({
          ...{ gateway, nodeId: `crowd-${index}`, cluster: dialCluster({ name: 'bank', key: '1' }) },
          ...{ isAnswered: true, failures: 0 },
        })),
      ),
    wait: (ms: number) => {
      now += ms;
    },
    becomes: (next: typeof peers) => {
      peers = next;
    },
    view: (...nodes: readonly string[]) => reachable.report(nodes.map(stream)).get('bank') ?? [],
    state: (...nodes: readonly string[]) =>
      (reachable.report(nodes.map(stream)).get('bank') ?? []).map(({ node, reachable: ok, reason }) => [
        node,
        ok,
        reason,
      ]),
  };
}

describe('the reachability of a peer', () => {
  test('A failure makes a peer unreachable, and an answer makes it reachable again once no more failures come', () => {
    const { says, state, wait, logged, metrics } = scene();
    says('e1', { isAnswered: true });
    assert.deepEqual([state('e1'), logged], [[['e1', true, undefined]], []]);
    says('e1', { failures: 3, last: REFUSED });
    assert.deepEqual(state('e1'), [['e1', false, 'PEER_DOWN']]);
    // An old connection that is still open does not mean that new ones can be made.
    says('e1', { isAnswered: true });
    assert.deepEqual(state('e1'), [['e1', false, 'PEER_DOWN']]);
    wait(10_000);
    says('e1', { isAnswered: true });
    assert.deepEqual(state('e1'), [['e1', true, undefined]]);
    assert.equal(logged.length, 2);
    const text = metrics.text();
    assert.match(text, /postern_peer_failures_total\{peer="bank",reason="PEER_DOWN"\} 3\n/);
    assert.match(text, /postern_peer_failures_total\{peer="bank",reason="WRONG_CA"\} 0\n/);
    assert.match(text, /postern_peer_reachable\{peer="bank",gateway="egress"\} 1\n/);
  });

  test('Each address has a reason of its own, and a refusal stands for the peer before an address that nobody answers at', () => {
    const { says, state, view, wait, logged } = scene();
    const verify = 'TLS_error:CERTIFICATE_VERIFY_FAILED:verify cert failed';
    const down = { address: '10.0.0.1:443', failures: 1, last: REFUSED };
    const wrong = {
      address: '10.0.0.2:443',
      failures: 1,
      last: { failure: verify, flags: [], startedAt: 6000 },
    } as const;
    says('e1', wrong);
    says('e1', down);
    says('e1', wrong);
    assert.deepEqual(state('e1'), [['e1', false, 'WRONG_CA']]);
    assert.equal(logged.length, 1);
    const addresses = () =>
      view('e1')[0]?.addresses?.map(({ address, reason, refusedBy }) => [address, reason, refusedBy]);
    assert.deepEqual(addresses(), [
      ['10.0.0.1:443', 'PEER_DOWN', 'nobody'],
      ['10.0.0.2:443', 'WRONG_CA', 'us'],
    ]);
    // An address that is not tried any more.
    wait(61_000);
    says('e1', down);
    assert.deepEqual([state('e1'), addresses()], [[['e1', false, 'PEER_DOWN']], undefined]);
    says('e1', { address: '10.0.0.2:443', isAnswered: true, answeredStart: 7000 });
    assert.deepEqual(state('e1'), [['e1', true, undefined]]);
  });

  test('What is kept of one Envoy does not grow with the addresses that it reports', () => {
    const { says, view } = scene();
    for (let port = 1; port <= 100; port += 1) says('e1', { address: `10.0.0.1:${port}`, failures: 1, last: REFUSED });
    assert.equal(view('e1')[0]?.addresses?.length, 16);
  });

  test('A connection that began after the last failure makes a peer reachable at once, and the failure is still shown', () => {
    const { says, state, view, wait, metrics } = scene();
    const ledger = tcpImport({ name: 'bank', key: '1' }, 'ledger');
    says('e1', { failures: 2, last: REFUSED }, ledger);
    wait(1300);
    says('e1', { isAnswered: true, answeredStart: 6300 }, ledger);
    const after = view('e1');
    assert.deepEqual(
      after.map(({ tcpImport: name, reachable, lastSuccess, lastFailure }) => [
        ...[name, reachable],
        ...[Date.parse(lastSuccess ?? ''), Date.parse(lastFailure ?? '')],
      ]),
      [['ledger', true, 1_001_300, 1_000_000]],
    );
    assert.match(metrics.text(), /postern_peer_failures_total\{peer="bank",reason="PEER_DOWN"\} 2\n/);
    // Within a second of reports, the newer connection decides as well.
    const newer = { failure: REFUSED.failure, flags: REFUSED.flags, startedAt: 7000 };
    says('e1', { isAnswered: true, answeredStart: 6900, failures: 1, last: newer }, ledger);
    assert.deepEqual(state('e1'), [['e1', false, 'PEER_DOWN']]);
    says('e1', { isAnswered: true, answeredStart: 7200, failures: 1, last: { ...newer, startedAt: 7100 } }, ledger);
    assert.deepEqual(state('e1'), [['e1', true, undefined]]);
  });

  test('A connection that began before the last failure does not make a peer reachable while failures are recent', () => {
    const { says, state, wait } = scene();
    says('e1', { failures: 1, last: REFUSED });
    wait(1000);
    says('e1', { isAnswered: true, answeredStart: 4000 });
    assert.deepEqual(state('e1'), [['e1', false, 'PEER_DOWN']]);
    wait(10_000);
    says('e1', { isAnswered: true, answeredStart: 4000 });
    assert.deepEqual(state('e1'), [['e1', true, undefined]]);
  });

  test('The Envoy that cannot reach a peer comes first, and one that is not connected does not count', () => {
    const { says, state, metrics } = scene();
    says('e1', { isAnswered: true });
    says('e2', { failures: 1, last: REFUSED });
    assert.deepEqual(
      state('e1', 'e2').map(([node]) => node),
      ['e2', 'e1'],
    );
    assert.match(metrics.text(), /postern_peer_reachable\{peer="bank",gateway="egress"\} 0\n/);
    assert.deepEqual(state('e1'), [['e1', true, undefined]]);
    assert.deepEqual(state(), []);
    assert.doesNotMatch(metrics.text(), /postern_peer_reachable\{/);
  });

  test('Nothing is believed of a cluster that is not a peer’s, and nothing is kept when the peer means something else', () => {
    const { says, state, becomes } = scene();
    says('e1', { isAnswered: true }, 'dial/stranger@1');
    says('e1', { isAnswered: true }, 'import/bank@1');
    assert.deepEqual(state('e1'), []);
    says('e1', { failures: 1, last: REFUSED });
    becomes([{ name: 'bank', key: '2' }]);
    assert.deepEqual(state('e1'), []);
  });

  test('The state of an Envoy is forgotten when it has been gone for five minutes, and kept while it is connected', () => {
    const { says, state, wait } = scene();
    says('gone', { failures: 1, last: REFUSED });
    says('e1', { isAnswered: true });
    for (let minute = 0; minute < 6; minute += 1) {
      wait(60_000);
      state('e1');
    }
    assert.deepEqual(state('e1', 'gone'), [['e1', true, undefined]]);
  });

  test('However many Envoys a gateway names, a new one is heard, and the other gateway’s are kept', () => {
    const { says, state, crowd } = scene();
    says('e1', { isAnswered: true });
    crowd('ingress');
    assert.deepEqual(state('e1'), [['e1', true, undefined]]);
    crowd('egress');
    says('new', { failures: 1, last: REFUSED });
    // The oldest made room.
    assert.deepEqual(state('e1', 'crowd-0', 'new'), [['new', false, 'PEER_DOWN']]);
  });

  test('A TCP import has a state of its own, and a connection of it that asked nothing says nothing', () => {
    const { says, state } = scene();
    const ledger = tcpImport({ name: 'bank', key: '1' }, 'ledger');
    says('e1', { failures: 1, last: { failure: '', flags: [], startedAt: 0 } }, ledger);
    assert.deepEqual(state('e1'), []);
    says('e1', { isAnswered: true });
    says('e1', { failures: 1, last: REFUSED }, ledger);
    assert.deepEqual(state('e1'), [
      ['e1', false, 'PEER_DOWN'],
      ['e1', true, undefined],
    ]);
  });

  test('A state that does not change is logged once', () => {
    const { says, logged } = scene();
    for (let count = 0; count < 50; count += 1) says('e1', { failures: 1, last: REFUSED });
    assert.equal(logged.length, 1);
  });

  const words: readonly (readonly [string, string, string])[] = [
    [
      'CERTIFICATE_VERIFY_FAILED:verify cert failed: X509_verify_cert: certificate verification error at depth 0: certificate has expired',
      'CERTIFICATE_EXPIRED',
      'us',
    ],
    [
      'CERTIFICATE_VERIFY_FAILED:verify cert failed: X509_verify_cert: certificate verification error at depth 0: certificate is not yet valid',
      'CERTIFICATE_NOT_YET_VALID',
      'us',
    ],
    [
      'TLS_error:|268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE:TLS_error_end',
      'WRONG_KEY_KIND',
      'nobody',
    ],
    ['TLS_error:|268436528:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA:TLS_error_end', 'WRONG_CA', 'peer'],
    ['TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end', 'NOT_TLS', 'nobody'],
    ['something that nobody has seen', 'PEER_DOWN', 'nobody'],
  ];
  for (const [failure, reason, refusedBy] of words)
    test(`Envoy’s words of ${reason} (${refusedBy}) are understood: ${failure.slice(-40)}`, () => {
      const found = peerFailure({ failure, flags: ['upstream_connection_failure'] }, { peer: 'shop' });
      assert.deepEqual([found.reason, found.refusedBy], [reason, refusedBy]);
    });

  test('A TCP import whose server name the peer does not know may be exported with another protocol', () => {
    const closed = { failure: 'TLS_error:|33554536:system library:OPENSSL_internal:Connection reset by peer' };
    const [http, tcp] = [{}, { tcpImport: 'ledger' }].map((way) =>
      peerFailure({ ...closed, flags: [] }, { peer: 'shop', ...way }),
    );
    assert.deepEqual([http?.reason, tcp?.reason], ['UNKNOWN_SERVER_NAME', 'UNKNOWN_SERVER_NAME']);
    assert.doesNotMatch(http?.text ?? '', /HTTP/);
    assert.match(tcp?.text ?? '', /ledger.*HTTP/);
  });
});
