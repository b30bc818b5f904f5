// `postern can --certificate`: the caller is what a PEM file shows, and a workload of ours is the one that it is asked about.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { newCa } from '../../envoy/pipeline.ts';
import { type Leaf, leaf } from '../../support/leaf.ts';
import { postern, refusal, type Scene, scene } from '../postern.ts';

const GATEWAY = 'spiffe://shop.example/gateway/egress';
const ASKED = ['GET', 'withdraw.accounts', '/v1/receipts/1'];
const HOUR = 3_600_000;

interface Shown {
  readonly file: string;
  /** Writes a certificate; returns its path. */
  readonly certificate: (wanted?: Partial<Leaf> & { readonly mesh?: string }) => string;
  readonly folder: Scene['folder'];
  readonly edited: Scene['edited'];
}

function shownIn(t: TestContext): Shown {
  const { folder, file, edited } = scene(t);
  // CAs whose keys are here, for certificates of the peers.
  for (const mesh of ['shop', 'partner']) {
    const { certificate, privateKey } = newCa(`${mesh}.example`, Date.now() - 6 * HOUR);
    writeFileSync(join(folder, 'pki', mesh, 'ca.pem'), certificate);
    writeFileSync(join(folder, 'pki', mesh, 'ca-key.pem'), privateKey, { mode: 0o600 });
  }
  let count = 0;
  return {
    file,
    folder,
    edited,
    certificate: ({ mesh = 'shop', ...wanted } = {}) => {
      count += 1;
      const ca = join(folder, 'pki', mesh);
      const path = join(folder, `shown-${count}.pem`);
      writeFileSync(path, leaf({ ca, caTrustDomain: `${mesh}.example`, uris: [GATEWAY], ...wanted }).cert);
      return path;
    },
  };
}

const BY_SHOP = ['shop', ...ASKED];

async function reasonOf(file: string, path: string, words = BY_SHOP): Promise<readonly unknown[]> {
  const { status, stdout, stderr } = await postern(['can', ...words, '-f', file, '--certificate', path, '-o', 'json']);
  assert.equal(stderr, '');
  return [status, (JSON.parse(stdout) as { readonly reason: string }).reason];
}

