// Streams on which gateways report their connections: admitted like discovery streams, and never the end of anything but themselves.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import type { Admission } from '../../../src/xds/admission/admission.ts';
import type { XdsServerOptions } from '../../../src/xds/transport/xds-server.ts';
import { eventually } from '../../support/mesh.ts';
import { state } from '../fixtures.ts';
import { NODE } from '../grpc-client.ts';
import { framed, RawClient } from '../raw-client.ts';
import { runningServer } from '../running-server.ts';
import { logMessage } from '../wire/log-messages.ts';

const STATUS = {
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
};
const SERVICE = { ':path': '/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs' };
const first = logMessage([{ upstream_cluster: 'a' }], NODE);
const later = logMessage([{ upstream_cluster: 'b' }]);

async function reporting(t: TestContext, options: Partial<XdsServerOptions> = {}) {
  const heard: string[] = [];
  const reported: XdsServerOptions['reported'] = (gateway, nodeId, reports) => {
    for (const { cluster } of reports) heard.push(`${gateway} ${nodeId} ${cluster}`);
  };
  const running = await runningServer(t, state({ cluster: { c: '1' } }), { reported, ...options });
  const dial = (): RawClient => {
    const raw = new RawClient(running.port, SERVICE).read();
    t.after(() => raw.close());
    return raw;
  };
  return { ...running, heard, dial };
}

