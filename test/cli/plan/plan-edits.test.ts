// Every single edit that widens is called wider (79), and every one that narrows is not (0): one row for each kind of edit.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planAnswer } from '../../../src/cli/plan/plan-report.ts';
import { planText } from '../../../src/cli/plan/plan-text.ts';
import type { ServedBy } from '../../../src/cli/questions/served.ts';
import { configNames, configTerms } from '../../../src/config/rule-places.ts';
import { type Ca, configOf, MeshUnderTest, NOW, newCa } from '../../envoy/pipeline.ts';

const MESH = `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example, trustBundle: workloads.pem}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways:
  ingress: {address: "127.0.0.1:15443", limits: {connections: 500}}
  egress: {address: 127.0.0.1, clients: mtls}
peers:
  shop:
    trustDomain: shop.example
    trustBundle: shop.pem
    gatewayIdentities: [gateway/egress]
    addresses: ["127.0.0.1:9443"]
    sni: unguessable
    limits: {requestsPerSecond: 50, requests: 30, connections: 20}
  legacy: {trustDomain: legacy.example, trustBundle: legacy.pem, gatewayIdentities: [gateway/egress]}
exports:
- name: accounts
  backend: {address: "10.0.0.1:80", tls: mtls, identity: ns/bank/sa/accounts}
  underscoreHeaders: reject
  consumers:
  - peer: shop
    expires: 2030-03-01
    limits: {requestsPerSecond: 10, requests: 5, connections: 4, requestBody: 1MiB}
    allow:
    - {methods: [GET], paths: [/v1/a, /v1/b/*], workloads: [ns/shop/sa/checkout]}
- name: chat
  backend: "10.0.0.2:80"
  consumers: [{peer: shop, methods: [GET], paths: [/rooms/*]}, {peer: legacy, methods: [GET], paths: [/old]}]
- name: ledger
  protocol: tcp
  backend: "10.0.0.3:5432"
  consumers: [{peer: shop, limits: {connections: 3}}]
imports:
- {peer: shop, name: rates.fx, as: rates.test, port: 8080, clients: [ns/web/sa/front], limits: {requestsPerSecond: 9}}
- {peer: shop, name: db, as: db.test, port: 8081, protocol: tcp, clients: [ns/web/sa/front]}
`;

const cas = new Map<string, Ca>();

function servedBy(yaml: string, others: ReadonlyMap<string, Ca> = new Map()): ServedBy {
  const config = configOf(yaml);
  const bundles = new Map([...cas, ...others]);
  const mesh = new MeshUnderTest(yaml, bundles);
  for (const [domain, ca] of bundles) if (!others.has(domain)) cas.set(domain, ca);
  const names = configNames(config);
  const about = {
    file: 'mesh.yaml',
    mesh: config.mesh.name,
    trustDomain: config.mesh.trustDomain,
    names,
    terms: configTerms(config),
  };
  return async (gateway) => ({ ...about, gateway, places: {}, resources: mesh.resources(gateway) });
}

/** Both words appear once. */
function edited(yaml: string, from: string, to: string): string {
  const parts = yaml.split(from);
  assert.equal(parts.length, 2, `${from} is in the file ${parts.length - 1} times`);
  return parts.join(to);
}

type Edit = readonly [title: string, from: string, to: string];

