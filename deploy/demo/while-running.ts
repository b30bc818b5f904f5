// Removes a grant while everything runs: the shop's team deletes two lines of its YAML and saves.
// Must not: restart or signal anything.

import { setTimeout as sleep } from 'node:timers/promises';
import { callAsApplication } from './callers.ts';
import { LIMIT_MS } from './limit.ts';
import { type MeshName, removeGrant } from './meshes.ts';
import { type Case, describe, type Row, runCase } from './rows.ts';
import type { Stage } from './stage.ts';

export async function removeWhileRunning({ demo, gateways, backends }: Stage): Promise<readonly Row[]> {
  const read = (from: MeshName, name: string, who: string, expected: string): Case => ({
    who,
    calls: `GET ${name}/v1/reviews/7`,
    through: `${from}/egress, shop/ingress`,
    expected,
    decidedBy: gateways.shop.ingress,
    call: () => callAsApplication(demo.meshes[from], `${name}.svc.cluster.local`, { path: '/v1/reviews/7' }),
  });
  removeGrant(demo.meshes.shop, 'reviews.catalog', 'partner');
  const partner = read('partner', 'reviews.shop', 'partner app, grant removed', '403');
  const end = Date.now() + LIMIT_MS;
  while (Date.now() < end && describe(await partner.call()).startsWith('200')) await sleep(20);
  return [
    await runCase(partner, backends),
    await runCase(
      read('bank', 'reviews.default', 'bank app, its grant stays', '200 from reviews at the shop'),
      backends,
    ),
  ];
}
