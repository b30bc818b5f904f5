// The messages between the first process and its workers (`postern run --workers N`).
// Must not: have a worker read a file or decide what is served: it gets resources as bytes, and hands them out.

import { PosternError } from '../errors.ts';
import type { HostPort } from '../host-port.ts';
import type { LogLevel } from '../log.ts';
import { diff } from '../snapshot/diff.ts';
import { type PackedResource, packResource, unpackResource } from '../snapshot/resource.ts';
import { emptySnapshot, type Snapshot, updateSnapshot } from '../snapshot/snapshot.ts';
import type { Sample } from '../telemetry/metrics-registry.ts';
import type { GatewayRegistry } from '../xds/admission/admission.ts';
import type { StreamStatus } from '../xds/stream-status.ts';
import type { ServerTls } from '../xds/transport/xds-server.ts';
import type { ReportedConnections } from './report-batch.ts';

export interface WorkerSettings {
  readonly address: HostPort;
  /** Undefined: plaintext, without client authentication (benchmarks only). */
  readonly tls: ServerTls | undefined;
  readonly controlPlane: string;
  readonly warmUpMs: number;
  readonly logLevel: LogLevel;
}

/** From one snapshot of a gateway to the next. */
export interface SnapshotChange {
  readonly gateway: string;
  readonly changed: readonly PackedResource[];
  readonly removed: readonly { readonly typeUrl: string; readonly name: string }[];
  /** The version of the snapshot that this change has to result in. */
  readonly version: string;
}

export type ToWorker =
  | { readonly kind: 'start'; readonly worker: number; readonly settings: WorkerSettings }
  | { readonly kind: 'snapshot'; readonly change: SnapshotChange }
  | { readonly kind: 'gateways'; readonly gateways: GatewayRegistry }
  | { readonly kind: 'listen' }
  | { readonly kind: 'tls'; readonly tls: ServerTls }
  | { readonly kind: 'retry' }
  /** `streams`: with the status of each stream, not only the metrics. */
  | { readonly kind: 'report'; readonly id: number; readonly streams: boolean }
  | { readonly kind: 'stop' };

/** What one worker reports about itself. */
export interface Report {
  /** Empty when they were not requested. */
  readonly streams: readonly StreamStatus[];
  readonly samples: readonly Sample[];
}

export type FromWorker =
  /** The worker has attached its message listener. node:cluster drops anything sent earlier. */
  | { readonly kind: 'up' }
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'report'; readonly id: number; readonly report: Report }
  /** What gateways said of their connections within a second. */
  | { readonly kind: 'connections'; readonly batch: readonly ReportedConnections[] };

/** What leads a worker from `before` to `after`; undefined when they are equal. */
export function changeOf(gateway: string, before: Snapshot | undefined, after: Snapshot): SnapshotChange | undefined {
  const from = before ?? emptySnapshot();
  if (before !== undefined && from.version === after.version) return undefined;
  const changes = [...after.types.values()].map((type) => diff(from.types.get(type.typeUrl), type));
  return {
    gateway,
    changed: changes.flatMap(({ changed }) => changed.map(packResource)),
    removed: changes.flatMap(({ removed }) => removed.map(({ typeUrl, name }) => ({ typeUrl, name }))),
    version: after.version,
  };
}

/** Errors: SNAPSHOT_INCONSISTENT when the result is not the snapshot that the first process has. */
export function applyChange(
  before: Snapshot | undefined,
  { gateway, changed, removed, version }: SnapshotChange,
): Snapshot {
  const from = before ?? emptySnapshot();
  const after = updateSnapshot(from, {
    changed: changed.map(unpackResource),
    removed: removed.flatMap(({ typeUrl, name }) => from.types.get(typeUrl)?.resources.get(name) ?? []),
  });
  if (after.version === version) return after;
  throw new PosternError(
    'SNAPSHOT_INCONSISTENT',
    `the snapshot of ${gateway} in a worker differs from that of the first process`,
  );
}
