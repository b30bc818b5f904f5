// `postern translate`: the resources of a configuration, as JSON or YAML, of one gateway or of both, and never a key.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { encodeResource } from '../../src/envoy/proto/codec.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import { postern, refusal, scene } from './postern.ts';

type Both = Readonly<Record<'ingress' | 'egress', readonly ResourceJson[]>>;

const names = (resources: readonly ResourceJson[]): readonly string[] =>
  withKeys(resources).map((resource) => `${resource['@type'].split('.').at(-1)} ${encodeResource(resource).name}`);

/** With something in the place of each key: only then are they resources again. */
function withKeys(resources: readonly ResourceJson[]): readonly ResourceJson[] {
  const text = JSON.stringify(resources, (_, value) => (value === '[redacted]' ? { inline_string: 'key' } : value));
  return JSON.parse(text) as ResourceJson[];
}

describe('translate', () => {
  test('The command translate prints both gateways, each resource in strict ProtoJSON, in push order', async (t) => {
    const { status, stdout, stderr } = await postern(['translate', '-f', scene(t).file]);
    assert.deepEqual([status, stderr], [0, '']);
    const both = JSON.parse(stdout) as Both;
    assert.deepEqual(Object.keys(both), ['ingress', 'egress']);
    const kinds = ['Cluster', 'Secret', 'RouteConfiguration', 'Listener'];
    for (const resources of Object.values(both)) {
      assert.deepEqual([...new Set(names(resources).map((name) => name.split(' ')[0]))], kinds);
    }
    assert.ok(names(both.ingress).includes('Listener ingress'));
    assert.equal(names(both.egress).includes('Listener ingress'), false);
  });

  test('--gateway prints the same shape with that gateway alone', async (t) => {
    const { file } = scene(t);
    const [both, ingress, egress] = await Promise.all([
      postern(['translate', '-f', file]),
      postern(['translate', '-f', file, '--gateway', 'ingress']),
      postern(['translate', '-f', file, '--gateway', 'egress']),
    ]);
    const all = JSON.parse(both.stdout) as Both;
    assert.deepEqual(Object.keys(JSON.parse(ingress.stdout) as Both), ['ingress']);
    assert.deepEqual(JSON.parse(egress.stdout), { egress: all.egress });
  });

  test('-o yaml is the same value', async (t) => {
    const { file } = scene(t);
    const args = ['translate', '-f', file, '--gateway', 'ingress'];
    const [json, yaml] = await Promise.all([postern(args), postern([...args, '-o', 'yaml'])]);
    assert.deepEqual(parse(yaml.stdout), JSON.parse(json.stdout));
    assert.throws(() => JSON.parse(yaml.stdout));
  });

  test('The command translate says that there is a key, and never prints one', async (t) => {
    for (const output of ['json', 'yaml']) {
      const { stdout } = await postern(['translate', '-f', scene(t).file, '-o', output]);
      assert.match(stdout, /private_key"?: "?\[redacted\]/);
      assert.doesNotMatch(stdout, /PRIVATE KEY/);
    }
  });

  test('The command translate prints the same for the same file, and reads only the public part of the issuer', async (t) => {
    const { file } = scene(t);
    const [first, second] = [await postern(['translate', '-f', file]), await postern(['translate', '-f', file])];
    assert.equal(first.status, 0);
    assert.equal(second.stdout, first.stdout);
    // Nothing was signed: the only certificates are those of the peers' bundles.
    assert.match(first.stdout, /\[certificate of spiffe:\/\/bank\.example\/gateway\/ingress for shop\]/);
    const chains = first.stdout.match(/"certificate_chain": \{\s*"inline_string": "[^"]*"/g) ?? [];
    assert.ok(chains.length > 0 && chains.every((chain) => !chain.includes('BEGIN')));
  });

  test('The command translate lists the resources of a type by name, whatever their order in the file', async (t) => {
    const here = scene(t);
    const moved = here.edited('moved.yaml', (yaml) => {
      const { exports, ...rest } = parse(yaml) as { exports: unknown[] };
      return stringify({ ...rest, exports: [...exports].reverse() });
    });
    const [first, second] = await Promise.all([here.file, moved].map((file) => postern(['translate', '-f', file])));
    assert.equal(first?.status, 0);
    assert.equal(second?.stdout, first?.stdout);
    const clusters = names((JSON.parse(first?.stdout ?? '') as Both).ingress).filter((name) => name.startsWith('Cl'));
    assert.ok(clusters.length > 2);
    assert.deepEqual(clusters, [...clusters].sort());
  });

  test('The command translate prints what run serves when the bundle of one peer is missing, and the finding on stderr', async (t) => {
    const here = scene(t);
    const whole = await postern(['translate', '-f', here.file]);
    rmSync(join(here.folder, 'pki', 'shop', 'ca.pem'));
    const part = await postern(['translate', '-f', here.file]);
    assert.equal(part.status, 0);
    assert.match(part.stderr, /^\S+:\d+:\d+ FILE_UNREADABLE /);
    assert.notEqual(part.stdout, whole.stdout);
    assert.ok(part.stdout.includes('partner.example'));
  });

  test('--without-keys prints the same resources where our key does not exist', async (t) => {
    const here = scene(t);
    const whole = await postern(['translate', '-f', here.file]);
    rmSync(join(here.folder, 'pki', 'bank', 'ca-key.pem'));
    assert.equal((await postern(['translate', '-f', here.file])).status, 65);
    assert.deepEqual(await postern(['translate', '-f', here.file, '--without-keys']), whole);
  });

  test('--without-keys prints every resource where no file exists: a widened grant is a difference', async (t) => {
    const here = scene(t);
    const whole = JSON.parse((await postern(['translate', '-f', here.file])).stdout) as Both;
    rmSync(join(here.folder, 'pki'), { recursive: true });
    const args = ['translate', '--without-keys'];
    const [before, again] = [await postern([...args, '-f', here.file]), await postern([...args, '-f', here.file])];
    assert.deepEqual([before.status, again.stdout], [0, before.stdout]);
    assert.match(before.stderr, /peers\.shop\.trustBundle\.file, peers\.partner\.trustBundle\.file/);
    const both = JSON.parse(before.stdout) as Both;
    for (const role of ['ingress', 'egress'] as const) assert.equal(both[role].length, whole[role].length, role);
    assert.doesNotMatch(before.stdout, /BEGIN CERTIFICATE/);
    const widened = here.edited('widened.yaml', (yaml) =>
      yaml.replace('[/v1/withdrawals]', '[/v1/withdrawals, /v1/more]'),
    );
    const after = await postern([...args, '-f', widened]);
    const lines = new Set(before.stdout.split('\n'));
    const added = after.stdout.split('\n').filter((line) => !lines.has(line));
    assert.ok(
      added.some((line) => line.includes('/v1/more')),
      added.join('\n'),
    );
  });

  test('--without-keys still denies a peer whose file exists and cannot be read as a bundle', async (t) => {
    const here = scene(t);
    writeFileSync(join(here.folder, 'pki', 'shop', 'ca.pem'), 'rubbish');
    const { stdout, stderr } = await postern(['translate', '-f', here.file, '--without-keys']);
    assert.match(stderr, /BUNDLE_UNPARSABLE/);
    assert.doesNotMatch(stdout, /\[trust bundle\]/);
  });

  test('The command translate names the file of a key that the gateway keeps', async (t) => {
    const file = scene(t).edited('files.yaml', (yaml) =>
      yaml.replace(/^ {2}issuer: .*$/m, '  files: {certificate: /pki/tls.pem, privateKey: /pki/tls-key.pem}'),
    );
    const { status, stdout } = await postern(['translate', '-f', file]);
    assert.equal(status, 0);
    assert.match(stdout, /"filename": "\/pki\/tls-key\.pem"/);
  });

  test('A gateway without configuration has an empty list, and an unknown gateway is a usage error', async (t) => {
    const file = scene(t).edited('ingress-only.yaml', (yaml) =>
      yaml.replace(/^ {2}egress: .*$/m, '').replace(/^imports:[\s\S]*$/m, ''),
    );
    const { status, stdout } = await postern(['translate', '-f', file, '--gateway', 'egress']);
    assert.deepEqual([status, JSON.parse(stdout)], [0, { egress: [] }]);
    assert.deepEqual(refusal(await postern(['translate', '-f', file, '--gateway', 'both'])), [64, 'USAGE', '']);
  });
});
