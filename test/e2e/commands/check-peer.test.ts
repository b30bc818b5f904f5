// `postern check peer`: each fault of a pair of meshes has a reason of its own, on the side that refuses, as real gateways show it.

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { CheckReport } from '../../../src/cli/peer-check/check-text.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { type Ended, postern } from '../../cli/postern.ts';
import { type Leaf, leaf } from '../../support/leaf.ts';
import { eventually, Testbed, type TestMesh } from '../../support/mesh.ts';

const HOUR = 60 * 60 * 1000;

describe('check peer', () => {
  let bed: Testbed;
  let bank: TestMesh;
  let ingress: HostPort;
  let files = 0;
  const listening: Server[] = [];

  before(async () => {
    bed = await Testbed.create();
    await Promise.all(['bank.example', 'shop.example'].map((name) => bed.ca(name)));
    await bed.ca('bench.example');
    for (const name of ['bank.example', 'shop.example']) await bed.caInto(bed.pki(`other-${name}`), name);
    const backend = await bed.backend('accounts');
    ingress = await bed.address();
    bankShows({});
    bank = await bed.mesh(
      'bank',
      `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {files: {certificate: ${bed.folder}/disk/bank/tls.pem, privateKey: ${bed.folder}/disk/bank/tls-key.pem}}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: accounts, backend: "${formatHostPort(backend.address)}", consumers: [{peer: shop, methods: [GET], paths: [/*]}]}
- {name: desk, backend: "${formatHostPort(backend.address)}", consumers: [{peer: shop, methods: [GET], paths: [/*], workloads: [ns/web/sa/front]}]}
- {name: down, backend: "127.0.0.1:1", consumers: [{peer: shop, methods: [GET], paths: [/*]}]}
- {name: idle, protocol: tcp, backend: "127.0.0.1:1", consumers: [{peer: shop}]}
- {name: vault, protocol: tcp, backend: "${formatHostPort(backend.address)}", consumers: [{peer: shop}]}
- {name: ledger, protocol: tcp, backend: "${formatHostPort(backend.address)}", consumers: [{peer: shop}]}
`,
    );
    await bank.start('ingress');
  });

  after(async () => {
    for (const server of listening) server.close();
    await bed.close();
  });

  function onDisk(name: string, wanted: Partial<Leaf>, uri: string): void {
    const folder = join(bed.folder, 'disk', name);
    mkdirSync(folder, { recursive: true });
    const domain = uri.replace(/^spiffe:\/\/|\/.*$/g, '');
    const made = leaf({ ca: bed.pki(domain), caTrustDomain: domain, uris: [uri], ...wanted });
    for (const [file, text] of [
      ['tls-key.pem', made.key],
      ['tls.pem', made.cert],
    ] as const) {
      writeFileSync(join(folder, `${file}.new`), text, { mode: 0o600 });
      renameSync(join(folder, `${file}.new`), join(folder, file));
    }
  }

  const bankShows = (wanted: Partial<Leaf>): void => onDisk('bank', wanted, 'spiffe://bank.example/gateway/ingress');

  interface Shop {
    readonly identity?: string;
    /** More keys of the egress gateway, and of the bank. */
    readonly egress?: string;
    readonly bank?: Readonly<Record<string, string>>;
    readonly tcp?: string;
    /** More imports of HTTP. */
    readonly http?: readonly string[];
  }

  /** The shop's file; nothing of the shop runs. */
  function shopFile({ identity, egress = '', bank: changed = {}, tcp = 'ledger', http = [] }: Shop): string {
    const ca = `${bed.pki('shop.example')}`;
    const keys = {
      trustDomain: 'bank.example',
      trustBundle: 'pki/bank.example/ca.pem',
      gatewayIdentities: '[gateway/ingress]',
      addresses: `["${formatHostPort(ingress)}"]`,
      ...changed,
    };
    files += 1;
    const file = join(bed.folder, `shop-${files}.yaml`);
    writeFileSync(
      file,
      `apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: ${identity ?? `{issuer: {certificate: ${ca}/ca.pem, privateKey: ${ca}/ca-key.pem}}`}
gateways: {egress: {address: 127.0.0.1${egress}}}
peers:
  bank: {${Object.entries(keys)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ')}}
imports:
- {peer: bank, name: accounts, as: accounts.bank.svc.cluster.local, port: 18080}
- {peer: bank, name: desk, as: desk.bank, port: 18080}
- {peer: bank, name: down, as: down.bank, port: 18080}
- {peer: bank, name: credit, as: credit.bank, port: 18080}
${http.map((name) => `- {peer: bank, name: ${name}, as: ${name}.bank, port: 18080}\n`).join('')}- {peer: bank, name: ${tcp}, as: ledger.bank.svc.cluster.local, port: 18081, protocol: tcp}
`,
    );
    return file;
  }

  const run = (shop: Shop, ...more: readonly string[]): Promise<Ended> =>
    postern(['check', 'peer', 'bank', '-f', shopFile(shop), '-o', 'json', ...more]);

  const report = ({ stdout, stderr }: Ended): CheckReport => {
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout) as CheckReport;
  };

  /** Exit status, then who refuses and why, of HTTP and of the TCP import. */
  async function verdicts(shop: Shop, ...more: readonly string[]): Promise<readonly unknown[]> {
    const ended = await run(shop, ...more);
    const ways = report(ended).ways.map(({ verdicts: all }) => all.map((one) => `${one.refusedBy}: ${one.reason}`));
    return [ended.status, ...ways.map((all) => all.join(', '))];
  }

  const ourFiles = (wanted: Partial<Leaf>): string => {
    onDisk('shop', wanted, 'spiffe://shop.example/gateway/egress');
    return `{files: {certificate: ${bed.folder}/disk/shop/tls.pem, privateKey: ${bed.folder}/disk/shop/tls-key.pem}}`;
  };
  const otherCa = (domain: string): string => bed.pki(`other-${domain}`);

  test('A peer that admits us is reached for HTTP and TCP, and both certificates are shown without a key', async () => {
    const ended = await run({});
    assert.deepEqual([ended.status, ended.stderr], [0, '']);
    assert.doesNotMatch(ended.stdout, /PRIVATE/);
    const { ok, ours, ways } = report(ended);
    assert.equal(ok, true);
    assert.deepEqual(ours.uris, ['spiffe://shop.example/gateway/egress']);
    assert.deepEqual(
      ways.map(({ tcpImport, status, theirs }) => [tcpImport, status, theirs?.uris]),
      [
        [undefined, 200, ['spiffe://bank.example/gateway/ingress']],
        ['ledger', undefined, ['spiffe://bank.example/gateway/ingress']],
      ],
    );
    const text = await postern(['check', 'peer', 'bank', '-f', shopFile({})]);
    assert.equal(text.status, 0);
    assert.match(text.stdout, /fine/);
    assert.match(text.stdout, new RegExp(ours.uris[0] ?? '-'));
  });

  const asked: Readonly<Record<string, readonly [more: readonly string[], expected: readonly unknown[]]>> = {
    'a request that is admitted': [['GET accounts /v1'], [0, 200, 'ALLOWED', true]],
    'a method of no rule, which HEAD without a method is': [['accounts /v1'], [1, 403, 'REQUEST_REFUSED', true]],
    'an export without a grant': [['GET credit.bank /v1'], [1, 403, 'REQUEST_REFUSED', true]],
    'an export that the peer serves as TCP': [['GET vault.bank:18080 /v1'], [1, 403, 'WRONG_PROTOCOL', true]],
    'a workload that has a grant': [
      ['GET desk.bank /v1', '--workload', 'ns/web/sa/front'],
      [0, 200, 'ALLOWED', true],
    ],
    'a workload that has none': [
      ['GET desk.bank /v1', '--workload', 'ns/web/sa/other'],
      [1, 403, 'REQUEST_REFUSED', true],
    ],
    'no claim where one is needed': [['GET desk.bank /v1'], [1, 403, 'REQUEST_REFUSED', true]],
    'a service that is down': [['GET down.bank /v1'], [69, 503, 'REQUEST_FAILED', true]],
    'a peer that cannot be reached': [
      ['GET accounts /v1', '--address', '127.0.0.1:1'],
      [69, undefined, 'PEER_DOWN', false],
    ],
  };
  for (const [what, [[request = '', ...more], expected]] of Object.entries(asked))
    test(`The command check peer sends a request, and says what became of ${what}`, async () => {
      const ended = await run({ http: ['vault'] }, '--request', request, ...more);
      const { request: answer } = report(ended);
      // The peer's own log has the line.
      const id = answer?.requestId ?? '';
      const isLogged = () => bank.log('ingress').some((line) => line['peer_request_id'] === id);
      if (answer?.status !== undefined) await eventually('a line with the request id', isLogged);
      assert.deepEqual([ended.status, answer?.status, answer?.reason, isLogged()], expected);
    });

  test('The command check peer refuses a request that it cannot send: of TCP, of no import, of another mesh', async () => {
    for (const more of [
      ['--request', 'GET ledger.bank.svc.cluster.local /'],
      ['--request', 'GET nothing.bank /'],
      ['--request', 'GET accounts v1'],
      ['--request', 'GET accounts /v1', '--workload', 'spiffe://bank.example/ns/web/sa/front'],
      ['--workload', 'ns/web/sa/front'],
    ]) {
      const { status, stdout } = await run({}, ...more);
      assert.deepEqual([status, stdout], [64, ''], more.join(' '));
    }
  });

  const bothSay = (verdict: string): readonly unknown[] => [69, verdict, verdict];

  const faults: Readonly<Record<string, readonly [() => Shop, string]>> = {
    'a bundle that lacks the peer’s CA': [
      () => ({ bank: { trustBundle: `${otherCa('bank.example')}/ca.pem` } }),
      'us: WRONG_CA',
    ],
    'identities that the peer’s gateway does not have': [
      () => ({ bank: { gatewayIdentities: '[gateway/other]' } }),
      'us: WRONG_IDENTITY',
    ],
    'another server name than the peer knows': [() => ({ bank: { sni: 'p-1234567890' } }), 'peer: UNKNOWN_SERVER_NAME'],
    'another trust domain of the peer than its own': [
      () => ({ bank: { trustDomain: 'bench.example', trustBundle: 'pki/bench.example/ca.pem' } }),
      'peer: UNKNOWN_SERVER_NAME',
    ],
    'an issuer that the peer’s bundle lacks': [
      () => {
        const ca = otherCa('shop.example');
        return { identity: `{issuer: {certificate: ${ca}/ca.pem, privateKey: ${ca}/ca-key.pem}}` };
      },
      'peer: WRONG_CA',
    ],
    'an identity that the peer does not list': [
      () => ({ egress: ', identity: gateway/other' }),
      'peer: WRONG_IDENTITY',
    ],
    'a certificate of ours that has expired': [
      () => ({ identity: ourFiles({ expiresIn: -HOUR }) }),
      'peer: CERTIFICATE_EXPIRED',
    ],
    'a certificate of ours that is not valid yet': [
      () => ({ identity: ourFiles({ validIn: HOUR, expiresIn: 2 * HOUR }) }),
      'peer: CERTIFICATE_EXPIRED',
    ],
    'an RSA key of ours that the peer does not list': [
      () => ({ identity: ourFiles({ key: 'rsa2048' }), bank: { leafKeys: '[rsa, ecdsa]' } }),
      'peer: WRONG_KEY_KIND',
    ],
  };
  for (const [fault, [shop, verdict]] of Object.entries(faults))
    test(`The command check peer names ${fault}, and who refuses: ${verdict}`, async () => {
      assert.deepEqual(await verdicts(shop()), bothSay(verdict));
    });

  test('The command check peer names a second URI name of our certificate, which the peer refuses at the first byte', async () => {
    const uris = ['spiffe://shop.example/gateway/egress', 'spiffe://shop.example/gateway/second'];
    const [, http] = await verdicts({ identity: ourFiles({ uris }) });
    assert.equal(http, 'peer: WRONG_IDENTITY');
  });

  test('The command check peer tells a TCP import that is not granted from HTTP that is', async () => {
    assert.deepEqual(await verdicts({ tcp: 'loans' }), [69, '', 'peer: UNKNOWN_SERVER_NAME']);
    const { stdout } = await postern(['check', 'peer', 'bank', '-f', shopFile({ tcp: 'loans' })]);
    assert.match(stdout, /^ +-> ask the peer to grant us loans as TCP /m);
  });

  test('A TCP export whose backend is down is no refusal of us: the same gateway accepts our certificate for HTTP', async () => {
    assert.deepEqual(await verdicts({ tcp: 'idle' }), [69, '', 'nobody: PEER_RESET']);
    const isLogged = () =>
      bank.log('ingress').some(({ layer, reason }) => layer === 'tcp' && reason === 'BACKEND_DOWN');
    await eventually('the log of the peer says why', isLogged);
    const { stdout } = await postern(['check', 'peer', 'bank', '-f', shopFile({ tcp: 'idle' })]);
    assert.match(
      stdout,
      /PEER_RESET \(no connection\): .*backend of idle .*limits\.connections.*certificate is not the cause/,
    );
    assert.match(stdout, /-> .*BACKEND_DOWN.*CONNECTION_LIMIT/);
    assert.doesNotMatch(stdout, /refuses us/);
  });

  test('The command check peer names the imports of HTTP that the peer serves as TCP, beside those that it may serve', async () => {
    const ended = await run({ http: ['vault'] });
    const { ok, ways, mismatches = [] } = report(ended);
    assert.deepEqual(
      [ended.status, ok, ways.flatMap(({ verdicts: all }) => all), mismatches.map((one) => [one.import, one.reason])],
      [1, false, [], [['vault', 'WRONG_PROTOCOL']]],
    );
    const text = await postern(['check', 'peer', 'bank', '-f', shopFile({ http: ['vault'] })]);
    assert.match(text.stdout, /^import vault\n {2}WRONG_PROTOCOL: .*\n {4}-> write protocol: tcp /m);
    assert.deepEqual(report(await run({})).mismatches, []);
  });

  test('The command check peer says once what to do about one cause', async () => {
    const ca = otherCa('shop.example');
    const shop = shopFile({ identity: `{issuer: {certificate: ${ca}/ca.pem, privateKey: ${ca}/ca-key.pem}}` });
    const { stdout } = await postern(['check', 'peer', 'bank', '-f', shop]);
    const remedies = stdout.split('\n').filter((line) => line.startsWith('    -> '));
    assert.equal(remedies.length, 2);
    assert.match(
      remedies[0] ?? '',
      /the peer adds our CA \(.*\) to trustBundle in the peer's entry for us \(trustDomain shop\.example, /,
    );
    assert.equal(remedies[1], '    -> as above');
  });

  test('The command check peer says what both sides refuse when both do', async () => {
    const shop = { egress: ', identity: gateway/other', bank: { gatewayIdentities: '[gateway/other]' } };
    assert.deepEqual(await verdicts(shop), bothSay('us: WRONG_IDENTITY, peer: WRONG_IDENTITY'));
  });

  const shownByTheBank: Readonly<Record<string, readonly [Partial<Leaf>, string]>> = {
    'a certificate that has expired': [{ expiresIn: -HOUR }, 'us: CERTIFICATE_EXPIRED'],
    'a certificate that is not valid yet': [{ validIn: HOUR, expiresIn: 2 * HOUR }, 'us: CERTIFICATE_NOT_YET_VALID'],
    'the identity of another mesh': [{ uris: ['spiffe://rogue.example/gateway/ingress'] }, 'us: WRONG_IDENTITY'],
    'no URI name': [{ uris: [] }, 'us: WRONG_IDENTITY'],
  };
  for (const [what, [wanted, verdict]] of Object.entries(shownByTheBank))
    test(`The command check peer names what the peer’s gateway shows: ${what} (${verdict})`, async () => {
      bankShows(wanted);
      await eventually(verdict, async () => {
        assert.deepEqual(await verdicts({}), bothSay(verdict));
        return true;
      });
    });

  test('The command check peer says whose leafKeys lack the kind of the peer’s key: its own, then ours, then neither', async () => {
    bankShows({ key: 'rsa2048' });
    const become = (what: string, bankKeys: string, expected: readonly unknown[]): Promise<void> =>
      eventually(what, async () => {
        assert.deepEqual(await verdicts({ bank: { leafKeys: bankKeys } }), expected);
        return true;
      });
    await become('its own', '[ecdsa]', bothSay('peer: WRONG_KEY_KIND'));
    bank.edit((yaml) => yaml.replace('[gateway/egress]', '[gateway/egress], leafKeys: [ecdsa, rsa]'));
    await become('ours', '[ecdsa]', bothSay('us: WRONG_KEY_KIND'));
    await become('neither', '[ecdsa, rsa]', [0, '', '']);
  });

  async function listens(server: Server): Promise<string> {
    listening.push(server);
    const { host, port } = await bed.address();
    await new Promise<void>((done) => server.listen(port, host, done));
    return formatHostPort({ host, port });
  }

  test('The command check peer tells a closed port, silence, another protocol and an unknown name apart', async () => {
    const closed = formatHostPort(await bed.address());
    const silent = await listens(createServer((socket) => socket.on('error', () => undefined)));
    const plain = await listens(createHttpServer((_, response) => response.end()));
    const found = await Promise.all(
      [closed, silent, plain, 'nothing.invalid:15443'].map((address) => verdicts({}, '--address', address)),
    );
    assert.deepEqual(found, [
      bothSay('nobody: PEER_DOWN'),
      bothSay('nobody: PEER_DOWN'),
      bothSay('nobody: NOT_TLS'),
      bothSay('nobody: NAME_UNRESOLVED'),
    ]);
  });
});
