// What the first process does about a worker that crashes, hangs, or cannot be started. The first process is this test.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { PosternError } from '../../src/errors.ts';
import type { Logger } from '../../src/log.ts';
import { type PoolOptions, WorkerPool } from '../../src/serving/pool.ts';
import { SnapshotCache } from '../../src/snapshot/cache.ts';
import { Metrics } from '../../src/telemetry/metrics-registry.ts';
import { serverObserver } from '../../src/telemetry/xds-metrics-and-log.ts';
import type { SpiffeId } from '../../src/trust/spiffe.ts';
import type { ServerTls } from '../../src/xds/transport/xds-server.ts';
import { leaf, rsaCa } from '../support/leaf.ts';
import { eventually } from '../support/mesh.ts';
import { state } from '../xds/fixtures.ts';
import { XdsClient } from '../xds/grpc-client.ts';
import { Gateway } from './gateways.ts';
import { childrenOf } from './processes.ts';

const CRASHING = fileURLToPath(new URL('./crashing-worker.js', import.meta.url));
const GATEWAYS = new Map([['spiffe://bank.example/gateway/ingress' as SpiffeId, 'ingress']]);

interface Ended {
  readonly worker: number;
  readonly code: number | null;
  readonly reason: string;
  readonly waitMs: number;
}

const workers = (): readonly number[] => childrenOf(process.pid);

function pool(t: TestContext, options: Partial<PoolOptions> = {}, tls?: ServerTls) {
  const ended: Ended[] = [];
  const logger: Logger = {
    info: () => undefined,
    warn: () => undefined,
    error: (fields) => void ended.push(fields as Ended),
  };
  const metrics = new Metrics();
  serverObserver(logger, metrics);
  const cache = new SnapshotCache();
  cache.set('ingress', state({ cluster: { a: '1' } }));
  const made = new WorkerPool({
    count: 2,
    settings: {
      address: { host: '127.0.0.1', port: 0 },
      tls,
      controlPlane: 'spiffe://bank.example/control-plane',
      warmUpMs: 0,
      logLevel: 'silent',
    },
    cache,
    gateways: ['ingress', 'egress'],
    metrics,
    logger,
    ...options,
  });
  t.after(() => made.stop());
  return { pool: made, cache, ended };
}

const isListenFailed = (error: unknown): boolean => error instanceof PosternError && error.code === 'LISTEN_FAILED';

/** A stream of a worker that is there now, with what it is sent. */
async function served(t: TestContext, port: number): Promise<string | undefined> {
  const client = new XdsClient(port);
  t.after(() => client.close());
  return (await new Gateway(client, 'ingress').settle()).clusters()[0]?.[0];
}

test('A worker that crashes as it starts is restarted with growing delays, and serves when it no longer crashes', async (t) => {
  const { pool: here, ended } = pool(t, { module: CRASHING });
  const port = await here.listen(GATEWAYS);
  t.after(() => delete process.env['CRASHING']);
  process.env['CRASHING'] = 'yes';
  const [first = 0, second = 0] = workers();
  process.kill(first, 'SIGKILL');
  await eventually('it ended', () => ended.length === 1);
  const begun = performance.now();
  await eventually('so did the one in its place', () => ended.length === 2);
  assert.ok(performance.now() - begun >= 450);
  const [one, two] = ended.map(({ code, waitMs }) => ({ code, waitMs }));
  assert.deepEqual(one, { code: null, waitMs: 500 });
  assert.deepEqual(two, { code: 3, waitMs: 1000 });
  delete process.env['CRASHING'];
  await eventually('another is there', () => workers().length === 2);
  // The other one serves all the while; without it, only the one that came serves.
  process.kill(second, 'SIGKILL');
  await eventually('it serves', async () => (await served(t, port)) === 'a');
  await here.stop();
  assert.deepEqual(workers(), []);
});

test('When none of the first workers can start, nothing is served and nothing is retried', async (t) => {
  t.after(() => delete process.env['CRASHING']);
  process.env['CRASHING'] = 'yes';
  const { pool: here, ended } = pool(t, { module: CRASHING });
  await assert.rejects(here.listen(GATEWAYS), isListenFailed);
  assert.deepEqual([workers(), ended], [[], []]);
});