describe('can --certificate', () => {
  test('A certificate of the peer is judged by its chain, its names, its times and its key', async (t) => {
    const { file, certificate } = shownIn(t);
    const cases: readonly (readonly [string, number, string])[] = [
      [certificate(), 0, 'ALLOWED'],
      [certificate({ mesh: 'partner' }), 1, 'WRONG_CA'],
      [certificate({ uris: ['spiffe://shop.example/gateway/other'] }), 1, 'WRONG_IDENTITY'],
      [certificate({ uris: [GATEWAY, 'spiffe://shop.example/gateway/other'] }), 1, 'WRONG_IDENTITY'],
      [certificate({ expiresIn: -HOUR }), 1, 'CERTIFICATE_EXPIRED'],
      [certificate({ validIn: HOUR, expiresIn: 2 * HOUR }), 1, 'CERTIFICATE_NOT_YET_VALID'],
      [certificate({ key: 'rsa2048' }), 1, 'WRONG_KEY_KIND'],
    ];
    const told = await Promise.all(cases.map(([path]) => reasonOf(file, path)));
    assert.deepEqual(
      told,
      cases.map(([, status, reason]) => [status, reason]),
    );
  });

  test('The time that is asked about is that of the certificate, too', async (t) => {
    const { file, certificate } = shownIn(t);
    const path = certificate({ expiresIn: 4 * HOUR });
    const at = (ms: number): string[] => [...BY_SHOP, '--at', new Date(Date.now() + ms).toISOString()];
    assert.deepEqual(await reasonOf(file, path, at(3 * HOUR)), [0, 'ALLOWED']);
    assert.deepEqual(await reasonOf(file, path, at(5 * HOUR)), [1, 'CERTIFICATE_EXPIRED']);
  });

  test('A workload of our own that proves who it is may show one as well; where nobody is asked for one, it is an error', async (t) => {
    const { file, certificate, edited } = shownIn(t);
    const mtls = edited('mtls.yaml', (yaml) =>
      yaml
        .replace('trustDomain: bank.example', 'trustDomain: bank.example\n  trustBundle: pki/bank/ca.pem')
        .replace('egress: {address: 127.0.0.1}', 'egress: {address: 127.0.0.1, clients: mtls}')
        .replace('port: 11080', 'port: 11080\n  clients: [ns/web/sa/front]'),
    );
    const words = ['ns/web/sa/front', 'GET', 'reviews.default:11080', '/'];
    const ours = (path: string): Partial<Leaf> & { readonly mesh: string } => ({
      mesh: 'bank',
      uris: [`spiffe://bank.example/${path}`],
    });
    assert.deepEqual(await reasonOf(mtls, certificate(ours('ns/web/sa/front')), words), [0, 'ALLOWED']);
    const [, ...call] = words;
    const other = certificate(ours('ns/web/sa/other'));
    for (const who of ['ns/web/sa/other', 'spiffe://bank.example/ns/web/sa/other', 'anyone'])
      assert.deepEqual(await reasonOf(mtls, other, [who, ...call]), [1, 'CLIENT']);
    assert.deepEqual(await reasonOf(mtls, certificate(), ['anyone', ...call]), [1, 'WRONG_CA']);
    const both = certificate({
      ...ours('ns/web/sa/front'),
      uris: ['ns/web/sa/front', 'x'].map((path) => `spiffe://bank.example/${path}`),
    });
    assert.deepEqual(await reasonOf(mtls, both, words), [1, 'WRONG_IDENTITY']);
    assert.deepEqual(await reasonOf(mtls, certificate({ mesh: 'bank', uris: [] }), words), [1, 'WRONG_IDENTITY']);
    const plain = await postern(['can', ...words, '-f', file, '--certificate', certificate()]);
    assert.deepEqual(refusal(plain), [64, 'USAGE', '']);
  });

  test('A certificate of another workload than the one that is asked about is no question, and an answer says whose it was', async (t) => {
    const { certificate, edited } = shownIn(t);
    const mtls = edited('mtls.yaml', (yaml) =>
      yaml
        .replace('trustDomain: bank.example', 'trustDomain: bank.example\n  trustBundle: pki/bank/ca.pem')
        .replace('egress: {address: 127.0.0.1}', 'egress: {address: 127.0.0.1, clients: mtls}')
        .replace('port: 11080', 'port: 11080\n  clients: [ns/web/sa/front]'),
    );
    const front = 'spiffe://bank.example/ns/web/sa/front';
    const shown = ['-f', mtls, '--certificate', certificate({ mesh: 'bank', uris: [front] })];
    const call = ['GET', 'reviews.default:11080', '/', ...shown];
    const other = await postern(['can', 'ns/web/sa/back', ...call]);
    assert.deepEqual(refusal(other), [64, 'USAGE', '']);
    assert.ok(other.stderr.includes(front));
    for (const who of ['ns/web/sa/front', 'anyone']) {
      const { status, stdout } = await postern(['can', who, ...call]);
      assert.deepEqual([status, stdout.split('\n')[0]?.includes(front)], [0, true]);
    }
    const peer = certificate({ uris: ['spiffe://shop.example/gateway/other'] });
    const { stdout } = await postern(['can', ...BY_SHOP, '-f', mtls, '--certificate', peer]);
    assert.ok(stdout.split('\n')[0]?.includes('spiffe://shop.example/gateway/other'));
  });

  test('What the gateway of a peer shows to our egress is judged as well', async (t) => {
    const { file, certificate } = shownIn(t);
    const words = [
      'can',
      'anyone',
      'GET',
      'reviews.default:11080',
      '/',
      '-f',
      file,
      '-o',
      'json',
      '--peer-certificate',
    ];
    const asked = async (path: string): Promise<readonly unknown[]> => {
      const { status, stdout } = await postern([...words, path]);
      return [status, (JSON.parse(stdout) as { readonly reason: string }).reason];
    };
    assert.deepEqual(await asked(certificate({ uris: ['spiffe://shop.example/gateway/ingress'] })), [0, 'ALLOWED']);
    assert.deepEqual(await asked(certificate({ uris: ['spiffe://shop.example/other'] })), [1, 'WRONG_IDENTITY']);
    assert.deepEqual(await asked(certificate({ mesh: 'partner' })), [1, 'WRONG_CA']);
    const none = await postern(['can', ...BY_SHOP, '-f', file, '--peer-certificate', certificate()]);
    assert.deepEqual(refusal(none), [64, 'USAGE', '']);
  });

  test('A file without a certificate, or with a key, is an error, and a certificate that is not read here is not judged', async (t) => {
    const { file, folder } = shownIn(t);
    const asked = async (name: string, text: string): Promise<unknown> => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return refusal(await postern(['can', 'shop', ...ASKED, '-f', file, '--certificate', path]));
    };
    const { key } = leaf({ ca: join(folder, 'pki/bank'), caTrustDomain: 'bank.example', uris: [GATEWAY] });
    assert.deepEqual(await asked('empty.pem', ''), [64, 'USAGE', '']);
    assert.deepEqual(await asked('key.pem', key), [64, 'USAGE', '']);
    assert.deepEqual(await asked('text.pem', '-----BEGIN CERTIFICATE-----\n'), [64, 'USAGE', '']);
    const broken = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n';
    assert.deepEqual(await asked('broken.pem', broken), [70, 'UNJUDGED', '']);
    // More than a chain can have is not read at all.
    assert.deepEqual(await asked('longest.pem', broken.repeat(101)), [70, 'UNJUDGED', '']);
    assert.deepEqual(await asked('long.pem', broken.repeat(102)), [64, 'USAGE', '']);
    const none = await postern(['can', 'shop', ...ASKED, '-f', file, '--certificate', join(folder, 'none.pem')]);
    assert.deepEqual(refusal(none), [64, 'USAGE', '']);
  });

  test('Without the bundle there is nothing to judge a certificate by', async (t) => {
    const { certificate, edited } = shownIn(t);
    const absent = edited('absent.yaml', (yaml) => yaml.replace('pki/shop/ca.pem', 'pki/absent/ca.pem'));
    const words = ['can', 'shop', ...ASKED, '-f', absent, '--without-keys', '--certificate', certificate()];
    assert.deepEqual(refusal(await postern(words)), [70, 'UNJUDGED', '']);
  });
});
