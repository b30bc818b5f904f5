// A workload of one mesh calls a service of another through both gateways: the shop's egress proves the caller and claims it, and
// the bank's ingress admits some of the shop's workloads alone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, Testbed } from '../../support/mesh.ts';
import { BATCH, type ProvenCallers, startProvenCallers, WEB } from './proven-callers.ts';

const ours = (path: string): string => `spiffe://shop.example/${path}`;
/** What the shop's egress would claim of the web front end. */
const FORGED = `By=${ours('gateway/egress')};Hash=${'0'.repeat(64)};URI=${ours(WEB)}`;

let bed: Testbed;
let meshes: ProvenCallers;

before(async () => {
  bed = await Testbed.create();
  meshes = await startProvenCallers(bed);
  // The egress admits both; the bank, the front end alone.
  meshes.bank.edit((yaml) => yaml.replace('paths: [/*]}]}', `paths: [/*], workloads: [${WEB}]}]}`));
  await eventually('the bank refuses the batch', async () => (await status(BATCH)) === 403);
});

after(() => bed.close());

async function status(path: string, headers: Record<string, string> = {}, asked = '/'): Promise<number> {
  return (await meshes.call(meshes.workload(path), { headers, path: asked })).status;
}

test('A workload that the bank lists reaches the service, and the backend learns which one it is', async () => {
  assert.equal(await status(WEB), 200);
  const { headers = {} } = meshes.backend.seen.at(-1) ?? {};
  assert.equal(headers['x-postern-workload'], ours(WEB));
  assert.equal(headers['x-postern-peer'], 'shop');
  assert.match(
    String(headers['x-forwarded-client-cert']),
    /^By=spiffe:\/\/bank\.example\/gateway\/ingress;Hash=[0-9a-f]{64};URI=spiffe:\/\/shop\.example\/gateway\/egress$/,
  );
});

test('A workload that only its own egress admits is refused by the bank, whatever it writes into its request', async () => {
  const before = meshes.backend.seen.length;
  for (const headers of [
    {},
    { 'x-forwarded-client-cert': FORGED },
    { 'x-forwarded-client-cert': `${FORGED},${FORGED}` },
    { 'x-postern-peer-claim': FORGED, 'x-postern-workload': ours(WEB) },
  ])
    assert.equal(await status(BATCH, headers, '/refused'), 403);
  assert.equal(meshes.backend.seen.length, before);
  const lines = () => meshes.bank.log('ingress').filter(({ path }) => path === '/refused');
  await eventually('the bank logs the refusals', () => lines().length === 4);
  for (const { verdict, workload, reason } of lines())
    assert.deepEqual([verdict, workload, reason], ['refused', ours(BATCH), 'WORKLOAD']);
});

test('What a listed workload writes about itself changes nothing', async () => {
  assert.equal(await status(WEB, { 'x-forwarded-client-cert': FORGED.replace(WEB, 'ns/x') }), 200);
  assert.equal(meshes.backend.seen.at(-1)?.headers['x-postern-workload'], ours(WEB));
});
