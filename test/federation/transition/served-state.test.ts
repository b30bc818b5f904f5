// What a step from one served state to the next admits, and what it never takes away: properties of random sequences of states.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type AllowRule, isHttpGrant } from '../../../src/federation/model.ts';
import {
  meetOf,
  narrowTo,
  partsOf,
  type ServedState,
  stateOf,
} from '../../../src/federation/transition/served-state.ts';
import { MeshUnderTest } from '../../envoy/pipeline.ts';

const some = (...items: string[]): fc.Arbitrary<string[]> => fc.subarray(items);
/** Under one key, all bundles have one root in common. */
const state: fc.Arbitrary<ServedState> = fc.record({
  roots: some('r1', 'r2', 'r3').map((roots) => ['r0', ...roots]),
  grants: some('g1', 'g2', 'g3'),
  imports: some('i1', 'i2'),
});
/** A model, and how many of the oldest states end before it. */
const turns = fc.array(fc.record({ next: state, ending: fc.integer({ min: 0, max: 2 }) }), {
  minLength: 2,
  maxLength: 8,
});
type Turns = readonly { readonly next: ServedState; readonly ending: number }[];

const usesOf = ({ grants, imports }: ServedState): readonly string[] => [...grants, ...imports];

/** Calls `look` after each turn; `held` is where the states begin that a gateway may hold. */
function serve(models: Turns, look: (served: readonly ServedState[], held: number, next: ServedState) => void): void {
  const served: ServedState[] = [];
  let held = 0;
  for (const { next, ending } of models) {
    held = Math.min(held + ending, Math.max(served.length - 1, 0));
    served.push(meetOf(next, served.slice(held)));
    look(served, held, next);
  }
}

/** Whether `newer`, since `older` was there for the last time, was always there until `end`. */
function isWithoutGap(
  served: readonly ServedState[],
  end: number,
  hasOlder: (one: ServedState) => boolean,
  hasNewer: (one: ServedState) => boolean,
): boolean {
  const last = served.slice(0, end + 1).findLastIndex(hasOlder);
  return served.slice(last, end + 1).every(hasNewer);
}

describe('the meet of a model and the states that a gateway may hold', () => {
  test('A connection on a root meets only grants and imports that were served together with the root, and without a gap since then', () => {
    fc.assert(
      fc.property(turns, (models) => {
        serve(models, (served, held) => {
          const indexes = served.flatMap((_, index) => (index >= held ? [index] : []));
          for (const a of indexes)
            for (const b of indexes)
              for (const root of served[a]?.roots ?? [])
                for (const use of usesOf(served[b] ?? { roots: [], grants: [], imports: [] })) {
                  const trusts = (one: ServedState): boolean => one.roots.includes(root);
                  const has = (one: ServedState): boolean => usesOf(one).includes(use);
                  const isFine = a <= b ? isWithoutGap(served, b, trusts, has) : isWithoutGap(served, a, has, trusts);
                  assert.ok(isFine, `${root} of state ${a} and ${use} of state ${b}: ${JSON.stringify(served)}`);
                }
        });
      }),
      { numRuns: 2000 },
    );
  });

  test('What is served, and what the next model has as well, is served in every turn', () => {
    fc.assert(
      fc.property(turns, (models) => {
        serve(models, (served, _, next) => {
          const [before, after] = served.slice(-2);
          if (before === undefined || after === undefined) return;
          for (const what of ['roots', 'grants', 'imports'] as const) {
            const both: readonly string[] = before[what].filter((one) => next[what].includes(one));
            assert.deepEqual(
              both.filter((one) => !after[what].includes(one)),
              [],
              JSON.stringify([...served, next]),
            );
          }
        });
      }),
      { numRuns: 2000 },
    );
  });

  test('The model itself is served as soon as all that a gateway may hold is part of it', () => {
    fc.assert(
      fc.property(state, fc.array(state, { maxLength: 3 }), (next, others) => {
        const within = others.map((one) => ({
          roots: one.roots.filter((root) => next.roots.includes(root)),
          grants: one.grants.filter((grant) => next.grants.includes(grant)),
          imports: one.imports.filter((imported) => next.imports.includes(imported)),
        }));
        assert.equal(meetOf(next, within), next);
      }),
    );
  });
});

