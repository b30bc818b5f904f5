// The text of `postern status`: what it says of gateways, peers and workers, and what counts as out of sync.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outOfSync } from '../../src/admin/status-problems.ts';
import type { GatewayStream, GatewayStreamType, Status } from '../../src/admin/status-view.ts';
import { statusText } from '../../src/cli/status-text.ts';

const SINCE = '2026-11-24T12:00:00.123Z';
const NOW = Date.parse(SINCE);
const SYNCED: GatewayStreamType = { type: 'CDS', state: 'SYNCED', ackedVersion: '11111111ffff' };

function node(nodeId: string, types: readonly GatewayStreamType[], gateway = 'ingress', port = 1): GatewayStream {
  const stream = { gateway, nodeId, userAgent: 'envoy', address: `127.0.0.1:${port}`, variant: 'delta' } as const;
  return { ...stream, since: SINCE, certificateNotAfter: '2027-02-27T12:00:00.456Z', types };
}

/** Everything is in sync unless `nodes` or `change` says otherwise. */
function status(nodes: readonly GatewayStream[], change: Partial<Status> = {}): Status {
  return {
    mesh: 'bank',
    trustDomain: 'bank.example',
    version: '1.2.3',
    controlPlaneCa: { fingerprint: 'ab'.repeat(32), notAfter: '2036-01-01T00:00:00.000Z', made: false },
    config: { file: 'bank.yaml', appliedAt: SINCE, sha256: '', warnings: [] },
    refused: [],
    gateways: [
      { gateway: 'ingress', snapshotVersion: 'v', nodes },
      { gateway: 'egress', snapshotVersion: 'v', nodes: [node('e-1', [SYNCED], 'egress')] },
    ],
    peers: [],
    deniedPeers: [],
    exports: [],
    imports: [],
    certificates: [],
    certificateEnds: [],
    ...change,
  };
}

const linesOf = (value: Status): readonly string[] => statusText(value, NOW).split('\n');

test('A gateway without an Envoy is shown as not connected', () => {
  assert.ok(linesOf(status([])).includes('ingress gateway: none connected'));
});

test('Every connected node is shown with its address, its certificate and each type, whatever their order', () => {
  const types: readonly GatewayStreamType[] = [{ type: 'LDS', state: 'STALE' }, SYNCED];
  const lines = linesOf(status([node('i-1', types)]));
  const begin = lines.indexOf('ingress gateway: 1 connected');
  assert.deepEqual(lines.slice(begin + 1, begin + 5), [
    '  i-1',
    '    from 127.0.0.1:1 since 2026-11-24T12:00:00Z',
    '    client certificate until 2027-02-27T12:00:00Z',
    '    CDS SYNCED  EDS -  SDS -  RDS -  LDS STALE',
  ]);
});

test('Two connections with one node id are marked, and others are not', () => {
  const lines = linesOf(status([node('i-1', [SYNCED]), node('i-2', [SYNCED]), node('i-1', [SYNCED], 'ingress', 2)]));
  assert.equal(lines.filter((line) => line === '  i-1 (one of 2 connections with this node id)').length, 2);
  assert.ok(lines.includes('  i-2'));
});

test('An Envoy with a stream for each type is one gateway, and the state of each type is shown', () => {
  const streams = ['CDS', 'EDS', 'LDS'].map((type) =>
    node('i-1', [{ type, state: type === 'EDS' ? 'STALE' : 'SYNCED' }]),
  );
  const twice = node('i-1', [{ type: 'LDS', state: 'NACKED' }]);
  const lines = linesOf(status([...streams, twice, node('i-2', [SYNCED])]));
  const begin = lines.indexOf('ingress gateway: 2 connected');
  assert.deepEqual(
    [lines[begin + 1], lines[begin + 4]],
    ['  i-1', '    CDS SYNCED  EDS STALE  SDS -  RDS -  LDS NACKED'],
  );
  assert.deepEqual(outOfSync(status(streams)), ['ingress i-1 is not in sync: EDS STALE']);
});

test('Peers, exports and imports are listed with their state, also when everything is in order', () => {
  const lines = linesOf(
    status([], {
      peers: [
        {
          name: 'shop',
          trustDomain: 'shop.example',
          bundleFingerprint: '',
          bundleCertificates: [],
          bundleNotAfter: SINCE,
        },
      ],
      deniedPeers: [{ name: 'partner', trustDomain: 'partner.example', reasons: ['BUNDLE_EXPIRED it expired'] }],
      exports: [
        { name: 'ledger', protocol: 'http', peers: ['partner', 'shop'] },
        { name: 'rates', protocol: 'http', peers: [], ended: [{ peer: 'shop', lastDay: '2026-11-23' }] },
      ],
      imports: [{ peer: 'shop', name: 'cart', as: 'cart.local', port: 8080, protocol: 'http', denied: false }],
    }),
  ).map((line) => line.replace(/ {2,}/g, '|'));
  for (const line of [
    'shop|shop.example|served|2026-11-24T12:00:00Z',
    'partner|partner.example|denied|-',
    'ledger|http|partner, shop',
    'the grant of rates to shop ended on 2026-11-23 (expires)',
    'cart.local:8080|cart|shop|served',
    'peer partner is denied: BUNDLE_EXPIRED it expired',
  ])
    assert.ok(lines.includes(line), line);
});

test('A long list ends with the number of entries that only the JSON has', () => {
  const exports = Array.from({ length: 25 }, (_, index) => ({ name: `e-${index}`, protocol: 'http', peers: [] }));
  const lines = linesOf(status([], { exports }));
  assert.ok(lines.includes('and 5 more: -o json'));
  assert.equal(lines.filter((line) => /^e-\d+ /.test(line)).length, 20);
});

