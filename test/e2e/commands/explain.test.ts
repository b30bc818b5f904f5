// `postern explain` on lines of real gateways: each refusal with its reason, rule, line of the file and cure, by the snapshot of its time.
// Must not: write a line by hand; the gateways do.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type Answer, type Credentials, callGateway, type Request } from '../../../deploy/demo/calls.ts';
import type { LogLine } from '../../../deploy/demo/why.ts';
import type { Explanation } from '../../../src/cli/explain/explanation.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { DATA, dialRaw } from '../../support/clients/raw-http2.ts';
import { rawTls } from '../../support/clients/raw-tls.ts';
import { type Leaf, leaf } from '../../support/leaf.ts';
import { eventually, Testbed, type TestMesh } from '../../support/mesh.ts';
import { posternHere } from '../../support/postern-here.ts';

const GATEWAY = 'spiffe://shop.example/gateway/egress';
const WEB = 'ns/web/sa/front';
const ASKED = 'GET /v1/accounts HTTP/1.1\r\nhost: accounts.bank\r\nconnection: close\r\n\r\n';
const SNI = 'shop.example.peers.bank.example';

describe('explain', () => {
  let bed: Testbed;
  let bank: TestMesh;
  let shop: TestMesh;
  let ingress: HostPort;
  let egress: HostPort;
  let lost: HostPort;
  let journal: HostPort;
  /** Nobody listens there. */
  let dead: string;

  before(async () => {
    bed = await Testbed.create();
    await Promise.all(['bank.example', 'shop.example', 'partner.example'].map((name) => bed.ca(name)));
    await bed.caInto(bed.pki('other'), 'shop.example');
    await bed.caInto(bed.pki('workloads'), 'shop.example');
    const backend = formatHostPort((await bed.backend('accounts')).address);
    dead = formatHostPort(await bed.address());
    [ingress, egress, lost, journal] = [
      await bed.address(),
      await bed.address(),
      await bed.address(),
      await bed.address(),
    ];
    bank = await bed.mesh(
      'bank',
      `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
  shop:
    trustDomain: shop.example
    trustBundle: pki/shop.example/ca.pem
    gatewayIdentities: [gateway/egress]
  partner: {trustDomain: partner.example, trustBundle: pki/partner.example/ca.pem, gatewayIdentities: [gateway/egress]}
exports:
- name: accounts
  backend: "${backend}"
  consumers:
  - peer: shop
    allow:
    - {methods: [GET], paths: [/v1/accounts, /v1/receipts/*]}
    - {methods: [POST], paths: [/v1/withdrawals], workloads: [ns/shop/sa/checkout]}
- {name: loans, backend: "${backend}", consumers: [{peer: partner, methods: [GET], paths: [/*]}]}
- name: quotes
  backend: "${backend}"
  consumers:
  - {peer: shop, methods: [GET], paths: [/*], limits: {requestsPerSecond: 1}}
- name: stale
  backend: "${dead}"
  consumers: [{peer: shop, methods: [GET], paths: [/*]}]
- name: journal
  protocol: tcp
  backend: "${dead}"
  consumers: [{peer: shop}]
- name: tape
  protocol: tcp
  backend: "${backend}"
  consumers:
  - peer: shop
    limits:
      connections: 1
`,
    );
    shop = await bed.mesh(
      'shop',
      `apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example, trustBundle: pki/workloads/ca.pem}
identity: {issuer: {certificate: pki/shop.example/ca.pem, privateKey: pki/shop.example/ca-key.pem}}
gateways: {egress: {address: "${egress.host}", clients: mtls}}
peers:
  bank: {trustDomain: bank.example, trustBundle: pki/bank.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: ["${formatHostPort(ingress)}"]}
  gone: {trustDomain: partner.example, trustBundle: pki/partner.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: ["${formatHostPort(lost)}"]}
imports:
- {peer: bank, name: accounts, as: accounts.bank, port: ${egress.port}, clients: [${WEB}]}
- {peer: gone, name: notes, as: notes.gone, port: ${egress.port}, clients: [${WEB}]}
- peer: bank
  name: journal
  as: journal.bank
  port: ${journal.port}
  protocol: tcp
  clients: [${WEB}]
`,
    );
    // What the gateways have acknowledged, the workers know.
    await Promise.all([bank.startControl('--workers', '2'), shop.startControl()]);
    await Promise.all([bank.startGateway('ingress'), shop.startGateway('egress')]);
    await eventually('a call passes', async () => (await ofShop({ path: '/v1/accounts' })).status === 200);
  });

  after(() => bed.close());

  /** A request as the shop's gateway would send it. */
  function ofShop(asked: Request, name = 'accounts', wanted: Partial<Leaf> = {}, servername = SNI): Promise<Answer> {
    const client = leaf({ ca: bed.pki('shop.example'), caTrustDomain: 'shop.example', uris: [GATEWAY], ...wanted });
    return callGateway({ gateway: ingress, servername, client }, `${name}.exports.bank.example`, asked);
  }

  function workload(path: string): Credentials {
    const uris = [`spiffe://shop.example/${path}`];
    return leaf({ ca: bed.pki('workloads'), caTrustDomain: 'shop.example', uris });
  }

  /** A request of a workload of the shop. */
  function ofWorkload(path: string, host: string, asked: Request = {}): Promise<Answer> {
    return callGateway({ gateway: egress, servername: 'any', client: workload(path) }, host, asked);
  }

  /** The line with this reason that a gateway writes for what `act` does. */
  async function lineOf(reason: string, mesh: TestMesh, act: () => Promise<unknown>, layer?: string): Promise<LogLine> {
    const role = mesh === bank ? 'ingress' : 'egress';
    const from = mesh.log(role).length;
    await act().catch(() => undefined);
    const found = (): LogLine | undefined =>
      mesh
        .log(role)
        .slice(from)
        .find((line) => line['reason'] === reason && (layer === undefined || line['layer'] === layer));
    await eventually(`a line with ${reason}`, () => found() !== undefined).catch((error: unknown) => {
      throw new Error(
        `${mesh
          .log(role)
          .slice(from)
          .map((line) => JSON.stringify(line))
          .join('\n')}`,
        { cause: error },
      );
    });
    return found() ?? {};
  }

  async function explained(line: LogLine, mesh: TestMesh, ...more: readonly string[]): Promise<Explanation> {
    const words = ['explain', JSON.stringify(line), '-o', 'json', '--admin', formatHostPort(mesh.place.admin), ...more];
    const [one] = JSON.parse(await posternHere(...words)) as Explanation[];
    if (one === undefined) throw new Error('nothing is explained');
    return one;
  }

  /** FILE:LINE of the first line of a mesh's file with this text. */
  function placeIn(mesh: TestMesh, text: string): string {
    const sought = text.replace('DEAD', dead);
    const before = mesh.yaml.slice(0, mesh.yaml.indexOf(sought));
    assert.ok(mesh.yaml.includes(sought), sought);
    return `${mesh.place.file}:${before.split('\n').length}`;
  }

  interface Case {
    readonly mesh: 'bank' | 'shop';
    readonly act: () => Promise<unknown>;
    readonly layer?: string;
    readonly agrees: Explanation['judged'][number]['agrees'];
    /** The rule that came nearest, and what it would have needed. */
    readonly nearest?: readonly [rule: string, line: string, needs: RegExp];
    /** Where to look. */
    readonly look?: readonly [part: string, line: string];
    readonly proven?: Explanation['caller']['isProven'];
  }

  const tcp = (server: string, wanted: Partial<Leaf> = {}): Promise<unknown> =>
    rawTls({
      gateway: ingress,
      servername: `${server}.tcp.${SNI}`,
      alpn: ['postern-tcp'],
      client: leaf({ ca: bed.pki('shop.example'), caTrustDomain: 'shop.example', uris: [GATEWAY], ...wanted }),
      send: 'x',
    });

  /** More connections than the shop may have to one export, all at once, until one of them is refused. */
  async function crowd(): Promise<void> {
    const client = leaf({ ca: bed.pki('shop.example'), caTrustDomain: 'shop.example', uris: [GATEWAY] });
    const names = { servername: `tape.tcp.${SNI}`, ALPNProtocols: ['postern-tcp'], rejectUnauthorized: false };
    const sockets = Array.from({ length: 8 }, () =>
      connectTls({ host: ingress.host, port: ingress.port, ...names, ...client }).on('error', () => undefined),
    );
    await Promise.race(sockets.map((socket) => new Promise((done) => socket.on('close', done))));
    for (const socket of sockets) socket.destroy();
  }

  /** Empty frames beside a request that the shop may make: the gateway ends the connection, and with it the request. */
  async function floods(): Promise<void> {
    const client = leaf({ ca: bed.pki('shop.example'), caTrustDomain: 'shop.example', uris: [GATEWAY] });
    const connection = await dialRaw({ gateway: ingress, servername: SNI, client });
    const fields = {
      ...{ ':method': 'POST', ':scheme': 'https', ':path': '/v1/withdrawals' },
      ':authority': 'accounts.exports.bank.example',
      'x-forwarded-client-cert': `By=${GATEWAY};Hash=${'0'.repeat(64)};URI=spiffe://shop.example/ns/shop/sa/checkout`,
    };
    connection.send(DATA, 0, connection.request(Object.entries(fields), false), undefined, 5);
  }

  const READ = 'exports.accounts.consumers.shop.allow[0]';
  const WRITE = 'exports.accounts.consumers.shop.allow[1]';
  const READ_LINE = '{methods: [GET], paths: [/v1/accounts';
  const WRITE_LINE = '{methods: [POST]';
  const cases: Readonly<Record<string, Case>> = {
    METHOD: {
      mesh: 'bank',
      act: () => ofShop({ method: 'DELETE', path: '/v1/accounts' }),
      agrees: 'same',
      nearest: [READ, READ_LINE, /method GET/],
    },
    PATH: {
      mesh: 'bank',
      act: () => ofShop({ path: '/v1/account' }),
      agrees: 'same',
      nearest: [READ, READ_LINE, /path \/v1\/accounts/],
    },
    WORKLOAD: {
      mesh: 'bank',
      act: () => ofShop({ method: 'POST', path: '/v1/withdrawals' }),
      agrees: 'same',
      nearest: [WRITE, WRITE_LINE, /ns\/shop\/sa\/checkout/],
    },
    NO_GRANT: {
      mesh: 'bank',
      act: () => ofShop({ path: '/' }, 'loans'),
      agrees: 'same',
      nearest: ['exports.loans', '{name: loans', /peer: shop/],
    },
    CONSUMER_RATE_LIMIT: {
      mesh: 'bank',
      act: () => Promise.all([1, 2, 3, 4].map(() => ofShop({ path: '/' }, 'quotes'))),
      agrees: 'moment',
      look: [
        'exports.quotes.consumers.shop.limits.requestsPerSecond',
        '{peer: shop, methods: [GET], paths: [/*], limits',
      ],
    },
    CONNECTION_LIMIT: {
      mesh: 'bank',
      layer: 'listener',
      act: crowd,
      agrees: 'moment',
      look: ['exports.tape.consumers.shop.limits.connections', 'connections: 1'],
    },
    FLOOD: { mesh: 'bank', layer: 'http', act: floods, agrees: 'unseen' },
    BACKEND_DOWN: {
      mesh: 'bank',
      layer: 'http',
      act: () => ofShop({ path: '/' }, 'stale'),
      agrees: 'moment',
      look: ['exports.stale.backend', 'backend: "DEAD"'],
    },
    WRONG_CA: {
      mesh: 'bank',
      act: () => ofShop({}, 'accounts', { ca: bed.pki('other') }),
      agrees: 'unseen',
      look: ['peers.shop.trustBundle', 'trustBundle: pki/shop.example/ca.pem'],
      proven: 'claimed',
    },
    WRONG_IDENTITY: {
      mesh: 'bank',
      act: () => ofShop({}, 'accounts', { uris: ['spiffe://shop.example/ns/shop/sa/checkout'] }),
      agrees: 'same',
      look: ['peers.shop.gatewayIdentities', 'gatewayIdentities: [gateway/egress]'],
      proven: 'claimed',
    },
    CERTIFICATE_EXPIRED: {
      mesh: 'bank',
      act: () => ofShop({}, 'accounts', { expiresIn: -60_000 }),
      agrees: 'unseen',
      proven: 'claimed',
      look: ['peers.shop', 'shop:'],
    },
    UNKNOWN_SERVER_NAME: {
      mesh: 'bank',
      act: () => ofShop({}, 'accounts', {}, 'shap.example.peers.bank.example'),
      agrees: 'same',
      nearest: ['peers.shop', 'shop:', /server name shop\.example\.peers\.bank\.example/],
      proven: 'none',
    },
    CLIENT: {
      mesh: 'shop',
      act: () => ofWorkload('ns/audit/sa/reader', 'accounts.bank', { path: '/v1/accounts' }),
      agrees: 'same',
      nearest: ['imports.accounts.clients', 'clients: [ns/web', /ns\/web\/sa\/front/],
    },
    UNKNOWN_NAME: {
      mesh: 'shop',
      act: () => ofWorkload(WEB, 'acounts.bank', { path: '/v1/accounts' }),
      agrees: 'same',
      nearest: ['imports.accounts', '{peer: bank, name: accounts', /accounts\.bank/],
    },
    PEER_DOWN: {
      mesh: 'shop',
      layer: 'tunnel',
      act: () => ofWorkload(WEB, 'notes.gone', { path: '/' }),
      agrees: 'moment',
      proven: 'none',
      look: ['peers.gone.addresses', 'gone: {'],
    },
  };

  for (const [reason, wanted] of Object.entries(cases))
    test(`A line with ${reason} is explained with its rule, the line of the file, and the cure`, async () => {
      const mesh = wanted.mesh === 'bank' ? bank : shop;
      const line = await lineOf(reason, mesh, wanted.act, wanted.layer);
      const told = await explained(line, mesh);
      const [judged] = told.judged;
      assert.equal(judged?.agrees, wanted.agrees, JSON.stringify({ line, told }, null, 1));
      assert.deepEqual([told.reason, told.caller.isProven], [reason, wanted.proven ?? 'verified']);
      assert.notEqual(told.cure, '');
      if (wanted.nearest !== undefined) {
        const [rule, text, needs] = wanted.nearest;
        assert.equal(told.nearest?.name, rule.replace('PORT', String(egress.port)));
        assert.equal(told.nearest.place, placeIn(mesh, text));
        assert.match(told.nearest.needs.join(' and '), needs);
      }
      if (wanted.look !== undefined) {
        const [part, text] = wanted.look;
        const look = told.look ?? told.rule;
        assert.equal(look?.name, part);
        assert.equal(look.place, placeIn(mesh, text));
      }
      // One screen.
      const text = await posternHere('explain', JSON.stringify(line), '--admin', formatHostPort(mesh.place.admin));
      const rows = text.trimEnd().split('\n');
      assert.ok(rows.length <= 40 && rows.every((row) => row.length <= 80), text);
      assert.ok(text.includes(reason));
    });

  test('A TCP connection to a dead backend is explained with its grant, and one to an unknown name with the nearest', async () => {
    const down = await explained(await lineOf('BACKEND_DOWN', bank, () => tcp('journal'), 'tcp'), bank);
    assert.equal(down.judged[0]?.snapshot?.foundBy, 'version');
    assert.deepEqual(
      [down.layer, down.judged[0]?.agrees, down.rule?.name, down.rule?.place],
      ['tcp', 'moment', 'exports.journal.consumers.shop', placeIn(bank, 'consumers: [{peer: shop}]')],
    );
    const unknown = await explained(await lineOf('UNKNOWN_SERVER_NAME', bank, () => tcp('jurnal')), bank);
    assert.deepEqual([unknown.judged[0]?.agrees, unknown.nearest?.name], ['same', 'peers.shop']);
  });

  test('Connections of our own callers are judged without a request, and no advice is for a peer', async () => {
    const shown = (client: Credentials): Promise<unknown> =>
      rawTls({ gateway: egress, servername: 'accounts.bank', alpn: ['http/1.1'], client, send: ASKED });
    const uris = [`spiffe://shop.example/${WEB}`];
    const stranger = leaf({ ca: bed.pki('other'), caTrustDomain: 'shop.example', uris });
    const lines = [
      await lineOf('ALLOWED', shop, () => shown(workload(WEB)), 'listener'),
      await lineOf('WRONG_CA', shop, () => shown(stranger), 'listener'),
    ];
    const told = await Promise.all(lines.map((line) => explained(line, shop)));
    assert.deepEqual(
      told.map(({ judged: [judged] }) => judged?.agrees),
      ['same', 'unseen'],
      JSON.stringify(told),
    );
    assert.equal(told[1]?.look?.name, 'mesh.trustBundle');
    assert.match(told[1].cure, /mesh\.trustBundle/);
  });

  test('What the peer refused has its status and what joins the two logs in the text', async () => {
    const act = (): Promise<unknown> => ofWorkload(WEB, 'accounts.bank', { method: 'PUT', path: '/v1/accounts' });
    const line = await lineOf('ALLOWED', shop, act, 'http');
    const text = await posternHere('explain', JSON.stringify(line), '--admin', formatHostPort(shop.place.admin));
    assert.match(text, /answer +403, request_id [0-9a-f-]{36}/);
    assert.match(text, /the answer was 403; it came from the peer/);
  });

  test('The lines of both gateways for one request are explained together, the other mesh’s without a judgement', async () => {
    const asked = async (): Promise<unknown> =>
      await ofWorkload(WEB, 'accounts.bank', { method: 'PUT', path: '/v1/accounts' });
    const line = await lineOf('METHOD', bank, asked);
    const log = join(bed.folder, 'both.log');
    await eventually('the egress has logged it', () =>
      shop.log('egress').some(({ request_id: id }) => id === line['peer_request_id']),
    );
    const all = [...bank.log('ingress'), ...shop.log('egress')].map((one) => `pod/gateway ${JSON.stringify(one)}\n`);
    writeFileSync(log, `not a line\n${all.join('')}`);
    for (const id of [line['request_id'], line['peer_request_id']]) {
      const words = ['explain', '--request-id', String(id), '--log', log, '-o', 'json'];
      const both = JSON.parse(
        await posternHere(...words, '--admin', formatHostPort(bank.place.admin)),
      ) as Explanation[];
      assert.deepEqual(
        both.map(({ gateway, reason, judged }) => [gateway, reason, judged.map(({ agrees }) => agrees)]),
        [
          ['shop/egress', 'ALLOWED', []],
          ['bank/ingress', 'METHOD', ['same']],
        ],
      );
    }
  });

  test('A line is explained by the snapshot of its time after the file has changed, and a restarted process says that it does not know', async () => {
    const refusedAt = await lineOf('METHOD', bank, () => ofShop({ method: 'PUT', path: '/v1/accounts' }));
    const unknown = await lineOf('NO_GRANT', bank, () => ofShop({ path: '/' }, 'accunts'));
    const lineBefore = placeIn(bank, READ_LINE);
    // The rule allows it now, and stands two lines further down.
    bank.edit((yaml) =>
      yaml
        .replace('exports:\n', '\n# changed\nexports:\n')
        .replace('methods: [GET], paths: [/v1/accounts', 'methods: [GET, PUT], paths: [/v1/accounts'),
    );
    await eventually(
      'it is allowed',
      async () => (await ofShop({ method: 'PUT', path: '/v1/accounts' })).status === 200,
    );
    await bank.settled();
    const told = await explained(refusedAt, bank);
    const [judged, ...others] = told.judged;
    assert.deepEqual(
      [judged?.snapshot?.foundBy, judged?.snapshot?.isNewest, judged?.agrees, told.nearest?.place, others.length],
      ['version', false, 'same', lineBefore, 0],
    );
    assert.equal(judged?.snapshot?.acknowledged[0]?.node, refusedAt['node']);
    const byTime = await explained(unknown, bank);
    assert.equal(byTime.judged[0]?.snapshot?.foundBy, 'time');
    // The line has no version, so that it names none.
    assert.ok(byTime.judged.every(({ snapshot }) => snapshot?.foundBy === 'time'));
    assert.ok(byTime.judged.some(({ snapshot, agrees }) => snapshot?.isNewest === false && agrees === 'same'));
    const offline = JSON.parse(
      await posternHere('explain', JSON.stringify(refusedAt), '-f', bank.place.file, '-o', 'json'),
    ) as Explanation[];
    assert.deepEqual(
      offline[0]?.judged.map(({ agrees, verdict, snapshot }) => [agrees, verdict, snapshot]),
      [['other', 'yes', undefined]],
    );

    await bank.control?.stop();
    await bank.startControl('--workers', '2');
    await bank.settled();
    for (const line of [refusedAt, unknown]) {
      const [newest] = (await explained(line, bank)).judged;
      assert.deepEqual([newest?.snapshot?.foundBy, newest?.snapshot?.isNewest], ['none', true]);
    }
    // The rule that refused it is not known any more, and that of today contradicts nothing.
    const [today] = (await explained(refusedAt, bank)).judged;
    assert.deepEqual([today?.agrees, today?.verdict], ['none', 'yes']);
    const text = await posternHere('explain', JSON.stringify(refusedAt), '--admin', formatHostPort(bank.place.admin));
    assert.match(text, /THE NEWEST, NOT THAT OF\s+THE LINE/);
    assert.doesNotMatch(text, /OTHERWISE/);
  });
});
