// What our egress gateway accepts when it dials a peer: on a real Envoy, towards a gateway that shows any certificate.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { freePorts } from '../../../../deploy/demo/ports.ts';
import { type Certificate, callLocally, certify, issuerOf, type KeyKind } from '../../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../../pipeline.ts';
import { RealEnvoy } from '../../real-envoy.ts';
import { staticBootstrap } from '../../static-bootstrap.ts';

const now = Date.now();
const RIGHT = 'spiffe://bank.example/gateway/ingress';

describe('an egress gateway on a real Envoy', () => {
  const cas = new Map<string, Ca>([
    ['bank.example', newCa('bank.example', now)],
    ['rogue.example', newCa('rogue.example', now)],
  ]);
  const shown = (uris: readonly string[], kind: KeyKind = 'ecdsa', ca = 'bank.example'): Certificate =>
    certify(issuerOf(cas.get(ca) ?? newCa(ca, now), ca, now), uris, now, kind);

  let remote: RemoteGateway;
  let egress: RealEnvoy;
  const local = new Map<string, number>();

  before(async () => {
    remote = await RemoteGateway.listen();
    const [admin = 0, ...ports] = await freePorts('127.0.0.1', 4);
    for (const [index, kinds] of ['ecdsa, ed25519', 'rsa', 'ed25519'].entries()) local.set(kinds, ports[index] ?? 0);
    // One mesh for each leafKeys; their resources stand side by side in one Envoy under names of their own.
    const meshes = [...local].map(([kinds, port], index) => {
      const name = `bank${index}`;
      const yaml = `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers:
  ${name}: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${remote.port}"], leafKeys: [${kinds}]}
imports:
- {peer: ${name}, name: accounts, as: accounts.bank, port: ${port}}
`;
      return new MeshUnderTest(yaml, cas, now);
    });
    const resources = meshes.flatMap((mesh) => mesh.resources('egress'));
    egress = await RealEnvoy.start(staticBootstrap(resources, admin), admin);
  });

  after(async () => {
    await egress.stop();
    remote.close();
  });

  /** From here on a new handshake: no connection with the certificate before is left. */
  const shows = async (certificate: Certificate): Promise<void> => {
    remote.show(certificate);
    for (let stats = '1'; /[1-9]\d*$/m.test(stats); stats = await egress.admin('/stats?filter=upstream_cx_active$')) {
      await new Promise((done) => setTimeout(done, 10));
    }
  };

  const ask = async (certificate: Certificate, kinds = 'ecdsa, ed25519'): Promise<number> => {
    await shows(certificate);
    return (await callLocally(local.get(kinds) ?? 0, 'accounts.bank', '/')).status;
  };

  for (const kind of ['ecdsa', 'p384', 'p521', 'ed25519'] as const) {
    test(`The egress gateway connects to a gateway with the right name and a key of the kind ${kind}`, async () => {
      assert.equal(await ask(shown([RIGHT], kind)), 200);
    });
  }

  test('The egress gateway connects to a gateway with an RSA key only when leafKeys allows it', async () => {
    assert.equal(await ask(shown([RIGHT], 'rsa')), 503);
    assert.equal(await ask(shown([RIGHT], 'rsa'), 'rsa'), 200);
  });

  test('The egress gateway’s own ECDSA key works with a peer that has a key of another kind', async () => {
    assert.equal(await ask(shown([RIGHT], 'ed25519'), 'ed25519'), 200);
  });

  const impostors: Record<string, () => Certificate> = {
    'a workload of the peer': () => shown(['spiffe://bank.example/ns/default/sa/web']),
    'the peer’s egress gateway': () => shown(['spiffe://bank.example/gateway/egress']),
    'the right name from another CA': () => shown([RIGHT], 'ecdsa', 'rogue.example'),
    'no URI at all': () => shown([]),
    'a name that only begins right': () => shown([`${RIGHT}/x`]),
  };
  for (const [who, certificate] of Object.entries(impostors)) {
    test(`An egress gateway does not talk to ${who}`, async () => {
      const asked = remote.requests.length;
      assert.equal(await ask(certificate()), 503);
      assert.equal(remote.requests.length, asked);
    });
  }

  test('An egress gateway sends the agreed server name and authority, and nothing about its caller', async () => {
    await shows(shown([RIGHT]));
    const headers = { 'x-forwarded-for': '10.1.2.3', 'x-request-id': 'a', traceparent: 'b', 'x-app': 'kept' };
    await callLocally(local.get('ecdsa, ed25519') ?? 0, 'accounts.bank', '/x', headers);
    const request = remote.requests.at(-1);
    assert.equal(request?.servername, 'shop.example.peers.bank.example');
    const { 'x-request-id': requestId, ...others } = request?.headers ?? {};
    // A fresh one, made at the egress.
    assert.match(String(requestId), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.deepEqual(others, {
      ':authority': 'accounts.exports.bank.example',
      ':method': 'GET',
      ':path': '/x',
      ':scheme': 'https',
      'x-app': 'kept',
    });
  });
});

/** A gateway of a peer, as far as TLS and one answer go. */
class RemoteGateway {
  readonly requests: { readonly headers: Record<string, unknown>; readonly servername: string }[] = [];
  private readonly server: Http2SecureServer = createSecureServer({ requestCert: true, rejectUnauthorized: false });

  private sessions: ServerHttp2Session[] = [];

  static async listen(): Promise<RemoteGateway> {
    const gateway = new RemoteGateway();
    gateway.server.on('stream', (stream, headers) => {
      const socket = stream.session?.socket as TLSSocket | undefined;
      const servername = socket === undefined ? '' : String((socket as { servername?: string }).servername);
      gateway.requests.push({ headers: Object.fromEntries(Object.entries(headers)), servername });
      stream.respond({ ':status': 200 });
      stream.end();
    });
    gateway.server.on('session', (session) => gateway.sessions.push(session));
    gateway.server.listen(0, '127.0.0.1');
    await once(gateway.server, 'listening');
    return gateway;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  show(certificate: Certificate): void {
    this.server.setSecureContext(certificate);
    for (const session of this.sessions) session.destroy();
    this.sessions = [];
  }

  close(): void {
    this.server.close();
  }
}
