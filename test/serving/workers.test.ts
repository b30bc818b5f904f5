// `postern run --workers 2` as real processes, with real gRPC streams: one port, the same bytes, and no process left behind.
// Must not: count on which worker takes a connection; streams are opened until each worker has some.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '../../src/admin/status-view.ts';
import { TYPE } from '../../src/snapshot/resource-types.ts';
import { scene } from '../cli/postern.ts';
import { ANY, get, Served } from '../cli/run/served.ts';
import { eventually } from '../support/mesh.ts';
import { expositionProblems, samplesIn } from '../telemetry/exposition.ts';
import { XdsClient } from '../xds/grpc-client.ts';
import { crowd, Gateway, workerOf } from './gateways.ts';
import { childrenOf, isGone } from './processes.ts';

const UNAVAILABLE = 14;
const PLAIN = ['--workers', '2', '--insecure-xds', '--warm-up', '0'] as const;
const REPLACED = 'a worker ended; another takes its place';

type Samples = ReadonlyMap<string, number>;

async function running(t: TestContext) {
  const here = scene(t);
  const process = new Served(t, ['-f', here.file, ...ANY, ...PLAIN]);
  const client = new XdsClient(await process.xdsPort());
  t.after(() => client.close());
  const children = (): readonly number[] => childrenOf(process.child.pid ?? 0);
  return {
    process,
    client,
    children,
    workers: children(),
    metrics: async (): Promise<Samples> => {
      const text = await (await get(await process.admin(), '/metrics')).text();
      assert.deepEqual(expositionProblems(text), []);
      return samplesIn(text);
    },
    /** Writes the file with a peer's gateway on another port: one cluster of the egress gateway changes, and no name. */
    move: (port: number): void => {
      const moved = here.yaml.replace(/(addresses: \[")[^"]+/, `$1127.0.0.1:${port}`);
      assert.notEqual(moved, here.yaml);
      writeFileSync(`${here.file}.new`, moved);
      renameSync(`${here.file}.new`, here.file);
    },
  };
}

const gatewayOf = (status: Status, role: string) => status.gateways.find(({ gateway }) => gateway === role);
const ingressOf = (status: Status) => gatewayOf(status, 'ingress');
const egressOf = (status: Status) => gatewayOf(status, 'egress');
const nodesOf = (status: Status, role = 'ingress') => gatewayOf(status, role)?.nodes ?? [];
const shownOf = (status: Status, role?: string) =>
  nodesOf(status, role)
    .map(({ nodeId }) => nodeId)
    .sort();
const namesOf = (gateways: readonly Gateway[]) => gateways.map(({ node }) => node).sort();
const takenBy = (gateways: readonly Gateway[]) => Promise.all(gateways.map((gateway) => gateway.take(TYPE.cluster)));
const endsOf = async (gateways: readonly Gateway[]) =>
  new Set((await Promise.all(gateways.map(({ stream }) => stream.end))).map(({ code }) => code));

/** Counters that were higher before. */
function fallen(before: Samples, after: Samples): readonly string[] {
  const counters = [...before].filter(([name]) => /^postern_.*(_total|_push_to_ack_seconds_count)/.test(name));
  assert.ok(counters.length > 5);
  return counters.flatMap(([name, value]) => ((after.get(name) ?? 0) < value ? [name] : []));
}

describe('two workers', () => {
  test('Two workers share the port, apply the decisions of the first process, and are reported as one', async (t) => {
    const { process, client, workers, metrics } = await running(t);
    assert.equal(workers.length, 2);
    const gateways = await crowd(process, client, 'ingress');
    const egress = await new Gateway(client, 'egress').settle();
    const { ingress, egress: other } = (await process.said('ready'))['snapshots'] as Record<string, string>;
    for (const gateway of gateways) {
      assert.equal(gateway.snapshotVersion(), ingress);
      assert.deepEqual(gateway.clusters(), gateways[0]?.clusters());
    }
    // Three grants of HTTP; the grant of TCP has one for its gate and one for its backend.
    assert.equal(gateways[0]?.clusters().length, 5);
    assert.equal(egress.snapshotVersion(), other);
    assert.notEqual(other, ingress);

    await eventually('every acknowledgement has come', async () =>
      nodesOf(await process.status()).every(({ types }) => types.every(({ state }) => state === 'SYNCED')),
    );
    const status = await process.status();
    assert.equal(ingressOf(status)?.snapshotVersion, ingress);
    assert.deepEqual(shownOf(status), namesOf(gateways));
    const samples = await metrics();
    assert.equal(samples.get('postern_xds_streams{gateway="ingress"}'), gateways.length);
    assert.equal(samples.get('postern_xds_streams{gateway="egress"}'), 1);
    assert.equal(samples.get('postern_gateways_connected{gateway="ingress"}'), gateways.length);
    assert.equal(samples.get('postern_gateways_connected{gateway="egress"}'), 1);
    assert.equal(samples.get('postern_gateways_not_in_sync{gateway="ingress"}'), 0);
    for (const type of ['CDS', 'EDS', 'SDS', 'RDS', 'LDS'])
      assert.equal(samples.get(`postern_xds_acks_total{gateway="ingress",type="${type}"}`), gateways.length);
  });

  test('Both workers push an edit on every stream, report a rejection on one stream, and push it again on SIGHUP', async (t) => {
    const { process, client, metrics, move } = await running(t);
    const gateways = await crowd(process, client, 'egress');
    const before = gateways[0]?.snapshotVersion();
    move(11901);
    const [first, ...rest] = gateways as [Gateway, ...Gateway[]];
    await Promise.all([first.take(TYPE.cluster, 'not today'), takenBy(rest)]);
    const after = egressOf(await process.status())?.snapshotVersion;
    assert.notEqual(after, before);
    assert.deepEqual(new Set(gateways.map((gateway) => gateway.snapshotVersion())), new Set([after]));

    const rejecting = async (): Promise<readonly string[]> =>
      nodesOf(await process.status(), 'egress').flatMap(({ nodeId, types }) =>
        types.flatMap(({ type, nack }) => (nack === undefined ? [] : [`${nodeId} ${type} ${nack.message}`])),
      );
    await eventually('the rejection is shown', async () => (await rejecting()).length > 0);
    assert.deepEqual(await rejecting(), [`${first.node} CDS not today`]);
    assert.equal((await metrics()).get('postern_xds_nacks_total{gateway="egress",type="CDS"}'), 1);
    assert.equal((await metrics()).get('postern_gateways_not_in_sync{gateway="egress"}'), 1);
    process.child.kill('SIGHUP');
    await first.take(TYPE.cluster);
    await eventually('it is accepted', async () => (await rejecting()).length === 0);
    assert.equal(
      rest.some(({ stream }) => stream.waiting() > 0),
      false,
    );
  });

  test('On SIGTERM the workers end every stream, the first process ends with 0, and no worker is left', async (t) => {
    const { process, client, workers } = await running(t);
    const gateways = await crowd(process, client, 'ingress');
    assert.equal(await process.stop('SIGTERM'), 0);
    assert.deepEqual(await endsOf(gateways), new Set([UNAVAILABLE]));
    assert.deepEqual(
      workers.map((pid) => isGone(pid)),
      [true, true],
    );
    assert.equal(process.all(REPLACED).length, 0);
  });

  test('Workers end when the first process is killed', async (t) => {
    const { process, client, workers } = await running(t);
    const gateways = await crowd(process, client, 'ingress');
    assert.equal(await process.stop('SIGKILL'), null);
    assert.deepEqual(await endsOf(gateways), new Set([UNAVAILABLE]));
    assert.equal(workers.length, 2);
    await eventually('they are gone', () => workers.every((pid) => isGone(pid)));
  });
});

// Two at once: one of them waits most of the time.
describe('a worker', { concurrency: 2 }, () => {
  test('A worker that hangs delays neither /status nor /metrics nor the shutdown', async (t) => {
    const { process, client, workers, metrics } = await running(t);
    const gateways = await crowd(process, client, 'ingress');
    const before = await metrics();
    globalThis.process.kill(workers[0] ?? 0, 'SIGSTOP');
    const [shown, after] = await Promise.all([process.status(), metrics()]);
    const answering = [1, 2].map((worker) => namesOf(gateways.filter((one) => workerOf(process, one) === worker)));
    assert.ok(answering.some((names) => names.join() === shownOf(shown).join()));
    assert.deepEqual(fallen(before, after), []);
    assert.equal(after.get('postern_xds_streams{gateway="ingress"}'), shownOf(shown).length);
    assert.deepEqual(shown.workers, { expected: 2, serving: 2, silent: 1 });
    assert.equal(before.get('postern_workers{state="silent"}'), 0);
    assert.equal(after.get('postern_workers{state="silent"}'), 1);
    assert.equal(await process.stop('SIGTERM'), 0);
    assert.equal(workers.length, 2);
    assert.ok(workers.every((pid) => isGone(pid)));
  });

  test('A worker that is killed loses only its own streams, and its replacement serves the current snapshot', async (t) => {
    const { process, client, workers, children, metrics, move } = await running(t);
    const gateways = await crowd(process, client, 'egress');
    const before = await metrics();
    globalThis.process.kill(workers[0] ?? 0, 'SIGKILL');
    const worker = (await process.said(REPLACED))['worker'] as number;
    const lost = gateways.filter((gateway) => workerOf(process, gateway) === worker);
    const kept = gateways.filter((gateway) => workerOf(process, gateway) !== worker);
    assert.ok(lost.length > 0 && kept.length > 0);
    assert.deepEqual(await endsOf(lost), new Set([UNAVAILABLE]));
    const [down, shown] = await Promise.all([metrics(), process.status()]);
    assert.deepEqual(fallen(before, down), []);
    assert.equal(down.get('postern_xds_streams{gateway="egress"}'), kept.length);
    assert.deepEqual(shownOf(shown, 'egress'), namesOf(kept));

    move(11902);
    await takenBy(kept);
    const version = egressOf(await process.status())?.snapshotVersion;
    assert.notEqual(version, lost[0]?.snapshotVersion());
    await eventually('another has its place', () => children().length === 2);
    assert.equal(
      children().some((pid) => pid === workers[0]),
      false,
    );
    const later = await crowd(process, client, 'egress', [worker]);
    for (const gateway of [...kept, ...later]) assert.equal(gateway.snapshotVersion(), version);
    // It hears what comes after, as the others do.
    move(11903);
    await takenBy([...kept, ...later]);
    const next = egressOf(await process.status())?.snapshotVersion;
    assert.notEqual(next, version);
    for (const gateway of [...kept, ...later]) assert.equal(gateway.snapshotVersion(), next);
    const end = await metrics();
    assert.deepEqual(fallen(down, end), []);
    assert.ok(Number(before.get('postern_xds_push_to_ack_seconds_count{gateway="egress"}')) > 0);
    for (const labels of ['', '{worker="1"}', '{worker="2"}'])
      assert.ok(Number(end.get(`process_resident_memory_bytes${labels}`)) > 0, labels);
    assert.equal(end.get('postern_xds_streams{gateway="egress"}'), kept.length + later.length);
    assert.equal(process.all(REPLACED).length, 1);
  });

  test('A port in use is LISTEN_FAILED with workers too, and leaves no process', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const process = new Served(t, ['-f', scene(t).file, '--xds', address, '--admin', '127.0.0.1:0', ...PLAIN]);
    const seen = new Set<number>();
    while (process.child.exitCode === null && process.child.signalCode === null) {
      for (const pid of childrenOf(process.child.pid ?? 0)) seen.add(pid);
      await sleep(5);
    }
    assert.equal(process.child.exitCode, 1);
    assert.match(process.stderr, /^postern: LISTEN_FAILED /m);
    // The port is tried before workers start.
    assert.equal(seen.size, 0);
    assert.equal(process.all(REPLACED).length, 0);
  });
});
