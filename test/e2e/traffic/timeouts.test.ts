// When gateways give up on a request: the time-outs of exports and imports, and which of the two gateways answers.
// Must not: assert how long anything takes; who answered, and why, is in the log.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { HostPort } from '../../../src/host-port.ts';
import { eventually, Testbed, type TestMesh } from '../../support/mesh.ts';
import {
  type Answer,
  LOCAL_NAME,
  type Pair,
  type PairOptions,
  passes,
  startPair,
  startPairBefore,
  statusOf,
} from '../pair.ts';

describe('time-outs and HTTP/2 backends', () => {
  let bed: Testbed;
  let closing: (() => void)[];

  beforeEach(async () => {
    bed = await Testbed.create();
    closing = [];
  });

  afterEach(async () => {
    await bed.close();
    for (const close of closing) close();
  });

  async function pair(answer: Answer, options: PairOptions): Promise<Pair> {
    const { close, ...made } = await startPairBefore(bed, answer, options);
    closing.push(close);
    await passes(made.egress);
    return made;
  }

  /** Answers `/`, and is silent about everything else. */
  const silent: Answer = (asked, response) => void (asked.url === '/' && response.end());

  /** Why a gateway ended the call of a path. */
  async function reasonOf(mesh: TestMesh, role: 'ingress' | 'egress', path: string): Promise<string> {
    const line = () => mesh.log(role).find((one) => one['layer'] === 'http' && one['path'] === path);
    await eventually(`${role} logs ${path}`, () => line() !== undefined);
    return String(line()?.['code_details']);
  }

  test('A backend that is silent for longer than the export says gets its caller a 504', async () => {
    const { bank, shop, egress } = await pair(silent, { keys: { exported: 'timeouts: {idle: 1s}' } });
    assert.equal(await statusOf(egress, 'GET', '/silent'), 504);
    assert.equal(await reasonOf(bank, 'ingress', '/silent'), 'stream_idle_timeout');
    assert.equal(await reasonOf(shop, 'egress', '/silent'), 'via_upstream');
  });

  test('An import has its own limit on silence, whatever the export says', async () => {
    const { shop, egress } = await pair(silent, { keys: { imported: 'timeouts: {idle: 1s}' } });
    assert.equal(await statusOf(egress, 'GET', '/silent'), 504);
    assert.equal(await reasonOf(shop, 'egress', '/silent'), 'stream_idle_timeout');
  });

  test('With the same values at both ends the gateway of the callee answers, which knows the reason', async () => {
    const timeouts = 'timeouts: {idle: 10s, request: 2s}';
    const { bank, shop, egress } = await pair(silent, { keys: { exported: timeouts, imported: timeouts } });
    assert.equal(await statusOf(egress, 'POST', '/silent'), 504);
    assert.match(await reasonOf(bank, 'ingress', '/silent'), /^response_timeout|upstream_response_timeout/);
    assert.equal(await reasonOf(shop, 'egress', '/silent'), 'via_upstream');
  });

  test('An answer that goes on for longer than timeouts.request is cut off; without the key it goes on', async () => {
    const dribble: Answer = (asked, response) => {
      if (asked.url === '/') return void response.end();
      const timer = setInterval(() => response.write('data\n\n'), 100);
      response.on('close', () => clearInterval(timer));
    };
    const { egress } = await pair(dribble, { keys: { exported: 'timeouts: {idle: 1s, request: 3s}' } });
    const read = async (enough: number): Promise<number> => {
      const sent = request({ ...egress, path: '/dribble', agent: false, headers: { host: LOCAL_NAME } }).end();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      let events = 0;
      try {
        for await (const _ of response) {
          events += 1;
          if (events >= enough) break;
        }
      } catch {
        return -events;
      }
      return events;
    };
    // More events than the limit of silence has room for: each begins it again.
    assert.equal(await read(15), 15);
    assert.ok((await read(1000)) < 0);
  });

  test('A backend with protocol http2 is spoken to in HTTP/2 without TLS, by the same rules as HTTP', async () => {
    const seen: string[] = [];
    const backend: HostPort = await bed.address();
    const server = createHttp2Server((asked, response) => {
      seen.push(`${asked.httpVersion} ${asked.method} ${asked.url}`);
      asked.resume();
      response.end('served');
    }).listen(backend.port, backend.host);
    await once(server, 'listening');
    closing.push(() => void server.close());
    const { egress } = await startPair(bed, await bed.address(), backend, { protocol: 'http2' });
    await eventually('a call passes', async () => (await statusOf(egress, 'GET', '/')) === 200);
    assert.equal(await statusOf(egress, 'POST', '/some/path'), 200);
    assert.equal(await statusOf(egress, 'DELETE', '/some/path'), 403);
    assert.deepEqual([...new Set(seen)], ['2.0 GET /', '2.0 POST /some/path']);
  });
});
