// How a stream ends when its client is not cooperative: the server keeps nothing in memory because a client leaves it unread, or
// never closes its side. The states are in stream-state.test.ts; here they are driven by bytes below gRPC.
// Must not: mock HTTP/2 or TLS.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createResource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot, type Snapshot } from '../../../src/snapshot/snapshot.ts';
import type { XdsServerOptions } from '../../../src/xds/transport/xds-server.ts';
import { leaf, rsaCa } from '../../support/leaf.ts';
import { eventually } from '../../support/mesh.ts';
import { state } from '../fixtures.ts';
import { encodeDelta, NODE } from '../grpc-client.ts';
import { framed, RawClient } from '../raw-client.ts';
import { runningServer } from '../running-server.ts';

const STATUS = { OK: 0, INVALID_ARGUMENT: 3, RESOURCE_EXHAUSTED: 8 };
const small = state({ cluster: { c: '1' } });
const request = (fields: object = {}): Buffer => encodeDelta({ node: NODE, type_url: TYPE.cluster, ...fields });
/** Nobody else is told about these, and they do not fit into the window of a client that reads nothing. */
const madeUp = Array.from({ length: 2000 }, (_, index) => `${index}`.padStart(100, 'n'));

const folder = mkdtempSync(join(tmpdir(), 'postern-endings-'));
rsaCa(folder, 'bank.example');
after(() => rmSync(folder, { recursive: true }));
const ca = readFileSync(join(folder, 'ca.pem'), 'utf8');
const of = (uri: string, dnsNames: readonly string[] = []) =>
  leaf({ ca: folder, caTrustDomain: 'bank.example', uris: [`spiffe://bank.example/${uri}`], dnsNames });

async function start(
  t: TestContext,
  snapshot: Snapshot,
  limits: NonNullable<XdsServerOptions['limits']>,
  encrypted = false,
) {
  const { cert, key } = of('control-plane', ['localhost']);
  const tls = encrypted ? { certificateChain: cert, privateKey: key, clientCa: ca } : undefined;
  const running = await runningServer(t, snapshot, { limits, tls });
  const dial = (settings = {}): RawClient => {
    const client = encrypted ? { ca, ...of('gateway/ingress'), settings } : undefined;
    const raw = new RawClient(running.port, {}, client);
    t.after(() => raw.close());
    return raw;
  };
  return { ...running, dial };
}