test('A process that cannot be started counts as a worker that ended, at the start and later', async (t) => {
  const node = process.execPath;
  t.after(() => {
    process.execPath = node;
  });
  process.execPath = '/there/is/no/such/node';
  const { pool: here, ended } = pool(t);
  await assert.rejects(pool(t).pool.listen(GATEWAYS), isListenFailed);
  process.execPath = node;
  const port = await here.listen(GATEWAYS);
  process.execPath = '/there/is/no/such/node';
  process.kill(workers()[0] ?? 0, 'SIGKILL');
  await eventually('starting it failed', () => ended.length === 2);
  process.execPath = node;
  assert.match(ended[1]?.reason ?? '', /ENOENT/);
  await eventually('another is there', () => workers().length === 2);
  assert.equal(await served(t, port), 'a');
});

test('A worker that hangs is ended and replaced', async (t) => {
  const { pool: here, ended } = pool(t, { checkMs: 50 });
  const port = await here.listen(GATEWAYS);
  const [first = 0] = workers();
  process.kill(first, 'SIGSTOP');
  await eventually('it is ended', () => ended.length === 1);
  await eventually('another is there', () => workers().length === 2 && !workers().includes(first));
  assert.equal(await served(t, port), 'a');
  assert.equal(ended.length, 1);
});

test('When all workers end, their replacements serve the same port, with the current snapshot', async (t) => {
  const { pool: here, cache, ended } = pool(t);
  const port = await here.listen(GATEWAYS);
  for (const pid of workers()) process.kill(pid, 'SIGKILL');
  await eventually('they ended', () => ended.length === 2);
  assert.equal(here.serves(), false);
  assert.deepEqual((await here.status()).workers, { expected: 2, serving: 0, silent: 0 });
  cache.set('ingress', state({ cluster: { b: '1' } }));
  await eventually('others serve', async () => (await served(t, port)) === 'b');
  await eventually('both are there', () => workers().length === 2);
  assert.equal(here.serves(), true);
  assert.equal(ended.length, 2);
});

test('Every worker uses a new certificate, also one that is started later', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-workers-'));
  after(() => rmSync(folder, { recursive: true }));
  rsaCa(folder, 'bank.example');
  const made = (uri: string) => leaf({ ca: folder, caTrustDomain: 'bank.example', uris: [uri] });
  const clientCa = readFileSync(join(folder, 'ca.pem'), 'utf8');
  const [one, two] = ['one', 'two'].map((name) => {
    const { cert, key } = made(`spiffe://bank.example/${name}`);
    return { certificateChain: cert, privateKey: key, clientCa };
  });
  const client = made('spiffe://bank.example/gateway/ingress');
  const { pool: here, ended } = pool(t, {}, one);
  const port = await here.listen(GATEWAYS);
  /** What each worker presents: while the others are stopped, only one takes connections. */
  const presented = async (): Promise<readonly (string | undefined)[]> => {
    const seen: (string | undefined)[] = [];
    for (const pid of workers()) {
      const rest = workers().filter((other) => other !== pid);
      for (const other of rest) process.kill(other, 'SIGSTOP');
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...client });
      await once(socket, 'secureConnect').finally(() => {
        for (const other of rest) process.kill(other, 'SIGCONT');
      });
      seen.push(socket.getPeerCertificate().subjectaltname);
      socket.destroy();
    }
    return seen;
  };
  const names = (name: string) => [`URI:spiffe://bank.example/${name}`, `URI:spiffe://bank.example/${name}`];
  assert.deepEqual(await presented(), names('one'));
  here.setTls(two as ServerTls);
  // What they are told in turn, they do in turn: who has reported has heard what was said before.
  await here.status();
  assert.deepEqual(await presented(), names('two'));
  process.kill(workers()[0] ?? 0, 'SIGKILL');
  await eventually('it ended', () => ended.length === 1);
  await eventually(
    'another serves',
    async () => workers().length === 2 && (await presented()).join() === names('two').join(),
  );
});