/** Each of them widens; the way back narrows. */
const WIDENS: readonly Edit[] = [
  ['a method', 'methods: [GET], paths: [/v1/a', 'methods: [GET, POST], paths: [/v1/a'],
  ['a path', '[/v1/a, /v1/b/*]', '[/v1/a, /v1/b/*, /v1/c]'],
  ['a prefix instead of a path', '[/v1/a, /v1/b/*]', '[/v1/*]'],
  ['everything below the root', '[/rooms/*]', '[/*]'],
  ['any workload', ', workloads: [ns/shop/sa/checkout]', ''],
  ['a prefix of workloads', '[ns/shop/sa/checkout]', '[ns/shop/*]'],
  ['a further rule', 'allow:\n', 'allow:\n    - {methods: [PUT], paths: [/v1/new]}\n'],
  [
    'a further consumer',
    'consumers: [{peer: shop, limits: {connections: 3}}]',
    'consumers: [{peer: shop, limits: {connections: 3}}, {peer: legacy}]',
  ],
  ['a later end', '2030-03-01', '2030-03-02'],
  ['no end', '    expires: 2030-03-01\n', ''],
  ['a higher rate of a consumer', 'requestsPerSecond: 10', 'requestsPerSecond: 11'],
  ['no rate of a consumer', 'requestsPerSecond: 10, ', ''],
  ['more requests at a time of a consumer', 'requests: 5,', 'requests: 6,'],
  ['more connections to a backend', 'connections: 4,', 'connections: 40,'],
  ['larger bodies', '1MiB', '2MiB'],
  ['no limit of bodies', ', requestBody: 1MiB', ''],
  ['a higher rate of a peer', 'requestsPerSecond: 50', 'requestsPerSecond: 51'],
  ['more requests at a time of a peer', 'requests: 30', 'requests: 31'],
  ['more connections of a peer', 'connections: 20', 'connections: 21'],
  ['no limits of a peer', '    limits: {requestsPerSecond: 50, requests: 30, connections: 20}\n', ''],
  ['more connections of a TCP grant', 'connections: 3', 'connections: 4'],
  ['more connections of the gateway', 'connections: 500', 'connections: 501'],
  ['no limit of connections of the gateway', ', limits: {connections: 500}', ''],
  ['a higher rate of an import', 'requestsPerSecond: 9', 'requestsPerSecond: 90'],
  ['headers with underscores', '  underscoreHeaders: reject\n', '  underscoreHeaders: drop\n'],
  ['bodies with every method', 'name: chat\n', 'name: chat\n  requestBodies: any-method\n'],
  ['an upgrade', 'name: chat\n', 'name: chat\n  upgrades: [websocket]\n'],
  ['trace context', '    sni: unguessable\n', '    sni: unguessable\n    traceContext: forward\n'],
  ['a gateway identity', '[gateway/egress]\n', '[gateway/egress, gateway/two]\n'],
  ['RSA keys', '    sni: unguessable\n', '    sni: unguessable\n    leafKeys: [ecdsa, ed25519, rsa]\n'],
  ['a gateway to dial', '["127.0.0.1:9443"]', '["127.0.0.1:9443", "127.0.0.2:9443"]'],
  ['another backend', '"10.0.0.2:80"', '["10.0.0.2:80", "10.0.0.9:80"]'],
  [
    'a backend that proves nothing',
    '{address: "10.0.0.1:80", tls: mtls, identity: ns/bank/sa/accounts}',
    '"10.0.0.1:80"',
  ],
  ['a listener at every address', 'address: "127.0.0.1:15443"', 'address: "0.0.0.0:15443"'],
  ['a listener at a private address', 'address: "127.0.0.1:15443"', 'address: "10.1.2.3:15443"'],
  ['a port for our callers at a private address', 'address: 127.0.0.1,', 'address: 10.1.2.3,'],
  [
    'a client of an import',
    'as: rates.test, port: 8080, clients: [ns/web/sa/front]',
    'as: rates.test, port: 8080, clients: [ns/web/sa/front, ns/web/sa/back]',
  ],
  [
    'a prefix of clients of a TCP import',
    'protocol: tcp, clients: [ns/web/sa/front]',
    'protocol: tcp, clients: [ns/web/*]',
  ],
  [
    'an import',
    'imports:\n',
    'imports:\n- {peer: shop, name: new, as: new.test, port: 8082, clients: [ns/web/sa/front]}\n',
  ],
  [
    'a peer',
    'peers:\n',
    'peers:\n  new: {trustDomain: new.example, trustBundle: new.pem, gatewayIdentities: [gateway/egress]}\n',
  ],
];

/** Each of them takes away in one direction and gives in the other. */
const WIDENS_BOTH_WAYS: readonly Edit[] = [
  ['the server name that everybody knows', '    sni: unguessable\n', ''],
  ['another port', '127.0.0.1:15443', '127.0.0.1:15444'],
  ['another backend alone', '"10.0.0.3:5432"', '"10.0.0.4:5432"'],
  ['another name of an import', 'as: rates.test', 'as: other.test'],
];

