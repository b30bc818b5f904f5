// Whether each peer can be reached from our egress gateways, as these report it: since when, and why not.
// Must not: believe a gateway about another gateway, or keep anything of a peer that is not in the model.

import type { PeerReachability } from '../../admin/status-view.ts';
import { PEER_FAILURES } from '../../envoy/reasons.ts';
import { dialCluster, type KeyedPeer, tcpImport } from '../../envoy/resource-names.ts';
import type { Logger } from '../../log.ts';
import type { ReportedConnections } from '../../serving/report-batch.ts';
import { KeyedLogLimit } from '../../telemetry/log-limit.ts';
import type { Metrics } from '../../telemetry/metrics-registry.ts';
import type { StreamStatus } from '../../xds/stream-status.ts';
import { type FailedAddress, mostTelling, withFailure } from './failing-addresses.ts';
import { peerFailure } from './peer-failure.ts';

/** One way to a peer: HTTP and gRPC, or one TCP import, which has a server name of its own. */
interface Way {
  readonly peer: string;
  readonly tcpImport?: string;
}

interface State extends Way {
  /** With another meaning of the peer, what was known of it no longer counts. */
  readonly cluster: string;
  readonly gateway: string;
  readonly nodeId: string;
  readonly since: number;
  /** When the Envoy was last seen connected; before that, when it was first heard of. */
  readonly seenAt: number;
  readonly lastAnswer?: number;
  readonly lastFailure?: number;
  /** When the newest connection that failed began, by the clock of the Envoy. */
  readonly failedStart?: number;
  /** Absent: reachable. */
  readonly failure?: FailedAddress['failure'];
  /** Those that failed lately. */
  readonly failed: readonly FailedAddress[];
}

/**
 * Open connections report every five seconds: while new ones fail, those that began earlier do not make the peer reachable.
 * A connection that began after the last that failed does, at once.
 */
const FAILURE_COUNTS_MS = 8000;
const LOGGED = { ofKey: { burst: 10, perSecond: 0.05 }, all: { burst: 100, perSecond: 1 } };
/** For so long the state of an Envoy is kept that is not connected. */
const FORGET_MS = 5 * 60_000;
/** Of one gateway; the state that was changed longest ago makes room for a new one. */
const MAX_STATES = 20_000;

/** The model that is served: its peers, and which of them something is imported from. */
export interface CalledPeers {
  readonly peers: readonly KeyedPeer[];
  readonly imports: readonly { readonly peer: string; readonly name: string; readonly protocol: string }[];
}

export class ReachablePeers {
  private readonly model: () => CalledPeers | undefined;
  private readonly logger: Logger;
  private readonly gauge: ReturnType<Metrics['gauge']>;
  private readonly failures: ReturnType<Metrics['counter']>;
  private readonly limit: KeyedLogLimit;
  private readonly clock: () => number;
  /** By gateway: none takes the room of another. The states of each are in the order of their last changes. */
  private readonly states = new Map<string, Map<string, State>>();

  constructor(model: () => CalledPeers | undefined, metrics: Metrics, logger: Logger, clock: () => number = Date.now) {
    this.model = model;
    this.logger = logger;
    this.clock = clock;
    this.limit = new KeyedLogLimit(LOGGED, clock());
    this.gauge = metrics.gauge(
      'postern_peer_reachable',
      'Whether every connected Envoy of the gateway reaches the peer; absent while none has tried.',
    );
    this.failures = metrics.counter(
      'postern_peer_failures_total',
      'Connections of egress gateways to a peer that failed, by reason.',
    );
  }

  /** After each turn: a series that begins with its first event shows Prometheus no increase. */
  published(): void {
    for (const peer of new Set(this.model()?.imports.map((one) => one.peer)))
      for (const reason of Object.keys(PEER_FAILURES)) this.failures.add({ peer, reason }, 0);
  }

  readonly heard = (batch: readonly ReportedConnections[]): void => {
    const ways = this.waysByCluster();
    for (const reported of batch) {
      const way = ways.get(reported.cluster);
      if (way !== undefined && !isSilent(way, reported)) this.update(way, reported);
    }
  };

  /** What the connected Envoys say, worst first of each peer. Updates the gauge. */
  report(streams: readonly StreamStatus[]): ReadonlyMap<string, readonly PeerReachability[]> {
    const connected = new Set(streams.map(({ gateway, nodeId }) => JSON.stringify([gateway, nodeId])));
    const ways = this.waysByCluster();
    const current = [...this.states.values()].flatMap((states) => this.connectedOf(states, ways, connected));
    const byPeer = new Map<string, PeerReachability[]>();
    const gauges = new Map<string, readonly [labels: { peer: string; gateway: string }, value: 0 | 1]>();
    for (const state of current) {
      const { peer, gateway, failure } = state;
      const list = byPeer.get(peer) ?? [];
      list.push(view(state));
      byPeer.set(peer, list);
      const key = JSON.stringify([peer, gateway]);
      const isReached = failure === undefined && gauges.get(key)?.[1] !== 0;
      gauges.set(key, [{ peer, gateway }, isReached ? 1 : 0]);
    }
    this.gauge.clear();
    for (const [labels, value] of gauges.values()) this.gauge.set(labels, value);
    for (const list of byPeer.values()) list.sort((a, b) => Number(a.reachable) - Number(b.reachable));
    return byPeer;
  }

