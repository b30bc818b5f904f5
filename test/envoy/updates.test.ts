// The property of updates: whatever part of an update a gateway has, and for how long, what it admits is admitted by the
// configuration before or by the one after it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkBoundary } from '../../src/envoy/boundary/boundary-check.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import { translate } from '../../src/envoy/resources/gateway-resources.ts';
import type { Federation, GatewayRole } from '../../src/federation/model.ts';
import { resolve } from '../../src/federation/resolve.ts';
import { during, type Retired, retire, SETTLE_MS, transitionsTo } from '../../src/federation/transition.ts';
import { createThrowawayRoot } from '../../src/trust/issuing/issue.ts';
import { admits, begin, type Connection, prefixes, surviving, type View, viewOf } from './gateway-view.ts';
import { configOf, NOW, newCa } from './pipeline.ts';

const DOMAINS = ['x.example', 'y.example'] as const;
type Domain = (typeof DOMAINS)[number];
/** Three roots of each mesh, the oldest first. */
const ROOTS = new Map(
  DOMAINS.map((domain) => [domain, [3, 2, 1].map((days) => newCa(domain, NOW - days * 86_400_000).certificate)]),
);
const throwawayRootPem = createThrowawayRoot(NOW);

interface PeerChoice {
  readonly roots: readonly number[];
  readonly identities: readonly string[];
}
interface Choice {
  readonly peers: ReadonlyMap<Domain, PeerChoice>;
  /** Which peer has which name. */
  readonly isSwapped: boolean;
  readonly exports: readonly {
    readonly backend: number;
    readonly protocol: string;
    readonly rules: readonly (readonly [number, number])[];
  }[];
  readonly imports: readonly (readonly [number, number])[];
}

const some = <T>(items: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...items], { minLength: 1 });
const peer = fc.record({ roots: some([0, 1, 2]), identities: some(['gateway/a', 'gateway/b']) });
const exported = fc.record({
  backend: fc.integer({ min: 1, max: 2 }),
  protocol: fc.constantFrom('http', 'grpc'),
  // Which peer may ask for which path.
  rules: fc.subarray<[number, number]>([
    [0, 1],
    [0, 2],
    [1, 1],
    [1, 2],
  ]),
});
const choice: fc.Arbitrary<Choice> = fc.record({
  peers: fc.tuple(peer, fc.option(peer, { nil: undefined })).map(([x, y]) => {
    const entries: [Domain, PeerChoice][] = [['x.example', x]];
    return new Map(y === undefined ? entries : [...entries, ['y.example', y]]);
  }),
  isSwapped: fc.boolean(),
  exports: fc.array(exported, { minLength: 1, maxLength: 2 }),
  imports: fc.tuple(
    fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 1 })),
    fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 1 })),
  ),
});

function federationOf({ peers, isSwapped, exports, imports }: Choice, previous: Federation | undefined): Federation {
  const names = [...peers.keys()].map((domain) => ((domain === 'x.example') !== isSwapped ? 'p' : 'q'));
  const nameAt = (index: number): string => names[index % names.length] ?? 'p';
  const files = new Map<string, Buffer>();
  const peerLines = [...peers].map(([domain, { roots, identities }], index) => {
    const name = nameAt(index);
    files.set(`${name}.pem`, Buffer.from(roots.map((root) => ROOTS.get(domain)?.[root]).join('')));
    return `  ${name}: {trustDomain: ${domain}, trustBundle: ${name}.pem, gatewayIdentities: [${identities.join(', ')}], addresses: ["127.0.0.1:443"]}`;
  });
  const exportLines = exports.flatMap(({ backend, protocol, rules }, index) => {
    const consumers = names.flatMap((name, at) => {
      const paths = rules.filter(([who]) => who === at).map(([, path]) => path);
      if (paths.length === 0) return [];
      const allow = paths.map((path) => `{methods: [POST], paths: [/S/${path}]}`).join(', ');
      return [`{peer: ${name}, allow: [${allow}]}`];
    });
    return consumers.length === 0
      ? []
      : `- {name: e${index}, protocol: ${protocol}, backend: "127.0.0.1:${backend}", consumers: [${consumers.join(', ')}]}`;
  });
  const importLines = imports.map(
    ([who, what], index) => `- {peer: ${nameAt(who)}, name: i${what}, as: l${index}.a.svc.cluster.local, port: 8080}`,
  );
  const config = configOf(`apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example}
identity: {files: {certificate: /pki/tls.pem, privateKey: /pki/tls-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}, egress: {address: 127.0.0.1}}
peers:
${peerLines.join('\n')}
${exportLines.length === 0 ? '' : 'exports:'}
${exportLines.join('\n')}
imports:
${importLines.join('\n')}
`);
  const { resolved, findings } = resolve({
    config,
    files,
    now: NOW,
    ...(previous && { previous: { federation: previous } }),
  });
  assert.ok(resolved, JSON.stringify(findings));
  return resolved.federation;
}