/** Nobody gains or loses anything. */
const SAME: readonly Edit[] = [
  [
    'a rule that another covers',
    'allow:\n',
    'allow:\n    - {methods: [GET], paths: [/v1/b/x], workloads: [ns/shop/sa/checkout]}\n',
  ],
  [
    'a rule that is split',
    '{methods: [GET], paths: [/v1/a, /v1/b/*], workloads: [ns/shop/sa/checkout]}',
    '{methods: [GET], paths: [/v1/b/*], workloads: [ns/shop/sa/checkout]}\n    - {methods: [GET], paths: [/v1/a], workloads: [ns/shop/sa/checkout]}',
  ],
  ['another order of paths', '[/v1/a, /v1/b/*]', '[/v1/b/*, /v1/a]'],
  ['a time-out', 'name: chat\n', 'name: chat\n  timeouts: {idle: 5s}\n'],
  [
    'another order of consumers',
    '{peer: shop, methods: [GET], paths: [/rooms/*]}, {peer: legacy, methods: [GET], paths: [/old]}',
    '{peer: legacy, methods: [GET], paths: [/old]}, {peer: shop, methods: [GET], paths: [/rooms/*]}',
  ],
];

async function verdict(before: string, after: string): Promise<string> {
  const answer = await planAnswer(servedBy(before), servedBy(after));
  for (const line of planText(answer).split('\n'))
    assert.ok(line.length <= 80 || !line.trim().includes(' '), `too long: ${line}`);
  return answer.report.verdict;
}

