// `postern run` and `postern status`: a process that serves, is asked, is told to read again, and is stopped.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Status } from '../../../src/admin/status-view.ts';
import { nodeWarning } from '../../../src/cli/node-version.ts';
import { expositionProblems, samplesIn } from '../../telemetry/exposition.ts';
import { codeOf, type Ended, postern, refusal, scene } from '../postern.ts';
import { ANY, get, Served, served } from './served.ts';

const LINE = JSON.stringify({ ts: '2026-11-29T12:00:00Z', gateway: 'bank/ingress', layer: 'http', reason: 'METHOD' });

describe('run', () => {
  test('The command run serves until SIGTERM, and then ends with 0', async (t) => {
    const { process, admin } = await served(t);
    for (const path of ['/healthz', '/readyz', '/metrics', '/status'])
      assert.equal((await get(admin, path)).status, 200);
    assert.equal(await process.stop('SIGTERM'), 0);
  });

  test('SIGINT ends it as well', async (t) => {
    assert.equal(await (await served(t)).process.stop('SIGINT'), 0);
  });

  test('A missing file exits with 65, and run never listens', async (t) => {
    assert.deepEqual(refusal(await postern(['run', '-f', `${scene(t).folder}/none.yaml`, ...ANY])).slice(0, 1), [65]);
  });

  test('An address that is already in use exits with 1, for xDS and for admin', async (t) => {
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

  test('The command run warns on stderr when Node has known vulnerabilities, and only then', async (t) => {
    const { process } = await served(t);
    const warning = nodeWarning(globalThis.process.versions.node);
    assert.equal(process.stderr, warning === undefined ? '' : `postern: ${warning}\n`);
  });

  test('An edit that comes as soon as run is ready is not missed', async (t) => {
    const { here, process } = await served(t);
    writeFileSync(here.file, here.yaml.replace('127.0.0.1:11001', '127.0.0.1:11901'));
    await process.said('configuration applied');
  });

  test('SIGHUP reads the file again; a file that cannot be served is shown, and changes nothing that is served', async (t) => {
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
    // The watch may have read it as well, before the signal or after it.
    assert.ok([1, 2].includes(metrics.get('postern_config_reloads_total{result="rejected"}') ?? 0));
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

describe('a first file that is not parsed in time', { concurrency: true }, () => {
  const hostile = `a: [${'"",'.repeat(2_000_000)}1]\n`;

  test('The command run reads the file again until it can be parsed, and then serves its content', async (t) => {
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
  test('A CA that is created at start is logged with its fingerprint, and one that exists is not', async (t) => {
    const { here, process, admin } = await served(t);
    const { caFingerprint, level } = await process.said('a new one was made');
    assert.equal(level, 'info');
    const [shown, table] = [await process.status(), await postern(['status', '--admin', admin])];
    assert.deepEqual([shown.controlPlaneCa.fingerprint, shown.controlPlaneCa.made], [caFingerprint, true]);
    assert.ok(table.stdout.includes(String(caFingerprint)));
    // At a first start no gateway has a certificate of an earlier CA.
    assert.doesNotMatch(table.stdout, /earlier/);
    await process.stop('SIGTERM');
    const again = (await served(t, here, ['--require-state'])).process;
    const { controlPlaneCa } = await again.status();
    assert.deepEqual([controlPlaneCa.fingerprint, controlPlaneCa.made], [caFingerprint, false]);
    assert.deepEqual(again.all('a new one was made'), []);
  });

  test('A required state folder that is missing is STATE_UNUSABLE, by flag and by variable, and nothing is created', async (t) => {
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
  test('/metrics of a running process is in Prometheus’ text format, and describes what is served', async (t) => {
    const { admin } = await served(t);
    const answer = await get(admin, '/metrics');
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const text = await answer.text();
    assert.deepEqual(expositionProblems(text), []);
    const samples = samplesIn(text);
    assert.equal(samples.get('postern_peers'), 2);
    // The listener of the peers, and the gate of its TCP export.
    assert.equal(samples.get('postern_snapshot_resources{gateway="ingress",type="Listener"}'), 2);
    const expiry = samples.get('postern_certificate_expiry_timestamp_seconds{kind="bundle",peer="shop"}') ?? 0;
    for (const kind of ['issuer', 'control-plane-ca'])
      assert.ok((samples.get(`postern_certificate_expiry_timestamp_seconds{kind="${kind}"}`) ?? 0) > Date.now() / 1000);
    assert.ok(expiry > Date.now() / 1000);
    assert.ok(Math.abs((samples.get('postern_config_last_success_timestamp_seconds') ?? 0) - Date.now() / 1000) < 60);
  });

  test('/status names mesh, file, gateways, peers and certificates, and holds no key', async (t) => {
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
    // A key of its own for each gateway and peer that meet.
    assert.deepEqual(status.certificates.map(({ gateway, peer }) => `${gateway} ${peer}`).sort(), [
      'egress shop',
      'ingress partner',
      'ingress shop',
    ]);
    assert.doesNotMatch(text, /PRIVATE|BEGIN/);
  });
});

describe('status', () => {
  test('The command status prints text for people, or everything as JSON', async (t) => {
    const { admin } = await served(t);
    const [table, json] = await Promise.all([
      postern(['status', '--admin', admin]),
      postern(['status', '--admin', `http://${admin}`, '-o', 'json']),
    ]);
    assert.deepEqual([table.status, table.stderr, json.status, json.stderr], [0, '', 0, '']);
    assert.match(table.stdout, /^ingress gateway: none connected$/m);
    assert.match(table.stdout, /^shop {2,}shop\.example {2,}served {2,}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m);
    assert.deepEqual(JSON.parse(json.stdout), await (await get(admin, '/status')).json());
  });

  test('The command status names exports with the peers that may use them, imports, and the certificates of each bundle', async (t) => {
    const { here, admin } = await served(t);
    const status = (await (await get(admin, '/status')).json()) as Status;
    const granted = status.exports.filter(({ peers }) => peers.includes('shop')).map(({ name }) => name);
    assert.ok(granted.length > 0);
    assert.deepEqual(
      status.imports.map(({ peer, denied }) => [peer, denied]),
      status.imports.map(() => ['shop', false]),
    );
    const shop = new X509Certificate(readFileSync(join(here.folder, 'pki/shop/ca.pem')));
    assert.deepEqual(status.peers.find(({ name }) => name === 'shop')?.bundleCertificates, [
      shop.fingerprint256.replaceAll(':', '').toLowerCase(),
    ]);
    const { stdout } = await postern(['status', '--admin', admin]);
    for (const name of [...granted, ...status.imports.map(({ as, port }) => `${as}:${port}`)])
      assert.ok(stdout.includes(`\n${name} `), name);
  });

  test('The command status, and validate, name each grant that is over, with its last day', async (t) => {
    const here = scene(t);
    const file = here.edited('over.yaml', (yaml) => yaml.replace('expires: 2099-12-31', 'expires: 2026-01-31'));
    const { admin } = await served(t, { ...here, file });
    const { exports, config } = (await (await get(admin, '/status')).json()) as Status;
    assert.deepEqual(
      exports.flatMap(({ name, peers, ended }) => (ended === undefined ? [] : [[name, peers, ended]])),
      [['ledger.audit', [], [{ peer: 'partner', lastDay: '2026-01-31' }]]],
    );
    assert.deepEqual(
      config.warnings.map(({ code }) => code).filter((code) => code === 'GRANT_EXPIRED'),
      ['GRANT_EXPIRED'],
    );
    const samples = samplesIn(await (await get(admin, '/metrics')).text());
    const series = 'postern_grant_expiry_timestamp_seconds{peer="partner",export="ledger.audit"}';
    assert.equal(samples.get(series), Date.UTC(2026, 1, 1) / 1000, [...samples.keys()].join('\n'));
    const { stdout } = await postern(['status', '--admin', admin]);
    assert.match(stdout, /^the grant of ledger\.audit to partner ended on 2026-01-31/m);
    const checked = await postern(['validate', '-f', file, '-o', 'json']);
    assert.ok(checked.stdout.includes('GRANT_EXPIRED'), checked.stdout);
  });

  test('An address where nothing listens exits with 69, and the error names the address and the next step', async () => {
    const ended = await postern(['status', '--admin', '127.0.0.1:1']);
    assert.deepEqual(refusal(ended), [69, 'ADMIN_UNREACHABLE', '']);
    assert.match(ended.stderr, /--admin 127\.0\.0\.1:1: nothing listens there; start postern run, or give the address/);
    const set = await postern(['status'], { env: { POSTERN_ADMIN: '127.0.0.1:1' } });
    assert.match(set.stderr, /POSTERN_ADMIN 127\.0\.0\.1:1: nothing listens there/);
  });

  test('The xDS port in the place of the admin port exits with 69, and the error says that it speaks TLS', async (t) => {
    const { process } = await served(t);
    const ended = await postern(['status', '--admin', `127.0.0.1:${await process.xdsPort()}`]);
    assert.deepEqual(refusal(ended), [69, 'ADMIN_UNREACHABLE', '']);
    assert.match(ended.stderr, /what listens there speaks TLS/);
  });

  test('The admin port of an Envoy in the place of ours exits with 69, and the error names it', async (t) => {
    for (const [code, body] of [
      [403, 'request to path /status not allowed\n'],
      [404, 'invalid path. admin commands are:\n  /: Admin home page\n'],
    ] as const) {
      const envoy = createServer((_, response) => response.writeHead(code).end(body)).listen(0, '127.0.0.1');
      t.after(() => envoy.close());
      await once(envoy, 'listening');
      const ended = await postern(['status', '--admin', `127.0.0.1:${(envoy.address() as AddressInfo).port}`]);
      assert.deepEqual(refusal(ended), [69, 'ADMIN_UNREACHABLE', '']);
      assert.match(ended.stderr, /is the admin port of an Envoy/);
    }
  });

  test('--check names the peer and the code of a rejected bundle in its last line', async (t) => {
    const { here, process, admin } = await served(t);
    writeFileSync(`${here.folder}/pki/shop/ca.pem`, 'rubbish');
    await process.said('one trust bundle has an error');
    const { stderr } = await postern(['status', '--admin', admin, '--check']);
    assert.match(
      stderr.trimEnd().split('\n').at(-1) ?? '',
      /a part of the file was rejected \(shop BUNDLE_UNPARSABLE\)/,
    );
  });

  test('The status has the absolute path of the file', async (t) => {
    const here = scene(t);
    const process = new Served(t, ['-f', 'bank.yaml', ...ANY], { cwd: here.folder });
    assert.equal((await process.status()).config.file, realpathSync(here.file));
  });

  test('--check exits with 75 after the status when no gateway is connected, or when the file was rejected', async (t) => {
    const { here, process, admin } = await served(t);
    const plain = await postern(['status', '--admin', admin]);
    const checked = await postern(['status', '--admin', admin, '--check']);
    assert.deepEqual([plain.status, checked.status, codeOf(checked)], [0, 75, 'NOT_IN_SYNC']);
    assert.equal(checked.stdout.split('\n')[0], plain.stdout.split('\n')[0]);
    assert.match(checked.stderr, /no ingress gateway is connected; no egress gateway is connected/);
    writeFileSync(here.file, 'broken: true\n');
    await process.said('configuration rejected');
    const rejected = await postern(['status', '--admin', admin, '--check', '-o', 'json']);
    assert.deepEqual([rejected.status, (JSON.parse(rejected.stdout) as Status).mesh], [75, 'bank']);
    assert.match(rejected.stderr, /NOT_IN_SYNC the file was rejected \((?!CONFIG_INVALID)[A-Z_]+/);
  });

  test('--wait ends with 75 when its time is over, and with 69 when nothing answers until then', async (t) => {
    const { admin } = await served(t);
    const [waited, alone] = await Promise.all([
      postern(['status', '--admin', admin, '--wait', '1s']),
      postern(['status', '--admin', '127.0.0.1:1', '--wait', '1s']),
    ]);
    assert.deepEqual([waited.status, codeOf(waited)], [75, 'NOT_IN_SYNC']);
    assert.deepEqual(refusal(alone), [69, 'ADMIN_UNREACHABLE', '']);
    assert.equal((await postern(['status', '--admin', admin, '--wait', 'soon'])).status, 64);
  });

  test('--wait begins before the process serves, and ends with 0 when everything is in sync', async (t) => {
    const state = { synced: false };
    const answer = JSON.stringify(await (await get((await served(t)).admin, '/status')).json());
    const types = ['CDS', 'LDS'].map((type) => ({ type, state: 'SYNCED' }));
    const node = { nodeId: 'i-1', address: '127.0.0.1:5', since: '2026-11-29T00:00:00.000Z', types };
    const server = createServer((_, response) => {
      const status = JSON.parse(answer) as Status;
      const gateways = status.gateways.map((gateway) => ({ ...gateway, nodes: state.synced ? [node] : [] }));
      state.synced = true;
      response.end(JSON.stringify({ ...status, gateways }));
    });
    server.listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ended = await postern(['status', '--admin', address, '--wait', '60s']);
    assert.equal(ended.status, 0);
    assert.match(ended.stderr, /^postern: waiting: no ingress gateway is connected; no egress gateway is connected\n$/);
    assert.match(ended.stdout, /^ {4}CDS SYNCED {2}EDS - {2}SDS - {2}RDS - {2}LDS SYNCED$/m);
  });

  test('--serves exits with 75 while the file differs from what is served', async (t) => {
    const { here, admin } = await served(t);
    const problems = async (file: string): Promise<string> =>
      (await postern(['status', '--admin', admin, '--serves', file])).stderr;
    assert.doesNotMatch(await problems(here.file), /is not what is served/);
    const edited = here.edited('next.yaml', (yaml) => `${yaml}# a comment\n`);
    assert.match(await problems(edited), /NOT_IN_SYNC \S+next\.yaml is not what is served/);
    assert.match(await problems(`${here.folder}/none.yaml`), /^postern: CONFIG_UNREADABLE /);
  });

  for (const [what, code, body] of [
    ['an error', 503, 'no'],
    ['no JSON', 200, '<html></html>'],
    ['JSON that is not ours', 200, '{}'],
    ['a list', 200, '[]'],
    ['null', 200, 'null'],
    ['half of ours', 200, '{"gateway":"ingress","mesh":"bank","config":null,"names":{},"resources":[],"gateways":[]}'],
  ] as const) {
    test(`Another server at the admin address that answers with ${what} exits with 69`, async (t) => {
      const other = createServer((_, response) => response.writeHead(code).end(body)).listen(0, '127.0.0.1');
      t.after(() => other.close());
      await once(other, 'listening');
      const admin = ['--admin', `127.0.0.1:${(other.address() as AddressInfo).port}`];
      for (const words of [
        ['status'],
        ['can', 'shop', 'GET', 'ledger.audit', '/'],
        ['who', 'ledger.audit'],
        ['explain', LINE],
        ['plan', '-f', scene(t).file],
      ]) {
        const ended = await postern([...words, ...admin]);
        assert.deepEqual([ended.status, codeOf(ended), ended.stdout], [69, 'ADMIN_UNREACHABLE', ''], words[0]);
        assert.equal(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr);
      }
    });
  }
});
