// What an edit changed, as the log names it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolve } from '../../src/federation/resolve/resolve.ts';
import { changesBetween, type Described } from '../../src/pipeline/changes.ts';
import { type Ca, configOf, filesOf, NOW } from '../envoy/pipeline.ts';

const cas = new Map<string, Ca>();

const IDENTITY = 'identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}';

/** The body begins with `mesh`, or leaves it and the identity to the usual ones. */
function described(body: string, previous?: Described, authorities = cas): Described {
  const head = body.startsWith('mesh') ? '' : `mesh: {name: ours, trustDomain: ours.example}\n${IDENTITY}\n`;
  const config = configOf(`apiVersion: postern/v1\n${head}${body}`);
  const files = filesOf(config, authorities);
  const { resolved } = resolve({ config, files, now: NOW, ...(previous && { previous }) });
  assert.ok(resolved);
  return { ...resolved, config };
}

const gateways = 'gateways: {ingress: {address: "127.0.0.1:15443"}, egress: {address: 127.0.0.1}}';
const peer = (name: string): string =>
  `  ${name}: {trustDomain: ${name}.example, trustBundle: ${name}.pem, gatewayIdentities: [gateway/egress], addresses: ["127.0.0.1:9"]}`;
const exported = (name: string, port: number, consumers: readonly string[]): string =>
  `- {name: ${name}, backend: "127.0.0.1:${port}", consumers: [${consumers.map((one) => `{peer: ${one}, methods: [GET], paths: [/*]}`).join(', ')}]}`;
const imported = (of: string, name: string): string => `- {peer: ${of}, name: ${name}, as: ${name}.local, port: 8080}`;

test('Each kind of object is named when it was added, removed or changed, and is left out when nothing changed', () => {
  const before = described(`${gateways}
peers:
${peer('north')}
${peer('west')}
exports:
${exported('rates', 8080, ['north', 'west'])}
${exported('loans', 8081, ['west'])}
imports:
${imported('north', 'a')}
`);
  const next = described(
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
    peers: { added: ['south'], removed: ['west'], changed: ['north: identities'] },
    exports: { removed: ['loans'], changed: ['rates: backends'] },
    imports: { added: ['b.local:8080'], removed: ['a.local:8080'] },
    grants: { added: ['south/rates'], removed: ['west/rates', 'west/loans'] },
  });
});

test('The same configuration changes nothing, and a first one adds everything', () => {
  const body = `${gateways}
peers:
${peer('north')}
`;
  const before = described(body);
  assert.deepEqual(changesBetween(before, described(body, before)), {});
  assert.deepEqual(changesBetween(undefined, before), {
    gateways: { added: ['ingress', 'egress'] },
    peers: { added: ['north'] },
  });
});

test('Of many names the first twenty are listed, and the others counted', () => {
  const exports = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, index) => exported(`e${from + index}`, 8080, ['north'])).join('\n');
  const body = (list: string): string => `${gateways}\npeers:\n${peer('north')}\nexports:\n${list}\n`;
  const before = described(body(exports(100, 101)));
  const { exports: change } = changesBetween(before, described(body(exports(100, 131)), before));
  assert.equal(change?.added?.length, 21);
  assert.equal(change?.added?.at(-1), 'and 10 more');
});

test('Of each object the log says what changed, and nothing of what follows from it', () => {
  const body = (consumer: string, more = ''): string => `${gateways}
peers:
${peer('north')}
exports:
- {name: rates, backend: "127.0.0.1:8080", ${more} consumers: [{peer: north, ${consumer}}]}
`;
  const granted = 'methods: [GET], paths: [/a]';
  const before = described(body(granted));
  const changed = (next: string) => changesBetween(before, described(next, before));
  assert.deepEqual(changed(body('methods: [GET, POST], paths: [/a]')), {
    grants: { changed: ['north/rates: methods'] },
  });
  assert.deepEqual(changed(body('methods: [GET], paths: [/a, /b]')), { grants: { changed: ['north/rates: paths'] } });
  assert.deepEqual(changed(body(`${granted}, workloads: [ns/a]`)), { grants: { changed: ['north/rates: workloads'] } });
  assert.deepEqual(changed(body(`${granted}, expires: 2099-12-31`)), { grants: { changed: ['north/rates: expiry'] } });
  assert.deepEqual(changed(body(granted, 'requestBodies: any-method,')), {
    exports: { changed: ['rates: requestBodies'] },
  });
  assert.deepEqual(changed(body(granted).replace('8080', '9090')), { exports: { changed: ['rates: backends'] } });
});

test('A renamed mesh, another lifetime and another issuer are named', () => {
  const body = (mesh: string, issuer = ''): string =>
    `mesh: {name: ${mesh}, trustDomain: ours.example}\n${IDENTITY.replace('ca-key.pem}', `ca-key.pem${issuer}}`)}\n${gateways}`;
  const before = described(body('ours'));
  assert.deepEqual(changesBetween(before, described(body('renamed'), before)), { mesh: { changed: ['name'] } });
  assert.deepEqual(changesBetween(before, described(body('ours', ', lifetime: 2h'), before)), {
    identity: { changed: ['lifetime'] },
  });
  assert.deepEqual(changesBetween(before, described(body('ours'), before, new Map())), {
    identity: { changed: ['issuer'] },
  });
});

test('A peer that becomes denied is a change of the peer alone, and another bundle one of its bundle', () => {
  const body = `${gateways}
peers:
${peer('north')}
exports:
${exported('rates', 8080, ['north'])}
imports:
${imported('north', 'a')}
`;
  const before = described(body);
  const config = configOf(`apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example}
${IDENTITY}
${body}`);
  const files = new Map(filesOf(config, cas));
  const withBundle = (bytes: Buffer) => {
    const { resolved } = resolve({
      config,
      files: new Map([...files, ['north.pem', bytes]]),
      now: NOW,
      previous: before,
    });
    assert.ok(resolved);
    return changesBetween(before, { ...resolved, config });
  };
  assert.deepEqual(withBundle(Buffer.from('')), { peers: { changed: ['north: denied'] } });
  const other = filesOf(config, new Map()).get('north.pem');
  assert.ok(other);
  assert.deepEqual(withBundle(other), { peers: { changed: ['north: bundle'] } });
});
