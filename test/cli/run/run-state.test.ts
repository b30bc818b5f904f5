// What `run` notices of its state folder while it serves, and what it says of an edit.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { freePorts } from '../../../deploy/demo/ports.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { issueGatewayCertificate, openControlPlaneCa } from '../../../src/trust/issuing/control-plane-ca.ts';
import { spiffeId, type TrustDomain } from '../../../src/trust/spiffe.ts';
import { newCa } from '../../envoy/pipeline.ts';
import { eventually } from '../../support/mesh.ts';
import { Openssl } from '../../support/programs/openssl.ts';
import { samplesIn } from '../../telemetry/exposition.ts';
import { XdsClient } from '../../xds/grpc-client.ts';
import { postern, scene } from '../postern.ts';
import { get, served } from './served.ts';

const BANK = 'bank.example' as TrustDomain;

test('A state folder that is lost while run is up is reported by the log, the status and a metric, until it is back', async (t) => {
  const { here, process, admin } = await served(t);
  const state = here.file.replace('.yaml', '.state');
  const metric = async (): Promise<number | undefined> =>
    samplesIn(await (await get(admin, '/metrics')).text()).get('postern_control_plane_ca_on_disk');
  assert.deepEqual([(await process.status()).controlPlaneCa.onDisk, await metric()], ['same', 1]);
  renameSync(state, `${state}.lost`);
  const { level, caFingerprint } = await process.said('has lost the CA');
  const { controlPlaneCa } = await process.status();
  assert.deepEqual([level, caFingerprint, controlPlaneCa.onDisk], ['error', controlPlaneCa.fingerprint, 'missing']);
  assert.equal(await metric(), 0);
  assert.match((await postern(['status', '--admin', admin])).stdout, /has lost this CA/);
  // The gateways that are connected are served on.
  assert.equal((await get(admin, '/readyz')).status, 200);
  // Another CA is made beside it.
  const out = join(dirname(here.file), 'out');
  const made = await postern(['certs', 'gateway', 'ingress', '-f', here.file, '--out', out]);
  assert.equal(made.status, 0);
  assert.match(made.stderr, /made a control-plane CA/);
  await process.said('holds another CA');
  assert.equal((await process.status()).controlPlaneCa.onDisk, 'other');
  rmSync(state, { recursive: true });
  renameSync(`${state}.lost`, state);
  await process.said('again');
  assert.deepEqual([(await process.status()).controlPlaneCa.onDisk, await metric()], ['same', 1]);
  assert.doesNotMatch((await postern(['status', '--admin', admin])).stdout, /state folder/);
});

test('The commands run and certs gateway refuse a state folder that has lost only its CA, and create nothing', async (t) => {
  const { here, process } = await served(t);
  await process.stop('SIGTERM');
  const state = here.file.replace('.yaml', '.state');
  for (const file of readdirSync(state)) if (file.endsWith('.pem')) rmSync(join(state, file));
  assert.deepEqual(readdirSync(state), ['served.json']);
  const out = join(dirname(here.file), 'out');
  for (const args of [
    ['run', '-f', here.file],
    ['certs', 'gateway', 'ingress', '-f', here.file, '--out', out],
  ]) {
    const { status, stderr } = await postern(args);
    assert.equal(status, 1);
    assert.match(stderr, /STATE_UNUSABLE/);
  }
  assert.deepEqual(readdirSync(state), ['served.json']);
});

test('An applied file is logged with its changes and its hash, and a metric says whether the last file was applied', async (t) => {
  const { here, process, admin } = await served(t);
  const metric = async (name: string): Promise<number | undefined> =>
    samplesIn(await (await get(admin, '/metrics')).text()).get(name);
  assert.equal(await metric('postern_config_last_reload_successful'), 1);
  const success = await metric('postern_config_last_success_timestamp_seconds');
  writeFileSync(here.file, 'oops: 1\n');
  await process.said('configuration rejected');
  assert.equal(await metric('postern_config_last_reload_successful'), 0);
  assert.equal(await metric('postern_config_last_success_timestamp_seconds'), success);
  writeFileSync(here.file, here.yaml.replace('127.0.0.1:11001', '127.0.0.1:11901'));
  const applied = await process.said('configuration applied');
  const sha256 = createHash('sha256').update(readFileSync(here.file)).digest('hex');
  assert.equal(applied['sha256'], sha256);
  assert.equal((await process.status()).config.sha256, sha256);
  const changes = applied['changes'] as Record<string, Record<string, readonly string[]>>;
  assert.deepEqual(changes, { exports: { changed: ['withdraw.accounts: backends'] } });
  assert.equal(await metric('postern_config_last_reload_successful'), 1);
});