  /** Forgets what is of no peer in the model, or of an Envoy that has gone. */
  private connectedOf(
    states: Map<string, State>,
    ways: ReadonlyMap<string, Way>,
    connected: ReadonlySet<string>,
  ): readonly State[] {
    const now = this.clock();
    const current: State[] = [];
    for (const [key, state] of states) {
      const isConnected = connected.has(JSON.stringify([state.gateway, state.nodeId]));
      if (!ways.has(state.cluster) || (!isConnected && now - state.seenAt > FORGET_MS)) states.delete(key);
      else if (isConnected) {
        states.set(key, { ...state, seenAt: now });
        current.push(state);
      }
    }
    return current;
  }

  private waysByCluster(): ReadonlyMap<string, Way> {
    const { peers, imports } = this.model() ?? { peers: [], imports: [] };
    const byName = new Map(peers.map((peer) => [peer.name, peer]));
    const tcp = imports.flatMap(({ peer: owner, name, protocol }): readonly (readonly [string, Way])[] => {
      const peer = protocol === 'tcp' ? byName.get(owner) : undefined;
      return peer === undefined ? [] : [[tcpImport(peer, name), { peer: owner, tcpImport: name }]];
    });
    return new Map([...peers.map((peer): readonly [string, Way] => [dialCluster(peer), { peer: peer.name }]), ...tcp]);
  }

  private update(way: Way, reported: ReportedConnections): void {
    const { gateway, nodeId, cluster, address = '', isAnswered, answeredStart, failures, last } = reported;
    const now = this.clock();
    const { peer } = way;
    const key = JSON.stringify([peer, way.tcpImport, gateway, nodeId]);
    const states = this.states.get(gateway) ?? new Map<string, State>();
    this.states.set(gateway, states);
    const old = states.get(key);
    const known = old?.cluster === cluster ? old : undefined;
    const failure = last && { ...peerFailure(last, way), words: last.failure };
    if (failure !== undefined) this.failures.add({ peer, reason: failure.reason }, failures);
    const { lastAnswer, lastFailure } = known ?? {};
    const times = {
      ...((isAnswered || lastAnswer !== undefined) && { lastAnswer: isAnswered ? now : (lastAnswer ?? now) }),
      ...((failure || lastFailure !== undefined) && { lastFailure: failure ? now : (lastFailure ?? now) }),
    };
    const failedStart = last?.startedAt ?? known?.failedStart;
    const isOvercome = answeredStart !== undefined && failedStart !== undefined && answeredStart > failedStart;
    const before = (known?.failed ?? []).filter((one) => !isAnswered || one.address !== address);
    const failed = failure === undefined ? before : withFailure(before, { address, failure, at: now });
    const counts = !isOvercome && (failure !== undefined || this.stillCounts(known, now));
    const current = counts ? (mostTelling(failed)?.failure ?? known?.failure) : undefined;
    const isSame = known !== undefined && known.failure?.reason === current?.reason;
    const next: State = {
      ...{ ...way, cluster, gateway, nodeId, ...times },
      since: isSame ? known.since : now,
      seenAt: known?.seenAt ?? now,
      failed,
      ...(failedStart !== undefined && { failedStart }),
      ...(current && { failure: current }),
    };
    keepNewest(states, key, next);
    if (!isSame) this.log(next, known);
  }

  private stillCounts(known: State | undefined, now: number): boolean {
    return known?.failure !== undefined && now - (known.lastFailure ?? 0) < FAILURE_COUNTS_MS;
  }

  /** Changes alone; that a peer is reachable at first is none. */
  private log({ peer, tcpImport: name, gateway, nodeId, failure, since }: State, before: State | undefined): void {
    if (failure === undefined && before?.failure === undefined) return;
    const line = this.limit.take(peer, since);
    if (line === undefined) return;
    const at = { peer, ...(name !== undefined && { tcpImport: name }), gateway, node: nodeId };
    if (failure === undefined) this.logger.info({ ...at, ...line }, 'the peer can be reached again');
    else {
      const { reason, refusedBy, text, words } = failure;
      this.logger.warn({ ...at, reason, refusedBy, text, envoy: words, ...line }, 'the peer cannot be reached');
    }
  }
}

function keepNewest(states: Map<string, State>, key: string, state: State): void {
  states.delete(key);
  const [oldest] = states.size >= MAX_STATES ? states.keys() : [];
  if (oldest !== undefined) states.delete(oldest);
  states.set(key, state);
}

/** Over TCP, a connection without an answer may just have asked nothing. */
function isSilent({ tcpImport: name }: Way, { isAnswered, last }: ReportedConnections): boolean {
  return name !== undefined && !isAnswered && last?.failure === '' && last.flags.length === 0;
}

function view({
  tcpImport: name,
  gateway,
  nodeId,
  since,
  lastAnswer,
  lastFailure,
  failure,
  failed,
}: State): PeerReachability {
  return {
    ...(name !== undefined && { tcpImport: name }),
    gateway,
    node: nodeId,
    reachable: failure === undefined,
    since: iso(since),
    ...(lastAnswer !== undefined && { lastSuccess: iso(lastAnswer) }),
    ...(lastFailure !== undefined && { lastFailure: iso(lastFailure) }),
    ...(failure && {
      reason: failure.reason,
      refusedBy: failure.refusedBy,
      text: failure.text,
      ...(failure.words !== '' && { envoy: failure.words }),
      ...(failed.length > 1 && { addresses: failed.map(viewOfAddress) }),
    }),
  };
}

function viewOfAddress({ address, failure: { reason, refusedBy, text } }: FailedAddress) {
  return { address, reason, refusedBy, text };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
