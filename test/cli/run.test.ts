// `postern run` and `postern status`: a process that serves, is asked, is told to read again, and is stopped.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { Status } from '../../src/admin/status-view.ts';
import { nodeWarning } from '../../src/cli/node-version.ts';
import { expositionProblems, samplesIn } from '../telemetry/exposition.ts';
import { codeOf, type Ended, postern, refusal, scene } from './postern.ts';
import { ANY, get, Served, served } from './served.ts';

describe('run', () => {
  test('serves until SIGTERM, and then ends with 0', async (t) => {
    const { process, admin } = await served(t);
    for (const path of ['/healthz', '/readyz', '/metrics', '/status'])
      assert.equal((await get(admin, path)).status, 200);
    assert.equal(await process.stop('SIGTERM'), 0);
  });

  test('SIGINT ends it as well', async (t) => {
    assert.equal(await (await served(t)).process.stop('SIGINT'), 0);
  });

  test('a file that is missing is 65, and nothing ever listens', async (t) => {
    assert.deepEqual(refusal(await postern(['run', '-f', `${scene(t).folder}/none.yaml`, ...ANY])).slice(0, 1), [65]);
  });

  test('an address that is taken is 1, for xDS and for admin', async (t) => {
    const { file } = scene(t);
    const taken = createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    for (const [name, other] of [
      ['xds', 'admin'],
      ['admin', 'xds'],
    ]) {
      const ended: Ended = await postern(['run', '-f', file, `--${name}`, address, `--${other}`, '127.0.0.1:0']);
      assert.equal(ended.status, 1);
      assert.match(ended.stderr, /^postern: LISTEN_FAILED /m);
    }
  });

  test('says on stderr when Node has known holes, and only then', async (t) => {
    const { process } = await served(t);
    const warning = nodeWarning(globalThis.process.versions.node);
    assert.equal(process.stderr, warning === undefined ? '' : `postern: ${warning}\n`);
  });

  test('an edit that comes as soon as it is ready is not missed', async (t) => {
    const { here, process } = await served(t);
    writeFileSync(here.file, here.yaml.replace('127.0.0.1:11001', '127.0.0.1:11901'));
    await process.said('configuration applied');
  });

  test('SIGHUP reads again; what cannot be served is shown, and changes nothing that is', async (t) => {
    const { here, process, admin } = await served(t);
    const status = async (): Promise<Status> => (await (await get(admin, '/status')).json()) as Status;
    const before = await status();
    writeFileSync(here.file, here.yaml.replace('trustDomain: shop.example', 'trustDomain: bank.example'));
    process.child.kill('SIGHUP');
    await process.said('configuration rejected');
    const after = await status();
    assert.deepEqual(after.gateways, before.gateways);
    assert.deepEqual(
      after.config.rejected?.diagnostics.map(({ line, code }) => [line, code]),
      [
        [22, 'TRUST_DOMAIN_OURS'],
        [23, 'BUNDLE_FOREIGN'],
      ],
    );
    const table = await postern(['status', '--admin', admin]);
    assert.deepEqual([table.status, table.stderr], [0, '']);
    assert.match(table.stdout, /^\S+bank\.yaml:22:\d+ TRUST_DOMAIN_OURS /m);
    const metrics = samplesIn(await (await get(admin, '/metrics')).text());
    assert.equal(metrics.get('postern_config_reloads_total{result="rejected"}'), 1);
    assert.equal(metrics.get('postern_config_reloads_total{result="applied"}'), 1);
  });
});

