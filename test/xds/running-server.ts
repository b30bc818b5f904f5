// An XdsServer on a free port of loopback, with a cache of its own, and all events of its observer.
// Must not: outlive its test.

import type { TestContext } from 'node:test';
import { SnapshotCache } from '../../src/snapshot/cache.ts';
import type { Snapshot } from '../../src/snapshot/snapshot.ts';
import type { Admission } from '../../src/xds/admission/admission.ts';
import type { EndedStream } from '../../src/xds/admission/observer.ts';
import type { Refusal } from '../../src/xds/admission/refusal.ts';
import { XdsServer, type XdsServerOptions } from '../../src/xds/transport/xds-server.ts';
import { XdsClient } from './grpc-client.ts';

export interface RunningServer {
  readonly server: XdsServer;
  readonly cache: SnapshotCache;
  readonly port: number;
  readonly client: XdsClient;
  /** `opened ingress`, `refused unknown_ca`, …, in their order. */
  readonly events: string[];
  readonly refusals: readonly Refusal[];
  /** Streams that the server ended because of their clients. */
  readonly ended: readonly EndedStream[];
}

const EVERYBODY: Admission = {
  identify: () => ({ ok: true, gateway: 'ingress', notAfter: Number.POSITIVE_INFINITY }),
};

export async function runningServer(
  t: TestContext,
  snapshot: Snapshot | undefined,
  options: Partial<XdsServerOptions> = {},
): Promise<RunningServer> {
  const cache = new SnapshotCache();
  if (snapshot !== undefined) cache.set('ingress', snapshot);
  const events: string[] = [];
  const refusals: Refusal[] = [];
  const ended: EndedStream[] = [];
  const server = new XdsServer({
    address: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    cache,
    observer: {
      opened: (gateway) => void events.push(`opened ${gateway}`),
      closed: (gateway) => void events.push(`closed ${gateway}`),
      pushed: (_gateway, type) => void events.push(`pushed ${type}`),
      answered: (_gateway, _node, type, answer, message) =>
        void events.push(`${answer} ${type} ${message ?? ''}`.trim()),
      refused: (refusal) => {
        refusals.push(refusal);
        events.push(`refused ${refusal.reason}`);
      },
      ended: (stream) => {
        ended.push(stream);
      },
      dropped: (gateway) => void events.push(`dropped ${gateway}`),
      failed: (error) => void events.push(`failed ${String(error)}`),
    },
    admission: () => EVERYBODY,
    controlPlane: 'spiffe://bank.example/control-plane',
    ...options,
  });
  const port = await server.listen();
  const client = new XdsClient(port);
  t.after(async () => {
    client.close();
    await server.stop(0);
  });
  return { server, cache, port, client, events, refusals, ended };
}
