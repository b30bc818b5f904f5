// What the grid of plan-grid.test.ts has found: each difference between a plan and what happens, as a fixed case.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ca, NOW } from '../../envoy/pipeline.ts';
import type { GridConfig, GridExport, GridRule } from './grid-configs.ts';
import { differencesOf, GRID_PLACES, gridPlan } from './grid-plan.ts';

const cas = new Map<string, Ca>();

const RULE: GridRule = { methods: ['GET'], paths: ['/a'], workloads: [] };

const exported = (rules: readonly GridRule[], more: Partial<GridExport> = {}): GridExport => ({
  ...{ name: 'one', protocol: 'http', backend: 0, anyBody: false, dropsUnderscores: false, websocket: false },
  consumers: [{ peer: 'p1', rules }],
  ...more,
});

const config = (one: GridExport, more: Partial<GridConfig> = {}): GridConfig => ({
  ...{ callers: 'mtls', identities: { p1: ['gateway/egress'], p2: ['gateway/egress'] }, imports: [], denied: [] },
  exports: [one],
  ...more,
});

async function reachLines(from: GridConfig, to: GridConfig): Promise<readonly string[]> {
  const plan = await gridPlan(from, to, GRID_PLACES, cas, NOW);
  assert.deepEqual(differencesOf(plan), []);
  return plan.lines.reach.map(({ text }) => text);
}

test('Bodies with every method are new for those methods alone that may have none otherwise', async () => {
  const rules = [{ ...RULE, methods: ['GET', 'POST', 'PUT'] }];
  assert.deepEqual(await reachLines(config(exported(rules)), config(exported(rules, { anyBody: true }))), [
    '+ p1 GET one /a (more than before)',
  ]);
});

test('A local name that leads to another export is lost and gained, and its lines say where it leads', async () => {
  const imported = { peer: 'p2', as: 'y.test', port: 0, clients: ['ns/a/sa/b'] } as const;
  const [from, to] = ['i0', 'i1'].map((name) => config(exported([RULE]), { imports: [{ ...imported, name }] }));
  assert.ok(from && to);
  assert.deepEqual(await reachLines(from, to), [
    '+ ns/a/sa/b any y.test:8080 any (leads to i1 of p2)',
    '- our workloads lose y.test:8080 (led to i0 of p2)',
  ]);
});

test('A port whose peer is denied, and that closes every connection, is not open to everybody', async () => {
  const imported = { peer: 'p2', name: 't1', as: 'tcp-2.test', port: 2, clients: ['ns/a/sa/b'] } as const;
  const from = config(exported([RULE]), { imports: [imported] });
  const plan = await gridPlan(from, { ...from, denied: ['p2'] }, GRID_PLACES, cas, NOW);
  assert.deepEqual(differencesOf(plan), []);
  assert.equal(plan.verdict, 'narrower');
});

test('One of two local names of an export has its own line', async () => {
  const one = { peer: 'p2', name: 'i0', port: 0, clients: ['ns/a/sa/b'] } as const;
  const both = [
    { ...one, as: 'x.default.svc.cluster.local' },
    { ...one, as: 'y.test' },
  ];
  const [from, to] = [both.slice(0, 1), both].map((imports) => config(exported([RULE]), { imports }));
  assert.ok(from && to);
  assert.deepEqual(await reachLines(from, to), ['+ ns/a/sa/b any y.test:8080 any']);
});

test('Of a rule that shares some requests with a rule before, a part is said to be known', async () => {
  const before = [{ ...RULE, paths: ['/a/*'], workloads: ['ns/a/sa/b'] }];
  const after = [{ ...RULE, paths: ['/a/b'] }];
  assert.deepEqual(await reachLines(config(exported(before)), config(exported(after))), [
    '+ p1 GET one /a/b (more than before)',
    '- p1:ns/a/sa/b GET one /a/* (less than before)',
  ]);
  // What a rule below a prefix never allows is not shared with it.
  const odd = [{ ...RULE, paths: ['/a/b;c'] }];
  const [line] = await reachLines(config(exported([{ ...RULE, paths: ['/a/*'] }])), config(exported(odd)));
  assert.equal(line, '+ p1 GET one /a/b;c');
});

const TWICE = {
  'HTTP at two ports': [
    { name: 'i0', as: 'x.test', port: 0 },
    { name: 'i0', as: 'y.test', port: 1 },
  ],
  'HTTP under two local names of a port': [
    { name: 'i0', as: 'x.test', port: 0 },
    { name: 'i0', as: 'y.default.svc.cluster.local', port: 0 },
  ],
  'TCP at two ports': [
    { name: 't0', as: 'x.test', port: 2 },
    { name: 't0', as: 'y.test', port: 3 },
  ],
} as const;
for (const [what, both] of Object.entries(TWICE))
  for (const callers of ['plaintext', 'mtls'] as const)
    test(`Each import of one export has limits of its own: ${what}, ${callers}`, async () => {
      const kind = what.startsWith('TCP') ? 'connections' : 'requestsPerSecond';
      const limited = (limits: readonly (number | undefined)[]): GridConfig =>
        config(exported([RULE]), {
          callers,
          imports: both.map((one, index) => ({
            ...{ ...one, peer: 'p2', clients: ['ns/a/sa/b'] },
            ...(limits[index] !== undefined && { limits: `{${kind}: ${limits[index]}}` }),
          })),
        });
      const verdict = async (from: readonly (number | undefined)[], to: readonly (number | undefined)[]) =>
        (await gridPlan(limited(from), limited(to), GRID_PLACES, cas, NOW)).verdict;
      assert.equal(await verdict([50, 5], [50, 5]), 'same');
      for (const other of [50, undefined])
        for (const turn of [
          (pair: readonly (number | undefined)[]) => pair,
          (pair: readonly (number | undefined)[]) => pair.toReversed(),
        ]) {
          assert.equal(await verdict(turn([other, 5]), turn([other, 6])), 'wider');
          assert.equal(await verdict(turn([other, 5]), turn([other, undefined])), 'wider');
          assert.equal(await verdict(turn([other, 6]), turn([other, 5])), 'narrower');
          assert.equal(await verdict(turn([other, undefined]), turn([other, 5])), 'narrower');
        }
    });