test('A running process with --require-end does not serve a file that was cut, and serves the whole file', async (t) => {
  const here = scene(t);
  const [start = '', end = ''] = here.yaml.split('- name: ledger.audit');
  writeFileSync(here.file, `${here.yaml}...\n`);
  const process = new Served(t, ['-f', here.file, ...ANY], { env: { POSTERN_REQUIRE_END: 'true' } });
  const before = await process.status();
  // Valid YAML, and a whole configuration by itself.
  writeFileSync(here.file, start);
  await process.said('configuration rejected');
  const cut = await process.status();
  assert.deepEqual(cut.gateways, before.gateways);
  assert.deepEqual(
    cut.config.rejected?.diagnostics.map(({ code }) => code),
    ['END_MISSING'],
  );
  writeFileSync(here.file, `${start}- name: ledger.audits${end}...\n`);
  await process.said('configuration applied');
  assert.notDeepEqual((await process.status()).gateways, before.gateways);
});

describe('a first file that is not parsed in time', () => {
  const hostile = `a: [${'"",'.repeat(2_000_000)}1]\n`;

  test('ends nothing: it is read again, and what stands there by then is served', async (t) => {
    const here = scene(t);
    writeFileSync(here.file, hostile);
    const process = new Served(t, ['-f', here.file, ...ANY]);
    const { diagnostics } = await process.said('it is read again');
    assert.match(String(diagnostics), /YAML_TIMEOUT/);
    writeFileSync(here.file, here.yaml);
    await process.said('ready');
    assert.equal(await process.stop('SIGTERM'), 0);
  });

  test('SIGTERM ends the waiting', async (t) => {
    const here = scene(t);
    writeFileSync(here.file, hostile);
    const process = new Served(t, ['-f', here.file, ...ANY]);
    await process.said('it is read again');
    assert.equal(await process.stop('SIGTERM'), 0);
  });
});

describe('the state folder', () => {
  test('a CA that is made at start is warned of, and its fingerprint shown; one that was there is not', async (t) => {
    const { here, process, admin } = await served(t);
    const { caFingerprint } = await process.said('a new one was made');
    const [shown, table] = [await process.status(), await postern(['status', '--admin', admin])];
    assert.deepEqual([shown.controlPlaneCa.fingerprint, shown.controlPlaneCa.made], [caFingerprint, true]);
    assert.ok(table.stdout.includes(String(caFingerprint)));
    await process.stop('SIGTERM');
    const again = (await served(t, here, ['--require-state'])).process;
    const { controlPlaneCa } = await again.status();
    assert.deepEqual([controlPlaneCa.fingerprint, controlPlaneCa.made], [caFingerprint, false]);
    assert.deepEqual(again.all('a new one was made'), []);
  });

  test('that must be there and is not is STATE_UNUSABLE, by flag and by variable, and nothing is made', async (t) => {
    const here = scene(t);
    const run = ['run', '-f', here.file, ...ANY];
    for (const ended of [
      await postern([...run, '--require-state']),
      await postern(run, { env: { POSTERN_REQUIRE_STATE: 'true' } }),
      await postern(['certs', 'gateway', 'ingress', '-f', here.file, '--out', `${here.folder}/out`, '--require-state']),
    ]) {
      assert.equal(ended.status, 1);
      assert.match(ended.stderr, /^postern: STATE_UNUSABLE /m);
    }
    assert.equal(existsSync(`${here.folder}/bank.state`), false);
    assert.equal((await postern(run, { env: { POSTERN_REQUIRE_STATE: 'yes' } })).status, 64);
  });
});