test('A state folder that cannot be written stops nothing, and is logged', async (t) => {
  const { here, process } = await served(t);
  const state = here.file.replace('.yaml', '.state');
  rmSync(join(state, 'served.json'));
  mkdirSync(join(state, 'served.json'));
  writeFileSync(here.file, here.yaml.replace('127.0.0.1:11001', '127.0.0.1:11901'));
  await process.said('cannot be recorded');
  await process.said('configuration applied');
});

test('A second process that does not get its port leaves the record as it is', async (t) => {
  const { here, process } = await served(t);
  const record = join(here.file.replace('.yaml', '.state'), 'served.json');
  const before = readFileSync(record, 'utf8');
  const other = here.file.replace('.yaml', '-2.yaml');
  writeFileSync(other, here.yaml.slice(0, here.yaml.indexOf('exports:')));
  const address = `127.0.0.1:${await process.xdsPort()}`;
  const state = dirname(record);
  const args = ['run', '-f', other, '--state', state, '--xds', address, '--admin', '127.0.0.1:0', '--warm-up', '0'];
  const { status, stderr, stdout } = await postern(args);
  assert.equal(status, 1);
  assert.match(stderr + stdout, /LISTEN_FAILED/);
  assert.equal(readFileSync(record, 'utf8'), before);
});

test('A process whose xDS or admin port is taken makes no state folder', async (t) => {
  const { here, process, admin } = await served(t);
  const xds = `127.0.0.1:${await process.xdsPort()}`;
  const state = join(here.folder, 'other.state');
  for (const [taken, ports] of [
    [xds, ['--xds', xds, '--admin', '127.0.0.1:0']],
    [admin, ['--xds', '127.0.0.1:0', '--admin', admin]],
  ] as const) {
    const { status, stderr } = await postern(['run', '-f', here.file, '--state', state, ...ports, '--warm-up', '0']);
    assert.equal(status, 1);
    assert.ok(stderr.includes('LISTEN_FAILED') && stderr.includes(taken), stderr);
    assert.equal(existsSync(state), false);
  }
  // Both at one address is the same: the second finds the first.
  const [port] = await freePorts('127.0.0.1', 1);
  const both = `127.0.0.1:${port}`;
  const { stderr } = await postern(['run', '-f', here.file, '--state', state, '--xds', both, '--admin', both]);
  assert.match(stderr, /LISTEN_FAILED .*--admin/);
  assert.equal(existsSync(state), false);
});

test('A record that is damaged stops no start, and one that is lost while run is up is written again', async (t) => {
  const { here, process } = await served(t);
  const record = join(here.file.replace('.yaml', '.state'), 'served.json');
  await process.stop('SIGTERM');
  const good = readFileSync(record, 'utf8');
  writeFileSync(record, good.replace('"name":"', '"name":"/'));
  const again = await served(t, here);
  assert.equal((await again.process.said('is damaged'))['level'], 'warn');
  rmSync(record);
  await eventually('the record is back', () => existsSync(record));
});

test('A CA that is made in a folder that exists is a warning, and a gateway that distrusts it is in the status with what to do, beside its remedy', async (t) => {
  const here = scene(t);
  const state = here.file.replace('.yaml', '.state');
  mkdirSync(state, { mode: 0o700 });
  const { process, admin } = await served(t, here);
  assert.equal((await process.said('held no CA'))['level'], 'warn');
  const port = await process.xdsPort();
  const other = new Openssl();
  t.after(() => other.close());
  // Node as a client breaks the connection without the alert that others send.
  const trusted = join(here.folder, 'other.pem');
  writeFileSync(trusted, other.ca('bank.example').pem);
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-alpn', 'h2', '-CAfile', trusted, '-verify_return_error'];
  const client = spawn('openssl', args, { stdio: 'ignore' });
  t.after(() => client.kill('SIGKILL'));
  await process.said('xDS client refused');
  const { stdout } = await postern(['status', '--admin', admin]);
  assert.match(stdout, /^refused: 1 server_untrusted, last at \S+$/m);
  assert.match(stdout, /restore the state folder, or give the gateways new certificates/);
  // The remedy is shown until all gateways have been connected.
  const ca = openControlPlaneCa(state, BANK, Date.now());
  for (const role of ['ingress', 'egress']) {
    const { certificateChain, privateKey } = issueGatewayCertificate(ca, spiffeId(BANK, `gateway/${role}`), Date.now());
    assert.equal((await process.status()).controlPlaneCa.replaced, true);
    const made = { cert: certificateChain, key: privateKey.reveal() };
    const gateway = new XdsClient(port, { ca: ca.certificatePem, client: made });
    t.after(() => gateway.close());
    const stream = gateway.delta().send({ node: { id: `${role}-1`, cluster: role }, type_url: TYPE.cluster });
    await stream.next();
  }
  assert.equal((await process.status()).controlPlaneCa.replaced, false);
  const healed = (await postern(['status', '--admin', admin])).stdout;
  assert.doesNotMatch(healed, /restore the state folder, or give/);
  assert.match(healed, /^refused: 1 server_untrusted, last at \S+$/m);
});