for (const encrypted of [false, true]) {
  describe(encrypted ? 'with TLS' : 'without TLS', () => {
    test('A half-closed client that reads nothing keeps its place until it is cut off', async (t) => {
      const { dial, events } = await start(t, small, { stallMs: 500, streamsPerGateway: 1 }, encrypted);
      const raw = dial();
      raw.write(framed(request({ resource_names_subscribe: madeUp })));
      await eventually('answered', () => events.includes('pushed CDS'));
      raw.stream.end();
      assert.equal(await dial().read().status, STATUS.RESOURCE_EXHAUSTED);
      await eventually('cut', () => events.includes('closed ingress'));
      const next = dial().read();
      next.write(framed(request()));
      await eventually('served', () => events.filter((event) => event === 'opened ingress').length === 2);
    });

    test('A stream that the server ends because of its gateway is reported once, with the gateway, the address and the reason', async (t) => {
      const limits = { firstRequestMs: 300, stallMs: 300, streamsPerGateway: 1 };
      const { dial, ended, refusals, events } = await start(t, small, limits, encrypted);
      const faults: readonly (readonly [string, string, string, (raw: RawClient) => void])[] = [
        ['INVALID_ARGUMENT', 'not a discovery request', '', (raw) => raw.read().write(framed(Buffer.from([0xff])))],
        ['INVALID_ARGUMENT', 'no node.id', '', (raw) => raw.read().write(framed(request({ node: {} })))],
        ['DEADLINE_EXCEEDED', 'no request', '', (raw) => void raw.read()],
        [
          ...(['DEADLINE_EXCEEDED', 'reads nothing', NODE.id] as const),
          (raw) => raw.write(framed(request({ resource_names_subscribe: madeUp }))),
        ],
        [
          ...(['INVALID_ARGUMENT', 'without a type', NODE.id] as const),
          (raw) => {
            raw.read().write(framed(request()));
            raw.write(framed(request({ type_url: '' })));
          },
        ],
      ];
      for (const [index, [status, words, nodeId, fault]] of faults.entries()) {
        const raw = dial();
        fault(raw);
        await raw.status;
        await eventually('reported', () => ended.length === index + 1);
        const [{ detail, address, ...rest } = { detail: '', address: '' }] = ended.slice(-1);
        assert.deepEqual(rest, { gateway: 'ingress', nodeId, status });
        assert.ok(detail.includes(words), detail);
        assert.match(address, /^127\.0\.0\.1:\d+$/);
        raw.close();
      }
      // A client that ends its stream itself, or is refused, is no such case.
      const last = dial().read();
      last.write(framed(request()));
      await eventually('served', () => events.at(-1) === 'pushed CDS');
      assert.equal(await dial().read().status, STATUS.RESOURCE_EXHAUSTED);
      last.stream.end();
      assert.equal(await last.status, STATUS.OK);
      assert.deepEqual([ended.length, refusals.length], [faults.length, 1]);
    });

    test('Unread bytes of a client still count when its stream was ended for another reason', async (t) => {
      const limits = { stallMs: 60_000, bytesPerGateway: 1_300_000 };
      const { dial, server, events } = await start(t, small, limits, encrypted);
      const raw = dial();
      raw.write(framed(request({ resource_names_subscribe: madeUp })));
      await eventually('answered', () => events.includes('pushed CDS'));
      raw.write(framed(Buffer.from([0xff])));
      // The names are forgotten with the subscription, the answer is not.
      const fewer = framed(request({ resource_names_subscribe: madeUp.slice(100) }));
      const refused = dial().read();
      refused.write(fewer);
      assert.equal(await refused.status, STATUS.RESOURCE_EXHAUSTED);
      raw.close();
      await eventually('closed', () => events.filter((event) => event === 'closed ingress').length === 2);
      dial().read().write(fewer);
      await eventually('served', () => server.status()[0]?.types[0]?.state === 'STALE');
    });

    test('Rule 65: a stream that the server ends is closed, although its client would continue', async (t) => {
      const { dial, events } = await start(t, small, { stallMs: 60_000 }, encrypted);
      const raw = dial().read();
      raw.write(framed(request()));
      await eventually('served', () => events.includes('pushed CDS'));
      raw.write(framed(Buffer.from([0xff])));
      assert.equal(await raw.status, STATUS.INVALID_ARGUMENT);
      if (!raw.stream.closed) await once(raw.stream, 'close');
      assert.equal(raw.stream.rstCode, 0);
      await eventually('closed', () => events.includes('closed ingress'));
    });

    test('A half-closed client is sent what is in flight, and then OK', async (t) => {
      const size = 1 << 20;
      const big = createSnapshot([createResource(TYPE.cluster, 'big', Buffer.alloc(size, 'a'))]);
      const { dial } = await start(t, big, {}, encrypted);
      const raw = dial();
      let taken = 0;
      raw.stream.on('data', (bytes: Buffer) => {
        taken += bytes.length;
      });
      raw.write(framed(request()));
      raw.stream.end();
      assert.equal(await raw.status, STATUS.OK);
      assert.ok(taken > size);
    });

    test('A client that reads small messages slowly is not cut off, although something is always in flight', async (t) => {
      const bytes = 40 * 1024;
      const version = (content: number) =>
        createSnapshot([createResource(TYPE.cluster, 'c', Buffer.alloc(bytes, `${content}`))]);
      // The client reads four times as often as it has to: a machine that is busy may hold it up.
      const stallMs = 2000;
      const { dial, cache, events } = await start(t, version(0), { stallMs }, encrypted);
      const raw = dial({ initialWindowSize: 16 * 1024 });
      let message = Buffer.alloc(0);
      let messages = 0;
      raw.stream.on('data', (chunk: Buffer) => {
        message = Buffer.concat([message, chunk]);
        if (message.length < 5 || message.length < 5 + message.readUInt32BE(1)) return;
        messages += 1;
        // Field 5, the nonce, comes last.
        const nonce = message.subarray(message.lastIndexOf(Buffer.from([0x2a, 12])) + 2).toString();
        message = Buffer.alloc(0);
        raw.stream.pause();
        cache.set('ingress', version(messages));
        raw.write(framed(encodeDelta({ type_url: TYPE.cluster, response_nonce: nonce })));
      });
      raw.write(framed(request()));
      for (let turn = 0; turn < 12; turn += 1) {
        await sleep(stallMs / 4);
        raw.stream.resume();
      }
      assert.ok(messages > 5, `${messages} messages`);
      assert.ok(!events.includes('closed ingress'));
    });
  });
}

test('A connection without a stream is closed after a while', async (t) => {
  const { dial, events } = await start(t, small, { idleMs: 1000 });
  const busy = dial().read();
  busy.write(framed(request()));
  const idle = dial();
  idle.stream.close();
  await idle.closed;
  assert.ok(events.includes('opened ingress') && !events.includes('closed ingress'));
});
