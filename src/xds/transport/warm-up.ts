// I/O: exercises the code of a connection before gateways may connect, so that V8 has compiled it. A fresh process compiles the path of a connection while the first
// few hundred gateways connect, and takes half as long again for them (bench/RESULTS.md).
// Must not: hold or serve anything of the configuration. It runs a server of its own on a free port of loopback, with made-up
// resources, and ends it before it returns.

import { type ClientHttp2Session, connect } from 'node:http2';
import { SnapshotCache } from '../../snapshot/cache.ts';
import { bytesField, stringField } from '../../snapshot/protobuf.ts';
import { createResource } from '../../snapshot/resource.ts';
import { PUSH_ORDER, TYPE } from '../../snapshot/resource-types.ts';
import { createSnapshot, updateSnapshot } from '../../snapshot/snapshot.ts';
import { UNOBSERVED } from '../admission/observer.ts';
import { FRAME_HEAD } from '../wire/discovery-response.ts';
import { RequestFrames } from '../wire/grpc-frames.ts';
import type { Variant } from '../wire/messages.ts';
import { Fields } from '../wire/proto-reader.ts';
import { XdsServer } from './xds-server.ts';

/** Enough for the compiler, and little beside the start of an Envoy (measured in bench/RESULTS.md). */
export const WARM_UP_MS = 800;

const GATEWAY = 'warm-up';
export const AT_ONCE = 20;
const MAX_RESPONSE_BYTES = 64 * 1024;
const BODY = Buffer.alloc(500, 'x');

/** Connects to a server of the same code again and again for about `budgetMs` milliseconds. Errors: none; cold code works too. */
export async function warmUp(budgetMs: number, clock: () => number = Date.now): Promise<void> {
  if (budgetMs === 0) return;
  const end = clock() + budgetMs;
  const cache = new SnapshotCache();
  let updates: NodeJS.Timeout | undefined;
  const server = new XdsServer({
    address: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    cache,
    observer: UNOBSERVED,
    admission: () => ({ identify: () => ({ ok: true, gateway: GATEWAY, notAfter: Number.POSITIVE_INFINITY }) }),
    controlPlane: GATEWAY,
    exclusive: true,
  });
  try {
    let snapshot = createSnapshot(RESOURCES);
    cache.set(GATEWAY, snapshot);
    const port = await server.listen();
    let changes = 0;
    updates = setInterval(() => {
      changes += 1;
      const changed = [createResource(TYPE.cluster, 'r0', Buffer.from(`${changes}`))];
      snapshot = updateSnapshot(snapshot, { changed, removed: [] });
      cache.set(GATEWAY, snapshot);
    }, 2);
    while (clock() < end) {
      const one = (index: number): Promise<void> => talk(port, index % 2 === 0 ? 'delta' : 'sotw', end, clock);
      await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => one(index)));
    }
  } catch {
    // No free port, or no loopback: then it starts cold.
  } finally {
    clearInterval(updates);
    await server.stop(0);
  }
}

const NAMES = ['r0', 'r1', 'r2', 'r3'];
/** One of each type, but one for each secret, and one change. */
const RESPONSES = PUSH_ORDER.length - 1 + NAMES.length + 1;
/** What an Envoy says of itself: node.id and node.user_agent_name. */
const NODE = [stringField(1, GATEWAY), stringField(6, 'envoy')];
const RESOURCES = PUSH_ORDER.flatMap((typeUrl) => NAMES.map((name) => createResource(typeUrl, name, BODY)));

/** One gateway: subscribes to everything, acknowledges that and a few changes of a cluster, and leaves. */
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
    const write = (typeUrl: string, fields: readonly Buffer[]): void =>
      void stream.write(message([stringField(variant === 'delta' ? 2 : 4, typeUrl), ...fields]));
    const names = NAMES.map((name) => stringField(3, name));
    // Responses are framed like requests.
    const frames = new RequestFrames(MAX_RESPONSE_BYTES);
    let responses = 0;
    const acknowledge = (response: Buffer): void => {
      const { typeUrl, nonce } = readResponse(response);
      responses += 1;
      if (responses > RESPONSES) stream.end();
      else write(typeUrl, [...(variant === 'sotw' ? names : []), stringField(variant === 'delta' ? 6 : 5, nonce)]);
    };
    stream.on('data', (chunk: Buffer) => frames.push(chunk, acknowledge));
    stream.on('close', finish);
    const node = bytesField(variant === 'delta' ? 1 : 2, Buffer.concat(NODE));
    for (const [index, typeUrl] of PUSH_ORDER.entries()) write(typeUrl, [...(index === 0 ? [node] : []), ...names]);
  });
}

/** Of a DiscoveryResponse or a DeltaDiscoveryResponse: both have these fields by the same numbers. */
function readResponse(response: Buffer): { readonly typeUrl: string; readonly nonce: string } {
  let [typeUrl, nonce] = ['', ''];
  const fields = new Fields(response);
  while (fields.next()) {
    if (fields.field === 4) typeUrl = fields.text();
    else if (fields.field === 5) nonce = fields.text();
  }
  return { typeUrl, nonce };
}

function message(fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat(fields);
  const head = Buffer.alloc(FRAME_HEAD);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}
