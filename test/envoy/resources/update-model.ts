// A model of updates: random configurations, what a control plane serves on the way from one to the next, and what a gateway
// admits meanwhile, whatever part of an update it has.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkBoundary } from '../../../src/envoy/boundary/checks/boundary-check.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import { translate } from '../../../src/envoy/resources/gateway-resources.ts';
import { digestOf } from '../../../src/federation/meaning-digest.ts';
import type { Federation, GatewayRole } from '../../../src/federation/model.ts';
import { resolve } from '../../../src/federation/resolve/resolve.ts';
import { afterRestart, type History, START_SETTLE_MS } from '../../../src/federation/transition/history.ts';
import type { RetiredName } from '../../../src/federation/transition/retired-names.ts';
import { formatRecord, parseRecord } from '../../../src/federation/transition/served-record.ts';
import { advance, type Generations, SETTLE_MS, type Served } from '../../../src/federation/transition/transition.ts';
import { expectationOf } from '../../../src/pipeline/gateway-expectation.ts';
import { createThrowawayRoot } from '../../../src/trust/issuing/issue.ts';
import { configOf, NOW, newCa } from '../pipeline.ts';
import { admits, begin, type Connection, prefixes, surviving, type View, viewOf } from './gateway-view.ts';

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
export interface Choice {
  readonly peers: ReadonlyMap<Domain, PeerChoice>;
  /** Which peer has which name. */
  readonly isSwapped: boolean;
  readonly exports: readonly {
    readonly backend: number;
    readonly protocol: string;
    readonly rules: readonly (readonly [peer: number, path: number, workload?: number])[];
  }[];
  readonly imports: readonly (readonly [number, number])[];
}

