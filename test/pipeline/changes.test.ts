// What an edit changed, as the log names it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Federation } from '../../src/federation/model.ts';
import { resolve } from '../../src/federation/resolve.ts';
import { changesBetween } from '../../src/pipeline/changes.ts';
import { type Ca, configOf, filesOf, NOW } from '../envoy/pipeline.ts';

const cas = new Map<string, Ca>();

function federationOf(body: string, previous?: Federation): Federation {
  const config = configOf(`apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
${body}`);
  const { resolved } = resolve({
    config,
    files: filesOf(config, cas),
    now: NOW,
    ...(previous && { previous: { federation: previous } }),
  });
  assert.ok(resolved);
  return resolved.federation;
}

const gateways = 'gateways: {ingress: {address: "127.0.0.1:15443"}, egress: {address: 127.0.0.1}}';
const peer = (name: string): string =>
  `  ${name}: {trustDomain: ${name}.example, trustBundle: ${name}.pem, gatewayIdentities: [gateway/egress], addresses: ["127.0.0.1:9"]}`;
const exported = (name: string, port: number, consumers: readonly string[]): string =>
  `- {name: ${name}, backend: "127.0.0.1:${port}", consumers: [${consumers.map((one) => `{peer: ${one}, methods: [GET], paths: [/*]}`).join(', ')}]}`;
const imported = (of: string, name: string): string => `- {peer: ${of}, name: ${name}, as: ${name}.local, port: 8080}`;

test('Each kind of object is named when it was added, removed or changed, and is left out when nothing changed', () => {
  const before = federationOf(`${gateways}
peers:
${peer('north')}
${peer('west')}
exports:
${exported('rates', 8080, ['north', 'west'])}
${exported('loans', 8081, ['west'])}
imports:
${imported('north', 'a')}
`);
  const next = federationOf(
    `${gateways}
peers:
${peer('north').replace('gateway/egress', 'gateway/other')}
${peer('south')}
exports:
${exported('rates', 9090, ['north', 'south'])}
imports:
${imported('north', 'b')}
`,
    before,
  );
  assert.deepEqual(changesBetween(before, next), {
    peers: { added: ['south'], removed: ['west'], changed: ['north'] },
    exports: { removed: ['loans'], changed: ['rates'] },
    imports: { added: ['b.local:8080'], removed: ['a.local:8080'] },
    grants: { added: ['south/rates'], removed: ['west/loans', 'west/rates'], changed: ['north/rates'] },
  });
});

test('The same configuration changes nothing, and a first one adds everything', () => {
  const body = `${gateways}
peers:
${peer('north')}
`;
  const before = federationOf(body);
  assert.deepEqual(changesBetween(before, federationOf(body, before)), {});
  assert.deepEqual(changesBetween(undefined, before), {
    gateways: { added: ['ingress', 'egress'] },
    peers: { added: ['north'] },
  });
});

test('Of many names the first twenty are listed, and the others counted', () => {
  const exports = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, index) => exported(`e${from + index}`, 8080, ['north'])).join('\n');
  const body = (list: string): string => `${gateways}\npeers:\n${peer('north')}\nexports:\n${list}\n`;
  const before = federationOf(body(exports(100, 101)));
  const { exports: change } = changesBetween(before, federationOf(body(exports(100, 131)), before));
  assert.equal(change?.added?.length, 21);
  assert.equal(change?.added?.at(-1), 'and 10 more');
});
