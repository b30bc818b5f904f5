// A trust bundle that loses a root ends what rests on that root, at both gateways, within seconds; nobody else notices.
// On running meshes, with requests that are under way for as long as a test lasts.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, callLocally } from '../../../deploy/demo/calls.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { DATA, dialRaw, GOAWAY, HEADERS } from '../../support/clients/raw-http2.ts';
import { Held } from '../../support/held.ts';
import { ADS, eventually, Testbed, type TestMesh } from '../../support/mesh.ts';
import { ACCOUNTS, LOANS, servername, startThreeMeshes } from '../three-meshes.ts';

/** Longer than any test here: such a request ends when somebody ends it. */
const LONG = { 'want-delay': '120000' };

/** How a request under way ended, or that it did not. */
class UnderWay {
  ended: string | undefined;

  constructor(answer: Promise<Answer>) {
    answer.then(
      ({ status, body }) => {
        this.ended = `answered ${status} ${body}`;
      },
      () => {
        this.ended = 'cut';
      },
    );
  }
}

for (const ads of ADS) {
  describe(`trust that changes over ${ads} ADS`, () => {
    let bed: Testbed;
    let open: { close(): void }[];
    /** Whether the control plane is down while the root is removed: the way must hold over a restart, too. */
    const restarts = ads === 'sotw';

    beforeEach(async () => {
      open = [];
      bed = await Testbed.create();
    });

    afterEach(async () => {
      for (const held of open) held.close();
      await bed.close();
    });

    test('at the ingress, an added root cuts nothing, and a removed one cuts its peer alone, also over a restart', async () => {
      const meshes = await startThreeMeshes(bed, ads);
      const bundle = join(bed.pki('shop.example'), 'ca.pem');
      const next = join(bed.folder, 'next');
      await bed.caInto(next, 'shop.example');
      const [oldRoot, newRoot] = [readFileSync(bundle, 'utf8'), readFileSync(join(next, 'ca.pem'), 'utf8')];
      const hold = (peer: 'shop' | 'partner'): Held => {
        const held = new Held({
          gateway: meshes.ingress,
          servername: servername(peer),
          client: meshes.certificate(peer),
        });
        open.push(held);
        return held;
      };
      const [shop, partner] = [hold('shop'), hold('partner')];
      const long = { path: '/v1/receipts/1', headers: LONG, timeoutMs: 120_000 };
      const [shops, partners] = [new UnderWay(shop.ask(ACCOUNTS, long)), new UnderWay(partner.ask(ACCOUNTS, long))];
      const underWay = (): number => meshes.accounts.seen.filter(({ path }) => path === '/v1/receipts/1').length;
      await eventually('both requests are under way', () => underWay() === 2);

      const [old, fresh] = [meshes.certificate('shop'), meshes.certificate('shop', { ca: next })];
      writeFileSync(bundle, `${oldRoot}${newRoot}`);
      await eventually('the new root is trusted', async () => {
        return (await meshes.direct('shop', { client: fresh })).status === 200;
      });
      await sleep(7000);
      assert.deepEqual([shops.ended, partners.ended], [undefined, undefined]);

      if (restarts) await meshes.bank.control?.stop('SIGKILL');
      writeFileSync(bundle, newRoot);
      if (restarts) await meshes.bank.startControl();
      await eventually('what rests on the removed root is cut', () => shops.ended === 'cut', 30_000);
      await assert.rejects(meshes.direct('shop', { client: old }));
      assert.equal((await meshes.direct('shop', { client: fresh })).status, 200);
      assert.deepEqual([partners.ended, partner.undisturbed()], [undefined, true]);
    });

    test('at the ingress, a connection on a younger root that goes while the control plane is down never gets a grant of the same edit', async () => {
      const meshes = await startThreeMeshes(bed, ads);
      const bundle = join(bed.pki('shop.example'), 'ca.pem');
      const next = join(bed.folder, 'next');
      await bed.caInto(next, 'shop.example');
      const [oldRoot, newRoot] = [readFileSync(bundle, 'utf8'), readFileSync(join(next, 'ca.pem'), 'utf8')];
      writeFileSync(bundle, `${oldRoot}${newRoot}`);
      const client = meshes.certificate('shop', { ca: next });
      await eventually('the new root is trusted', async () => {
        return (await meshes.direct('shop', { client })).status === 200;
      });
      const attacker = await dialRaw({ gateway: meshes.ingress, servername: servername('shop'), client });
      open.push(attacker);
      const ask = (authority: string, path: string): number =>
        attacker.request(
          Object.entries({ ':method': 'GET', ':scheme': 'https', ':authority': authority, ':path': path }),
        );
      const isOpen = ask(ACCOUNTS, '/v1/receipts/attack');
      await eventually('the connection is served', () => attacker.received(isOpen, DATA) !== undefined);
      const before = ask(LOANS, '/attack/before');

      await meshes.bank.control?.stop('SIGKILL');
      writeFileSync(bundle, oldRoot);
      meshes.bank.edit((yaml) => `${yaml}  - {peer: shop, methods: [GET], paths: [/*]}\n`);
      const asked = [before];
      const afterGoaway: number[] = [];
      const honest: number[] = [];
      let isOver = false;
      const attack = async (): Promise<void> => {
        while (!attacker.closed) {
          const isEnding = attacker.received(0, GOAWAY) !== undefined;
          const stream = ask(LOANS, `/attack/${asked.length}`);
          asked.push(stream);
          if (isEnding) afterGoaway.push(stream);
          await sleep(20);
        }
      };
      const work = async (): Promise<void> => {
        while (!isOver) {
          for (const peer of ['shop', 'partner'] as const)
            honest.push((await meshes.local(peer, 'accounts.bank', { path: '/v1/accounts' })).status);
          await sleep(20);
        }
      };
      const [attacked, worked] = [attack(), work()];
      await meshes.bank.startControl();
      await eventually('the connection ends', () => attacker.closed, 30_000);
      await eventually('honest connections get the new grant', async () => {
        return (await meshes.direct('shop', { authority: LOANS, path: '/' })).status === 200;
      });
      isOver = true;
      await Promise.all([attacked, worked]);
      assert.deepEqual(
        meshes.loans.seen.map(({ path }) => path).filter((path) => path.startsWith('/attack')),
        [],
      );
      // The gateway still answers on a connection that it ends, so the attack was one.
      assert.ok(afterGoaway.filter((stream) => attacker.received(stream, HEADERS) !== undefined).length > 5);
      assert.deepEqual([...new Set(honest)], [200]);
    });

    interface Caller {
      readonly mesh: TestMesh;
      readonly bundle: string;
      call(name: 'one' | 'two', headers?: Record<string, string>): Promise<Answer>;
      readonly seen: () => number;
    }

    /** A mesh that imports from two others, whose bundles are files of its own. */
    async function startCaller(): Promise<Caller> {
      const backend = await bed.backend('answers');
      const egress = await bed.address();
      const trust = join(bed.folder, 'trust');
      mkdirSync(trust);
      await bed.ca('caller.example');
      const peers: string[] = [];
      for (const name of ['one', 'two']) {
        const ingress: HostPort = await bed.address();
        await bed.ca(`${name}.example`);
        copyFileSync(join(bed.pki(`${name}.example`), 'ca.pem'), join(trust, `${name}.pem`));
        const mesh = await bed.mesh(
          name,
          `apiVersion: postern/v1
mesh: {name: ${name}, trustDomain: ${name}.example}
identity: {issuer: {certificate: pki/${name}.example/ca.pem, privateKey: pki/${name}.example/ca-key.pem}}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
  caller: {trustDomain: caller.example, trustBundle: pki/caller.example/ca.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: answers, backend: "${formatHostPort(backend.address)}", consumers: [{peer: caller, methods: [GET], paths: [/*]}]}
`,
          { ads },
        );
        await mesh.start('ingress');
        const address = formatHostPort(ingress);
        peers.push(
          `  ${name}: {trustDomain: ${name}.example, trustBundle: trust/${name}.pem, gatewayIdentities: [gateway/ingress], addresses: ["${address}", "${address}"]}`,
        );
      }
      const mesh = await bed.mesh(
        'caller',
        `apiVersion: postern/v1
mesh: {name: caller, trustDomain: caller.example}
identity: {issuer: {certificate: pki/caller.example/ca.pem, privateKey: pki/caller.example/ca-key.pem}}
gateways: {egress: {address: ${egress.host}}}
peers:
${peers.join('\n').replaceAll(/, "[^"]+"\]/g, ']')}
imports:
- {peer: one, name: answers, as: answers.one, port: ${egress.port}}
- {peer: two, name: answers, as: answers.two, port: ${egress.port}}
`,
        { ads },
      );
      await mesh.start('egress');
      return {
        mesh,
        bundle: join(trust, 'one.pem'),
        call: (name, headers = {}) =>
          callLocally(egress, `answers.${name}`, { path: '/', headers, timeoutMs: 120_000 }),
        seen: () => backend.seen.length,
      };
    }

    test('at the egress, a removed root cuts its peer’s streams alone, also over a restart; an added one cuts nothing', async () => {
      const caller = await startCaller();
      await eventually('both are served', async () => {
        return (await caller.call('one')).status === 200 && (await caller.call('two')).status === 200;
      });
      const before = caller.seen();
      const [one, two] = [new UnderWay(caller.call('one', LONG)), new UnderWay(caller.call('two', LONG))];
      await eventually('both requests are under way', () => caller.seen() === before + 2);
      const next = join(bed.folder, 'next');
      await bed.caInto(next, 'one.example');
      const [oldRoot, newRoot] = [readFileSync(caller.bundle, 'utf8'), readFileSync(join(next, 'ca.pem'), 'utf8')];
      writeFileSync(caller.bundle, `${oldRoot}${newRoot}`);
      await sleep(8000);
      assert.deepEqual([one.ended, two.ended], [undefined, undefined]);

      if (restarts) await caller.mesh.control?.stop('SIGKILL');
      writeFileSync(caller.bundle, newRoot);
      if (restarts) await caller.mesh.startControl();
      await eventually('what rests on the removed root is cut', () => one.ended !== undefined, 30_000);
      assert.equal((await caller.call('one')).status, 503);
      assert.equal((await caller.call('two')).status, 200);
      const isRefusal = ({ layer, peer, upstream_fail: why }: Record<string, unknown>): boolean =>
        layer === 'tunnel' && peer === 'one' && /CERTIFICATE_VERIFY_FAILED/.test(String(why));
      await eventually('the log says why', () => caller.mesh.log('egress').some(isRefusal));
      writeFileSync(caller.bundle, `${newRoot}${oldRoot}`);
      await eventually('the old root is trusted again', async () => (await caller.call('one')).status === 200);
      assert.equal(two.ended, undefined);
    });
  });
}
