// Limits of a peer whose meaning changed: its old connections are limited as its new ones are, until they have ended.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/files/load.ts';
import { decodeResource } from '../../src/envoy/proto/codec.ts';
import { Publisher } from '../../src/pipeline/publisher.ts';
import { anyBody } from '../../src/snapshot/resource.ts';
import { newCa } from '../envoy/pipeline.ts';

const DAY = 24 * 60 * 60 * 1000;
const now = Date.UTC(2027, 2, 31, 12);

/** What the routes of the peer say of requests each second, by the name of the routes. */
function ratesOf(publisher: Publisher): ReadonlyMap<string, readonly string[]> {
  const routes = [...(publisher.cache.get('ingress')?.types.values() ?? [])]
    .flatMap((type) => [...type.resources.values()])
    .filter(({ name }) => name.startsWith('ingress/north@'));
  return new Map(
    routes.map((one) => {
      const text = JSON.stringify(decodeResource(one.typeUrl, anyBody(one)));
      return [one.name, [...text.matchAll(/"max_tokens":(\d+)/g)].map(([, rate = '']) => rate)];
    }),
  );
}

test('A peer with other identities has its limits on the connections of the old ones too, and a new limit reaches both', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-retired-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const ours = newCa('ours.example', now - DAY);
  const file = join(folder, 'ours.yaml');
  writeFileSync(join(folder, 'north.pem'), newCa('north.example', now - DAY).certificate);
  writeFileSync(join(folder, 'ca.pem'), ours.certificate);
  writeFileSync(join(folder, 'ca-key.pem'), ours.privateKey, { mode: 0o600 });
  const publisher = new Publisher(now);
  const serve = async (at: number, identities: string, peer: number, consumer: number): Promise<void> => {
    writeFileSync(
      file,
      `apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}}
peers:
  north: {trustDomain: north.example, trustBundle: north.pem, gatewayIdentities: [${identities}], limits: {requestsPerSecond: ${peer}}}
exports:
- {name: rates, backend: "127.0.0.1:8080", consumers: [{peer: north, methods: [GET], paths: [/*], limits: {requestsPerSecond: ${consumer}}}]}
`,
    );
    publisher.apply(await loadConfig(file), at);
  };
  await serve(now, 'gateway/a', 31, 13);
  const [first = ''] = ratesOf(publisher).keys();
  /** Of both: of the peer, of the consumer, and of the health checks of the peer's gateways. */
  const all = (peer: number, consumer: number): readonly string[] => [peer, consumer, 100].map(String).sort();
  const sorted = (): readonly (readonly string[])[] =>
    [...ratesOf(publisher).values()].map((rates) => [...rates].sort());
  assert.deepEqual(sorted(), [all(31, 13)]);
  await serve(now + DAY, 'gateway/a, gateway/b', 31, 13);
  assert.equal(ratesOf(publisher).size, 2);
  assert.ok(ratesOf(publisher).has(first), 'the old name is still there');
  assert.deepEqual(sorted(), [all(31, 13), all(31, 13)]);
  await serve(now + DAY + 60_000, 'gateway/a, gateway/b', 37, 17);
  assert.equal(ratesOf(publisher).size, 2);
  assert.deepEqual(sorted(), [all(37, 17), all(37, 17)]);
});
