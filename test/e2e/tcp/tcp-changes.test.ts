// Edits while TCP connections are open, over both kinds of ADS: each ends exactly the connections that it concerns.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { BANNER, LedgerBackend, readAll } from '../../envoy/tcp-callers.ts';
import { ADS, eventually, Testbed, type TestMesh } from '../../support/mesh.ts';

const CALLERS = ['shop', 'partner'] as const;
type Caller = (typeof CALLERS)[number];

for (const ads of ADS) {
  describe(`TCP and changes over ${ads} ADS`, () => {
    let bed: Testbed;
    let bank: TestMesh;
    let meshes: Readonly<Record<Caller, TestMesh>>;
    let ingress: HostPort;
    /** Where each caller reaches each export. */
    let ports: Readonly<Record<Caller, Readonly<Record<'ledger' | 'vault', HostPort>>>>;
    let ledger: LedgerBackend;
    let other: LedgerBackend;
    let [ledgerPort, otherPort] = [0, 0];
    let open: Socket[];

    beforeEach(async () => {
      open = [];
      bed = await Testbed.create();
      [ledger, other] = [new LedgerBackend(), new LedgerBackend()];
      [ledgerPort, otherPort] = [await ledger.listen(), await other.listen()];
      ingress = await bed.address();
      await Promise.all(['bank', ...CALLERS].map((name) => bed.ca(`${name}.example`)));
      ports = { shop: await twoPorts(), partner: await twoPorts() };
      bank = await bed.mesh('bank', bankYaml(), { ads });
      meshes = {
        shop: await bed.mesh('shop', callerYaml('shop'), { ads }),
        partner: await bed.mesh('partner', callerYaml('partner'), { ads }),
      };
      await Promise.all([bank.start('ingress'), ...CALLERS.map((caller) => meshes[caller].start('egress'))]);
    });

    afterEach(async () => {
      for (const socket of open) socket.destroy();
      await bed.close();
      ledger.close();
      other.close();
    });

    async function twoPorts(): Promise<Readonly<Record<'ledger' | 'vault', HostPort>>> {
      return { ledger: await bed.address(), vault: await bed.address() };
    }

    function bankYaml(): string {
      const peers = CALLERS.map(
        (name) =>
          `  ${name}: {trustDomain: ${name}.example, trustBundle: pki/${name}.example/ca.pem, gatewayIdentities: [gateway/egress]}`,
      );
      return `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
${peers.join('\n')}
exports:
- {name: ledger, protocol: tcp, backend: "127.0.0.1:${ledgerPort}", consumers: [{peer: shop}, {peer: partner}]}
- {name: vault, protocol: tcp, backend: "127.0.0.1:${ledgerPort}", consumers: [{peer: shop}, {peer: partner}]}
`;
    }

    function callerYaml(name: Caller): string {
      const at = ports[name];
      return `apiVersion: postern/v1
mesh: {name: ${name}, trustDomain: ${name}.example}
identity: {issuer: {certificate: pki/${name}.example/ca.pem, privateKey: pki/${name}.example/ca-key.pem}}
gateways: {egress: {address: "${at.ledger.host}", clients: plaintext}}
peers:
  bank: {trustDomain: bank.example, trustBundle: pki/bank.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: ["${formatHostPort(ingress)}"]}
imports:
- {peer: bank, name: ledger, as: ledger.bank, port: ${at.ledger.port}, protocol: tcp}
- {peer: bank, name: vault, as: vault.bank, port: ${at.vault.port}, protocol: tcp}
`;
    }

    /** An open connection through both gateways; its greeting has come. */
    async function hold(caller: Caller, exported: 'ledger' | 'vault' = 'ledger'): Promise<Socket> {
      const socket = connect({ ...ports[caller][exported], allowHalfOpen: true });
      open.push(socket);
      assert.equal(await readAll(socket, BANNER.length), BANNER);
      return socket;
    }

    /** Whether a new connection is served. */
    async function serves(caller: Caller, exported: 'ledger' | 'vault' = 'ledger'): Promise<boolean> {
      const socket = connect({ ...ports[caller][exported], allowHalfOpen: true });
      const seen = await readAll(socket, BANNER.length);
      socket.destroy();
      return seen === BANNER;
    }

    const ended = async (socket: Socket): Promise<void> => assert.equal(await readAll(socket), '');
    /** The connection still carries what is said in both directions. */
    async function lives(socket: Socket, what = 'alive'): Promise<void> {
      socket.end(what);
      assert.equal(await readAll(socket), `heard: ${what}`);
    }
    const held = async (): Promise<Readonly<Record<string, Socket>>> => ({
      'shop ledger': await hold('shop'),
      'shop vault': await hold('shop', 'vault'),
      'partner ledger': await hold('partner'),
      'partner vault': await hold('partner', 'vault'),
    });
    /** These end, and all others go on. */
    async function endsOnly(sockets: Readonly<Record<string, Socket>>, ...which: readonly string[]): Promise<void> {
      for (const name of which) await ended(sockets[name] as Socket);
      for (const [name, socket] of Object.entries(sockets)) if (!which.includes(name)) await lives(socket, name);
    }

    test('A removed grant ends the connections of its peer and export, and a new one is not served', async () => {
      const sockets = await held();
      bank.edit((yaml) => yaml.replace('consumers: [{peer: shop}, {peer: partner}]', 'consumers: [{peer: partner}]'));
      await endsOnly(sockets, 'shop ledger');
      assert.deepEqual(
        [await serves('shop'), await serves('shop', 'vault'), await serves('partner')],
        [false, true, true],
      );
      bank.edit((yaml) => yaml.replace('consumers: [{peer: partner}]', 'consumers: [{peer: shop}, {peer: partner}]'));
      await eventually('the shop is served again', () => serves('shop'));
    });

    test('A removed export ends its connections, and an added one disturbs none', async () => {
      const vaultLine = /^- \{name: vault.*\n/m.exec(bank.yaml)?.[0] ?? '';
      const sockets = await held();
      bank.edit((yaml) => yaml.replace(vaultLine, ''));
      for (const name of ['shop vault', 'partner vault']) await ended(sockets[name] as Socket);
      bank.edit((yaml) => yaml.replace('exports:\n', `exports:\n${vaultLine}`));
      await eventually('the vault is served again', () => serves('shop', 'vault'));
      for (const name of ['shop ledger', 'partner ledger']) await lives(sockets[name] as Socket);
    });

    test('An export with another backend ends the connections to the old one, and new ones lead to the new', async () => {
      const sockets = await held();
      bank.edit((yaml) =>
        yaml.replace(
          `ledger, protocol: tcp, backend: "127.0.0.1:${ledgerPort}"`,
          `ledger, protocol: tcp, backend: "127.0.0.1:${otherPort}"`,
        ),
      );
      await endsOnly(sockets, 'shop ledger', 'partner ledger');
      await eventually('the new backend is reached', async () => (await serves('shop')) && other.connections > 0);
    });

    test('A peer whose identities change at the ingress loses its connections, and no other peer does', async () => {
      const sockets = await held();
      bank.edit((yaml) =>
        yaml.replace(
          'shop.example/ca.pem, gatewayIdentities: [gateway/egress]',
          'shop.example/ca.pem, gatewayIdentities: [gateway/out]',
        ),
      );
      await endsOnly(sockets, 'shop ledger', 'shop vault');
      assert.deepEqual([await serves('shop'), await serves('partner')], [false, true]);
    });

    test('A removed peer loses its connections, and no other peer does', async () => {
      const sockets = await held();
      bank.edit((yaml) => yaml.replace(/^ {2}shop: .*\n/m, '').replaceAll('{peer: shop}, ', ''));
      await endsOnly(sockets, 'shop ledger', 'shop vault');
      assert.equal(await serves('shop'), false);
    });

    test('A removed import ends its connections alone, and its port is closed', async () => {
      const sockets = await held();
      meshes.shop.edit((yaml) => yaml.replace(/^- \{peer: bank, name: ledger.*\n/m, ''));
      await endsOnly(sockets, 'shop ledger');
      await eventually('the port is closed', async () => !(await serves('shop')));
      assert.equal(await serves('shop', 'vault'), true);
    });

    test('A peer whose identities change at the egress ends the connections of all its imports, and new ones ask for the new identity', async () => {
      const sockets = await held();
      meshes.shop.edit((yaml) => yaml.replace('[gateway/ingress]', '[gateway/other]'));
      await endsOnly(sockets, 'shop ledger', 'shop vault');
      assert.equal(await serves('shop'), false);
    });

    test('An import of a denied peer closes every connection at once, and the log says why', async () => {
      const bundle = join(bed.pki('bank.example'), 'ca.pem');
      const good = readFileSync(bundle, 'utf8');
      // A peer of another mesh's CA is denied; its imports stay.
      const file = join(bed.folder, 'denied.pem');
      writeFileSync(file, readFileSync(join(bed.pki('partner.example'), 'ca.pem'), 'utf8'));
      const sockets = await held();
      meshes.shop.edit((yaml) =>
        yaml.replace('pki/bank.example/ca.pem, gatewayIdentities', `${file}, gatewayIdentities`),
      );
      await endsOnly(sockets, 'shop ledger', 'shop vault');
      const socket = connect({ ...ports.shop.ledger });
      assert.equal(await readAll(socket), '');
      socket.destroy();
      await eventually('it is logged', () =>
        meshes.shop
          .log('egress')
          .some((line) => line['layer'] === 'tcp' && line['verdict'] === 'refused' && line['reason'] === 'PEER_DENIED'),
      );
      writeFileSync(file, good);
      await eventually('the peer is served again', () => serves('shop'));
    });

    test('A port that changes from TCP to HTTP and back ends its connections, and serves what it says', async () => {
      const socket = await hold('shop');
      meshes.shop.edit((yaml) => yaml.replace(/(name: ledger,.*), protocol: tcp/, '$1'));
      await ended(socket);
      const { host, port } = ports.shop.ledger;
      const asked = async (): Promise<number> =>
        (await fetch(`http://${host}:${port}/`, { headers: { host: 'ledger.bank' } })).status;
      await eventually('HTTP answers', async () => (await asked()) === 404);
      meshes.shop.edit((yaml) => yaml.replace(/(name: ledger,.*)(\})/, '$1, protocol: tcp$2'));
      await eventually('TCP is served again', () => serves('shop'));
    });
  });
}