test('A CA file that became rubbish is a metric of its peer, although the file counts as applied and the peer keeps its bundle', async (t) => {
  const { here, process, admin } = await served(t);
  const metric = async (name: string): Promise<number | undefined> =>
    samplesIn(await (await get(admin, '/metrics')).text()).get(name);
  assert.equal(await metric('postern_peer_bundle_rejected{peer="shop"}'), 0);
  writeFileSync(join(here.folder, 'pki', 'shop', 'ca.pem'), 'rubbish');
  await process.said('one trust bundle has an error');
  assert.equal(await metric('postern_peer_bundle_rejected{peer="shop"}'), 1);
  assert.equal(await metric('postern_peer_bundle_rejected{peer="partner"}'), 0);
  assert.equal(await metric('postern_config_last_reload_successful'), 1);
});

test('The file of our own workloads’ CAs, or of a backend’s, that became rubbish is a metric and is named in the status, and the last good one is kept', async (t) => {
  const here = scene(t);
  const yaml = here.yaml
    .replace('trustDomain: bank.example\n', 'trustDomain: bank.example\n  trustBundle: pki/workloads.pem\n')
    .replace(
      'backend: 127.0.0.1:11001',
      'backend: {address: "127.0.0.1:11001", tls: simple, serverName: a.example, ca: pki/a.pem}',
    )
    .replace(
      'backend: 127.0.0.1:11002',
      'backend: {address: "127.0.0.1:11002", tls: simple, serverName: b.example, ca: pki/b.pem}',
    );
  const [workloads, a, b] = ['workloads', 'a', 'b'].map((name) => join(here.folder, 'pki', `${name}.pem`)) as [
    string,
    string,
    string,
  ];
  for (const file of [workloads, a, b]) writeFileSync(file, newCa('bank.example', Date.now()).certificate);
  writeFileSync(here.file, yaml);
  const { process, admin } = await served(t, here);
  const metrics = async (): Promise<readonly (number | undefined)[]> => {
    const samples = samplesIn(await (await get(admin, '/metrics')).text());
    const ofBackend = (name: string): string => `postern_backend_ca_rejected{export="${name}"}`;
    const names = [
      'postern_mesh_bundle_rejected',
      ofBackend('withdraw.accounts'),
      ofBackend('ledger.audit'),
      ofBackend('rates.fx'),
    ];
    return names.map((name) => samples.get(name));
  };
  assert.deepEqual(await metrics(), [0, 0, 0, undefined]);
  writeFileSync(workloads, 'rubbish');
  await eventually('the bundle is rejected', async () => (await metrics())[0] === 1);
  assert.deepEqual(await metrics(), [1, 0, 0, undefined]);
  writeFileSync(a, 'rubbish');
  await eventually('the CA file is rejected', async () => (await metrics())[1] === 1);
  assert.deepEqual(await metrics(), [1, 1, 0, undefined]);
  const { rejected } = (await process.status()).config;
  assert.equal(rejected?.partly, true);
  const { stderr, stdout } = await postern(['status', '--check', '--admin', admin]);
  assert.match(stderr, /our mesh BUNDLE_UNPARSABLE, export withdraw\.accounts BUNDLE_UNPARSABLE/);
  assert.match(stdout, /until then our mesh keeps the bundle that was read before/);
  assert.match(stdout, /until then the backend of withdraw\.accounts keeps the CAs that were read before/);
  writeFileSync(workloads, newCa('bank.example', Date.now()).certificate);
  writeFileSync(a, newCa('bank.example', Date.now()).certificate);
  await eventually('both are good again', async () => (await metrics()).every((value) => value !== 1));
});