const some = <T>(items: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...items], { minLength: 1 });
const peer = fc.record({ roots: some([0, 1, 2]), identities: some(['gateway/a', 'gateway/b']) });
const exported = fc.record({
  backend: fc.integer({ min: 1, max: 2 }),
  protocol: fc.constantFrom('http', 'grpc'),
  // Which peer may ask for which path, and for which of its workloads (absent: for all).
  rules: fc.subarray<[number, number, number?]>([
    [0, 1],
    [0, 2],
    [0, 2, 1],
    [0, 2, 2],
    [1, 1],
    [1, 1, 1],
    [1, 2],
  ]),
});
export const choice: fc.Arbitrary<Choice> = fc.record({
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

export function federationOf(
  { peers, isSwapped, exports, imports }: Choice,
  previous: Federation | undefined,
): Federation {
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
      const allow = rules.flatMap(([who, path, workload]) =>
        who === at
          ? [`{methods: [POST], paths: [/S/${path}]${workload === undefined ? '' : `, workloads: [w/${workload}]`}}`]
          : [],
      );
      return allow.length === 0 ? [] : [`{peer: ${name}, allow: [${allow.join(', ')}]}`];
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
  retired: readonly RetiredName[] = [],
): readonly ResourceJson[] {
  const drafts = translate({ federation, role, identity: () => undefined, retired, throwawayRootPem });
  const resources = drafts.map((draft) => draft.build());
  checkBoundary(resources, expectationOf({ federation, retired, throwawayRootPem }, role));
  return resources;
}

/** What a gateway has of a configuration that is served alone. */
export function viewAlone(federation: Federation, role: GatewayRole): View {
  return viewOf(resourcesOf(federation, role));
}

/** What a configuration admits when it is served alone. */
export function admittedBy(federation: Federation, role: GatewayRole): ReadonlySet<string> {
  const view = viewAlone(federation, role);
  return admits(view, begin(view, throwawayRootPem));
}

/** How long Envoy lets a connection live whose chain is gone (README: `--drain-time-s 5`). */
const DRAIN_MS = 5000;

const GENERATIONS: Generations = {
  begin: (label, roots, previous) => digestOf(label, roots, previous),
  goOn: (_, { id }) => id,
};

/** What a gateway is served at a moment. */
interface State {
  readonly view: View;
  readonly at: number;
}

/** A control plane: what it serves of one model after the other, and what it leaves to the process after it. */
export class Serving {
  readonly states: State[] = [];
  private readonly role: GatewayRole;
  private history: History;
  private last: Served | undefined;

  constructor(role: GatewayRole, record?: string, at = NOW) {
    this.role = role;
    const known = record === undefined ? undefined : parseRecord(record, 'ours.example');
    this.history = known === undefined ? new Map() : afterRestart(known.history, at);
  }

  serve(next: Federation, at: number): this {
    const settleMs = this.last === undefined ? START_SETTLE_MS : SETTLE_MS;
    this.last = advance({
      history: this.history,
      next,
      now: at,
      settleMs,
      generations: GENERATIONS,
      previous: this.last,
    });
    this.history = this.last.history;
    this.states.push({ view: viewOf(resourcesOf(this.last.federation, this.role, this.last.retired)), at });
    return this;
  }

  /** Serves the same model until nothing is between two models any more. */
  settle(next: Federation): this {
    for (let due = this.last?.nextSettled; due !== undefined; due = this.last?.nextSettled) this.serve(next, due);
    return this;
  }

  get record(): string {
    return formatRecord({ trustDomain: 'ours.example', history: this.history });
  }
}

/** The states that are served in turn, from one configuration to the next. */
export function statesBetween(first: Federation, second: Federation, role: GatewayRole): readonly State[] {
  return new Serving(role)
    .serve(first, NOW - 60_000)
    .serve(second, NOW)
    .settle(second).states;
}

/** All that is admitted on the way which neither end admits. */
export function forbidden(states: readonly State[], allowed: ReadonlySet<string>): readonly string[] {
  const found = new Set<string>();
  /** With the moment at which Envoy ends it, once its chain is gone. */
  let open = new Map<string, { readonly one: Connection; readonly ends?: number }>();
  const look = (view: View): void => {
    for (const one of begin(view, throwawayRootPem)) open.set(JSON.stringify(one), { one });
    const connections = [...open.values()].map(({ one }) => one);
    for (const one of admits(view, connections)) if (!allowed.has(one)) found.add(one);
  };
  for (const [index, { view, at }] of states.entries()) {
    const before = states[index - 1];
    open = new Map([...open].filter(([, { ends }]) => ends === undefined || at < ends));
    for (const piece of before === undefined ? [view] : prefixes(before.view, view)) look(piece);
    const alive = new Set(
      surviving(
        view,
        [...open.values()].map(({ one }) => one),
      ),
    );
    open = new Map(
      [...open].map(([key, { one, ends }]) =>
        ends === undefined && alive.has(one)
          ? [key, { one }]
          : [`${key} ${ends ?? at + DRAIN_MS}`, { one, ends: ends ?? at + DRAIN_MS }],
      ),
    );
  }
  return [...found];
}

/**
 * What is served before and by the next configuration, and not at some moment between, on new connections and, of a peer, on
 * those that were open before. A local caller's request goes to the tunnel of the moment, on whatever connection it comes;
 * routes wait for new tunnels (xds/protocol/ordering.ts).
 */
export function missing(before: View, view: View, next: ReadonlySet<string>): readonly string[] {
  const open = begin(before, throwawayRootPem);
  const both = [...admits(before, open)].filter((one) => next.has(one));
  const tunnels = [...view].filter(([key]) => key.startsWith('Listener ') && !before.has(key));
  const lost = prefixes(before, view).flatMap((pushed) => {
    const piece = new Map([...tunnels, ...pushed]);
    const [onOpen, onNew] = [admits(piece, open), admits(piece, begin(piece, throwawayRootPem))];
    return both.filter((one) => !(onNew.has(one) && (onOpen.has(one) || one.startsWith('["out"'))));
  });
  return [...new Set(lost)];
}
