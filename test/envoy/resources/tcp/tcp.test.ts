// TCP at the boundary, on real Envoys without a control plane: five meshes that export a server-first service to each other's
// peers, and everybody who is not one of them. What reaches the backend is counted at the backend.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../../../deploy/demo/ports.ts';
import { rawTls } from '../../../support/clients/raw-tls.ts';
import { eventually } from '../../../support/mesh.ts';
import { LEAF_EXTENSIONS, Openssl } from '../../../support/programs/openssl.ts';
import { type Certificate, certify, issuerOf, type KeyKind } from '../../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../../pipeline.ts';
import { RealEnvoy } from '../../real-envoy.ts';
import { staticBootstrap } from '../../static-bootstrap.ts';
import { BANNER, LedgerBackend, readAll, type Stranger, strangerSees } from '../../tcp-callers.ts';

const PEERS = ['one', 'two', 'three', 'four', 'five'] as const;
type Peer = (typeof PEERS)[number];
const domain = (peer: string): string => `${peer}.example`;
const egressOf = (peer: string): string => `spiffe://${domain(peer)}/gateway/egress`;
const serverName = (peer: string, exported = 'ledger'): string => `${exported}.tcp.${domain(peer)}.peers.bank.example`;

function bankYaml(port: number, ledger: number): string {
  const peers = PEERS.map(
    (peer) =>
      `  ${peer}: {trustDomain: ${domain(peer)}, trustBundle: ${peer}.pem, gatewayIdentities: [gateway/egress, gateway/second]}`,
  );
  const consumers = PEERS.map((peer) => `{peer: ${peer}}`).join(', ');
  return `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
${peers.join('\n')}
exports:
- {name: ledger, protocol: tcp, backend: "127.0.0.1:${ledger}", consumers: [${consumers}]}
- {name: vault, protocol: tcp, backend: "127.0.0.1:${ledger}", consumers: [{peer: two}]}
- {name: accounts, backend: "127.0.0.1:${ledger}", consumers: [{peer: one, methods: [GET], paths: [/*]}]}
`;
}

const callerYaml = (port: number, local: number, other: number): string => `
apiVersion: postern/v1
mesh: {name: one, trustDomain: one.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers:
  bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]}
imports:
- {peer: bank, name: ledger, as: ledger.bank, port: ${local}, protocol: tcp}
- {peer: bank, name: accounts, as: accounts.bank, port: ${other}, protocol: tcp}
`;

