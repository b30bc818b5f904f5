// I/O: makes the code hot before anybody waits for it. A fresh process compiles the path of a connection while the first
// few hundred gateways connect, and takes half as long again for them (bench/RESULTS.md).
// In: a budget. Out: nothing. Must not: hold or serve anything of the configuration: it runs a server of its own on a free
// port of loopback, with made-up resources, and ends it before it returns.

import { type ClientHttp2Session, connect } from 'node:http2';
import { SnapshotCache } from '../snapshot/cache.ts';
import { bytesField, stringField } from '../snapshot/protobuf.ts';
import { createResource, type Resource } from '../snapshot/resource.ts';
import { createSnapshot } from '../snapshot/snapshot.ts';
import { PUSH_ORDER } from '../snapshot/types.ts';
import { frame } from './response.ts';
import { XdsServer } from './server.ts';
import type { Variant } from './subscription.ts';

/** Enough for the compiler, and little beside the start of an Envoy (measured in bench/RESULTS.md). */
export const WARM_UP_MS = 800;

const GATEWAY = 'warm-up';
const AT_ONCE = 20;
const BODY = Buffer.alloc(500, 'x');

/** Connects to a server of the same code again and again for about `budgetMs` milliseconds. Errors: none; cold code works too. */
export async function warmUp(budgetMs: number, clock: () => number = Date.now): Promise<void> {
  const end = clock() + budgetMs;
  const cache = new SnapshotCache();
  const server = new XdsServer({
    address: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    cache,
    observer: {
      opened() {},
      closed() {},
      pushed() {},
      answered() {},
      denied() {},
      failed() {},
    },
    admission: () => ({ identify: () => ({ ok: true, gateway: GATEWAY, notAfter: Number.POSITIVE_INFINITY }) }),
    controlPlane: GATEWAY,
  });
  try {
    cache.set(GATEWAY, createSnapshot(resources(0)));
    const port = await server.listen();
    for (let round = 1; clock() < end; round += 1) {
      const talks = Array.from({ length: AT_ONCE }, (_, index) =>
        talk(port, index % 2 === 0 ? 'delta' : 'sotw', end, clock),
      );
      setImmediate(() => cache.set(GATEWAY, createSnapshot(resources(round))));
      await Promise.all(talks);
    }
  } catch {
    // No free port, or no loopback: then it starts cold.
  } finally {
    await server.stop(0);
  }
}

function resources(round: number): readonly Resource[] {
  return PUSH_ORDER.flatMap((typeUrl) =>
    Array.from({ length: 4 }, (_, index) =>
      createResource(typeUrl, `r${index}`, index === 0 ? Buffer.from(`${round}`) : BODY),
    ),
  );
}

/** One gateway: subscribes to everything, acknowledges what comes, and leaves when it has every type. */
function talk(port: number, variant: Variant, end: number, clock: () => number): Promise<void> {
  return new Promise((fulfil) => {
    const session: ClientHttp2Session = connect(`http://127.0.0.1:${port}`);
    const finish = (): void => {
      clearTimeout(timer);
      session.destroy();
      fulfil();
    };
    const timer = setTimeout(finish, Math.max(end - clock(), 0) + 100);
    session.on('error', finish);
    const kind = variant === 'delta' ? 'Delta' : 'Stream';
    const stream = session.request({
      ':method': 'POST',
      ':path': `/envoy.service.discovery.v3.AggregatedDiscoveryService/${kind}AggregatedResources`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', finish);
    let received = 0;
    stream.on('data', (bytes: Buffer) => {
      received += bytes.length;
      if (received < PUSH_ORDER.length * BODY.length * 3) return;
      stream.end();
    });
    stream.on('close', finish);
    const node = bytesField(variant === 'delta' ? 1 : 2, stringField(1, GATEWAY));
    for (const [index, typeUrl] of PUSH_ORDER.entries()) {
      const names = ['r0', 'r1', 'r2', 'r3'].map((name) => stringField(3, name));
      const nonce = String(index + 1);
      const type = stringField(variant === 'delta' ? 2 : 4, typeUrl);
      stream.write(message([...(index === 0 ? [node] : []), type, ...names]));
      stream.write(
        message([type, ...(variant === 'sotw' ? names : []), stringField(variant === 'delta' ? 6 : 5, nonce)]),
      );
    }
  });
}

function message(fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat(fields);
  const { head } = frame(body, '');
  return Buffer.concat([head, body]);
}
