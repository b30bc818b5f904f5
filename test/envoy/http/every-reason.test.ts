// Every reason code of the log, brought about at a real gateway: code and verdict of the line, and that no code of the table is left out.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { REASONS, type ReasonCode } from '../../../src/envoy/reasons.ts';
import { eventually } from '../../support/mesh.ts';
import { REASON_CASES } from './reason-cases.ts';
import { ReasonScene } from './reason-scene.ts';

describe('every reason', () => {
  let scene: ReasonScene;
  before(async () => {
    scene = await ReasonScene.start();
  });
  after(() => scene.stop());

  for (const [what, { reason, gateway, layer, act, where = {} }] of Object.entries(REASON_CASES))
    test(`The log has ${reason} for ${what}`, async () => {
      const envoy = scene.gateway(gateway);
      const from = envoy.log.length;
      await act(scene);
      const lines = () =>
        envoy.log
          .slice(from)
          .filter(
            (line) => line['layer'] === layer && Object.entries(where).every(([key, value]) => line[key] === value),
          );
      await eventually(`a line with ${reason}`, () => lines().some((line) => line['reason'] === reason)).catch(() =>
        assert.fail(JSON.stringify(envoy.log.slice(from), null, 1)),
      );
      const line = lines().find((one) => one['reason'] === reason);
      assert.equal(line?.['verdict'], REASONS[reason].verdict, JSON.stringify(line));
    });

  test('Why our gateway refuses a peer whose health checks all fail is counted for that peer', async () => {
    const shop = scene.gateway('shop');
    const refused = async (peer: string): Promise<number> => {
      const stats = await shop.admin(`/stats?filter=^cluster\\.dial_.*${peer}.*ssl\\.fail_verify_error`);
      return Number(/: (\d+)/.exec(stats)?.[1] ?? Number.NaN);
    };
    await eventually('it is counted', async () => (await refused('twice')) > 0);
    assert.equal(await refused('seen'), 0);
  });

  test('Every code of the table that a log can have is brought about by one of these cases', () => {
    const caused = new Set<string>(Object.values(REASON_CASES).map(({ reason }) => reason));
    const codes = Object.keys(REASONS) as ReasonCode[];
    const logged = codes.filter((code) => REASONS[code].at !== 'command');
    assert.deepEqual(
      logged.filter((code) => !caused.has(code)),
      // Nothing is known that has it (test/envoy/leaks/ looks for it).
      ['UNKNOWN_REASON'],
    );
  });
});
