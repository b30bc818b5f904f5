// A finite grid of questions around every boundary of the rules of two configurations, and what the evaluator answers to each.
// Must not: ask what a plan lists.

import type { Hello, Question, Request } from '../../../src/decision/answer/question.ts';
import { judge } from '../../../src/decision/connection.ts';
import { Resources } from '../../../src/decision/matching/resources.ts';
import type { Gateways } from '../../../src/decision/plan/plan.ts';
import { claimHeader, peerHello, workloadHello } from '../../../src/decision/tls/honest-client.ts';
import type { DifferentialPlaces } from '../../e2e/differential/differential-configs.ts';
import { type GridConfig, type GridRule, LOCAL_NAMES, PEERS, type Peer, WORKLOADS } from './grid-configs.ts';
import type { Named } from './plan-lines.ts';

/** A question whose client does all that the configuration that is asked expects of it. */
export interface Point extends Named {
  /** Undefined: no such client can be, such as a peer without a filter chain. */
  readonly ask: (resources: Gateways, at: number) => Question | undefined;
}

/** Where an allowed question leads. */
export type Answer = readonly string[] | undefined;

export interface Indexed {
  readonly gateways: Gateways;
  readonly ingress: Resources;
  readonly egress: Resources;
}

export function indexed(gateways: Gateways): Indexed {
  return { gateways, ingress: new Resources(gateways.ingress), egress: new Resources(gateways.egress) };
}

export function answerTo(point: Point, of: Indexed, at: number): Answer {
  const question = point.ask(of.gateways, at);
  if (question === undefined) return undefined;
  const { verdict, backends } = judge(of[point.gateway], question);
  return verdict === 'yes' ? backends : undefined;
}

/** A path as it is sent, and as it is once it is normal. */
type Sent = readonly [path: string, means: string];

/** Around one path of a rule: the path, one longer, one shorter, other spellings of it and of what is beside it. */
function around(rule: string): readonly Sent[] {
  const isPrefix = rule.endsWith('/*');
  const base = isPrefix ? rule.slice(0, -1) : rule;
  const plain = [base, `${base}q`, `${base}/`, `${base}q/r`, base.slice(0, -1), base.toUpperCase(), `${base};q`];
  const last = base.replace(/\/$/, '').slice(-1);
  const encoded = `%${last.charCodeAt(0).toString(16)}`;
  const spelled: readonly Sent[] = [
    [`${base}?q=/z`, base],
    [`/.${base}`, base],
    [`/q/..${base}`, base],
    ...(base === '/' ? SLASHES : [[`/${base}`, base] as const]),
    ...(/[a-z]/i.test(last) ? [[base.replace(/[a-z](\/?)$/i, `${encoded}$1`), base] as const] : []),
    ...(isPrefix
      ? ([
          [`${base}%25`, `${base}%25`],
          [`${base}.%20/q`, `${base}.%20/q`],
        ] as const)
      : []),
  ];
  return [
    ...plain.filter((path) => path.startsWith('/') && !path.includes('//')).map((path) => [path, path] as const),
    ...spelled,
  ];
}

/** Of slashes alone Envoy leaves two, which no rule below a prefix admits. */
const SLASHES: readonly Sent[] = ['//', '///?q', '/a/..//'].map((path) => [path, '//']);

const UNNAMED = 'OPTIONS';

/** All that the rules name, and beside each something that none names. */
function rulesAt(configs: readonly GridConfig[], peer: Peer, name: string): readonly GridRule[] {
  return configs.flatMap(({ exports }) =>
    exports
      .filter((one) => one.name === name)
      .flatMap(({ consumers }) => consumers.filter((one) => one.peer === peer).flatMap(({ rules }) => rules)),
  );
}

function workloadsNear(named: readonly string[]): readonly string[] {
  return [...new Set(['ns/z/sa/q', ...named.flatMap((one) => (one.endsWith('*') ? [`${one.slice(0, -1)}q`] : [one]))])];
}

type Variant = Pick<Request, 'body' | 'upgrade'> & { readonly underscore?: true };
const BODY = { body: { bytes: 1, hasLength: true } } as const;
const VARIANTS: readonly Variant[] = [{}, BODY, { underscore: true }, { ...BODY, underscore: true }];

export function gridPoints(from: GridConfig, to: GridConfig, places: DifferentialPlaces): readonly Point[] {
  const configs = [from, to];
  const exported = [...new Set(configs.flatMap(({ exports }) => exports.map(({ name }) => name)))];
  return [
    ...PEERS.flatMap((peer) => exported.flatMap((name) => [...peerPoints(configs, peer, name), tcpPoint(peer, name)])),
    ...callerPoints(configs, places),
  ];
}

