// Tests the server against a client that shares no code with it: bench/peer/xdsload, in Go, over raw HTTP/2 and grpc-go. It
// decodes all responses by Envoy's Go messages, counts what breaks the protocol (bench/peer, kinds of
// `protocol_errors_by_kind`), and compares with go-control-plane.
// Must not: be skipped where Go is missing (it fails), or judge speed.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type BenchCertificates, makeCertificates } from '../../../bench/certificates.ts';
import { bumped, readDump } from '../../../bench/dump.ts';
import type { Target } from '../../../bench/load.ts';
import { type Binaries, buildBinaries, type ServerName, startServer } from '../../../bench/servers.ts';
import { Processes } from '../../../deploy/demo/processes.ts';
import { createResource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot, updateSnapshot } from '../../../src/snapshot/snapshot.ts';
import { eventually } from '../../support/mesh.ts';
import { runningServer } from '../running-server.ts';

const MODES = ['sotw', 'delta'] as const;
type Mode = (typeof MODES)[number];
const STREAMS = 20;
const PEERS = 10;
const SERVICES = 20;
const ALL_TYPES = 'cds,lds,rds,sds';

/** What of xdsload's report is asserted. */
interface Report {
  readonly protocol_errors: number;
  readonly protocol_errors_by_kind: Readonly<Record<string, number>>;
  readonly protocol_error_samples?: readonly string[];
  readonly nacks: number;
  readonly repushed_after_nack: number;
  readonly storm: { readonly ok: boolean; readonly complete: number; readonly resources: number };
  readonly fanout?: readonly { readonly ok: boolean; readonly updated: number; readonly resources: number }[];
  readonly churn?: { readonly pairs: number };
  /** How many streams hold what, as fingerprints of all names and bytes; at the start, and at the end. */
  readonly digests?: Readonly<Record<string, number>>;
  readonly digests_end?: Readonly<Record<string, number>>;
  readonly resources_held?: Readonly<Record<string, number>>;
}

const folder = mkdtempSync(join(tmpdir(), 'postern-go-client-'));
const processes = new Processes(join(folder, 'logs'));
const dump = join(folder, 'dump.bin');
let binaries: Binaries;
let certificates: BenchCertificates;

before(async () => {
  binaries = await buildBinaries(processes, join(folder, 'bin'));
  const size = ['--peers', `${PEERS}`, '--services', `${SERVICES}`];
  await processes.run('gcp --dump', binaries.gcp, [...size, '--dump', dump]);
  certificates = makeCertificates(folder);
});

after(async () => {
  await processes.stopAll();
  rmSync(folder, { recursive: true });
});

async function serve(t: TestContext, name: ServerName, tls: boolean): Promise<Target> {
  const { running, target } = await startServer(processes, name, binaries, dump, false, tls ? certificates : undefined);
  t.after(() => running.stop());
  return target;
}