describe('TCP at the boundary', () => {
  const now = Date.now();
  const cas = new Map<string, Ca>();
  const ledger = new LedgerBackend();
  const running: RealEnvoy[] = [];
  let port = 0;
  let local = 0;
  let mismatched = 0;

  before(async () => {
    const [ingress = 0, first = 0, second = 0, adminA = 0, adminB = 0] = await freePorts('127.0.0.1', 5);
    [port, local, mismatched] = [ingress, first, second];
    const bank = new MeshUnderTest(bankYaml(port, await ledger.listen()), cas, now);
    const caller = new MeshUnderTest(callerYaml(port, local, mismatched), cas, now);
    running.push(await RealEnvoy.start(staticBootstrap(bank.resources('ingress'), adminA), adminA));
    running.push(await RealEnvoy.start(staticBootstrap(caller.resources('egress'), adminB), adminB));
  });
  after(async () => {
    await Promise.all(running.map((envoy) => envoy.stop()));
    ledger.close();
  });

  const logOf = (index: 0 | 1, layer: string): readonly Record<string, unknown>[] =>
    (running[index]?.log ?? []).filter((line) => line['layer'] === layer);
  const certificate = (of: string, uris: readonly string[], kind?: KeyKind, at = now): Certificate =>
    certify(issuerOf(cas.get(of) ?? newCa(of, now), of, now), uris, at, kind);
  const own = (peer: Peer): Certificate => certificate(domain(peer), [egressOf(peer)]);
  const dial = (): Socket => connect({ port: local, host: '127.0.0.1', allowHalfOpen: true });

  test('A server that speaks first is heard through both gateways, and what the client then says arrives', async () => {
    const socket = dial();
    assert.equal(await readAll(socket, BANNER.length), BANNER);
    socket.end('a line');
    assert.equal(await readAll(socket), 'heard: a line');
  });

  test('A half-closed connection stays open in the other direction, whichever end closed first', async () => {
    const socket = dial();
    await readAll(socket, BANNER.length);
    socket.end('close-last');
    // The backend answers only after it has seen our end.
    assert.equal(await readAll(socket), 'heard: close-last');
    const other = dial();
    await readAll(other, BANNER.length);
    other.write('close-first\n');
    const seen = await readAll(other);
    assert.equal(seen, 'bye');
    other.end('still there');
    await eventually('the backend heard what came after its own end', () =>
      ledger.heard.includes('close-first\nstill there'),
    );
  });

  test('A megabyte passes in each direction unchanged', async () => {
    const socket = dial();
    await readAll(socket, BANNER.length);
    const sent = 'x'.repeat(1024 * 1024);
    socket.end(sent);
    assert.equal((await readAll(socket)).length, 'heard: '.length + sent.length);
  });

  test('Every peer of five reaches the export with a certificate of its own CA', async () => {
    for (const peer of PEERS) {
      const before = ledger.connections;
      const seen = await strangerSees({ port, servername: serverName(peer), client: own(peer) });
      assert.deepEqual([peer, seen.received], [peer, BANNER]);
      assert.equal(ledger.connections, before + 1);
    }
    const second = certificate('one.example', ['spiffe://one.example/gateway/second']);
    assert.equal((await strangerSees({ port, servername: serverName('one'), client: second })).received, BANNER);
  });

  test('No CA of five mints an identity of another: 20 of 20 are refused, and the backend sees no connection', async () => {
    const before = ledger.connections;
    const refused: string[] = [];
    for (const minter of PEERS)
      for (const victim of PEERS.filter((peer) => peer !== minter)) {
        const client = certificate(domain(minter), [egressOf(victim)]);
        for (const servername of [serverName(victim), serverName(minter)]) {
          const seen = await strangerSees({ port, servername, client });
          assert.equal(seen.received, '', `${minter} as ${victim} at ${servername}`);
        }
        refused.push(`${minter} as ${victim}`);
      }
    assert.equal(refused.length, 20);
    assert.equal(ledger.connections, before);
  });

  test('A certificate for servers alone opens no TCP connection, and one for clients does', async () => {
    const openssl = new Openssl();
    try {
      const ca = cas.get('one.example') as Ca;
      const signer = {
        ...{ certificateFile: openssl.file(ca.certificate), keyFile: openssl.file(ca.privateKey) },
        ...{ pem: '', keyPem: '', der: Buffer.alloc(0) },
      };
      const of = (usage: string): Certificate => {
        const others = LEAF_EXTENSIONS.filter((line) => !line.startsWith('extended'));
        const extensions = [...others, `extendedKeyUsage = ${usage}`, `subjectAltName = URI:${egressOf('one')}`];
        const made = openssl.certificate({ extensions, signer });
        return { cert: made.pem, key: made.keyPem };
      };
      const before = ledger.connections;
      const servername = serverName('one');
      assert.equal((await strangerSees({ port, servername, client: of('serverAuth') })).received, '');
      assert.equal(ledger.connections, before);
      assert.equal((await strangerSees({ port, servername, client: of('clientAuth') })).received, BANNER);
    } finally {
      openssl.close();
    }
  });

  test('The chain of a TCP export gives no ticket to resume a session with', async () => {
    const gateway = { host: '127.0.0.1', port };
    const seen = await rawTls({ gateway, servername: serverName('one'), client: own('one'), alpn: ['postern-tcp'] });
    assert.deepEqual([seen.received, seen.protocol, seen.tickets.length], [BANNER, 'TLSv1.3', 0]);
  });

  test('Strangers of every kind get no byte of the service, and the backend sees no connection', async () => {
    const one = domain('one');
    const servername = serverName('one');
    const hour = 3_600_000;
    const strangers: Readonly<Record<string, Partial<Stranger>>> = {
      'no certificate': {},
      'self-signed': { client: certificate('nobody.example', [egressOf('one')]) },
      'another workload of the peer': { client: certificate(one, [`spiffe://${one}/workload`]) },
      'the peer’s gateway and another identity': { client: certificate(one, [egressOf('one'), `spiffe://${one}/x`]) },
      'another identity and the peer’s gateway': { client: certificate(one, [`spiffe://${one}/x`, egressOf('one')]) },
      'both gateways of the peer at once': {
        client: certificate(one, [egressOf('one'), `spiffe://${one}/gateway/second`]),
      },
      'the peer’s gateway twice': { client: certificate(one, [egressOf('one'), egressOf('one')]) },
      'a name that holds the gateway’s': { client: certificate(one, [`${egressOf('one')},${egressOf('one')}`]) },
      'a longer identity': { client: certificate(one, [`${egressOf('one')}/x`]) },
      'an identity in upper case': { client: certificate(one, [egressOf('one').toUpperCase()]) },
      'no identity': { client: certificate(one, []) },
      expired: { client: certificate(one, [egressOf('one')], 'ecdsa', now - 2 * hour) },
      'not yet valid': { client: certificate(one, [egressOf('one')], 'ecdsa', now + hour) },
      'an RSA key': { client: certificate(one, [egressOf('one')], 'rsa') },
      'TLS 1.2': { client: own('one'), maxVersion: 'TLSv1.2' },
      'the ALPN of HTTP': { client: own('one'), alpn: ['h2'] },
      'no ALPN': { client: own('one'), alpn: [] },
      'no server name': { client: own('one'), servername: '' },
      'the server name of HTTP': { client: own('one'), servername: `${one}.peers.bank.example` },
      'an export of another peer': { client: own('one'), servername: serverName('one', 'vault') },
      'another peer’s chain of an export': { client: own('one'), servername: serverName('two', 'vault') },
      'an HTTP export as TCP': { client: own('one'), servername: serverName('one', 'accounts') },
      'an export that does not exist': { client: own('one'), servername: serverName('one', 'nothing') },
      'another peer’s server name': { client: own('one'), servername: serverName('two') },
      'the server name and a dot': { client: own('one'), servername: `${servername}.` },
      'a subdomain of the server name': { client: own('one'), servername: `x.${servername}` },
    };
    const before = ledger.connections;
    for (const [what, stranger] of Object.entries(strangers)) {
      const seen = await strangerSees({ port, servername, ...stranger });
      assert.equal(seen.received, '', what);
    }
    assert.equal(ledger.connections, before);
  });

  test('A certificate with two URI SANs is closed at the gate, which logs what it claimed, before the backend is dialled', async () => {
    const claimed = [egressOf('one'), 'spiffe://one.example/other'];
    const before = ledger.connections;
    const client = certificate('one.example', claimed);
    assert.equal((await strangerSees({ port, servername: serverName('one'), client })).received, '');
    await eventually('the gate logs it', () =>
      logOf(0, 'tcp').some(
        ({ peer_uri: uri, verdict, reason, peer, export: name }) =>
          uri === claimed.join() &&
          verdict === 'refused' &&
          reason === 'WRONG_IDENTITY' &&
          peer === 'one' &&
          name === 'ledger',
      ),
    );
    assert.equal(ledger.connections, before);
  });

  test('Plaintext and unfinished handshakes reach no backend and are closed', async () => {
    const before = ledger.connections;
    for (const bytes of ['', 'GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00']) {
      const socket = connect({ port, host: '127.0.0.1' });
      if (bytes !== '') socket.write(bytes, 'latin1');
      assert.equal(await readAll(socket), '');
    }
    assert.equal(ledger.connections, before);
  });

  test('An import of an export that the peer exports with another protocol is closed', async () => {
    const socket = connect({ port: mismatched, host: '127.0.0.1', allowHalfOpen: true });
    assert.equal(await readAll(socket), '');
    socket.destroy();
    await eventually('the egress logs it', () =>
      logOf(1, 'tcp').some((line) => line['import'] === 'accounts' && line['upstream_fail'] !== undefined),
    );
  });

  test('Both gateways log one line for each TCP connection, with peer, identity, service, bytes and verdict', async () => {
    const before = [logOf(0, 'tcp').length, logOf(1, 'tcp').length];
    const socket = dial();
    await readAll(socket, BANNER.length);
    socket.end('for the log');
    await readAll(socket);
    await eventually(
      'both logs have a line more',
      () => logOf(0, 'tcp').length > (before[0] ?? 0) && logOf(1, 'tcp').length > (before[1] ?? 0),
    );
    const [callee, caller] = [logOf(0, 'tcp').at(-1), logOf(1, 'tcp').at(-1)];
    const sent = 'for the log'.length;
    const received = BANNER.length + 'heard: for the log'.length;
    const { peer, peer_uri: uri, export: name, verdict, rx, tx, conn_id: id, dur_ms: ms } = callee ?? {};
    assert.deepEqual([peer, uri, name, verdict, rx, tx], ['one', egressOf('one'), 'ledger', 'allowed', sent, received]);
    assert.ok(typeof ms === 'number');
    const [ended] = logOf(0, 'listener').filter((line) => String(line['conn_id']) === String(id));
    assert.equal(callee?.['client'], ended?.['client']);
    for (const line of [callee, caller, ended]) assert.match(String(line?.['version']), /^[0-9a-f]{12}$/);
    assert.deepEqual(
      [
        caller?.['peer'],
        caller?.['import'],
        caller?.['verdict'],
        caller?.['upstream_peer_uri'],
        caller?.['rx'],
        caller?.['tx'],
      ],
      ['bank', 'ledger', 'allowed', 'spiffe://bank.example/gateway/ingress', sent, received],
    );
  });
});
