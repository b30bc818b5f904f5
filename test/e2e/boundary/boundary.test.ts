// Tests the boundary of three meshes on real Envoys, over both kinds of ADS: what peers can reach and see, and attackers cannot.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Answer } from '../../../deploy/demo/calls.ts';
import { rawTls } from '../../support/clients/raw-tls.ts';
import { ADS, Testbed } from '../../support/mesh.ts';
import { ACCOUNTS, type Aimed, servername, startThreeMeshes, type ThreeMeshes } from '../three-meshes.ts';

/** An HTTP/2 client preface with empty settings, then a request that needs no table: GET / of nobody. */
const H2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';

for (const ads of ADS) {
  describe(`the boundary over ${ads} ADS`, () => {
    let bed: Testbed;
    let meshes: ThreeMeshes;

    before(async () => {
      bed = await Testbed.create();
      meshes = await startThreeMeshes(bed, ads);
    });

    after(() => bed.close());

    function seen(): number {
      return meshes.accounts.seen.length + meshes.loans.seen.length;
    }

    /** Nothing but the request may differ between two refusals; the clock may. */
    function comparable({ status, headers, body }: Answer): unknown {
      const { date: _, ...rest } = headers;
      return { status, headers: rest, body };
    }

    test('The control plane serves the kind of stream that this suite tests', async () => {
      const { gateways } = await meshes.bank.status();
      const nodes = gateways.flatMap(({ nodes }) => nodes);
      assert.deepEqual(
        nodes.map(({ variant }) => variant),
        [ads, ads],
      );
    });

    test('An application reaches a granted service by its local name, and the backend learns which mesh called', async () => {
      const answer = await meshes.local('shop', 'accounts.bank', { path: '/v1/accounts?full=1' });
      assert.equal(answer.status, 200);
      const asked = meshes.accounts.seen.at(-1);
      assert.equal(asked?.path, '/v1/accounts?full=1');
      assert.equal(asked?.headers['x-postern-peer'], 'shop');
    });

    test('Each peer reaches what it was granted, and the other one does not', async () => {
      const path = '/v1/loans/1';
      assert.equal((await meshes.local('partner', 'loans.bank', { path })).status, 200);
      const before = seen();
      assert.equal((await meshes.local('shop', 'loans.bank', { path })).status, 403);
      assert.equal(seen(), before);
    });

    test('A service that is not exported cannot be reached, and an unknown local name ends at the calling mesh’s own egress', async () => {
      const before = seen();
      assert.equal((await meshes.local('shop', 'payroll.bank', { path: '/' })).status, 403);
      assert.equal((await meshes.local('shop', 'mail.bank', { path: '/' })).status, 404);
      assert.equal(seen(), before);
    });

    test('Every refusal that a peer can get is the same answer, byte for byte', async () => {
      const before = seen();
      const refused = {
        'not exported': { authority: 'payroll.exports.bank.example' },
        'exported to another peer': { authority: 'loans.exports.bank.example' },
        'wrong method': { method: 'DELETE' },
        'wrong path': { path: '/v1/admin' },
        'dot segments': { path: '/v1/receipts/../admin' },
        'encoded dot segments': { path: '/v1/receipts/%2e%2e/admin' },
        'encoded slash': { path: '/v1/receipts/..%2fadmin' },
        'double slash': { path: '//v1/admin' },
        'the backend’s own address': { authority: `${meshes.accounts.address.host}:${meshes.accounts.address.port}` },
      };
      const expected = comparable(await meshes.direct('shop', { path: '/nothing' }));
      for (const [what, wanted] of Object.entries(refused)) {
        assert.deepEqual(comparable(await meshes.direct('shop', wanted)), expected, what);
      }
      assert.equal((expected as Answer).status, 403);
      assert.equal(seen(), before);
    });

    const strangers: Record<string, () => Partial<Aimed>> = {
      'no certificate': () => ({ client: null }),
      'a certificate of the right name from the other peer’s CA': () => ({
        client: meshes.certificate('partner', { uris: ['spiffe://shop.example/gateway/egress'] }),
      }),
      'a certificate of the right name from the callee’s own CA': () => ({
        client: meshes.certificate('bank', { uris: ['spiffe://shop.example/gateway/egress'] }),
      }),
      'the other peer’s real certificate': () => ({ client: meshes.certificate('partner') }),
      'a workload’s certificate': () => ({
        client: meshes.certificate('shop', { uris: ['spiffe://shop.example/ns/default/sa/web'] }),
      }),
      'an identity that only begins like the right one': () => ({
        client: meshes.certificate('shop', { uris: ['spiffe://shop.example/gateway/egress/2'] }),
      }),
      'two identities, the right one first': () => ({
        client: meshes.certificate('shop', {
          uris: ['spiffe://shop.example/gateway/egress', 'spiffe://partner.example/gateway/egress'],
        }),
      }),
      'two identities, the right one last': () => ({
        client: meshes.certificate('shop', {
          uris: ['spiffe://partner.example/gateway/egress', 'spiffe://shop.example/gateway/egress'],
        }),
      }),
      'the identity as a DNS name': () => ({
        client: meshes.certificate('shop', { uris: [], dnsNames: ['shop.example'] }),
      }),
      'an expired certificate': () => ({ client: meshes.certificate('shop', { expiresIn: -60_000 }) }),
      'an RSA key of 1024 bits': () => ({ client: meshes.certificate('shop', { key: 'rsa1024' }) }),
      'an RSA key of 2048 bits, which leafKeys does not list': () => ({
        client: meshes.certificate('shop', { key: 'rsa2048' }),
      }),
      'the other peer’s server name': () => ({ servername: servername('partner') }),
      'an unknown server name': () => ({ servername: 'nobody.peers.bank.example' }),
      'the server name of a name below': () => ({ servername: `x.${servername('shop')}` }),
    };
    for (const [who, aim] of Object.entries(strangers)) {
      test(`A caller with ${who} gets no answer`, async () => {
        const before = seen();
        await assert.rejects(meshes.direct('shop', aim()));
        assert.equal(seen(), before);
      });
    }

    for (const key of ['p256', 'p384', 'ed25519'] as const) {
      test(`The right certificate with a ${key} key is answered`, async () => {
        assert.equal((await meshes.direct('shop', { client: meshes.certificate('shop', { key }) })).status, 200);
      });
    }

    test('The gateway sends no byte of TLS to a client without a server name', async () => {
      const { handshake, certificate } = await rawTls({
        gateway: meshes.ingress,
        client: meshes.certificate('shop'),
      });
      assert.deepEqual([handshake, certificate], [false, undefined]);
    });

    test('TLS 1.2 is refused', async () => {
      const peer = { gateway: meshes.ingress, servername: servername('shop'), client: meshes.certificate('shop') };
      assert.equal((await rawTls({ ...peer, maxVersion: 'TLSv1.2' })).handshake, false);
      assert.equal((await rawTls(peer)).protocol, 'TLSv1.3');
    });

    test('HTTP/1.1 is not spoken at the boundary, nor is anything without ALPN', async () => {
      const peer = { gateway: meshes.ingress, servername: servername('shop'), client: meshes.certificate('shop') };
      assert.equal((await rawTls({ ...peer, alpn: ['http/1.1'] })).handshake, false);
      assert.equal((await rawTls({ ...peer, alpn: [] })).handshake, false);
      // Behind the right ALPN, HTTP/1.1 is no HTTP/2.
      const send = `GET /v1/accounts HTTP/1.1\r\nhost: ${ACCOUNTS}\r\n\r\n`;
      const before = seen();
      assert.doesNotMatch((await rawTls({ ...peer, send })).received, /HTTP\/1|200|accounts/);
      assert.equal(seen(), before);
    });

    test('The gateway issues no session ticket, so nothing can be resumed after a certificate ends', async () => {
      const peer = { gateway: meshes.ingress, servername: servername('shop'), client: meshes.certificate('shop') };
      const { handshake, received, tickets, end } = await rawTls({ ...peer, send: H2_PREFACE });
      assert.equal(handshake, true);
      assert.notEqual(received, '', `the gateway answered the preface (${end})`);
      assert.deepEqual(tickets, []);
    });

    test('Forged headers that infrastructure trusts do not reach the backend', async () => {
      const forged = {
        'x-forwarded-client-cert': 'URI=spiffe://bank.example/admin',
        'x-forwarded-for': '10.66.66.66',
        'x-forwarded-host': 'forged',
        'x-forwarded-proto': 'forged',
        'x-envoy-original-path': '/forged',
        'x-envoy-upstream-rq-timeout-ms': '1',
        'x-envoy-internal': 'forged',
        'x-postern-peer': 'partner',
        'x-real-ip': '10.66.66.66',
        forwarded: 'for=10.66.66.66',
        traceparent: '00-66666666666666666666666666666666-6666666666666666-01',
      };
      for (const answer of [
        await meshes.direct('shop', { headers: forged }),
        await meshes.local('shop', 'accounts.bank', { path: '/v1/accounts', headers: forged }),
      ]) {
        assert.equal(answer.status, 200);
        const headers = meshes.accounts.seen.at(-1)?.headers ?? {};
        assert.doesNotMatch(JSON.stringify(headers), /forged|66\.66|6666|admin|partner/);
        assert.equal(headers['x-postern-peer'], 'shop');
        assert.match(
          String(headers['x-forwarded-client-cert']),
          /^By=spiffe:\/\/bank\.example\/gateway\/ingress;Hash=[0-9a-f]{64};URI=spiffe:\/\/shop\.example\/gateway\/egress$/,
        );
      }
    });

    test('A peer sees no internal address or name in headers, bodies or certificates', async () => {
      const internal = `${meshes.accounts.address.host}:${meshes.accounts.address.port}`;
      const headers = {
        'want-location': `http://${internal}/next`,
        'want-server': `nginx on ${internal}`,
        'want-x-envoy-upstream-service-time': internal,
        'want-via': internal,
      };
      const answer = await meshes.direct('shop', { headers });
      assert.equal(answer.status, 200);
      const { certificate } = await rawTls({
        gateway: meshes.ingress,
        servername: servername('shop'),
        client: meshes.certificate('shop'),
      });
      const {
        raw: _,
        pubkey: __,
        issuerCertificate: ___,
        ...shown
      } = certificate ?? { raw: 0, pubkey: 0, issuerCertificate: 0 };
      const refusal = await meshes.direct('shop', { path: '/nothing' });
      const all = JSON.stringify([answer.headers, refusal, shown]);
      assert.ok(all.includes('gateway/ingress'), 'the certificate is among what was looked at');
      for (const name of [
        meshes.accounts.address.host,
        String(meshes.accounts.address.port),
        'nginx',
        'envoy',
        'localhost',
        'svc.cluster.local',
      ]) {
        assert.ok(!all.toLowerCase().includes(name), `${name} in ${all}`);
      }
    });

    test('A backend that is down is a generic error, which does not reveal its address', async () => {
      await meshes.loans.close();
      const answer = await meshes.direct('partner', { authority: 'loans.exports.bank.example', path: '/v1/loans/1' });
      assert.equal(answer.status, 503);
      const shown = JSON.stringify(answer);
      for (const word of [
        meshes.loans.address.host,
        String(meshes.loans.address.port),
        'connect',
        'refused',
        'upstream',
      ]) {
        assert.ok(!shown.includes(word), `${word} in ${shown}`);
      }
    });

    test('Every gateway has acknowledged everything that it was sent, and rejected nothing', async () => {
      for (const mesh of [meshes.bank, meshes.shop, meshes.partner]) {
        await mesh.settled();
        const { gateways } = await mesh.status();
        const nacks = gateways.flatMap(({ nodes }) =>
          nodes.flatMap(({ types }) => types.filter(({ nack }) => nack !== undefined)),
        );
        assert.deepEqual(nacks, []);
      }
    });
  });
}