function tcpPoint(peer: Peer, name: string): Point {
  return {
    ...{ gateway: 'ingress', peer, target: name },
    ask: ({ ingress }, at) => {
      const hello = peerHello(ingress, peer, at, name);
      return hello && { hello, at };
    },
  };
}

function peerPoints(configs: readonly GridConfig[], peer: Peer, name: string): readonly Point[] {
  const rules = rulesAt(configs, peer, name);
  const sent = new Map(rules.flatMap(({ paths }) => paths.flatMap(around)));
  const methods = [...new Set([UNNAMED, 'POST', ...rules.flatMap((rule) => rule.methods)])];
  const claims = [undefined, ...workloadsNear(rules.flatMap(({ workloads }) => workloads))];
  const [first] = rules;
  return [...sent].flatMap(([path, means]) =>
    methods.flatMap((method) =>
      claims.flatMap((who) => {
        // What is sent in another spelling is so by one client, and so is what only its headers or its body make different.
        const isPlain = path === means;
        const isInside = isPlain && rules.some(({ paths }) => paths.some((one) => one.replace(/\/\*$/, '/q') === path));
        const variants: readonly Variant[] = [
          ...(isInside ? VARIANTS : [{}]),
          ...(method === 'GET' && isInside ? VARIANTS.map((one) => ({ ...one, upgrade: 'websocket' })) : []),
        ];
        if (!isPlain && method !== (first?.methods[0] ?? 'POST')) return [];
        return variants.map((variant) => peerPoint(peer, name, { path, means, method, who, variant }));
      }),
    ),
  );
}

interface Asked {
  readonly path: string;
  readonly means: string;
  readonly method: string;
  readonly who: string | undefined;
  readonly variant: Variant;
}

function peerPoint(peer: Peer, name: string, { path, means, method, who, variant }: Asked): Point {
  const { underscore, ...more } = variant;
  return {
    ...{ gateway: 'ingress', peer, target: name, method, path: means },
    ...(who !== undefined && { who }),
    ...(more.upgrade !== undefined && { upgrade: more.upgrade }),
    ask: ({ ingress }, at) => {
      const hello = helloOf(ingress, peer, at);
      if (hello === undefined) return undefined;
      const gateway = hello.certificate?.uris[0] ?? '';
      const headers = [
        ...(who === undefined ? [] : [claimHeader(gateway, `spiffe://${peer}.example/${who}`)]),
        ...(underscore ? [['a_b', 'x'] as const] : []),
      ];
      const authority = `${name}.exports.bank.example`;
      return { hello, at, request: { protocol: 'h2', method, authority, path, headers, ...more } };
    },
  };
}

const hellos = new WeakMap<object, Map<string, Hello | undefined>>();

/** Of one set of resources, each client once. */
function helloOf(ingress: Gateways['ingress'], peer: Peer, at: number): Hello | undefined {
  const known = hellos.get(ingress) ?? new Map<string, Hello | undefined>();
  hellos.set(ingress, known);
  if (!known.has(peer)) known.set(peer, peerHello(ingress, peer, at));
  return known.get(peer);
}

/** Each of our callers, and one without a certificate, at each local name of each port. */
function callerPoints(configs: readonly GridConfig[], places: DifferentialPlaces): readonly Point[] {
  const callers = [undefined, ...workloadsNear(WORKLOADS)];
  const ports = [...new Set(configs.flatMap(({ imports }) => imports.map(({ port }) => port)))];
  return ports.flatMap((port) =>
    callers.flatMap((who) =>
      port < 2
        ? LOCAL_NAMES.flatMap((as) =>
            ['GET', UNNAMED].flatMap((method) => [
              callerPoint(places.egress[port] ?? 0, who, as, method, as),
              callerPoint(places.egress[port] ?? 0, who, as, method, as.replace('.svc.cluster.local', '')),
            ]),
          )
        : [callerPoint(places.egress[port] ?? 0, who, `tcp-${port}.test`)],
    ),
  );
}

function callerPoint(port: number, who: string | undefined, as: string, method?: string, authority = as): Point {
  return {
    ...{ gateway: 'egress', target: `${as}:${port}` },
    ...(who !== undefined && { who }),
    ...(method !== undefined && { method, path: '/any' }),
    ask: ({ egress }, at) => {
      const workload = who === undefined ? undefined : `spiffe://bank.example/${who}`;
      const hello = workloadHello(egress, port, workload, method === undefined ? 'tcp' : 'h2', at);
      const request = method && ({ protocol: 'h2', method, authority, path: '/any', headers: [] } as const);
      return { port, at, ...(hello && { hello }), ...(request && { request }) };
    },
  };
}
