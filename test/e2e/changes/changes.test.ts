// Tests changes of a configuration under traffic, over both kinds of ADS: each applies at once and affects no other peer.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { LIMIT_MS } from '../../../deploy/demo/limit.ts';
import { Held } from '../../support/held.ts';
import { ADS, eventually, Testbed } from '../../support/mesh.ts';
import {
  ACCOUNTS,
  consumerLine,
  type Peer,
  peerLine,
  servername,
  startThreeMeshes,
  type ThreeMeshes,
} from '../three-meshes.ts';

for (const ads of ADS) {
  describe(`changes while running over ${ads} ADS`, () => {
    let bed: Testbed;
    let meshes: ThreeMeshes;
    let open: Held[];

    beforeEach(async () => {
      open = [];
      bed = await Testbed.create();
      meshes = await startThreeMeshes(bed, ads);
    });

    afterEach(async () => {
      for (const held of open) held.close();
      await bed.close();
    });

    function hold(peer: Peer): Held {
      const client = meshes.certificate(peer);
      const held = new Held({ gateway: meshes.ingress, servername: servername(peer), client });
      open.push(held);
      return held;
    }

    const served = async (held: Held): Promise<boolean> =>
      (await held.ask(ACCOUNTS, { path: '/v1/accounts' })).status === 200;
    const status = async (from: Peer): Promise<number> =>
      (await meshes.local(from, 'accounts.bank', { path: '/v1/accounts' })).status;

    test('A removed grant ends on open connections, and the connections of other peers are not affected', async () => {
      const [shop, partner] = [hold('shop'), hold('partner')];
      assert.deepEqual([await served(shop), await served(partner)], [true, true]);
      meshes.bank.edit((yaml) => yaml.replace(consumerLine('shop'), ''));
      await eventually(
        'the shop is refused',
        async () => (await shop.ask(ACCOUNTS, { path: '/v1/accounts' })).status === 403,
      );
      assert.equal(await status('shop'), 403);
      assert.equal(await served(partner), true);
      assert.deepEqual([shop.undisturbed(), partner.undisturbed()], [true, true]);
      meshes.bank.edit((yaml) => yaml.replace('  consumers:\n', `  consumers:\n${consumerLine('shop')}`));
      await eventually('the shop is served again', () => served(shop));
    });

    test('A removed peer can no longer connect, its connections are closed, and a request of another peer in flight continues', async () => {
      const [shop, partner] = [hold('shop'), hold('partner')];
      assert.deepEqual([await served(shop), await served(partner)], [true, true]);
      const cut = shop
        .ask(ACCOUNTS, {
          path: '/v1/receipts/1',
          headers: { 'want-delay': String(2 * LIMIT_MS) },
          timeoutMs: 2 * LIMIT_MS,
        })
        .then(
          () => 'answered',
          () => 'cut',
        );
      const inFlight = partner.ask(ACCOUNTS, {
        path: '/v1/receipts/1',
        headers: { 'want-delay': '8000' },
      });
      await eventually(
        'both requests are in flight',
        () => meshes.accounts.seen.filter(({ path }) => path === '/v1/receipts/1').length === 2,
      );
      meshes.bank.edit((yaml) => yaml.replace(peerLine('shop'), '').replace(consumerLine('shop'), ''));
      // New connections first, then the one that is open, with what runs on it: within Envoy's drain time.
      await eventually('new handshakes are refused', async () => {
        const refused = await meshes.direct('shop').then(
          () => false,
          () => true,
        );
        return refused;
      });
      await eventually('the open connection is cut', () => shop.closed());
      assert.equal(await cut, 'cut');
      assert.equal((await inFlight).status, 200);
      assert.equal(partner.undisturbed(), true);
      assert.equal(await served(partner), true);
    });

    test('A removed peer that is added back is served again', async () => {
      const before = meshes.bank.yaml;
      meshes.bank.edit((yaml) => yaml.replace(peerLine('shop'), '').replace(consumerLine('shop'), ''));
      await eventually('the shop is refused', async () => (await status('shop')) !== 200);
      meshes.bank.write(before);
      await eventually('the shop is served again', async () => (await status('shop')) === 200);
    });

    test('A new peer is served without affecting any open connection', async () => {
      const [shop, partner] = [hold('shop'), hold('partner')];
      assert.deepEqual([await served(shop), await served(partner)], [true, true]);
      await bed.ca('depot.example');
      const inFlight = shop.ask(ACCOUNTS, { path: '/v1/receipts/1', headers: { 'want-delay': '4000' } });
      meshes.bank.edit((yaml) =>
        yaml
          .replace('peers:\n', `peers:\n${peerLine('depot')}`)
          .replace('  consumers:\n', `  consumers:\n${consumerLine('depot')}`),
      );
      const client = meshes.certificate('shop', {
        ca: bed.pki('depot.example'),
        caTrustDomain: 'depot.example',
        uris: ['spiffe://depot.example/gateway/egress'],
      });
      await eventually('the depot is served', async () => {
        const answer = await meshes.direct('shop', { client, servername: 'depot.example.peers.bank.example' });
        return answer.status === 200;
      });
      assert.equal(meshes.accounts.seen.at(-1)?.headers['x-postern-peer'], 'depot');
      assert.equal((await inFlight).status, 200);
      assert.deepEqual([shop.undisturbed(), partner.undisturbed()], [true, true]);
    });

    test('A peer’s new CA is trusted and its old one is not, and the other peer is not affected', async () => {
      const partner = hold('partner');
      assert.equal(await served(partner), true);
      const old = meshes.certificate('shop');
      const next = join(bed.folder, 'next');
      await bed.caInto(next, 'shop.example');
      const fresh = meshes.certificate('shop', { ca: next });
      await assert.rejects(meshes.direct('shop', { client: fresh }));
      writeFileSync(join(bed.pki('shop.example'), 'ca.pem'), readFileSync(join(next, 'ca.pem')));
      await eventually(
        'the new CA is trusted',
        async () => (await meshes.direct('shop', { client: fresh })).status === 200,
      );
      await assert.rejects(meshes.direct('shop', { client: old }));
      assert.equal(partner.undisturbed(), true);
    });

    const broken: Record<string, (yaml: string) => string> = {
      'no YAML at all': () => '{]',
      'an unknown key': (yaml) => yaml.replace('exports:', 'everything: true\nexports:'),
      'a wildcard peer': (yaml) => yaml.replace('{peer: shop,', '{peer: "*",'),
      'an empty file': () => '',
      'a bundle that is not there': (yaml) => yaml.replace('pki/shop.example/ca.pem', 'pki/nowhere/ca.pem'),
      'another trust domain': (yaml) => yaml.replace('trustDomain: bank.example', 'trustDomain: bank2.example'),
    };

    test('An invalid file changes nothing that is served, and the status says what is wrong and where', async () => {
      const shop = hold('shop');
      assert.equal(await served(shop), true);
      await meshes.bank.settled();
      const good = meshes.bank.yaml;
      const versions = async (): Promise<readonly string[]> =>
        (await meshes.bank.status()).gateways.map(({ snapshotVersion }) => snapshotVersion);
      const before = await versions();
      for (const [what, breakIt] of Object.entries(broken)) {
        meshes.bank.write(good);
        await eventually(
          'the good file is in force',
          async () => (await meshes.bank.status()).config.rejected === undefined,
        );
        meshes.bank.edit(breakIt);
        await eventually(`${what} is reported`, async () => (await meshes.bank.status()).config.rejected !== undefined);
        const { rejected } = (await meshes.bank.status()).config;
        assert.ok((rejected?.diagnostics.length ?? 0) > 0, what);
        for (const { code, line, column, hint } of rejected?.diagnostics ?? []) {
          assert.match(code, /^[A-Z][A-Z0-9_]+$/, what);
          assert.ok(line >= 1 && column >= 1 && hint !== '', what);
        }
        assert.deepEqual(await versions(), before, what);
        assert.equal(await served(shop), true, what);
        assert.equal(await status('shop'), 200, what);
      }
      assert.equal(shop.undisturbed(), true);
    });

    test('Traffic continues without the control plane, and is not affected when the control plane is back', async () => {
      const [shop, partner] = [hold('shop'), hold('partner')];
      assert.deepEqual([await served(shop), await served(partner)], [true, true]);
      const inFlight = shop.ask(ACCOUNTS, {
        path: '/v1/receipts/1',
        headers: { 'want-delay': '6000' },
      });
      const listeners = async (): Promise<string> =>
        await meshes.bank.envoyAdmin(
          'ingress',
          '/stats?filter=listener_manager.listener_(added|modified|in_place_updated|removed)$',
        );
      const before = await listeners();
      await meshes.bank.control?.stop('SIGKILL');
      assert.equal(await status('shop'), 200);
      assert.equal((await meshes.direct('partner')).status, 200);
      await meshes.bank.startControl();
      await meshes.bank.settled();
      assert.deepEqual([await served(shop), await served(partner)], [true, true]);
      assert.equal((await inFlight).status, 200);
      assert.deepEqual([shop.undisturbed(), partner.undisturbed()], [true, true]);
      assert.match(before, /listener_added: 1/);
      assert.equal(await listeners(), before);
      // And it is in charge again.
      meshes.bank.edit((yaml) => yaml.replace(consumerLine('shop'), ''));
      await eventually('the shop is refused', async () => (await status('shop')) === 403);
    });

    test('A gateway that starts before its control plane serves nothing until the control plane is there', async () => {
      await meshes.bank.control?.stop();
      await meshes.bank.gateways.get('ingress')?.stop();
      await assert.rejects(meshes.direct('shop'));
      const starting = meshes.bank.startGateway('ingress');
      await eventually(
        'Envoy is up',
        async () => !(await meshes.bank.envoyAdmin('ingress', '/ready')).startsWith('LIVE'),
      );
      await assert.rejects(meshes.direct('shop'));
      await meshes.bank.startControl();
      await starting;
      await eventually('the shop is served', async () => (await meshes.direct('shop')).status === 200);
    });
  });
}