describe('what an edit means', () => {
  for (const [title, from, to] of WIDENS)
    test(`It widens to add: ${title}; and it narrows to take that away`, async () => {
      const after = edited(MESH, from, to);
      assert.deepEqual([await verdict(MESH, after), await verdict(after, MESH)], ['wider', 'narrower']);
    });

  for (const [title, from, to] of WIDENS_BOTH_WAYS)
    test(`It widens to change to ${title}, and to change back`, async () => {
      const after = edited(MESH, from, to);
      assert.deepEqual([await verdict(MESH, after), await verdict(after, MESH)], ['wider', 'wider']);
    });

  for (const [title, from, to] of SAME)
    test(`Nobody reaches more or less with ${title}`, async () => {
      const after = edited(MESH, from, to);
      assert.deepEqual([await verdict(MESH, after), await verdict(after, MESH)], ['same', 'same']);
    });

  test('It widens when callers of the egress gateway no longer prove who they are', async () => {
    const proven = MESH.replace(/ {2}underscore.*\n/, '');
    const open = proven
      .replace('clients: mtls', 'clients: plaintext')
      .replaceAll(/, clients: \[ns\/web\/sa\/front\]/g, '');
    assert.deepEqual([await verdict(proven, open), await verdict(open, proven)], ['wider', 'narrower']);
  });

  test('One limit of a TCP grant is one line, without words of the resources', async () => {
    const { report } = await planAnswer(
      servedBy(MESH),
      servedBy(edited(MESH, 'limits: {connections: 3}', 'limits: {connections: 4}')),
    );
    assert.deepEqual(report.bounds, [
      { gateway: 'ingress', of: 'shop ledger', kind: 'connections', isWider: true, from: 3, to: 4 },
    ]);
  });

  test('An export that becomes TCP, and back, is told by its reach and server name, and not by headers and limits that it had as HTTP', async () => {
    const tcp = edited(MESH, '{peer: shop, limits: {connections: 3}}', '{peer: shop}');
    const http = edited(
      tcp,
      '- name: ledger\n  protocol: tcp\n  backend: "10.0.0.3:5432"\n  consumers: [{peer: shop}]',
      '- name: ledger\n  backend: "10.0.0.3:5432"\n  consumers: [{peer: shop, methods: [GET], paths: [/x]}]',
    );
    const told = async (from: string, to: string) =>
      (await planAnswer(servedBy(from), servedBy(to))).report.bounds.map(({ of, kind, isWider }) => [
        of,
        kind,
        isWider,
      ]);
    assert.deepEqual(await told(http, tcp), [['shop ledger', 'server name', true]]);
    assert.deepEqual(await told(tcp, http), [['shop ledger', 'server name', false]]);
  });

  test('A new TCP export is told with its connections alone: it has no requests', async () => {
    const fresh = '- {name: fresh, protocol: tcp, backend: "10.0.0.9:80", consumers: [{peer: shop}]}\n';
    const { report } = await planAnswer(servedBy(MESH), servedBy(edited(MESH, 'exports:\n', `exports:\n${fresh}`)));
    assert.deepEqual(
      report.newLimits.map(({ of, kind }) => [of, kind]),
      [['shop fresh', 'connections']],
    );
  });

  test('Trace context that is forwarded is one line for each way, by its key, and no header of it', async () => {
    const forwards = edited(MESH, '    sni: unguessable\n', '    sni: unguessable\n    traceContext: forward\n');
    const [there, back] = [
      await planAnswer(servedBy(MESH), servedBy(forwards)),
      await planAnswer(servedBy(forwards), servedBy(MESH)),
    ];
    const told = ({ report }: typeof there) =>
      report.bounds.map(({ kind, isWider, from, to }) => [kind, isWider, from, to]);
    assert.ok(told(there).length > 1);
    for (const one of told(there)) assert.deepEqual(one, ['traceContext', true, 'drop', 'forward']);
    for (const one of told(back)) assert.deepEqual(one, ['traceContext', false, 'forward', 'drop']);
    assert.match(planText(there), /^\+ egress rates\.fx of shop at rates\.test:8080: traceContext drop -> forward$/m);
    assert.doesNotMatch(planText(there), /METADATA|header that/);
  });

  test('Who we are to peers is listed when it changes: the name of a gateway, and where its certificates come from', async () => {
    const edits = [
      ['egress: {address: 127.0.0.1, ', 'egress: {address: 127.0.0.1, identity: gateway/new, '],
      ['{issuer: {certificate: ca.pem, privateKey: ca-key.pem}}', '{files: {certificate: /c.pem, privateKey: /k.pem}}'],
    ] as const;
    const lines = await Promise.all(
      edits.map(async ([from, to]) => {
        const answer = await planAnswer(servedBy(MESH), servedBy(edited(MESH, from, to)));
        assert.equal(answer.report.verdict, 'same');
        assert.deepEqual(
          answer.report.mayBeLost.map(({ peers, isCertain }) => [peers.includes('shop'), isCertain]),
          [[true, false]],
        );
        return planText(answer)
          .split('\n')
          .filter((line) => line.startsWith('~ gateways.') || line.startsWith('~ identity.'));
      }),
    );
    assert.deepEqual(lines[0], ['~ gateways.egress.identity: spiffe://bank.example/gateway/egress ->']);
    assert.equal(lines[1]?.length, 2);
    const other = (fingerprint: string): ServedBy => {
      const by = servedBy(MESH);
      return async (gateway) => ({ ...(await by(gateway)), terms: configTerms(configOf(MESH), fingerprint) });
    };
    const { report } = await planAnswer(other('aa'), other('bb'));
    assert.deepEqual(
      report.bounds.map(({ of, from, to }) => [of, from, to]),
      [['identity.issuer', 'SHA-256 aa', 'SHA-256 bb']],
    );
  });

  test('A further CA widens in the bundle of a peer, of our own workloads and of a backend, and its removal narrows', async () => {
    // The issuer would be another one too.
    const mesh = edited(
      edited(
        MESH,
        '{issuer: {certificate: ca.pem, privateKey: ca-key.pem}}',
        '{files: {certificate: /c.pem, privateKey: /k.pem}}',
      ),
      '"10.0.0.1:80", tls: mtls, identity: ns/bank/sa/accounts',
      '"10.0.0.1:443", tls: simple, serverName: accounts.test, ca: backend.pem',
    );
    for (const domain of ['shop.example', 'bank.example', 'accounts.test']) {
      const plain = servedBy(mesh);
      const known = cas.get(domain);
      assert.ok(known);
      const more = { ...known, certificate: known.certificate + newCa(domain, NOW + 1000).certificate };
      const both = servedBy(mesh, new Map([[domain, more]]));
      const [there, back] = [await planAnswer(plain, both), await planAnswer(both, plain)];
      assert.deepEqual([there.report.verdict, back.report.verdict], ['wider', 'narrower'], domain);
      assert.ok(there.report.bounds.every(({ kind }) => kind.startsWith('CA of')));
      assert.deepEqual([there.report.gained, there.report.lost], [[], []]);
      const ended = back.report.connections.map(({ of }) => of);
      assert.ok(domain !== 'shop.example' || ended.includes('shop'), `${domain}: ${ended.join(', ')}`);
    }
  });
});

