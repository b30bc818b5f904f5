// Tests that no call is lost when a route moves to another cluster, or a cluster to another backend, over both kinds of ADS.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { formatHostPort } from '../../../src/host-port.ts';
import { ADS, eventually, Testbed } from '../../support/mesh.ts';
import { startThreeMeshes, type ThreeMeshes } from '../three-meshes.ts';

for (const ads of ADS) {
  describe(`moving over ${ads} ADS`, () => {
    let bed: Testbed;
    let meshes: ThreeMeshes;

    beforeEach(async () => {
      bed = await Testbed.create();
      meshes = await startThreeMeshes(bed, ads);
    });

    afterEach(() => bed.close());

    /** Calls without a pause while `work` goes on, which can wait for more of them. Returns every status that was not 200. */
    async function during(work: (more: () => Promise<void>) => Promise<void>): Promise<readonly number[]> {
      const lost: number[] = [];
      let calls = 0;
      const more = async (): Promise<void> => {
        const before = calls;
        await eventually('calls go on', async () => calls >= before + 20);
      };
      let over = false;
      const caller = async (): Promise<void> => {
        while (!over) {
          const { status } = await meshes.local('partner', 'accounts.bank', { path: '/v1/accounts' });
          calls += 1;
          if (status !== 200) lost.push(status);
        }
      };
      const callers = [caller(), caller(), caller()];
      try {
        await work(more);
      } finally {
        over = true;
        await Promise.all(callers);
      }
      return lost;
    }

    const answeredBy = async (name: string): Promise<boolean> =>
      (await meshes.local('partner', 'accounts.bank', { path: '/v1/accounts' })).body.includes(name);

    test('Calls are not interrupted when a local name moves to another export', async () => {
      assert.ok(await answeredBy('accounts'));
      const lost = await during(async (more) => {
        for (let turn = 0; turn < 3; turn += 1) {
          meshes.partner.edit((yaml) =>
            yaml.replace('name: accounts.v1, as: accounts.bank', 'name: loans, as: accounts.bank'),
          );
          await eventually('the other export answers', () => answeredBy('loans'));
          await more();
          meshes.partner.edit((yaml) =>
            yaml.replace('name: loans, as: accounts.bank', 'name: accounts.v1, as: accounts.bank'),
          );
          await eventually('the first export answers', () => answeredBy('accounts'));
          await more();
        }
      });
      assert.deepEqual(lost, []);
    });

    test('Calls are not interrupted when an export moves to another backend', async () => {
      const [accounts, loans] = [formatHostPort(meshes.accounts.address), formatHostPort(meshes.loans.address)];
      const lost = await during(async (more) => {
        for (let turn = 0; turn < 3; turn += 1) {
          meshes.bank.edit((yaml) => yaml.replace(`backend: ${accounts}`, `backend: ${loans}`));
          await eventually('the other backend answers', () => answeredBy('loans'));
          await more();
          meshes.bank.edit((yaml) => yaml.replace(`backend: ${loans}`, `backend: ${accounts}`));
          await eventually('the first backend answers', () => answeredBy('accounts'));
          await more();
        }
      });
      assert.deepEqual(lost, []);
    });
  });
}
