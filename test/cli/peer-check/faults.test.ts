// What `check peer` says of each fault that a peer's gateway can have, or can find in ours, apart from all others: servers of this
// test that have that fault, over real TLS.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { freePorts } from '../../../deploy/demo/ports.ts';
import { factsOf } from '../../../src/cli/peer-check/certificate-facts.ts';
import { type CheckInput, checkPeer } from '../../../src/cli/peer-check/check-peer.ts';
import { PrivateKeyPem } from '../../../src/trust/keys/private-key.ts';
import { parseCertificate } from '../../../src/trust/x509/certificate.ts';
import { eventually } from '../../support/mesh.ts';
import { LEAF_EXTENSIONS, type Made, Openssl, type Wanted } from '../../support/programs/openssl.ts';

const [THEIRS, OURS] = ['spiffe://bank.example/gateway/ingress', 'spiffe://shop.example/gateway/egress'];

describe('check peer, of a gateway that this test plays', () => {
  const openssl = new Openssl();
  let bankCa: Made;
  let shopCa: Made;
  let ours: Made;
  const open: { close(): unknown }[] = [];

  before(() => {
    [bankCa, shopCa] = [openssl.ca('bank.example'), openssl.ca('shop.example')];
    ours = leaf(shopCa, OURS);
  });
  after(() => {
    for (const one of open) one.close();
    openssl.close();
  });

  function leaf(signer: Made, uri: string, wanted: Partial<Wanted> = {}, usage = 'serverAuth,clientAuth'): Made {
    const extensions = [
      ...LEAF_EXTENSIONS.filter((line) => !line.startsWith('extended')),
      `extendedKeyUsage = ${usage}`,
      `subjectAltName = URI:${uri}`,
    ];
    return openssl.certificate({ extensions, signer, ...wanted });
  }

  const shows = ({ pem, keyPem }: Made): TlsOptions => ({ cert: pem, key: keyPem, ALPNProtocols: ['h2'] });
  const theirs = (wanted: Partial<Wanted> = {}): Made => leaf(bankCa, THEIRS, wanted);

  async function listening(server: Server): Promise<number> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket.on('error', () => undefined));
    });
    server.on('tlsClientError', () => undefined).on('sessionError', () => undefined);
    open.push({
      close: () => {
        server.close();
        for (const socket of sockets) socket.destroy();
      },
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** A gateway that answers its health check with this status. */
  function healthy(options: TlsOptions, status = 200): Server {
    const server = createSecureServer(options);
    server.on('stream', (stream) => {
      stream.on('error', () => undefined).respond({ ':status': status }, { endStream: true });
    });
    return server;
  }

  /** A gateway that answers nothing. A stream without a listener would fail the process when its client goes. */
  function silent(options: TlsOptions): Server {
    return createSecureServer(options).on('stream', (stream) => void stream.on('error', () => undefined));
  }

  const takes = (made: Made, more: TlsOptions = {}): TlsOptions => ({
    ...{ ...shows(made), requestCert: true, ca: shopCa.pem, minVersion: 'TLSv1.3' },
    ...more,
  });

  /** Who refuses, and why, of one way. */
  async function verdictsAt(port: number, host = '127.0.0.1', of: Made = ours): Promise<readonly string[]> {
    const input = {
      peer: {
        ...{ name: 'bank', trustDomain: 'bank.example', gatewayIdentities: [THEIRS], leafKeys: ['ecdsa', 'ed25519'] },
        bundle: { pem: bankCa.pem, certificates: [parseCertificate(bankCa.der)] },
        outboundServerName: 'shop.example.peers.bank.example',
      },
      ...{ ourDomain: 'shop.example', imports: [], source: { kind: 'issuer', key: 'ecdsa' } },
      ours: { certificateChain: of.pem, privateKey: new PrivateKeyPem(of.keyPem), facts: factsOf(of.der) },
      addresses: [{ host, port }],
    } as unknown as CheckInput;
    const [way] = await checkPeer(input);
    return (way?.verdicts ?? []).map(({ refusedBy, reason }) => `${refusedBy}: ${reason}`);
  }

  test('A gateway without a fault has none', async () => {
    assert.deepEqual(await verdictsAt(await listening(healthy(takes(theirs())))), []);
  });

  /** An alert in plaintext, as of a server that ends the handshake at the first message. */
  const alerting = (alert: number): Server =>
    createServer((socket) => socket.once('data', () => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, alert]))));

  const alerts: Readonly<Record<string, readonly [alert: number, verdict: string]>> = {
    handshake_failure: [40, 'peer: WRONG_KEY_KIND'],
    bad_certificate: [42, 'peer: WRONG_IDENTITY'],
    unsupported_certificate: [43, 'peer: WRONG_PURPOSE'],
    certificate_revoked: [44, 'peer: CERTIFICATE_REVOKED'],
    certificate_expired: [45, 'peer: CERTIFICATE_EXPIRED'],
    certificate_unknown: [46, 'peer: WRONG_IDENTITY'],
    illegal_parameter: [47, 'peer: PEER_REFUSED_US'],
    unknown_ca: [48, 'peer: WRONG_CA'],
    access_denied: [49, 'peer: PEER_REFUSED_US'],
    decode_error: [50, 'peer: PEER_REFUSED_US'],
    decrypt_error: [51, 'peer: PEER_REFUSED_US'],
    protocol_version: [70, 'peer: PEER_REFUSED_US'],
    insufficient_security: [71, 'peer: WRONG_KEY_KIND'],
    internal_error: [80, 'peer: PEER_REFUSED_US'],
    unrecognized_name: [112, 'peer: PEER_REFUSED_US'],
    certificate_required: [116, 'peer: WRONG_KEY_KIND'],
    no_application_protocol: [120, 'peer: NO_ALPN'],
    'an alert that nobody knows': [199, 'peer: PEER_REFUSED_US'],
  };
  for (const [name, [alert, verdict]] of Object.entries(alerts))
    test(`The alert ${name} of the peer is ${verdict}`, async () => {
      assert.deepEqual(await verdictsAt(await listening(alerting(alert))), [verdict]);
    });

  const gateways: Readonly<Record<string, readonly [server: () => Server, ...verdicts: readonly string[]]>> = {
    'a CA that our bundle lacks': [() => healthy(takes(leaf(openssl.ca('bank.example'), THEIRS))), 'us: WRONG_CA'],
    'another identity': [() => healthy(takes(leaf(bankCa, 'spiffe://bank.example/ns/a/sa/b'))), 'us: WRONG_IDENTITY'],
    'no identity at all': [
      () => healthy(takes(openssl.certificate({ extensions: LEAF_EXTENSIONS, signer: bankCa }))),
      'us: WRONG_IDENTITY',
    ],
    'a certificate for clients alone': [
      () => healthy(takes(leaf(bankCa, THEIRS, {}, 'clientAuth'))),
      'us: WRONG_PURPOSE',
    ],
    'an RSA key': [() => healthy(takes(theirs({ key: 'rsa2048' }))), 'us: WRONG_KEY_KIND'],
    'TLS without ALPN': [() => createTlsServer({ ...takes(theirs()), ALPNProtocols: [] }), 'us: NO_ALPN'],
    'HTTP/1.1 over TLS': [
      () => createHttpsServer({ ...takes(theirs()), ALPNProtocols: ['http/1.1'] }, (_, response) => response.end()),
      'peer: NO_ALPN',
    ],
    'TLS 1.2': [
      () => createTlsServer({ ...takes(theirs()), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }),
      'peer: PEER_REFUSED_US',
    ],
    'plaintext HTTP': [() => createHttpServer((_, response) => response.end()), 'nobody: NOT_TLS'],
    'a banner': [() => createServer((socket) => socket.end('220 mail.example\r\n')), 'nobody: NOT_TLS'],
    'no answer to the handshake': [() => createServer(), 'nobody: PEER_DOWN'],
    'an end without a byte': [
      () => createServer((socket) => socket.once('data', () => socket.end())),
      'peer: UNKNOWN_SERVER_NAME',
    ],
    'an end at our first byte': [
      () => createTlsServer(takes(theirs()), (socket) => socket.once('data', () => socket.destroy())),
      'peer: PEER_REFUSED_US',
    ],
    'a health check that is refused': [() => healthy(takes(theirs()), 403), 'peer: UNHEALTHY'],
    'a gateway that drains': [() => healthy(takes(theirs()), 503), 'peer: UNHEALTHY'],
    'no answer to the health check': [() => silent(takes(theirs())), 'nobody: UNHEALTHY'],
    'GOAWAY at once': [
      () => silent(takes(theirs())).on('session', (session) => session.goaway(0)),
      'nobody: UNHEALTHY',
    ],
  };
  for (const [what, [server, ...verdicts]] of Object.entries(gateways))
    test(`The check says ${verdicts.join(', ')} of ${what}`, async () => {
      assert.deepEqual(await verdictsAt(await listening(server())), verdicts);
    });

  test('The check says PEER_DOWN where nobody listens, and NAME_UNRESOLVED of a name that nobody knows', async () => {
    const server = createServer();
    const port = await listening(server);
    server.close();
    await once(server, 'close');
    assert.deepEqual(await verdictsAt(port), ['nobody: PEER_DOWN']);
    assert.deepEqual(await verdictsAt(15443, 'bank.invalid'), ['nobody: NAME_UNRESOLVED']);
  });

  test('The check says WRONG_KEY_KIND of a key of ours that the peer takes no signature of', async () => {
    const rsa = leaf(shopCa, OURS, { key: 'rsa2048' });
    const port = await listening(healthy(takes(theirs(), { sigalgs: 'ecdsa_secp256r1_sha256' })));
    assert.deepEqual(await verdictsAt(port, '127.0.0.1', rsa), ['peer: WRONG_KEY_KIND']);
  });

  /** The openssl command says in an alert what it has against a client; a server of Node only closes. */
  async function strict(...more: readonly string[]): Promise<number> {
    const [port = 0] = await freePorts('127.0.0.1', 1);
    const made = theirs();
    const child = spawn('openssl', [
      ...['s_server', '-accept', `127.0.0.1:${port}`, '-cert', made.certificateFile, '-key', made.keyFile, '-quiet'],
      ...['-alpn', 'h2', '-tls1_3', '-Verify', '2', '-verify_return_error', ...more],
    ]);
    open.push({ close: () => child.kill() });
    await eventually('the server listens', async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
      return true;
    });
    return port;
  }

  const inOurCertificate: Readonly<Record<string, readonly [port: () => Promise<number>, of: () => Made, string]>> = {
    'a CA that the bundle lacks': [() => strict('-CAfile', bankCa.certificateFile), () => ours, 'peer: WRONG_CA'],
    'a serial number on a CRL': [
      () => strict('-CAfile', shopCa.certificateFile, '-crl_check', '-CRL', openssl.file(revoking(ours))),
      () => ours,
      'peer: CERTIFICATE_REVOKED',
    ],
    'a purpose that is not a client’s': [
      () => strict('-CAfile', shopCa.certificateFile),
      () => leaf(shopCa, OURS, {}, 'serverAuth'),
      'peer: WRONG_PURPOSE',
    ],
  };
  for (const [what, [port, of, verdict]] of Object.entries(inOurCertificate))
    test(`The check says ${verdict} of a gateway that refuses ${what} in our certificate`, async () => {
      assert.deepEqual(await verdictsAt(await port(), '127.0.0.1', of()), [verdict]);
    });

  /** A list of the shop's CA that revokes this certificate. */
  function revoking({ pem }: Made): string {
    const { serialNumber } = new X509Certificate(pem);
    const index = openssl.file(
      `R\t350101000000Z\t250101000000Z\t${serialNumber}\tunknown\t/CN=made by openssl\n`,
      'txt',
    );
    const config = `[ca]\ndefault_ca = it\n[it]\ndatabase = ${index}\ndefault_md = sha256\n`;
    const ca = ['-keyfile', shopCa.keyFile, '-cert', shopCa.certificateFile, '-crldays', '1'];
    return openssl.run('ca', '-gencrl', '-config', openssl.file(config, 'cnf'), ...ca);
  }
});
