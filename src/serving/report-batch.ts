// Gathers what gateways report of their connections for a second: one entry for each Envoy, cluster and address, however many
// connections.
// Must not: keep an entry for a cluster that the gateway was not sent, or grow with what gateways report.

import type { SnapshotCache } from '../snapshot/cache.ts';
import { TYPE } from '../snapshot/resource-types.ts';
import type { ConnectionReport } from '../xds/wire/connection-reports.ts';

/** The connections of one Envoy to one address of a cluster within a second. */
export interface ReportedConnections {
  readonly gateway: string;
  readonly nodeId: string;
  readonly cluster: string;
  /** `IP:PORT`; absent when none could be dialled. */
  readonly address?: string;
  /** Whether the other end answered on one of them. */
  readonly isAnswered: boolean;
  /** When the newest of these began, by the clock of the Envoy. */
  readonly answeredStart?: number;
  /** How many ended without an answer, and what the last of these said; `startedAt` is of the newest. */
  readonly failures: number;
  readonly last?: Pick<ConnectionReport, 'failure' | 'flags' | 'startedAt'>;
}

const PAUSE_MS = 1000;
/** An egress gateway has a cluster for each peer; what is beyond this comes with the next second. */
const MAX_ENTRIES = 10_000;

export class ReportBatch {
  private readonly cache: SnapshotCache;
  private readonly emit: (batch: readonly ReportedConnections[]) => void;
  private entries = new Map<string, ReportedConnections>();
  private timer: NodeJS.Timeout | undefined;

  constructor(cache: SnapshotCache, emit: (batch: readonly ReportedConnections[]) => void) {
    this.cache = cache;
    this.emit = emit;
  }

  readonly add = (gateway: string, nodeId: string, reports: readonly ConnectionReport[]): void => {
    const clusters = this.cache.get(gateway)?.types.get(TYPE.cluster)?.resources;
    for (const report of reports) {
      if (clusters?.has(report.cluster) === true) this.merge(gateway, nodeId, report);
    }
    if (this.entries.size > 0) this.timer ??= setTimeout(() => this.flush(), PAUSE_MS).unref();
  };

  private merge(
    gateway: string,
    nodeId: string,
    { cluster, address, startedAt, isAnswered, isEnded, failure, flags }: ConnectionReport,
  ): void {
    const isFailed = !isAnswered && isEnded;
    // Our own limit of connections says nothing of the peer, nor does a connection that is just being made.
    if (flags.includes('upstream_overflow') || !(isAnswered || isFailed)) return;
    const key = JSON.stringify([gateway, nodeId, cluster, address]);
    const known = this.entries.get(key);
    if (known === undefined && this.entries.size >= MAX_ENTRIES) return;
    const last = isFailed
      ? { failure, flags, startedAt: Math.max(startedAt, known?.last?.startedAt ?? startedAt) }
      : known?.last;
    const answeredStart = isAnswered ? Math.max(startedAt, known?.answeredStart ?? startedAt) : known?.answeredStart;
    this.entries.set(key, {
      ...{ gateway, nodeId, cluster },
      ...(address !== '' && { address }),
      isAnswered: isAnswered || known?.isAnswered === true,
      failures: (known?.failures ?? 0) + (isFailed ? 1 : 0),
      ...(answeredStart !== undefined && { answeredStart }),
      ...(last && { last }),
    });
  }

  private flush(): void {
    this.timer = undefined;
    const batch = [...this.entries.values()];
    this.entries = new Map();
    this.emit(batch);
  }
}
