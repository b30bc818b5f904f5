// Edits that give a name another meaning, one after the other, while everybody calls: nobody ever gets what neither the
// configuration before nor the one after grants; also when the control plane is killed in the middle of an edit.
// The evaluator of test/envoy/resources/updates.test.ts proves the same of all pairs; this is the real Envoy.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatHostPort } from '../../../src/host-port.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { type Peer, servername, startThreeMeshes, type ThreeMeshes } from '../three-meshes.ts';

const EDITS = 20;
const KILLS = 4;
/** Between two edits: long enough for most to arrive, too short for all of what they start to end. */
const PAUSE_MS = 300;

describe('edits that change what names mean, under load', () => {
  let bed: Testbed;
  let meshes: ThreeMeshes;

  before(async () => {
    bed = await Testbed.create();
    meshes = await startThreeMeshes(bed, 'delta');
  });

  after(() => bed.close());

  /** The bank: who is called `p`, which backend `data` has, and who may ask for it. */
  function bank(p: Peer, q: Peer, backend: 'accounts' | 'loans', consumer: 'p' | 'q'): string {
    const peer = (name: string, mesh: Peer): string =>
      `  ${name}: {trustDomain: ${mesh}.example, trustBundle: pki/${mesh}.example/ca.pem, gatewayIdentities: [gateway/egress]}\n`;
    const head = meshes.bank.yaml.slice(0, meshes.bank.yaml.indexOf('peers:'));
    return `${head}peers:\n${peer('p', p)}${peer('q', q)}exports:
- name: data
  backend: ${formatHostPort(meshes[backend].address)}
  consumers:
  - {peer: ${consumer}, methods: [GET], paths: [/data]}
`;
  }

  /** Each pair: what is granted by the first text, then by the second, as the backend and the mesh that may reach it. */
  const pairs: Record<string, () => readonly [string, string]> = {
    'an export gets another backend and other consumers': () => [
      bank('shop', 'partner', 'accounts', 'p'),
      bank('shop', 'partner', 'loans', 'q'),
    ],
    'the name of a peer becomes that of another mesh, with other grants': () => [
      bank('shop', 'partner', 'accounts', 'p'),
      bank('partner', 'shop', 'loans', 'p'),
    ],
  };

  /** Calls as both meshes, over new connections, until it is told to end; counts what was answered. */
  async function load(isOver: () => boolean): Promise<number> {
    let answered = 0;
    const caller = async (mesh: Peer): Promise<void> => {
      const client = meshes.certificate(mesh);
      while (!isOver()) {
        const asked = { client, servername: servername(mesh), authority: 'data.exports.bank.example', path: '/data' };
        const status = await meshes.direct(mesh, asked).then(
          (answer) => answer.status,
          () => 0,
        );
        if (status === 200) answered += 1;
        await sleep(5);
      }
    };
    await Promise.all((['shop', 'partner', 'shop', 'partner'] as const).map(caller));
    return answered;
  }

  /** In both pairs the shop may reach the accounts and the partner the loans, and nothing else is ever granted. */
  function forbidden(): readonly string[] {
    const reached = (backend: 'accounts' | 'loans', mesh: Peer): readonly string[] =>
      meshes[backend].seen
        .filter(({ headers }) => String(headers['x-forwarded-client-cert']).includes(`spiffe://${mesh}.example/`))
        .map(({ path }) => `${mesh} reached ${backend} ${path}`);
    return [...reached('accounts', 'partner'), ...reached('loans', 'shop')];
  }

  for (const [what, texts] of Object.entries(pairs)) {
    test(`No peer gets what is another’s while ${what}, ${EDITS} times back and forth`, async () => {
      let isOver = false;
      const calls = load(() => isOver);
      for (let edit = 0; edit < EDITS; edit++) {
        meshes.bank.write(texts()[edit % 2] ?? '');
        await sleep(PAUSE_MS);
      }
      isOver = true;
      assert.ok((await calls) > 0);
      assert.deepEqual(forbidden(), []);
    });

    test(`No peer gets what is another’s when the control plane is killed while ${what}`, async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        meshes.bank.write(texts()[kill % 2] ?? '');
        await eventually(
          'the configuration is applied',
          async () => (await meshes.bank.status()).config.rejected === undefined,
        );
        await meshes.bank.settled();
        let isOver = false;
        const calls = load(() => isOver);
        meshes.bank.write(texts()[(kill + 1) % 2] ?? '');
        await sleep(30 + 25 * kill);
        await meshes.bank.control?.stop('SIGKILL');
        await sleep(1000);
        await meshes.bank.startControl();
        await sleep(500);
        isOver = true;
        await calls;
        assert.deepEqual(forbidden(), []);
      }
    });
  }
});
