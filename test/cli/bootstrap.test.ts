// `postern bootstrap`: YAML that a real Envoy takes, with the paths, names and addresses that were asked for.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { bootstrapDigest } from '../../src/envoy/resources/gateway-bootstrap.ts';
import { validate } from '../envoy/real-envoy.ts';
import { type Ended, postern, refusal, scene } from './postern.ts';

const bootstrap = (file: string, role: string, more: readonly string[] = [], setting = {}): Promise<Ended> => {
  const unless = (flag: string, value: string): readonly string[] => (more.includes(flag) ? [] : [flag, value]);
  return postern(
    ['bootstrap', role, '-f', file, ...unless('--node-id', `${role}-1`), ...unless('--certs', '/certs'), ...more],
    setting,
  );
};

/** Every address of the document, by whether it is Envoy's own admin port. */
function adminOf(text: string): string {
  const { admin } = parse(text) as {
    readonly admin: { readonly address: { readonly socket_address: Readonly<Record<string, unknown>> } };
  };
  const { address, port_value: port } = admin.address.socket_address;
  return `${String(address)}:${String(port)}`;
}

describe('bootstrap', () => {
  for (const role of ['ingress', 'egress']) {
    test(`A real Envoy accepts the bootstrap of the ${role} gateway with the files of certs gateway`, async (t) => {
      const { file, folder } = scene(t);
      const out = join(folder, 'certs');
      assert.equal((await postern(['certs', 'gateway', role, '-f', file, '--out', out])).status, 0);
      const { status, stdout, stderr } = await bootstrap(file, role, ['--certs', out]);
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, /^# envoy -c /);
      assert.equal(await validate(stdout), '');
      assert.notEqual(await validate(stdout.replace(/^node:/m, 'nodes:')), '', 'Envoy looks at it at all');
    });
  }

  test('The bootstrap names the gateway, and expects the control plane of this trust domain', async (t) => {
    const { stdout } = await bootstrap(scene(t).file, 'ingress', ['--xds', 'cp.bank.example:18000']);
    const { metadata, ...node } = (parse(stdout) as { readonly node: Record<string, unknown> }).node;
    assert.deepEqual(node, { id: 'ingress-1', cluster: 'ingress' });
    assert.deepEqual(metadata, { 'postern.bootstrap': bootstrapDigest('ingress') });
    assert.notEqual(bootstrapDigest('ingress'), bootstrapDigest('egress'));
    for (const part of ['cp.bank.example', '18000', 'spiffe://bank.example/control-plane', '/certs'])
      assert.ok(stdout.includes(part), part);
  });

  test('The bootstrap has the limit of connections that the configuration gives its gateway, or 10,000', async (t) => {
    const { file } = scene(t);
    const limited = readFileSync(file, 'utf8').replace(/(ingress:\s*\{)/, '$1limits: {connections: 77}, ');
    assert.notEqual(limited, readFileSync(file, 'utf8'));
    const mostOf = async (role: string): Promise<string | undefined> =>
      /max_active_downstream_connections: (\d+)/.exec((await bootstrap(file, role)).stdout)?.[1];
    assert.equal(await mostOf('ingress'), '10000');
    writeFileSync(file, limited);
    assert.deepEqual([await mostOf('ingress'), await mostOf('egress')], ['77', '10000']);
  });

  test('The folder of certificates is absolute, because Envoy may start in any working directory', async (t) => {
    const { file, folder } = scene(t);
    const { stdout } = await bootstrap(file, 'egress', ['--certs', 'here'], { cwd: folder });
    assert.ok(stdout.includes(join(folder, 'here')));
  });

  test('Envoy’s admin port is on loopback; POSTERN_ADMIN, which is Postern’s own, does not open it', async (t) => {
    const { file } = scene(t);
    const env = { POSTERN_ADMIN: '0.0.0.0:19000' };
    assert.equal(adminOf((await bootstrap(file, 'ingress', [], { env })).stdout), '127.0.0.1:9901');
    assert.equal(adminOf((await bootstrap(file, 'ingress', ['--admin', '127.0.0.1:9902'])).stdout), '127.0.0.1:9902');
    const other = { POSTERN_ENVOY_ADMIN: '127.0.0.1:9903' };
    assert.equal(adminOf((await bootstrap(file, 'ingress', [], { env: other })).stdout), '127.0.0.1:9903');
    const byFlag = await bootstrap(file, 'ingress', ['--envoy-admin', '127.0.0.1:9904'], { env: other });
    assert.equal(adminOf(byFlag.stdout), '127.0.0.1:9904');
  });

  test('An unknown gateway, a bad node or a bad address is a usage error', async (t) => {
    const { file } = scene(t);
    const wrong = [
      await bootstrap(file, 'both'),
      await bootstrap(file, 'ingress', ['--node-id', 'a b']),
      await bootstrap(file, 'ingress', ['--node-id', 'x'.repeat(257)]),
      await bootstrap(file, 'ingress', ['--node-id', 'bаnk']),
      await bootstrap(file, 'ingress', ['--xds', 'nowhere']),
      // Port 0 is for those that listen; nobody can be dialled there.
      await bootstrap(file, 'ingress', ['--xds', '127.0.0.1:0']),
      await bootstrap(file, 'ingress', ['--admin', 'a b:0']),
      // POSTERN_XDS of `run` may be a wildcard, which nobody can dial.
      await bootstrap(file, 'ingress', [], { env: { POSTERN_XDS: '0.0.0.0:18000' } }),
      await bootstrap(file, 'ingress', ['--xds', '[::]:18000']),
    ];
    for (const ended of wrong) assert.deepEqual(refusal(ended), [64, 'USAGE', '']);
  });
});