/** Runs the Go client to its end. Errors: its exit status is not 0; what it found wrong is in the message. */
async function xdsload(target: Pick<Target, 'address' | 'tls'>, mode: Mode, args: readonly string[]): Promise<Report> {
  const file = join(mkdtempSync(join(folder, 'report-')), 'report.json');
  const tls = target.tls;
  const secured =
    tls === undefined
      ? []
      : ['--tls-ca', tls.ca, '--tls-cert', tls.client.cert, '--tls-key', tls.client.key].concat([
          '--tls-server-name',
          'localhost',
        ]);
  // How long it looks for what should not come, after all that should is there.
  const quiet = ['--settle', '200ms', '--interval', '100ms'];
  const line = ['--addr', target.address, '--mode', mode, '--streams', `${STREAMS}`, '--json', file, ...quiet];
  try {
    await processes.run('xdsload', binaries.xdsload, [...line, ...secured, ...args]);
  } catch (error) {
    let found: unknown;
    try {
      const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
      found = report.protocol_error_samples ?? report;
    } catch {
      // It ended before it had anything to report; `error` says why.
    }
    throw new Error(`xdsload ${args.join(' ')}: ${JSON.stringify(found)}`, { cause: error });
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}

/** Errors: a stream without its full set, or without one of the rounds, or anything against the protocol. */
function assertServed(report: Report, rounds: number, streams = STREAMS): void {
  assert.deepEqual(report.protocol_errors_by_kind, {});
  assert.equal(report.protocol_errors, 0);
  assert.equal(report.storm.complete, streams);
  assert.deepEqual(
    (report.fanout ?? []).map(({ ok, updated }) => ({ ok, updated })),
    Array.from({ length: rounds }, () => ({ ok: true, updated: streams })),
  );
}

/** The one fingerprint of what all streams hold. */
function agreed(digests: Readonly<Record<string, number>> | undefined): string {
  const [digest = '', ...others] = Object.keys(digests ?? {});
  assert.deepEqual([digests?.[digest], others], [STREAMS, []], 'all streams hold the same');
  return digest;
}

const CHANGES = [
  ...['cds', 'rds', 'sds'].map((type) => ({ what: `what=one&type=${type}`, types: type, rounds: 5 })),
  { what: 'what=all', types: ALL_TYPES, rounds: 1 },
];

/** Takes a fresh server through all changes. Returns what all streams held before and after each kind of change. */
async function walk(target: Target, mode: Mode): Promise<readonly string[]> {
  const states: string[] = [];
  for (const { what, types, rounds } of CHANGES) {
    const trigger = ['--trigger-http', `http://${target.http}/bump?${what}`, '--fanout-types', types];
    const report = await xdsload(target, mode, ['--decode', ...trigger, '--rounds', `${rounds}`]);
    assertServed(report, rounds);
    const [clusters, secrets] = [PEERS * SERVICES, PEERS * 2];
    assert.deepEqual(report.resources_held, { cds: clusters, lds: 1, rds: PEERS, sds: secrets });
    states.push(agreed(report.digests), agreed(report.digests_end));
  }
  return states;
}

describe('the Go client', { concurrency: 3 }, () => {
  for (const mode of MODES)
    test(`The Go client (${mode}) finds no error, and the same state as at go-control-plane, before and after every change, with mutual TLS and in plaintext`, async (t) => {
      const expected = await walk(await serve(t, 'snapshot', false), mode);
      assert.equal(new Set(expected).size, CHANGES.length + 1, 'each kind of change leads to another state');
      for (const tls of [false, true])
        assert.deepEqual(await walk(await serve(t, 'postern', tls), mode), expected, tls ? 'mutual TLS' : 'plaintext');
    });

  for (const mode of MODES)
    test(`Rules 17, 18, 47: a response that the Go client (${mode}) rejected is not sent again until a resource of it changes, and then whole`, async (t) => {
      const resources = readDump(readFileSync(dump)).flatMap(({ typeUrl, resources: all }) =>
        all.map(({ name, body }) => ({ body, resource: createResource(typeUrl, name, body) })),
      );
      const snapshot = createSnapshot(resources.map(({ resource }) => resource));
      const { cache, port, events } = await runningServer(t, snapshot);
      const trigger = createServer((_request, response) => {
        const { body, resource } = resources.find((one) => one.resource.typeUrl === TYPE.cluster) ?? assert.fail();
        const changed = [createResource(TYPE.cluster, resource.name, bumped(body, 1))];
        cache.set('ingress', updateSnapshot(snapshot, { changed, removed: [] }));
        response.end();
      }).listen(0, '127.0.0.1');
      t.after(() => trigger.close());
      await new Promise((listening) => trigger.once('listening', listening));
      const url = `http://127.0.0.1:${(trigger.address() as AddressInfo).port}/`;
      // Without --decode: the client would count what it rejected as what it has, and rule 47 as a repetition.
      const report = await xdsload({ address: `127.0.0.1:${port}`, tls: undefined }, mode, [
        ...['--streams', '1', '--nack', 'cds', '--trigger-http', url, '--rounds', '1', '--fanout-types', 'cds'],
      ]);
      assertServed(report, 1, 1);
      assert.deepEqual([report.nacks, report.repushed_after_nack], [1, 0]);
      assert.equal(report.fanout?.[0]?.resources, PEERS * SERVICES);
      const rejected = 'nack CDS xdsload: rejected on purpose';
      await eventually('the changed state is accepted', () => events.lastIndexOf('ack CDS') > events.indexOf(rejected));
      assert.deepEqual(
        events.filter((event) => event.startsWith('nack')),
        [rejected],
      );
      // To the stream that learns the names before, to the one that rejects, and after the change: each that was rejected alone.
      const again = mode === 'delta' ? PEERS * SERVICES : 1;
      assert.equal(events.filter((event) => event === 'pushed CDS').length, 2 + again);
    });

  for (const mode of MODES)
    test(`The Go client (${mode}) changes its subscriptions without a pause, over raw HTTP/2 and grpc-go, and finds no error`, async (t) => {
      const target = await serve(t, 'postern', true);
      for (const [transport, churn] of [
        [['raw'], '1s'],
        [['grpc', '--conns', '4'], '200ms'],
      ] as const) {
        const report = await xdsload(target, mode, ['--decode', '--churn', churn, '--transport', ...transport]);
        assertServed(report, 0);
        assert.ok((report.churn?.pairs ?? 0) >= STREAMS, 'every stream was answered while it changed');
        assert.equal(agreed(report.digests_end), agreed(report.digests));
      }
    });
});