describe('a stream of reports', () => {
  test('Reports are those of the gateway that the certificate proves and of the node that the first message names', async (t) => {
    const { dial, heard } = await reporting(t);
    const raw = dial();
    raw.write(framed(first));
    raw.write(framed(later));
    await eventually('two reports', () => heard.length === 2);
    assert.deepEqual(heard, [`ingress ${NODE.id} a`, `ingress ${NODE.id} b`]);
  });

  const broken: readonly (readonly [string, Buffer, number])[] = [
    ['noise', framed(Buffer.from('ffffffffffffffffffff', 'hex')), STATUS.INVALID_ARGUMENT],
    ['no node in its first message', framed(later), STATUS.INVALID_ARGUMENT],
    ['a message that is too large', framed(first, 1024 * 1024), STATUS.RESOURCE_EXHAUSTED],
  ];
  for (const [what, message, status] of broken)
    test(`A stream with ${what} ends, and a discovery stream of the same gateway does not`, async (t) => {
      const { dial, client, cache, heard, events } = await reporting(t);
      const honest = client.delta().send({ node: NODE, type_url: TYPE.cluster });
      const { nonce } = await honest.next();
      honest.send({ type_url: TYPE.cluster, response_nonce: nonce });
      const raw = dial();
      raw.write(message);
      assert.equal(await raw.status, status);
      cache.set('ingress', state({ cluster: { c: '2' } }));
      assert.equal((await honest.next()).resources.length, 1);
      assert.deepEqual([heard, events.filter((event) => event.startsWith('failed'))], [[], []]);
    });

  test('A client that may be no gateway, or names another one, reports nothing', async (t) => {
    const admission = (): Admission => ({
      identify: (claims) =>
        claims === undefined
          ? { ok: true, gateway: 'ingress', notAfter: Number.POSITIVE_INFINITY }
          : { ok: false, reason: 'node_mismatch', detail: 'another gateway' },
    });
    const { dial, heard, events } = await reporting(t, { admission });
    const raw = dial();
    raw.write(framed(first));
    assert.equal(await raw.status, STATUS.PERMISSION_DENIED);
    assert.deepEqual([heard, events], [[], ['refused node_mismatch']]);
  });

  test('A gateway that is no longer admitted loses its stream of reports', async (t) => {
    let ok = true;
    const admission = (): Admission => ({
      identify: () =>
        ok
          ? { ok, gateway: 'ingress', notAfter: Number.POSITIVE_INFINITY }
          : { ok, reason: 'unknown_identity', detail: 'gone' },
    });
    const { dial, heard, server } = await reporting(t, { admission });
    const raw = dial();
    raw.write(framed(first));
    await eventually('a report', () => heard.length === 1);
    ok = false;
    server.recheck();
    assert.equal(await raw.status, STATUS.PERMISSION_DENIED);
  });

  test('A flood of reports is dropped where it is too much, and the stream stays', async (t) => {
    // The clock stands still, so nothing is refilled.
    const now = Date.now();
    const { dial, heard } = await reporting(t, { clock: () => now });
    const raw = dial();
    const large = logMessage(
      Array.from({ length: 60 }, () => ({ upstream_cluster: 'b', upstream_transport_failure_reason: 'x'.repeat(900) })),
    );
    raw.write(framed(first));
    for (let count = 0; count < 40; count += 1) raw.write(framed(large));
    await eventually('the last message', () => heard.length > 60);
    const state = await Promise.race([raw.status, new Promise((done) => setImmediate(() => done('open')))]);
    assert.equal(state, 'open');
    assert.ok(heard.length < 40 * 60, String(heard.length));
  });

  /** As much as one message may have of reports. */
  const full = Array.from({ length: 200 }, () => ({ upstream_cluster: 'a' }));
  const reportsRead = { burst: 500, perSecond: 1 };

  test('All streams of a gateway share what is read, first messages too, and it is not renewed when they close', async (t) => {
    const now = Date.now();
    const { dial, heard, events } = await reporting(t, { clock: () => now, limits: { reportsRead } });
    // The fourth stream has nothing left.
    for (let count = 1; count <= 4; count += 1) {
      const raw = dial();
      raw.write(framed(logMessage(full, NODE)));
      await eventually('an answer', () => heard.length + 200 * events.length === 200 * count);
      raw.stream.end();
      await raw.status;
    }
    assert.deepEqual([heard.length, events], [400, ['dropped ingress', 'dropped ingress']]);
  });

  test('A message of more reports than may be in one is read to there, and what is dropped is counted', async (t) => {
    const { dial, heard, events } = await reporting(t);
    dial().write(framed(logMessage([...full, ...full], NODE)));
    await eventually('the reports', () => heard.length > 0);
    assert.deepEqual([heard.length, events], [200, ['dropped ingress']]);
  });

  test('An Envoy of 64 worker threads is heard on each, when all name their node with its extensions at once', async (t) => {
    const now = Date.now();
    const { dial, heard, events } = await reporting(t, { clock: () => now });
    const extensions = Array.from({ length: 1000 }, (_, index) => ({
      name: `envoy.filters.extension.of.a.name.${index}`,
    }));
    const message = framed(logMessage(full.slice(0, 30), { ...NODE, extensions }));
    assert.ok(message.length > 40_000);
    for (let count = 0; count < 64; count += 1) dial().write(message);
    await eventually('all reports', () => heard.length === 64 * 30);
    assert.deepEqual(events, []);
  });

  test('A gateway that sends far more than is read loses the stream, however short its messages are', async (t) => {
    const now = Date.now();
    const reportBytesReceived = { burst: 64 * 1024, perSecond: 1 };
    const { dial, ended } = await reporting(t, { clock: () => now, limits: { reportBytesReceived } });
    const raw = dial();
    raw.write(Buffer.concat([framed(first), ...Array.from({ length: 300 }, () => framed(Buffer.alloc(0)))]));
    assert.equal(await raw.status, STATUS.RESOURCE_EXHAUSTED);
    assert.equal(ended[0]?.detail, 'too many reports of this gateway');
  });

  test('A stream without a message ends after the time for the first, and one that had its message stays', async (t) => {
    const { dial, heard } = await reporting(t, { limits: { firstRequestMs: 300 } });
    const honest = dial();
    honest.write(framed(first));
    await eventually('a report', () => heard.length === 1);
    assert.equal(await dial().status, STATUS.DEADLINE_EXCEEDED);
    honest.write(framed(later));
    await eventually('another report', () => heard.length === 2);
  });

  test('Streams of reports take none of the places of discovery streams, and are as many at most', async (t) => {
    const { dial, heard, client } = await reporting(t, { limits: { reportStreamsPerGateway: 1 } });
    dial().write(framed(first));
    await eventually('a report', () => heard.length === 1);
    const honest = client.delta().send({ node: NODE, type_url: TYPE.cluster });
    assert.equal((await honest.next()).resources.length, 1);
    const second = dial();
    second.write(framed(first));
    assert.equal(await second.status, STATUS.RESOURCE_EXHAUSTED);
  });

  test('A server that hears no reports answers UNIMPLEMENTED, as one of an earlier version does', async (t) => {
    const { port } = await runningServer(t, state({ cluster: { c: '1' } }));
    const raw = new RawClient(port, SERVICE).read();
    t.after(() => raw.close());
    raw.write(framed(first));
    // Without a message before them, the trailers are the headers.
    const [headers] = (await once(raw.stream, 'response')) as [Record<string, string>];
    assert.equal(Number(headers['grpc-status']), STATUS.UNIMPLEMENTED);
  });
});
