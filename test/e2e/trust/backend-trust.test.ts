// The certificates of backends and of the gateway that meets them change while requests run: no request is lost, and what is
// no longer trusted is no longer reached.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { type Credentials, callGateway } from '../../../deploy/demo/calls.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { leaf } from '../../support/leaf.ts';
import { ADS, eventually, Testbed, type TestMesh } from '../../support/mesh.ts';

const NAMES = ['orders', 'statements'] as const;
type Name = (typeof NAMES)[number];
/** In the name of `statements`, which is an HTTPS server. */
const SERVER = 'statements.bank.internal';

for (const ads of ADS)
  describe(`the trust in backends changes, over ${ads} ADS`, () => {
    let bed: Testbed;
    let bank: TestMesh;
    let ingress: HostPort;
    let client: Credentials;
    /** Folders of CAs: of our mesh and its successor, of the server and its successor. */
    let cas: Readonly<Record<Name, readonly [string, string]>>;
    const servers = new Map<Name, Server>();
    /** Certificates that the gateway has shown to `orders`. */
    const shownByUs = new Set<string>();
    let closesConnections = false;
    const files = { orders: 'mesh.pem', statements: 'server-ca.pem' } as const;

    before(async () => {
      bed = await Testbed.create();
      await Promise.all([bed.ca('bank.example'), bed.ca('shop.example')]);
      const next = (name: string): Promise<string> => bed.caInto(join(bed.folder, 'next', name), name);
      cas = {
        orders: [bed.pki('bank.example'), await next('bank.example')],
        statements: [await bed.ca(SERVER), await next(SERVER)],
      };
      ingress = await bed.address();
      client = leaf({
        ca: bed.pki('shop.example'),
        caTrustDomain: 'shop.example',
        uris: ['spiffe://shop.example/gateway/egress'],
      });
      for (const name of NAMES) {
        trust(name, 0);
        await serve(name);
      }
      const backend = (name: Name): string => formatHostPort(addressOf(name));
      bank = await bed.mesh(
        'bank',
        `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example, trustBundle: mesh.pem}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem, lifetime: 24h}}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/egress]}
exports:
- name: orders
  backend: {address: "${backend('orders')}", tls: mtls, identity: ns/bank/sa/orders}
  consumers: [{peer: shop, methods: [GET], paths: [/*]}]
- name: statements
  backend: {address: "${backend('statements')}", tls: simple, serverName: ${SERVER}, ca: server-ca.pem}
  consumers: [{peer: shop, methods: [GET], paths: [/*]}]
`,
        { ads },
      );
      await bank.start('ingress');
      await bank.settled();
    });

    after(async () => {
      for (const server of servers.values()) server.close();
      await bed.close();
    });

    function addressOf(name: Name): HostPort {
      const { port } = (servers.get(name)?.address() ?? {}) as AddressInfo;
      return { host: '127.0.0.1', port };
    }

    /** The file holds these of the two CAs. */
    function trust(name: Name, ...which: readonly (0 | 1)[]): void {
      const pem = which.map((index) => readFileSync(join(cas[name][index], 'ca.pem'), 'utf8')).join('');
      writeFileSync(join(bed.folder, files[name]), pem);
    }

    /** A certificate of the first CA, or of the second. */
    function certificate(name: Name, which: 0 | 1): Credentials {
      return name === 'orders'
        ? leaf({
            ca: cas.orders[which],
            caTrustDomain: 'bank.example',
            uris: ['spiffe://bank.example/ns/bank/sa/orders'],
          })
        : leaf({ ca: cas.statements[which], caTrustDomain: SERVER, uris: [], dnsNames: [SERVER] });
    }

    async function serve(name: Name): Promise<void> {
      const mutual = {
        requestCert: true,
        rejectUnauthorized: true,
        ca: readFileSync(join(cas.orders[0], 'ca.pem')),
      };
      const options = { ...certificate(name, 0), ...(name === 'orders' && mutual), ALPNProtocols: ['http/1.1'] };
      const server = createServer(options, (request, response) => {
        const { raw } = (request.socket as TLSSocket).getPeerCertificate() as Partial<PeerCertificate>;
        if (name === 'orders' && raw !== undefined) shownByUs.add(new X509Certificate(raw).fingerprint256);
        // Envoy then makes another connection for the next request, and none is lost in between.
        if (closesConnections) response.setHeader('connection', 'close');
        response.end('served\n');
      });
      servers.set(name, server.listen(0, '127.0.0.1'));
      await once(server, 'listening');
    }

    async function ask(name: Name): Promise<number> {
      const dial = { gateway: ingress, servername: 'shop.example.peers.bank.example', client };
      return (await callGateway(dial, `${name}.exports.bank.example`)).status;
    }

    /** What requests of several callers are answered while `change` runs. */
    async function during(change: () => Promise<void>): Promise<readonly number[]> {
      let isOver = false;
      const answers = new Set<number>();
      const callers = [...NAMES, ...NAMES].map(async (name) => {
        while (!isOver) answers.add(await ask(name));
      });
      try {
        await change();
      } finally {
        isOver = true;
        await Promise.all(callers);
      }
      return [...answers];
    }

    const clusters = async (): Promise<string> =>
      await bank.envoyAdmin('ingress', '/config_dump?resource=dynamic_active_clusters');

    /** Until the gateway has other clusters. */
    async function replaced(change: () => void): Promise<void> {
      const names = async (): Promise<string> =>
        [...(await clusters()).matchAll(/"name": "(export\/[^"]+)"/g)].map(([, name]) => name).join();
      const before = await names();
      change();
      await eventually('other clusters', async () => (await names()) !== before);
      await bank.settled();
    }

    for (const name of NAMES)
      test(`The CA of ${name} is replaced while requests run, and none is lost; then the old one is not trusted any more`, async () => {
        const answers = await during(async () => {
          await replaced(() => trust(name, 0, 1));
          servers.get(name)?.setSecureContext(secured(name, 1));
          await eventually('a new handshake', async () => (await ask(name)) === 200);
          await replaced(() => trust(name, 1));
        });
        assert.deepEqual(answers, [200]);
        servers.get(name)?.setSecureContext(secured(name, 0));
        // One that was in its handshake is not closed.
        await eventually('the old one is refused', async () => {
          servers.get(name)?.closeAllConnections();
          return (await ask(name)) === 503;
        });
        const others = NAMES.filter((other) => other !== name);
        for (const other of others) assert.equal(await ask(other), 200);
        servers.get(name)?.setSecureContext(secured(name, 1));
        assert.equal(await ask(name), 200);
      });

    function secured(name: Name, which: 0 | 1): object {
      return {
        ...certificate(name, which),
        ...(name === 'orders' && { ca: readFileSync(join(cas.orders[0], 'ca.pem')) }),
      };
    }

    test('The certificate that the gateway shows to its own mesh is renewed while requests run, and none is lost', async () => {
      const before = shownByUs.size;
      const answers = await during(async () => {
        bank.edit((yaml) => yaml.replace('lifetime: 24h', 'lifetime: 12h'));
        closesConnections = true;
        await eventually('another certificate', () => shownByUs.size > before);
      });
      closesConnections = false;
      assert.deepEqual(answers, [200]);
    });

    for (const name of NAMES) {
      const other = name === 'orders' ? 'statements' : 'orders';

      test(`A CA file of ${name} that cannot be read changes nothing, one without a CA denies that export alone, and a good one serves it again`, async () => {
        writeFileSync(join(bed.folder, files[name]), 'oops');
        await eventually('the finding', async () => (await bank.status()).config.rejected?.partly === true);
        await bank.settled();
        assert.deepEqual([await ask(name), await ask(other)], [200, 200]);
        writeFileSync(join(bed.folder, files[name]), '');
        await eventually('denied', async () => (await ask(name)) === 403);
        assert.equal(await ask(other), 200);
        const { exports } = await bank.status();
        assert.deepEqual(exports.find((one) => one.name === name)?.peers, []);
        trust(name, 1);
        await eventually('served', async () => (await ask(name)) === 200);
      });
    }

    test('The status lists the ends of the CAs of backends and of the certificate for our own mesh', async () => {
      const { certificateEnds, certificates } = await bank.status();
      const kinds = certificateEnds.map(({ kind, peer }) => `${kind} ${peer ?? '-'}`);
      for (const kind of ['mesh-bundle -', 'backend-ca -', 'cert-ingress -', 'cert-ingress shop'])
        assert.ok(kinds.includes(kind), kind);
      assert.deepEqual(certificates.map(({ peer }) => peer).sort(), ['shop', undefined]);
    });
  });