describe('the admin port of a running process', () => {
  test('its metrics are Prometheus’ text format, and tell what is served', async (t) => {
    const { admin } = await served(t);
    const answer = await get(admin, '/metrics');
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const text = await answer.text();
    assert.deepEqual(expositionProblems(text), []);
    const samples = samplesIn(text);
    assert.equal(samples.get('postern_peers'), 2);
    assert.equal(samples.get('postern_snapshot_resources{gateway="ingress",type="Listener"}'), 1);
    const expiry = samples.get('postern_certificate_expiry_timestamp_seconds{kind="bundle",peer="shop"}') ?? 0;
    for (const kind of ['issuer', 'control-plane-ca'])
      assert.ok((samples.get(`postern_certificate_expiry_timestamp_seconds{kind="${kind}"}`) ?? 0) > Date.now() / 1000);
    assert.ok(expiry > Date.now() / 1000);
    assert.ok(Math.abs((samples.get('postern_config_last_success_timestamp_seconds') ?? 0) - Date.now() / 1000) < 60);
  });

  test('its status names mesh, file, gateways, peers and certificates, and holds no key', async (t) => {
    const { here, admin } = await served(t);
    const text = await (await get(admin, '/status')).text();
    const status = JSON.parse(text) as Status;
    assert.deepEqual([status.mesh, status.trustDomain], ['bank', 'bank.example']);
    assert.equal(status.config.file, here.file);
    assert.match(status.config.sha256, /^[0-9a-f]{64}$/);
    assert.equal(new Date(status.config.appliedAt).toISOString(), status.config.appliedAt);
    assert.deepEqual(
      status.gateways.map(({ gateway, nodes }) => [gateway, nodes]),
      [
        ['ingress', []],
        ['egress', []],
      ],
    );
    assert.deepEqual(status.peers.map(({ name }) => name).sort(), ['partner', 'shop']);
    const ends = status.certificateEnds.map(({ kind, peer }) => (peer === undefined ? kind : `${kind} ${peer}`));
    for (const kind of [
      'issuer',
      'control-plane-ca',
      'bundle shop',
      'bundle partner',
      'cert-ingress shop',
      'cert-egress shop',
    ])
      assert.ok(ends.includes(kind), kind);
    const times = status.certificateEnds.map(({ notAfter }) => notAfter);
    assert.deepEqual(times, [...times].sort());
    // R10: one certificate for each gateway and peer that meet.
    assert.deepEqual(status.certificates.map(({ gateway, peer }) => `${gateway} ${peer}`).sort(), [
      'egress shop',
      'ingress partner',
      'ingress shop',
    ]);
    assert.doesNotMatch(text, /PRIVATE|BEGIN/);
  });
});

describe('status', () => {
  test('prints a table, or the same as JSON', async (t) => {
    const { admin } = await served(t);
    const [table, json] = await Promise.all([
      postern(['status', '--admin', admin]),
      postern(['status', '--admin', `http://${admin}`, '-o', 'json']),
    ]);
    assert.deepEqual([table.status, table.stderr, json.status, json.stderr], [0, '', 0, '']);
    const lines = table.stdout.split('\n');
    const head = lines.findIndex((line) => line.startsWith('GATEWAY'));
    assert.deepEqual(lines[head]?.split(/ {2,}/), [
      'GATEWAY',
      'NODE',
      'CDS',
      'EDS',
      'SDS',
      'RDS',
      'LDS',
      'CONNECTED SINCE',
    ]);
    assert.deepEqual(
      lines.slice(head + 1, head + 3).map((line) => line.split(/ {2,}/).slice(0, 2)),
      [
        ['ingress', '(none connected)'],
        ['egress', '(none connected)'],
      ],
    );
    assert.deepEqual(JSON.parse(json.stdout), await (await get(admin, '/status')).json());
  });

  test('nobody there is 69', async () => {
    assert.deepEqual(refusal(await postern(['status', '--admin', '127.0.0.1:1'])), [69, 'ADMIN_UNREACHABLE', '']);
  });

  for (const [what, code, body] of [
    ['an error', 503, 'no'],
    ['no JSON', 200, '<html></html>'],
    ['JSON that is not ours', 200, '{}'],
    ['a list', 200, '[]'],
    ['null', 200, 'null'],
  ] as const) {
    test(`somebody else there, who answers with ${what}, is 69`, async (t) => {
      const other = createServer((_, response) => response.writeHead(code).end(body)).listen(0, '127.0.0.1');
      t.after(() => other.close());
      await once(other, 'listening');
      const ended = await postern(['status', '--admin', `127.0.0.1:${(other.address() as AddressInfo).port}`]);
      assert.deepEqual([ended.status, codeOf(ended), ended.stdout], [69, 'ADMIN_UNREACHABLE', '']);
      assert.equal(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr);
    });
  }
});
