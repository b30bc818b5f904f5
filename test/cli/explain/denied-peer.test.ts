// `postern explain` on lines of a peer that our own file denies: what the line cannot say, and the file can.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { Explanation } from '../../../src/cli/explain/explanation.ts';
import { postern, scene } from '../postern.ts';
import { ANY, Served } from '../run/served.ts';

const TLS = { gateway: 'bank/ingress', layer: 'listener', verdict: 'refused', reason: 'UNKNOWN_SERVER_NAME' };

/** The shop has an empty bundle. */
function denying(t: TestContext, sni?: string): string {
  const { edited, folder } = scene(t);
  writeFileSync(join(folder, 'pki/shop/ca.pem'), '');
  return edited('denying.yaml', (yaml) =>
    yaml.replace('  shop:\n', `  shop:\n${sni === undefined ? '' : `    sni: ${sni}\n`}`).concat('\n'),
  );
}

async function told(from: readonly string[], fields: Readonly<Record<string, unknown>>): Promise<Explanation> {
  const line = JSON.stringify({ ts: new Date().toISOString(), ...fields });
  const [one] = JSON.parse((await postern(['explain', line, ...from, '-o', 'json'])).stdout) as Explanation[];
  assert.ok(one);
  return one;
}

describe('lines of a peer that is denied', () => {
  test('A server name that is that of a denied peer leads to its bundle and to what is wrong with it', async (t) => {
    for (const label of [undefined, 'p-1234']) {
      const file = denying(t, label);
      const own = `${label ?? 'shop.example'}.peers.bank.example`;
      for (const sni of [own, own.toUpperCase(), `ticks.fx.tcp.${own}`]) {
        const { nearest, cause, cure, judged } = await told(['-f', file], { ...TLS, sni });
        assert.equal(nearest?.name, 'peers.shop.trustBundle');
        assert.match(nearest?.place ?? '', /:\d+$/);
        assert.match(cause, /shop.*BUNDLE_EMPTY/);
        assert.doesNotMatch(`${cause}${cure}`, /ALPN|scanner/i);
        assert.equal(judged[0]?.agrees, 'same');
      }
      // Of nobody: another label, or another mesh.
      for (const sni of [`x${own}`, 'shop.example.peers.other.example'])
        assert.doesNotMatch((await told(['-f', file], { ...TLS, sni })).cause, /BUNDLE_EMPTY/);
    }
  });

  test('The running process knows it as the file does', async (t) => {
    const file = denying(t);
    const process = new Served(t, ['-f', file, ...ANY, '--warm-up', '0']);
    const admin = await process.admin();
    const sni = 'shop.example.peers.bank.example';
    const [running, offline] = await Promise.all([
      told(['--admin', admin], { ...TLS, sni }),
      told(['-f', file], { ...TLS, sni }),
    ]);
    assert.match(running.cause, /BUNDLE_EMPTY/);
    assert.deepEqual([running.cause, running.nearest?.name], [offline.cause, offline.nearest?.name]);
  });

  test('A request to a peer that is denied says why, and names the line', async (t) => {
    const file = denying(t);
    const line = { gateway: 'bank/egress', layer: 'http', verdict: 'refused', reason: 'PEER_DENIED', peer: 'shop' };
    const asked = { method: 'GET', path: '/', import: 'reviews.catalog', authority: 'reviews.default' };
    const { cause, nearest } = await told(['-f', file], { ...line, ...asked });
    assert.match(cause, /BUNDLE_EMPTY/);
    assert.deepEqual(nearest?.name, 'peers.shop.trustBundle');
  });
});
