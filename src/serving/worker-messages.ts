// What the first process and its workers say to each other (`postern run --workers N`).
// In: snapshots, settings. Out: messages that cross between processes. Must not: have a worker read a file or decide what
// is served: it gets resources, as bytes, and hands them out.

import { PosternError } from '../errors.ts';
import type { HostPort } from '../host-port.ts';
import type { LogLevel } from '../log.ts';
import { diff } from '../snapshot/diff.ts';
import { type PackedResource, packResource, unpackResource } from '../snapshot/resource.ts';
import { emptySnapshot, type Snapshot, updateSnapshot } from '../snapshot/snapshot.ts';
import type { Sample } from '../telemetry/metrics.ts';
import type { StreamStatus } from '../xds/stream-status.ts';
import type { GatewayRegistry } from '../xds/transport/admission.ts';
import type { ServerTls } from '../xds/transport/xds-server.ts';

export interface WorkerSettings {
  readonly address: HostPort;
  /** Undefined: plaintext, and who asks is taken for whom it claims to be. */
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
  /** Of the snapshot that this has to make. */
  readonly version: string;
}

export type ToWorker =
  | { readonly kind: 'start'; readonly worker: number; readonly settings: WorkerSettings }
  | { readonly kind: 'snapshot'; readonly change: SnapshotChange }
  | { readonly kind: 'gateways'; readonly gateways: GatewayRegistry }
  | { readonly kind: 'listen' }
  | { readonly kind: 'tls'; readonly tls: ServerTls }
  | { readonly kind: 'retry' }
  /** `streams`: with each of them, rather than with what is counted alone. */
  | { readonly kind: 'report'; readonly id: number; readonly streams: boolean }
  | { readonly kind: 'stop' };

/** What one worker knows of itself. */
export interface Report {
  /** None when they were not asked for. */
  readonly streams: readonly StreamStatus[];
  readonly samples: readonly Sample[];
}

export type FromWorker =
  /** Its ears are open: what is sent before is lost, because node:cluster takes it. */
  | { readonly kind: 'up' }
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'report'; readonly id: number; readonly report: Report };

/** What a worker that has `before` needs to have `after`; undefined when that is the same. */
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

/** Errors: SNAPSHOT_INCONSISTENT when it does not make the snapshot that the first process has. */
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
  throw new PosternError('SNAPSHOT_INCONSISTENT', `a worker has another snapshot of ${gateway} than the first process`);
}