test('Of a port, an import or a listener that goes, no other connection is said to end', async () => {
  const lines = async (from: string, to: string): Promise<readonly string[]> => {
    const { report } = await planAnswer(servedBy(MESH), servedBy(edited(MESH, from, to)));
    return report.connections.map(({ gateway, of, how }) => `${gateway} ${of} ${how}`);
  };
  const tcp = '- {peer: shop, name: db, as: db.test, port: 8081, protocol: tcp, clients: [ns/web/sa/front]}\n';
  assert.deepEqual(await lines(tcp, ''), ['egress port 8081 closed']);
  const http =
    '- {peer: shop, name: rates.fx, as: rates.test, port: 8080, clients: [ns/web/sa/front], limits: {requestsPerSecond: 9}}\n';
  assert.deepEqual(await lines(http, ''), ['egress port 8080 closed', 'egress shop closed']);
  // The export that a port stands for changes the connections of that port alone.
  assert.deepEqual(await lines('name: db,', 'name: other,'), ['egress port 8081 drained']);
});

test('A new way is told by what it lets in: all values of one kind in one line, and no header that the gateway itself writes', async () => {
  const to = edited(
    MESH,
    'peers:\n',
    'peers:\n  new: {trustDomain: new.example, trustBundle: new.pem, gatewayIdentities: [gateway/egress]}\n',
  ).replace('{peer: legacy, methods', '{peer: new, methods: [GET], paths: [/new]}, {peer: legacy, methods');
  const lines = planText(await planAnswer(servedBy(MESH), servedBy(to))).split('\n');
  assert.equal(lines.filter((line) => line.startsWith('+ ingress new: signature of a caller')).length, 1);
  assert.ok(lines.includes('+ ingress new chat: backend 10.0.0.2:80'));
  assert.deepEqual(
    lines.filter((line) => line.includes('x-postern')),
    [],
  );
});

test('A new export is told with its limits, and without the TLS that its backend has not', async () => {
  const fresh =
    '- {name: fresh, backend: "10.0.0.9:80", consumers: [{peer: shop, methods: [GET], paths: [/x], limits: {requestsPerSecond: 7}}]}\n';
  const answer = await planAnswer(servedBy(MESH), servedBy(edited(MESH, 'exports:\n', `exports:\n${fresh}`)));
  const { bounds, newLimits } = answer.report;
  assert.deepEqual(
    bounds.filter(({ of }) => of === 'shop fresh').map(({ kind }) => kind),
    ['backend'],
  );
  assert.ok(
    newLimits.some(({ of, kind, value }) => of === 'shop fresh' && kind === 'requests per second' && value === 7),
  );
  assert.match(planText(answer), /^= ingress shop fresh: .*requests per second 7/m);
  const open = edited(MESH, '"10.0.0.1:80", tls: mtls, identity: ns/bank/sa/accounts', '"10.0.0.1:80"');
  const { report } = await planAnswer(servedBy(MESH), servedBy(open));
  assert.ok(report.bounds.some(({ kind, isWider }) => kind === 'identity of a backend' && isWider));
  assert.deepEqual(report.newLimits, []);
});

test('What is reached by fewer callers is told with those that are left', async () => {
  const open = edited(MESH, ', workloads: [ns/shop/sa/checkout]', '');
  const text = planText(await planAnswer(servedBy(open), servedBy(MESH)));
  assert.match(
    text.replace(/\n {4}/g, ' '),
    /^- shop GET accounts .*\(less than before; left: shop:ns\/shop\/sa\/checkout\)$/m,
  );
});

test('A plan beside the file of another mesh says so', async () => {
  const other = edited(MESH, '{name: bank,', '{name: north,');
  const by = servedBy(other);
  const { report } = await planAnswer(servedBy(MESH), async (gateway) => ({ ...(await by(gateway)), mesh: 'north' }));
  assert.deepEqual(
    report.bounds.flatMap(({ of, from, to }) => (of === 'mesh.name' ? [[from, to]] : [])),
    [['bank', 'north']],
  );
});
