// `postern peer show --ours`: what is printed goes into the peer's file as it is, and nothing else is told.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import type { PeerSheet } from '../../src/federation/resolve/peer-sheet.ts';
import { newCa } from '../envoy/pipeline.ts';
import { Openssl } from '../support/programs/openssl.ts';
import { postern, refusal, type Scene, scene } from './postern.ts';

const show = (file: string, ...more: readonly string[]) => postern(['peer', 'show', '--ours', '-f', file, ...more]);

async function sheetOf(file: string, ...more: readonly string[]): Promise<PeerSheet> {
  const { status, stdout, stderr } = await show(file, '-o', 'json', ...more);
  assert.deepEqual([status, stderr], [0, '']);
  return JSON.parse(stdout) as PeerSheet;
}

const withIngress = (here: Scene, address: string, more = ''): string =>
  here.edited('edited.yaml', (yaml) => yaml.replace(/^ {2}ingress: .*$/m, `  ingress: {address: "${address}"${more}}`));

describe('peer show --ours', () => {
  test('The command peer show --ours prints an entry and imports with which the peer’s file is valid, and our bundle for it', async (t) => {
    const here = scene(t);
    const file = withIngress(
      here,
      '0.0.0.0:15443',
      ', advertise: ["gw-a.bank.example:443", "gw-b.bank.example:15443"]',
    );
    const { status, stdout, stderr } = await show(file, '--to', 'shop');
    assert.deepEqual([status, stderr], [0, '']);
    const { peers } = parse(stdout) as { peers: Record<string, { addresses: string[]; trustBundle: string }> };
    const entry = peers['bank'];
    assert.deepEqual(entry?.addresses, ['gw-a.bank.example:443', 'gw-b.bank.example:15443']);

    // The shop's team writes its file from what was printed.
    const shop = join(here.folder, 'of-shop');
    mkdirSync(shop);
    const own = newCa('shop.example', Date.now());
    writeFileSync(join(shop, 'ca.pem'), own.certificate);
    writeFileSync(join(shop, 'ca-key.pem'), own.privateKey);
    chmodSync(join(shop, 'ca-key.pem'), 0o600);
    const pem = await show(file, '-o', 'pem');
    writeFileSync(join(shop, entry?.trustBundle ?? ''), pem.stdout);
    const uncommented = stdout.split('\n').map((line) => line.replace(/^# ?/, ''));
    const begin = uncommented.indexOf('imports:');
    // A TCP import needs a port of its own, which only its team can choose.
    const imports = uncommented
      .slice(begin, uncommented.indexOf('', begin))
      .join('\n')
      .replace('port: PORT', 'port: 9090');
    const yaml = `apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
${stdout}
${imports}
`;
    writeFileSync(join(shop, 'shop.yaml'), yaml);
    const validated = await postern(['validate', '-f', join(shop, 'shop.yaml')]);
    assert.deepEqual([validated.status, validated.stdout.trim().endsWith(': fine')], [0, true], validated.stdout);
    // The certificate in the comment is the one of the PEM file.
    assert.ok(uncommented.join('\n').includes(pem.stdout.trimEnd()));
  });

  test('The command peer show --ours reveals no key, no backend, and nothing of other peers', async (t) => {
    const { file, folder } = scene(t);
    const key = readFileSync(join(folder, 'pki/bank/ca-key.pem'), 'utf8').split('\n')[1] ?? '';
    for (const output of ['yaml', 'json', 'pem']) {
      const { status, stdout } = await show(file, '--to', 'shop', '-o', output);
      assert.equal(status, 0);
      for (const secret of [key, 'PRIVATE', 'partner', 'p-5e1f', '11001', '11003', 'backend', folder])
        assert.ok(!stdout.includes(secret), secret);
    }
  });

  test('The command peer show --ours names what is granted to that peer now, with rules, and nothing when nothing is granted', async (t) => {
    const { file } = scene(t);
    const [toShop, toPartner, toNobody] = [
      await sheetOf(file, '--to', 'shop'),
      await sheetOf(file, '--to', 'partner'),
      await sheetOf(file),
    ];
    const offered = toShop.to?.exports ?? [];
    assert.deepEqual(offered.map(({ name, protocol }) => [name, protocol]).sort(), [
      ['rates.fx', 'grpc'],
      ['ticks.fx', 'tcp'],
      ['withdraw.accounts', 'http'],
    ]);
    for (const one of offered) {
      if (one.protocol === 'tcp') {
        assert.equal(one.serverName, 'ticks.fx.tcp.shop.example.peers.bank.example');
        continue;
      }
      assert.match(one.authority, /\.exports\.bank\.example$/);
      assert.ok(one.allow.length > 0);
    }
    assert.notDeepEqual(toShop.to?.exports, toPartner.to?.exports);
    assert.deepEqual(toShop.to?.serverNames, {
      inbound: 'shop.example.peers.bank.example',
      outbound: 'bank.example.peers.shop.example',
    });
    assert.equal(toNobody.to, undefined);
    assert.deepEqual(toNobody.gatewayIdentities, toShop.gatewayIdentities);
  });

  test('The command peer show --ours uses the advertised address, then the listening one, and never a wildcard', async (t) => {
    const here = scene(t);
    const addresses = async (address: string, more?: string) =>
      (await sheetOf(withIngress(here, address, more))).addresses;
    assert.deepEqual(await addresses('10.1.2.3:15443'), ['10.1.2.3:15443']);
    assert.deepEqual(await addresses('[2001:db8::1]:15443'), ['[2001:db8::1]:15443']);
    assert.deepEqual(await addresses('0.0.0.0:15443'), []);
    assert.deepEqual(await addresses('[::]:15443'), []);
    assert.deepEqual(await addresses('[::]:15443', ', advertise: ["gw.bank.example:443"]'), ['gw.bank.example:443']);
  });

  test('The command peer show --ours shows the last CA of the issuer’s file as the bundle, with its fingerprint', async (t) => {
    const [here, openssl] = [scene(t), new Openssl()];
    t.after(() => openssl.close());
    const root = openssl.ca('bank.example', { commonName: 'root' });
    const issuing = openssl.ca('bank.example', { commonName: 'issuing', signer: root });
    writeFileSync(join(here.folder, 'pki/bank/ca.pem'), issuing.pem + root.pem);
    writeFileSync(join(here.folder, 'pki/bank/ca-key.pem'), issuing.keyPem);
    const { trustBundle } = await sheetOf(here.file);
    const shown = new X509Certificate(trustBundle?.pem ?? '');
    assert.ok(shown.raw.equals(root.der));
    assert.equal(trustBundle?.fingerprint, shown.fingerprint256.replaceAll(':', '').toLowerCase());
  });

  test('The command peer show --ours says that it has no bundle to show when the gateway keeps its own files', async (t) => {
    const file = scene(t).edited('files.yaml', (yaml) =>
      yaml.replace(/^ {2}issuer: .*$/m, '  files: {certificate: /pki/tls.pem, privateKey: /pki/tls-key.pem}'),
    );
    assert.equal((await sheetOf(file)).trustBundle, undefined);
    assert.deepEqual(refusal(await show(file, '-o', 'pem')), [64, 'USAGE', '']);
  });

  test('The command peer show refuses an unknown peer, and a call without --ours', async (t) => {
    const { file } = scene(t);
    assert.deepEqual(refusal(await show(file, '--to', 'nobody')), [64, 'USAGE', '']);
    assert.deepEqual(refusal(await postern(['peer', 'show', '-f', file])), [64, 'USAGE', '']);
  });
});
