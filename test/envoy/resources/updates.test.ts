// The property of updates: whatever part of an update a gateway has, and for how long, what it admits is admitted by the
// configuration before or by the one after it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Federation, GatewayRole } from '../../../src/federation/model.ts';
import { labelOf, START_SETTLE_MS } from '../../../src/federation/transition/history.ts';
import { SETTLE_MS } from '../../../src/federation/transition/transition.ts';
import { NOW } from '../pipeline.ts';
import { begin, prefixes, surviving } from './gateway-view.ts';
import {
  admittedBy,
  type Choice,
  choice,
  federationOf,
  forbidden,
  missing,
  Serving,
  statesBetween,
  viewAlone,
} from './update-model.ts';

/** Between two edits: some meet the one before while it settles. */
const seconds = fc.integer({ min: 0, max: 12 });

describe('an update', () => {
  for (const role of ['ingress', 'egress'] as const) {
    test(`After any prefix of an update, the ${role} admits only requests that it admits before or after the update`, () => {
      fc.assert(
        fc.property(choice, choice, (one, other) => {
          const first = federationOf(one, undefined);
          const second = federationOf(other, first);
          const allowed = new Set([...admittedBy(first, role), ...admittedBy(second, role)]);
          assert.deepEqual(forbidden(statesBetween(first, second, role), allowed), []);
        }),
        { numRuns: 80 },
      );
    });

    test(`The same holds at the ${role} when the next update comes before the first has settled`, () => {
      fc.assert(
        fc.property(choice, choice, choice, fc.integer({ min: 1, max: 12 }), (one, other, another, seconds) => {
          const first = federationOf(one, undefined);
          const second = federationOf(other, first);
          const third = federationOf(another, second);
          const allowed = new Set([first, second, third].flatMap((model) => [...admittedBy(model, role)]));
          const serving = new Serving(role).serve(first, NOW - 60_000).serve(second, NOW);
          if (seconds >= SETTLE_MS / 1000) serving.settle(second);
          const { states } = serving.serve(third, NOW + seconds * 1000).settle(third);
          assert.deepEqual(forbidden(states, allowed), []);
        }),
        { numRuns: 80 },
      );
    });

    test(`The same holds at the ${role} when the control plane dies during an update, and a new one continues from the record with another file`, () => {
      const pushed = fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined });
      fc.assert(
        fc.property(choice, choice, choice, fc.boolean(), pushed, (one, other, another, isEdited, arrived) => {
          const first = federationOf(one, undefined);
          const second = federationOf(other, first);
          const third = isEdited ? federationOf(another, undefined) : second;
          const allowed = new Set([first, second, third].flatMap((model) => [...admittedBy(model, role)]));
          const dying = new Serving(role).serve(first, NOW - 60_000);
          // It dies before it has recorded the update, or with a part of it on the gateway.
          if (arrived !== undefined) dying.serve(second, NOW);
          const [before, served] = dying.states;
          assert.ok(before);
          const left = served === undefined ? [] : [prefixes(before.view, served.view)[arrived ?? 0] ?? served.view];
          const at = NOW + 2000;
          const restarted = new Serving(role, dying.record, at).serve(third, at).settle(third);
          const states = [before, ...left.map((view) => ({ view, at: NOW })), ...restarted.states];
          assert.deepEqual(forbidden(states, allowed), []);
        }),
        { numRuns: 120 },
      );
    });
  }

  for (const role of ['ingress', 'egress'] as const) {
    test(`What the ${role} serves, and what the next configuration serves as well, is served after any prefix of the update, on open connections and on new ones`, () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(choice, seconds), { minLength: 2, maxLength: 4 }), (steps) => {
          const serving = new Serving(role);
          const lastServed = new Map<string, number>();
          let [model, at]: [Federation | undefined, number] = [undefined, NOW];
          for (const [next, wait] of steps) {
            const old = model?.peers.map(labelOf) ?? [];
            at += wait * 1000;
            for (const label of old) lastServed.set(label, at);
            model = federationOf(next, model);
            const before = serving.states.at(-1);
            const { view } = serving.serve(model, at).states.at(-1) ?? assert.fail();
            // A name that comes back while its old connections end is kept back by what they rest on.
            const returns = model.peers
              .map(labelOf)
              .some((label) => !old.includes(label) && at < (lastServed.get(label) ?? 0) + START_SETTLE_MS);
            if (before === undefined || returns) continue;
            assert.deepEqual(missing(before.view, view, admittedBy(model, role)), []);
          }
        }),
        { numRuns: 200 },
      );
    });
  }

  /** One peer with these roots, and an export with these rules. */
  const one = (roots: number[], paths: number[], imports: Choice['imports'] = [[0, 0]]): Choice => ({
    isSwapped: false,
    imports,
    peers: new Map([['x.example', { roots, identities: ['gateway/a'] }]]),
    exports: [{ backend: 1, protocol: 'http', rules: paths.map((path) => [0, path] as const) }],
  });
  const [root, younger] = [0, 1];

  for (const [what, wait] of [
    ['at once', 0],
    ['while what it had is still ending', 3000],
  ] as const) {
    test(`A new grant is not served ${what} after a younger root was removed`, () => {
      const before = federationOf(one([root, younger], [1]), undefined);
      const removed = federationOf(one([root], [1]), before);
      const granted = federationOf(one([root], [1, 2]), removed);
      const allowed = new Set([before, removed, granted].flatMap((model) => [...admittedBy(model, 'ingress')]));
      const serving = new Serving('ingress').serve(before, NOW - 60_000);
      if (wait > 0) serving.serve(removed, NOW);
      const { states } = serving.serve(granted, NOW + wait).settle(granted);
      assert.deepEqual(forbidden(states, allowed), []);
      // It is served in the end, and not before the old connections are over.
      const last = states.at(-1);
      assert.ok(
        last && [...admittedBy(granted, 'ingress')].every((text) => forbidden([last], new Set()).includes(text)),
      );
      assert.equal(last.at, NOW + SETTLE_MS);
    });
  }

  test('A grant that went with a younger root and comes back is not served before connections on that root have ended', () => {
    const models = [one([root, younger], [1, 2]), one([root], [1]), one([root], [1, 2])].map((next) =>
      federationOf(next, undefined),
    );
    const serving = new Serving('ingress');
    for (const [index, model] of models.entries()) serving.serve(model, NOW + index * 3000);
    const [, without, back] = serving.states;
    assert.deepEqual(back?.view, without?.view);
    serving.settle(models[2] ?? assert.fail());
    assert.notDeepEqual(serving.states.at(-1)?.view, back?.view);
    assert.equal(serving.states.at(-1)?.at, NOW + 3000 + SETTLE_MS);
  });

  for (const [when, wait, isServed] of [
    ['is kept back while its old connections end', 3000, false],
    ['is served at once when they have ended', SETTLE_MS, true],
  ] as const)
    for (const isRestarted of [false, true])
      test(`What is new for a peer that comes back under its old name ${when}${isRestarted ? ', also over a restart' : ''}`, () => {
        const before = federationOf(one([root, younger], [1]), undefined);
        const away = federationOf(one([younger], [1]), undefined);
        const after = federationOf(one([root], [1, 2]), undefined);
        const first = new Serving('ingress')
          .serve(before, NOW - 60_000)
          .serve(away, NOW)
          .serve(away, NOW + wait);
        const serving = isRestarted ? new Serving('ingress', first.record, NOW + wait) : first;
        const served = serving.serve(after, NOW + wait).states.at(-1) ?? assert.fail();
        const granted = [...admittedBy(after, 'ingress')].map((text) => forbidden([served], new Set()).includes(text));
        assert.deepEqual(granted, [true, isServed]);
      });

  for (const role of ['ingress', 'egress'] as const) {
    test(`A control plane that missed the removal of a younger root and a new grant and import first ends connections on that root, at the ${role}`, () => {
      const before = federationOf(one([root, younger], [1]), undefined);
      const edited = one(
        [root],
        [1, 2],
        [
          [0, 0],
          [0, 1],
        ],
      );
      const after = federationOf(edited, undefined);
      const allowed = new Set([before, after].flatMap((model) => [...admittedBy(model, role)]));
      const dead = new Serving(role).serve(before, NOW - 60_000);
      const [old] = dead.states;
      assert.ok(old);
      const restarted = new Serving(role, dead.record, NOW).serve(after, NOW).settle(after);
      assert.deepEqual(forbidden([old, ...restarted.states], allowed), []);
      assert.equal(restarted.states.at(-1)?.at, NOW + START_SETTLE_MS);
      // Without the record it would be the new grant's, or the new import's.
      const blind = new Serving(role).serve(after, NOW).settle(after);
      assert.notDeepEqual(forbidden([old, ...blind.states], allowed), []);
    });
  }

  test('A restart with the same file changes nothing on the gateways, whatever happened to the bundle before', () => {
    const single = federationOf(one([root], [1]), undefined);
    const both = federationOf(one([root, younger], [1]), undefined);
    for (const models of [[single], [single, both], [both, single], [single, both, single]]) {
      const serving = new Serving('ingress');
      for (const [index, model] of models.entries()) serving.serve(model, NOW + index * 60_000).settle(model);
      const last = models.at(-1) ?? single;
      const at = NOW + models.length * 60_000;
      const [restarted] = new Serving('ingress', serving.record, at).serve(last, at).states;
      assert.deepEqual(restarted?.view, serving.states.at(-1)?.view);
    }
  });

  test('The evaluator of this test finds requests that an update in one step would admit', () => {
    const base = {
      isSwapped: false,
      imports: [
        [0, 0],
        [0, 0],
      ],
    } as const;
    const of = (roots: number[], rules: [number, number][]): Choice => ({
      ...base,
      peers: new Map([['x.example' as const, { roots, identities: ['gateway/a'] }]]),
      exports: [{ backend: 1, protocol: 'http', rules }],
    });
    const first = federationOf(of([0], [[0, 1]]), undefined);
    const second = federationOf(of([0, 1], [[0, 2]]), first);
    const allowed = new Set([...admittedBy(first, 'ingress'), ...admittedBy(second, 'ingress')]);
    const inOneStep = [first, second].map((model, at) => ({ view: viewAlone(model, 'ingress'), at }));
    assert.notEqual(forbidden(inOneStep, allowed).length, 0);
    assert.deepEqual(forbidden(statesBetween(first, second, 'ingress'), allowed), []);
  });

  test('Every open connection ends when a root is removed, and none ends when one is added', () => {
    const of = (roots: number[]): Choice => ({
      isSwapped: false,
      imports: [
        [0, 0],
        [0, 0],
      ],
      peers: new Map([['x.example' as const, { roots, identities: ['gateway/a'] }]]),
      exports: [{ backend: 1, protocol: 'http', rules: [[0, 1]] }],
    });
    const survivors = (from: number[], to: number[], role: GatewayRole): number => {
      const first = federationOf(of(from), undefined);
      const states = statesBetween(first, federationOf(of(to), first), role);
      const open = begin(states[0]?.view ?? new Map());
      assert.ok(open.length > 0);
      return states.reduce((left, { view }) => surviving(view, left), open).length;
    };
    for (const role of ['ingress', 'egress'] as const) {
      assert.equal(survivors([0], [0, 1, 2], role), 1);
      assert.equal(survivors([0, 1], [1], role), 0);
      assert.equal(survivors([0, 1], [0], role), 0);
      assert.equal(survivors([0], [1], role), 0);
    }
  });
});
