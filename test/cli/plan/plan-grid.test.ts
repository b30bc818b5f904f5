// What a plan says, read as its text, is what happens: a grid of questions around all rules of both configurations is judged
// before and after, and the lines cover exactly what changes. Random pairs, as many as `--count` says.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Ca, NOW } from '../../envoy/pipeline.ts';
import { askedSize } from '../../support/asked-size.ts';
import { Random } from '../../support/random.ts';
import { editedConfig, type GridConfig, gridConfig, gridYaml } from './grid-configs.ts';
import { differencesOf, GRID_PLACES, type GridPlan, gridPlan } from './grid-plan.ts';

const { count: PAIRS, seed: SEED, isAsked } = askedSize({ count: 5, seed: 11 });
const cas = new Map<string, Ca>();

const planned = async (from: GridConfig, to: GridConfig): Promise<GridPlan> =>
  await gridPlan(from, to, GRID_PLACES, cas, NOW);

describe('a plan beside a grid of questions', () => {
  test('Each question that is answered otherwise has its line, each line has such a question, and only what widens is wider', async () => {
    const random = new Random(SEED);
    const differences: string[] = [];
    const verdicts: Record<string, number> = {};
    let count = 0;
    for (let pair = 0; pair < PAIRS && differences.length < 5; pair += 1) {
      const from = gridConfig(random);
      const to = editedConfig(random, from);
      const plan = await planned(from, to);
      count += plan.points.length;
      verdicts[plan.verdict] = (verdicts[plan.verdict] ?? 0) + 1;
      const found = differencesOf(plan);
      if (found.length > 0)
        differences.push(
          [
            `pair ${pair}`,
            ...found.slice(0, 4),
            plan.text,
            gridYaml(from, GRID_PLACES),
            gridYaml(to, GRID_PLACES),
          ].join('\n'),
        );
    }
    if (isAsked) console.log(JSON.stringify({ count, ...verdicts }));
    assert.equal(differences.join('\n\n'), '');
    assert.ok(count > PAIRS * 200, String(count));
  });
});
