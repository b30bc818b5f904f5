// `postern plan`: its lines and its exit status, offline and beside the running process.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ServedResources } from '../../../src/admin/resources-view.ts';
import { newCa } from '../../envoy/pipeline.ts';
import { leaf } from '../../support/leaf.ts';
import { postern, refusal, scene } from '../postern.ts';
import { get, served } from '../run/served.ts';

interface Report {
  readonly verdict: string;
  readonly gained: readonly { readonly peer: string; readonly service: string; readonly method?: string }[];
  readonly lost: readonly unknown[];
  readonly bounds: readonly { readonly kind: string; readonly isWider: boolean; readonly to?: unknown }[];
  readonly notCompared: readonly string[];
  readonly mayBeLost: readonly { readonly of: string; readonly isCertain: boolean }[];
  readonly connections: readonly unknown[];
  readonly resources: readonly { readonly change: string; readonly type: string; readonly name: string }[];
}

const report = (stdout: string): Report => JSON.parse(stdout) as Report;

const widened = (yaml: string): string => yaml.replace('/v1/withdrawals]', '/v1/withdrawals, /v1/refunds]');

describe('plan', () => {
  test('A plan has a line for each thing that is opened or closed, and ends with 79 only when something is opened', async (t) => {
    const { file, edited } = scene(t);
    const wide = edited('wide.yaml', widened);
    const opens = await postern(['plan', '-f', wide, '--against', file]);
    assert.equal(opens.status, 79, opens.stderr);
    assert.match(opens.stdout, /^Reach\n\+ shop POST withdraw\.accounts \/v1\/refunds\n\nResources\n~ ingress Route/);
    const closes = await postern(['plan', '-f', file, '--against', wide]);
    assert.equal(closes.status, 0, closes.stderr);
    assert.match(closes.stdout, /^Reach\n- shop POST withdraw\.accounts \/v1\/refunds\n/);
    const same = await postern(['plan', '-f', file, '--against', file]);
    assert.deepEqual([same.status, same.stdout], [0, 'Nobody reaches more or less.\n']);
  });

  test('A certificate of files that is not valid is found where it is readable, and says what is lost', async (t) => {
    const { folder, file, edited } = scene(t);
    const ca = { ca: join(folder, 'pki/bank'), caTrustDomain: 'bank.example', uris: [] };
    const times = { valid: {}, over: { expiresIn: -1000 }, early: { validIn: 1_000_000 } };
    for (const [name, time] of Object.entries(times)) {
      writeFileSync(join(folder, `${name}.pem`), leaf({ ...ca, ...time }).cert);
      const changed = edited(`${name}.yaml`, (yaml) =>
        yaml.replace(
          /^identity:.*\n(?: .*\n)*/m,
          `identity: {files: {certificate: ${folder}/${name}.pem, privateKey: /none/key.pem}}\n`,
        ),
      );
      const isValid = name === 'valid';
      const { status, stdout } = await postern(['validate', '-f', changed]);
      assert.deepEqual([status, stdout.includes('IDENTITY_EXPIRED')], isValid ? [0, false] : [79, true], stdout);
      const planned = await postern(['plan', '-f', changed, '--against', file, '-o', 'json']);
      const { verdict, mayBeLost } = report(planned.stdout);
      assert.deepEqual([planned.status, verdict], [0, isValid ? 'same' : 'narrower'], planned.stderr);
      assert.deepEqual(
        mayBeLost.map(({ of, isCertain }) => [of, isCertain]),
        [['identity.files', false], ...(isValid ? [] : [['identity.files.certificate', true]])],
      );
      const same = await postern(['plan', '-f', changed, '--against', changed, '-o', 'json']);
      assert.deepEqual([report(same.stdout).verdict, report(same.stdout).mayBeLost], ['same', []]);
    }
  });

  test('A grant that goes is one line, and the TCP connections that end are another', async (t) => {
    const { file, edited } = scene(t);
    const tcp = edited('tcp.yaml', (yaml) =>
      yaml.replace(
        'exports:\n',
        'exports:\n- {name: db.audit, protocol: tcp, backend: "10.0.0.3:5432", consumers: [{peer: shop}]}\n',
      ),
    );
    const { stdout } = await postern(['plan', '-f', file, '--against', tcp]);
    assert.match(stdout, /^- shop loses db\.audit$/m);
    assert.match(stdout, /^~ open TCP connections of shop db\.audit will end at ingress/m);
  });

  test('A file with errors ends with 65 and its findings, and a process that is not there with 69', async (t) => {
    const { file, edited } = scene(t);
    const broken = edited('broken.yaml', (yaml) => yaml.replace('peer: shop', 'peer: shap'));
    const ended = await postern(['plan', '-f', broken, '--against', file]);
    assert.deepEqual([ended.status, ended.stdout], [65, '']);
    assert.match(ended.stderr, /broken\.yaml:\d+:\d+ UNKNOWN_PEER/);
    const alone = await postern(['plan', '-f', file, '--admin', '127.0.0.1:9']);
    assert.deepEqual(refusal(alone), [69, 'ADMIN_UNREACHABLE', '']);
  });

  test('A file that denies a peer is planned as it would be served, and ends with 65 unless something is opened', async (t) => {
    const { folder, file, edited } = scene(t);
    writeFileSync(join(folder, 'empty.pem'), '');
    const deny = (yaml: string): string => yaml.replace(/(trustBundle: )[\w./-]+/, '$1empty.pem');
    const denied = edited('denied.yaml', deny);
    const cut = await postern(['plan', '-f', denied, '--against', file]);
    assert.equal(cut.status, 65, cut.stderr);
    assert.match(cut.stderr, /denied\.yaml:\d+:\d+ BUNDLE_EMPTY/);
    assert.match(cut.stdout, /^- shop loses withdraw\.accounts$/m);
    const same = await postern(['plan', '-f', denied, '--against', denied]);
    assert.deepEqual([same.status, same.stdout], [65, 'Nobody reaches more or less.\n']);
    const back = await postern(['plan', '-f', file, '--against', denied]);
    assert.equal(back.status, 79, back.stderr);
    const wide = edited('wide-and-denied.yaml', (yaml) => deny(yaml).replace('127.0.0.1:11443', '127.0.0.1:11444'));
    const both = await postern(['plan', '-f', wide, '--against', file]);
    assert.equal(both.status, 79, both.stdout);
    assert.match(both.stderr, / BUNDLE_EMPTY /);
  });

  test('Beside the running process the plan is that beside its file, and its own file changes nothing', async (t) => {
    const { admin, here } = await served(t);
    const wide = here.edited('wide.yaml', widened);
    const [running, offline, same] = await Promise.all([
      postern(['plan', '-f', wide, '--admin', admin, '-o', 'json']),
      postern(['plan', '-f', wide, '--against', here.file, '-o', 'json']),
      postern(['plan', '-f', here.file, '--admin', admin]),
    ]);
    assert.deepEqual([running.status, offline.status], [79, 79]);
    assert.deepEqual(report(running.stdout), report(offline.stdout));
    assert.deepEqual([same.status, same.stdout], [0, 'Nobody reaches more or less.\n']);
    const { gained, resources } = report(running.stdout);
    assert.deepEqual(
      gained.map(({ peer, service, method }) => [peer, service, method]),
      [['shop', 'withdraw.accounts', 'POST']],
    );
    assert.deepEqual(
      resources.map(({ change, type, name }) => [change, type, name]),
      [['changed', 'RouteConfiguration', 'ingress/shop']],
    );
  });

  test('Without the files of keys and bundles everything else is compared, and beside a process that has them the rest is named', async (t) => {
    const { admin, here } = await served(t);
    const wide = here.edited('elsewhere.yaml', (yaml) => widened(yaml).replaceAll('pki/', 'absent/'));
    const ended = await postern(['plan', '-f', wide, '--admin', admin, '--without-keys']);
    assert.equal(ended.status, 79, ended.stderr);
    assert.match(ended.stdout, /^\+ shop POST withdraw\.accounts \/v1\/refunds$/m);
    assert.match(ended.stdout, /^\? ingress shop: CA of a caller$/m);
    assert.match(ended.stdout, /^\+ peers\.shop\.trustBundle: file of CAs pki/m);
    assert.doesNotMatch(ended.stdout, /^[+-] ingress shop: CA of a caller/m);
  });

  test('A review without the bundle files asks for an approval when a file of CAs is another, or only one side has it', async (t) => {
    const { file, edited } = scene(t);
    const absent = edited('absent.yaml', (yaml) => yaml.replaceAll('pki/', 'absent/'));
    const other = edited('other.yaml', (yaml) =>
      yaml.replaceAll('pki/', 'absent/').replace(/(trustBundle: absent)[\w./-]+/, '$1/other.pem'),
    );
    const same = await postern(['plan', '-f', absent, '--against', absent, '--without-keys']);
    assert.equal(same.status, 0, same.stderr);
    assert.match(same.stdout, /^\? ingress shop: CA of a caller$/m);
    const swapped = await postern(['plan', '-f', other, '--against', absent, '--without-keys', '-o', 'json']);
    assert.equal(swapped.status, 79, swapped.stderr);
    assert.deepEqual(
      report(swapped.stdout).bounds.map(({ kind, isWider, to }) => [kind, isWider, to]),
      [['file of CAs', true, 'absent/other.pem']],
    );
    const brought = await postern(['plan', '-f', file, '--against', absent, '--without-keys', '-o', 'json']);
    assert.equal(brought.status, 79, brought.stderr);
    assert.ok(report(brought.stdout).notCompared.includes('ingress shop: CA of a caller'));
  });

  test('What the process only keeps after a change that was put back is not in a plan', async (t) => {
    const { admin, process, here } = await served(t);
    // Another meaning of the peer's name, and the old one again.
    const other = here.yaml.replace('[gateway/egress, gateway/ingress]', '[gateway/egress, gateway/other]');
    assert.notEqual(other, here.yaml);
    for (const [count, yaml] of [other, here.yaml].entries()) {
      writeFileSync(here.file, yaml);
      while (process.all('configuration applied').length <= count) await once(process.child, 'line');
    }
    const { resources } = (await (await get(admin, '/resources/ingress')).json()) as ServedResources;
    const bundles = resources.filter((one) =>
      /"@type":"[^"]*\.Secret","name":"bundle\/shop@/.test(JSON.stringify(one)),
    );
    assert.equal(bundles.length, 2, 'the name that was in use meanwhile is no longer kept');
    const same = await postern(['plan', '-f', here.file, '--admin', admin]);
    assert.deepEqual([same.status, same.stdout], [0, 'Nobody reaches more or less.\n']);
  });

  test('What a change under way still withholds is not in a plan: the plan waits for its end', async (t) => {
    const here = scene(t);
    const bundle = join(here.folder, 'pki/shop/ca.pem');
    const root = readFileSync(bundle, 'utf8');
    writeFileSync(bundle, root + newCa('shop.example', Date.now() + 1000).certificate);
    const { admin, process } = await served(t, here);
    writeFileSync(bundle, root);
    while (process.all('configuration applied').length < 1) await once(process.child, 'line');
    writeFileSync(here.file, widened(here.yaml));
    while (process.all('configuration applied').length < 2) await once(process.child, 'line');
    const { snapshot } = (await (await get(admin, '/resources/ingress')).json()) as ServedResources;
    assert.ok(snapshot.settlesAt, 'the change was over before the plan was asked for');
    const same = await postern(['plan', '-f', here.file, '--admin', admin]);
    assert.deepEqual([same.status, same.stdout], [0, 'Nobody reaches more or less.\n']);
  });
});