function resourcesOf(
  federation: Federation,
  role: GatewayRole,
  retired: readonly Retired[] = [],
): readonly ResourceJson[] {
  const drafts = translate({ federation, role, identity: () => undefined, retired, throwawayRootPem });
  const resources = drafts.map((draft) => draft.build());
  checkBoundary(resources);
  return resources;
}

/** What a configuration admits when it is served alone. */
function admittedBy(federation: Federation, role: GatewayRole): ReadonlySet<string> {
  const view = viewOf(resourcesOf(federation, role));
  return admits(view, begin(view, throwawayRootPem));
}

/** The states that are served in turn, from one configuration to the next. */
function statesBetween(first: Federation, second: Federation, role: GatewayRole): readonly View[] {
  const transitions = transitionsTo(new Map(), first, second, NOW);
  const served = during(second, transitions);
  const retired = retire([], first, served, NOW);
  const later = transitionsTo(transitions, served, second, NOW + SETTLE_MS);
  assert.equal(later.size, 0);
  const retiredLater = retire(retired, served, second, NOW + SETTLE_MS);
  return [
    viewOf(resourcesOf(first, role)),
    viewOf(resourcesOf(served, role, retired)),
    viewOf(resourcesOf(second, role, retiredLater)),
  ];
}

/** All that is admitted on the way which neither end admits. */
function forbidden(states: readonly View[], allowed: ReadonlySet<string>): readonly string[] {
  const found = new Set<string>();
  let open = new Map<string, Connection>();
  const look = (view: View): void => {
    for (const one of begin(view, throwawayRootPem)) open.set(JSON.stringify(one), one);
    for (const one of admits(view, open.values())) if (!allowed.has(one)) found.add(one);
  };
  for (const [index, next] of states.entries()) {
    const before = states[index - 1];
    for (const view of before === undefined ? [next] : prefixes(before, next)) look(view);
    open = new Map(surviving(next, open.values()).map((one) => [JSON.stringify(one), one]));
  }
  return [...found];
}

describe('an update', () => {
  for (const role of ['ingress', 'egress'] as const) {
    test(`${role}: whatever part of it has arrived, what is admitted is admitted before or after it`, () => {
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
  }

  for (const role of ['ingress', 'egress'] as const) {
    test(`${role}: also when the control plane dies on the way, and a new one goes on from what the gateway has`, () => {
      fc.assert(
        fc.property(choice, choice, fc.integer({ min: 0, max: 4 }), (one, other, pushed) => {
          const first = federationOf(one, undefined);
          const second = federationOf(other, first);
          // What a new process cannot know: which roots of a bundle that keeps its key the last one trusted.
          fc.pre(
            second.peers.every((peer) =>
              first.peers.every(({ key, bundle }) => key !== peer.key || bundle === peer.bundle),
            ),
          );
          const allowed = new Set([...admittedBy(first, role), ...admittedBy(second, role)]);
          const [before = new Map(), served = new Map()] = statesBetween(first, second, role);
          const left = prefixes(before, served)[pushed] ?? before;
          const restarted = viewOf(resourcesOf(second, role));
          assert.deepEqual(forbidden([before, left, restarted], allowed), []);
        }),
        { numRuns: 60 },
      );
    });
  }

  test('the evaluator sees what an update in one step would admit', () => {
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
    const inOneStep = [first, second].map((federation) => viewOf(resourcesOf(federation, 'ingress')));
    assert.notEqual(forbidden(inOneStep, allowed).length, 0);
    assert.deepEqual(forbidden(statesBetween(first, second, 'ingress'), allowed), []);
  });

  test('without the oldest root, or with one fewer in this process, every open connection ends; with one more, none does', () => {
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
      const open = begin(states[0] ?? new Map());
      assert.ok(open.length > 0);
      return states.reduce((left, view) => surviving(view, left), open).length;
    };
    for (const role of ['ingress', 'egress'] as const) {
      assert.equal(survivors([0], [0, 1, 2], role), 1);
      assert.equal(survivors([0, 1], [1], role), 0);
      assert.equal(survivors([0, 1], [0], role), 0);
      assert.equal(survivors([0], [1], role), 0);
    }
  });
});