test('Names of a usual length fit into 80 columns, and every time has one form', () => {
  const types = ['CDS', 'EDS', 'SDS', 'RDS', 'LDS'].map((type): GatewayStreamType => ({ type, state: 'NOT SENT' }));
  const text = statusText(
    status([node('bank-ingress-6d5f9c7b8-x2x4k', types), node('bank-ingress-6d5f9c7b8-x2x4k', types)], {
      peers: [
        {
          name: 'partner',
          trustDomain: 'partner.example',
          bundleFingerprint: '',
          bundleCertificates: [],
          bundleNotAfter: SINCE,
        },
      ],
      imports: [
        {
          peer: 'shop',
          name: 'catalog.search',
          as: 'catalog.shop.svc.cluster.local',
          port: 8080,
          protocol: 'http',
          denied: true,
        },
      ],
      certificateEnds: [
        { kind: 'control-plane-ca', notAfter: SINCE },
        { kind: 'client-ingress', node: 'bank-ingress-6d5f9c7b8-x2x4k', notAfter: SINCE },
      ],
    }),
    NOW,
  );
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
  assert.doesNotMatch(text, /\.\d{3}Z/);
});

test('Every rejection that still applies is shown in Envoy’s own words, with gateway, node, type and time', () => {
  const nack = { version: '33333333ffff', message: 'duplicate listener', at: SINCE };
  const lines = linesOf(status([node('i-1', [{ type: 'LDS', state: 'NACKED', nack }, SYNCED])]));
  assert.ok(lines.includes('ingress i-1 rejected LDS 33333333 at 2026-11-24T12:00:00Z: duplicate listener'));
});

test('Missing and silent workers are reported, and nothing is when all workers answer', () => {
  const workers = (expected: number, serving: number, silent: number): readonly string[] =>
    outOfSync(status([node('i-1', [SYNCED])], { workers: { expected, serving, silent } }));
  assert.deepEqual(workers(2, 2, 0), []);
  const told = workers(3, 2, 1);
  assert.deepEqual(told, [
    '2 of 3 workers serve; the others are being started',
    '1 of 2 workers did not answer: their gateways are missing here',
  ]);
  const lines = linesOf(status([], { workers: { expected: 3, serving: 2, silent: 1 } }));
  for (const line of told) assert.ok(lines.includes(line));
});

test('A gateway that is not connected, has not subscribed or has not accepted what is served is out of sync, as is a rejected file', () => {
  const problems = (nodes: readonly GatewayStream[]): readonly string[] => outOfSync(status(nodes));
  assert.deepEqual(problems([node('i-1', [SYNCED])]), []);
  assert.deepEqual(problems([]), ['no ingress gateway is connected']);
  assert.deepEqual(problems([node('i-1', [])]), ['ingress i-1 has not subscribed yet']);
  for (const state of ['STALE', 'NACKED', 'NOT SENT'] as const)
    assert.deepEqual(problems([node('i-1', [SYNCED]), node('i-2', [SYNCED, { type: 'LDS', state }])]), [
      `ingress i-2 is not in sync: LDS ${state}`,
    ]);
  const { config } = status([]);
  for (const partly of [true, false]) {
    const rejected = { at: SINCE, reason: 'CONFIG_INVALID', diagnostics: [], partly };
    assert.equal(outOfSync(status([node('i-1', [SYNCED])], { config: { ...config, rejected } })).length, 1);
  }
});

test('What answers as the admin port writes neither a line of its own nor a command of a CI system', () => {
  const name = '::warning::x\n::warning::y\x1b[2J';
  const peer = { name, trustDomain: name, bundleNotAfter: name } as unknown as Status['peers'][number];
  const warnings = [
    { severity: 'warning', code: name, file: name, line: 1, column: 1, message: name, hint: name, path: [] },
  ];
  const text = statusText(
    status([node(name, [SYNCED])], {
      mesh: name,
      peers: [peer],
      config: {
        file: name,
        appliedAt: SINCE,
        sha256: '',
        warnings: warnings as unknown as Status['config']['warnings'],
      },
    }),
    NOW,
  );
  assert.doesNotMatch(text, /^\s*::/m);
  assert.match(text, /^[\n\x20-\x7e]*$/);
});

test('Refused clients are shown by reason with the last time and what to do, and a CA that replaced an earlier one with its remedy', () => {
  const refused = [{ reason: 'server_untrusted', count: 12, lastAt: SINCE, advice: 'Give it the CA.' }];
  const lines = linesOf(status([], { refused }));
  const begin = lines.indexOf('refused: 12 server_untrusted, last at 2026-11-24T12:00:00Z');
  assert.equal(lines[begin + 1], '  Give it the CA.');
  const { controlPlaneCa } = status([]);
  const hint = (replaced: boolean): boolean =>
    linesOf(status([], { controlPlaneCa: { ...controlPlaneCa, made: true, replaced } })).some((line) =>
      line.includes('restore the state folder'),
    );
  assert.deepEqual([hint(true), hint(false)], [true, false]);
});

test('A gateway with an old bootstrap is shown with the remedy, and is in sync', () => {
  const old = { ...node('i-1', [SYNCED]), oldBootstrap: true };
  const lines = linesOf(status([old, { ...node('i-2', [SYNCED], 'ingress', 2), oldBootstrap: false }]));
  const wanted = '    old bootstrap: make a new one (postern bootstrap ingress), and restart it';
  assert.equal(lines.filter((line) => line === wanted).length, 1);
  assert.equal(lines[lines.indexOf('  i-1') + 3], wanted);
  assert.deepEqual(outOfSync(status([old])), []);
});