describe('a rule with workloads', () => {
  const withRule = (more: string): ReturnType<typeof partsOf>[number] => {
    const { federation } = new MeshUnderTest(`
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {files: {certificate: /pki/tls.pem, privateKey: /pki/tls-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: rates, backend: "127.0.0.1:80", consumers: [{peer: shop, methods: [GET], paths: [/a, /b]${more}}]}
`);
    const [part] = partsOf(federation);
    assert.ok(part);
    return part;
  };
  const rules = [
    '',
    ', workloads: [ns/a]',
    ', workloads: [ns/a, ns/b]',
    ', workloads: [ns/a/*]',
    ', workloads: [ns/c]',
  ];

  test('The same rule for other workloads is another rule, whether they are more, fewer or any', () => {
    const grants = rules.map((rule) => stateOf(withRule(rule)).grants.join());
    assert.equal(new Set(grants).size, rules.length);
    for (const rule of rules) assert.deepEqual(stateOf(withRule(rule)).grants, stateOf(withRule(rule)).grants);
  });

  test('What is narrowed to a state keeps its workloads', () => {
    const part = withRule(', workloads: [ns/a]');
    const state = stateOf(part);
    const [first] = part.grants.filter(isHttpGrant)[0]?.allow ?? [];
    const left = state.grants.slice(0, 1);
    const narrowed = narrowTo(part, { ...state, grants: left }).grants.filter(isHttpGrant);
    assert.deepEqual(
      narrowed[0]?.allow.map(({ workloads }: AllowRule) => workloads),
      [first?.workloads],
    );
    assert.equal(narrowed[0]?.allow[0]?.paths.length, 1);
    assert.deepEqual(narrowTo(part, stateOf(withRule(''))).grants, []);
  });
});

describe('an import with clients', () => {
  const withClients = (clients: string, more = ''): ReturnType<typeof partsOf>[number] => {
    const { federation } = new MeshUnderTest(`
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example, trustBundle: workloads.pem}
identity: {files: {certificate: /pki/tls.pem, privateKey: /pki/tls-key.pem}}
gateways: {egress: {address: 127.0.0.1, clients: mtls}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:15444"]}
imports:
- {peer: shop, name: cart, as: cart, port: 8080, clients: [${clients}]${more}}
`);
    const [part] = partsOf(federation);
    assert.ok(part);
    return part;
  };
  const all = ['ns/a', 'ns/b', 'ns/a/*', 'ns/b/*', 'ns/c/sa/d'];
  const clients = fc.shuffledSubarray(all, { minLength: 1 });
  const pathsOf = (part: ReturnType<typeof partsOf>[number]): readonly string[] =>
    (part.imports[0]?.clients ?? []).map((one) => ('exact' in one ? one.exact : `${one.prefix}*`)).sort();

  test('What is narrowed to a state has exactly the clients of both, whatever they are', () => {
    fc.assert(
      fc.property(clients, clients, (ours, theirs) => {
        const part = withClients(ours.join());
        const narrowed = narrowTo(part, stateOf(withClients(theirs.join())));
        const both = ours.filter((client) => theirs.includes(client));
        assert.deepEqual(pathsOf(narrowed), both.map((path) => `spiffe://bank.example/${path}`).sort());
        assert.equal(narrowed.imports.length, both.length === 0 ? 0 : 1);
      }),
      { numRuns: 100 },
    );
  });

  test('The same client of another import, or of one that is upgraded, is another; with another time-out or limit it is the same', () => {
    const state = stateOf(withClients('ns/a'));
    const others = [', upgrades: [websocket]', ', protocol: http2'].map((more) => stateOf(withClients('ns/a', more)));
    for (const other of others) assert.notDeepEqual(other.imports, state.imports);
    for (const more of [', timeouts: {idle: 5s}', ', limits: {requests: 5}'])
      assert.deepEqual(stateOf(withClients('ns/a', more)).imports, state.imports);
  });

  test('The order of the clients changes nothing that is served', () => {
    const [state, same] = [stateOf(withClients('ns/a, ns/b')), stateOf(withClients('ns/b, ns/a'))];
    assert.deepEqual(same.imports, state.imports);
  });
});
