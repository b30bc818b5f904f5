// Tests what changes with time alone, also while the file is invalid: grants end, identities are renewed, a peer's CA expires.
// Must not: wait; the clock is an argument.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../src/config/files/load.ts';
import { decodeResource } from '../../src/envoy/proto/codec.ts';
import type { GatewayRole } from '../../src/federation/model.ts';
import { type Compiled, type CompileInput, Compiler } from '../../src/pipeline/compile.ts';
import { type Applied, Publisher } from '../../src/pipeline/publisher.ts';
import { anyBody } from '../../src/snapshot/resource.ts';
import { createCa } from '../../src/trust/issuing/issue.ts';
import type { TrustDomain } from '../../src/trust/spiffe.ts';
import { plainName } from '../envoy/pipeline.ts';
import { MemoryStore } from './memory-store.ts';

const DAY = 24 * 60 * 60 * 1000;
const now = Date.UTC(2027, 2, 31, 12);

/** Our mesh, which has two CAs, with two peers; the CA of `west` lives eight days, the grant to `north` ends tonight. */
function scene(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-publisher-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, days] of [
    ['ours', 90],
    ['other', 90],
    ['north', 90],
    ['west', 8],
  ] as const) {
    const trustDomain = `${name === 'other' ? 'ours' : name}.example` as TrustDomain;
    const ca = createCa({ trustDomain, commonName: name, now, lifetimeSeconds: days * 24 * 3600 });
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'ca.pem'), ca.certificate);
    writeFileSync(join(folder, name, 'ca-key.pem'), ca.privateKey.reveal(), { mode: 0o600 });
  }
  const peer = (name: string): string =>
    `  ${name}: {trustDomain: ${name}.example, trustBundle: ${name}/ca.pem, gatewayIdentities: [gateway/egress]}`;
  const file = join(folder, 'ours.yaml');
  writeFileSync(
    file,
    `apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example}
identity: {issuer: {certificate: ours/ca.pem, privateKey: ours/ca-key.pem, lifetime: 24h}}
gateways: {ingress: {address: "127.0.0.1:15443"}}
peers:
${peer('north')}
${peer('west')}
exports:
- name: rates
  backend: 127.0.0.1:8080
  consumers:
  - {peer: north, methods: [GET], paths: [/v1/*], expires: 2027-03-31}
  - {peer: west, methods: [GET], paths: [/v1/*]}
- name: tonight
  backend: 127.0.0.1:8081
  consumers:
  - {peer: north, methods: [GET], paths: [/v1/*], expires: 2027-03-31}
`,
  );
  return file;
}

const secrets = (publisher: Publisher, name: string) =>
  [...(publisher.cache.get('ingress')?.types.values() ?? [])]
    .flatMap((type) => [...type.resources.values()])
    .find((resource) => plainName(resource.name) === name)?.version;

test('A grant ends on its day although the file is invalid by then', async (t) => {
  const file = scene(t);
  const publisher = new Publisher(now);
  publisher.apply(await loadConfig(file), now);
  const [north, west] = [secrets(publisher, 'ingress/north'), secrets(publisher, 'ingress/west')];
  writeFileSync(file, 'oops: 1');
  const broken = await loadConfig(file);
  assert.throws(() => publisher.apply(broken, now + DAY), { code: 'CONFIG_INVALID' });
  assert.equal(secrets(publisher, 'ingress/north'), north);
  publisher.refresh(now + DAY);
  // The file that is in force is still the one of that day: "last applied" must not move while its successor is refused.
  assert.equal(publisher.applied?.at, now);
  assert.notEqual(secrets(publisher, 'ingress/north'), north);
  assert.equal(secrets(publisher, 'ingress/west'), west);
});

test('A peer’s CA that expired denies that peer alone: others are renewed, changed and served after a restart', async (t) => {
  const file = scene(t);
  const publisher = new Publisher(now);
  const loaded = await loadConfig(file);
  publisher.apply(loaded, now);
  const ours = secrets(publisher, 'cert/ingress/north');
  const bundle = secrets(publisher, 'bundle/west');
  const applied = publisher.refresh(now + 9 * DAY);
  assert.notEqual(secrets(publisher, 'cert/ingress/north'), ours);
  assert.ok(applied?.warnings.some(({ code, concernsPeer }) => code === 'BUNDLE_EXPIRED' && concernsPeer === 'west'));
  assert.ok((publisher.nextDue() ?? 0) > now + 9 * DAY);
  // Its bundle is a root that nobody holds from now on, and its chain is gone.
  assert.notEqual(secrets(publisher, 'bundle/west'), bundle);
  assert.ok(!resourceText(publisher, 'ingress', 'ingress').includes('bundle/west'));
  // A revocation beside it takes effect.
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^- name: tonight[\s\S]*/m, ''));
  publisher.apply(await loadConfig(file), now + 9 * DAY);
  const restarted = new Publisher(now);
  const { resolved } = restarted.apply(await loadConfig(file), now + 9 * DAY);
  assert.deepEqual(
    [resolved.federation.peers, resolved.federation.deniedPeers].map((peers) => peers.map(({ name }) => name)),
    [['north'], ['west']],
  );
});

/** Compiles as the real one does, and fails when told to, as a resource that breaks a rule does. */
class FailingCompiler {
  fails = false;
  private compiler: Pick<Compiler, 'compile'> = new Compiler();

  compile(input: CompileInput): Compiled {
    if (this.fails) throw new Error('a resource breaks a rule');
    const compiled = this.compiler.compile(input);
    this.compiler = compiled.compiler;
    return { ...compiled, compiler: this };
  }
}

const served = (publisher: Publisher) =>
  [...publisher.cache.entries()].flatMap(([gateway, { types }]) =>
    [...types.values()].flatMap(({ resources }) =>
      [...resources.values()].map(({ name, version }) => `${gateway} ${name} ${version}`),
    ),
  );

for (const [what, edit] of [
  ['another issuer', (yaml: string) => yaml.replaceAll('ours/ca', 'other/ca')],
  ['another lifetime', (yaml: string) => yaml.replace('lifetime: 24h', 'lifetime: 48h')],
  [
    'no issuer',
    (yaml: string) => yaml.replace(/issuer: .*$/m, 'files: {certificate: /pki/tls.pem, privateKey: /pki/tls-key.pem}}'),
  ],
] as const) {
  test(`A rejected configuration with ${what} changes nothing, neither at once nor at the next refresh`, async (t) => {
    const file = scene(t);
    const compiler = new FailingCompiler();
    const publisher = new Publisher(now, { compiler });
    publisher.apply(await loadConfig(file), now);
    const [before, identities, due] = [served(publisher), publisher.identities.list(), publisher.nextDue()];
    const edited = edit(readFileSync(file, 'utf8'));
    assert.notEqual(edited, readFileSync(file, 'utf8'));
    writeFileSync(file, edited);
    const loaded = await loadConfig(file);
    assert.deepEqual(loaded.findings, []);
    compiler.fails = true;
    assert.throws(() => publisher.apply(loaded, now + 1000), /breaks a rule/);
    compiler.fails = false;
    assert.deepEqual([publisher.identities.list(), publisher.nextDue()], [identities, due]);
    publisher.refresh(now + 2000);
    assert.deepEqual(served(publisher), before);
    // The configuration itself is good: it is applied once nothing breaks a rule any more.
    publisher.apply(loaded, now + 3000);
    assert.notDeepEqual(served(publisher), before);
  });
}

test('A CA is checked again at the time when it begins, or when the last one ends', async (t) => {
  const file = scene(t);
  const publisher = new Publisher(now);
  publisher.apply(await loadConfig(file), now);
  const end = now + 8 * DAY;
  // Identities are renewed each half day; the last time before the end of west's CA, that end is due.
  publisher.refresh(end - 3600_000);
  assert.equal(publisher.nextDue(), end);
});

test('A bundle file that cannot be read is one finding, which says that its peer is denied, or keeps its bundle', async (t) => {
  const file = scene(t);
  const bundle = join(dirname(file), 'west', 'ca.pem');
  const good = readFileSync(bundle);
  const hints = ({ warnings }: Applied): readonly string[] =>
    warnings.flatMap(({ concernsPeer, severity, code, hint }) =>
      concernsPeer === 'west' && severity === 'error' ? [`${code} ${hint}`] : [],
    );
  const apply = async (publisher: Publisher): Promise<Applied> => publisher.apply(await loadConfig(file), now);
  const running = new Publisher(now);
  assert.deepEqual(hints(await apply(running)), []);
  for (const [code, breakIt] of [
    ['FILE_UNREADABLE', () => rmSync(bundle)],
    ['BUNDLE_UNPARSABLE', () => writeFileSync(bundle, 'oops')],
  ] as const) {
    breakIt();
    const [kept, ...more] = hints(await apply(running));
    assert.match(kept ?? '', new RegExp(`^${code} .*; until then west keeps the bundle that was read before$`));
    const [denied, ...others] = hints(await apply(new Publisher(now)));
    assert.match(denied ?? '', new RegExp(`^${code} .*; until then west is denied$`));
    assert.deepEqual([...more, ...others], []);
  }
  writeFileSync(bundle, good);
  assert.deepEqual(hints(await apply(running)), []);
});

test('A bundle file that is missing denies its peer at start; its imports answer 503, and every other peer is served', async (t) => {
  const file = scene(t);
  rmSync(join(dirname(file), 'west', 'ca.pem'));
  const text = readFileSync(file, 'utf8')
    .replace('gateways: {', 'gateways: {egress: {address: 127.0.0.1}, ')
    .replaceAll('egress]}', 'egress], addresses: ["127.0.0.1:9"]}')
    .concat('imports:\n- {peer: west, name: a, as: a, port: 80}\n- {peer: north, name: b, as: b, port: 80}\n');
  writeFileSync(file, text);
  const publisher = new Publisher(now);
  const { warnings } = publisher.apply(await loadConfig(file), now);
  assert.ok(warnings.some(({ code, concernsPeer }) => code === 'FILE_UNREADABLE' && concernsPeer === 'west'));
  assert.ok(resourceText(publisher, 'ingress', 'ingress').includes('bundle/north'));
  const routes = JSON.parse(resourceText(publisher, 'egress', 'egress/80')) as Routes;
  assert.deepEqual(
    routes.virtual_hosts.map(({ domains, routes: [route] }) => [domains[0], route?.direct_response?.status]),
    [
      ['a', 503],
      ['b', undefined],
      ['*', 404],
    ],
  );
});

interface Routes {
  readonly virtual_hosts: readonly {
    readonly domains: readonly string[];
    readonly routes: readonly { readonly direct_response?: { readonly status: number } }[];
  }[];
}

test('Removing a newer root changes the peer’s filter chain once, and adding one leaves the chain as it is', async (t) => {
  const file = scene(t);
  const bundle = join(dirname(file), 'north', 'ca.pem');
  const older = readFileSync(bundle, 'utf8');
  const at = now + DAY / 4;
  const publisher = new Publisher(at, { store: new MemoryStore() });
  publisher.apply(await loadConfig(file), at);
  const chains = (): string => resourceText(publisher, 'ingress', 'ingress');
  const before = chains();
  writeFileSync(bundle, `${older}${newerRoot()}`);
  publisher.apply(await loadConfig(file), at);
  assert.equal(chains(), before);
  writeFileSync(bundle, older);
  publisher.apply(await loadConfig(file), at);
  const after = chains();
  assert.notEqual(after, before);
  publisher.refresh(at + 60_000);
  assert.equal(chains(), after);
});

/** A second CA of north, younger than the first. */
function newerRoot(): string {
  const trustDomain = 'north.example' as TrustDomain;
  return createCa({ trustDomain, commonName: 'newer', now: now + 60_000, lifetimeSeconds: 90 * 86_400 }).certificate;
}

/** A resource as JSON. */
function resourceText(publisher: Publisher, gateway: GatewayRole, name: string): string {
  const resource = [...(publisher.cache.get(gateway)?.types.values() ?? [])]
    .flatMap((type) => [...type.resources.values()])
    .find((one) => one.name === name);
  assert.ok(resource, name);
  return JSON.stringify(decodeResource(resource.typeUrl, anyBody(resource)));
}

const issuerEnds = now + 90 * DAY;

test('Our own CA that has ended stops nothing else: grants end, edits are applied, and a restart serves', async (t) => {
  const file = scene(t);
  // West's CA would end before ours; this test is about ours alone.
  const yaml = readFileSync(file, 'utf8')
    .replaceAll('2027-03-31', '2027-07-31')
    .replace(/^ {2}west: .*$/m, '')
    .replace(/^ {2}- \{peer: west.*$/m, '');
  renewNorth(file, 400);
  writeFileSync(file, yaml);
  const loaded = await loadConfig(file);
  const publisher = new Publisher(now);
  publisher.apply(loaded, now);
  publisher.refresh(issuerEnds - 1000);
  const [routes, own] = [secrets(publisher, 'ingress/north'), secrets(publisher, 'cert/ingress/north')];
  const ended = publisher.refresh(issuerEnds + 1000);
  assert.ok(ended?.warnings.some(({ code, severity }) => code === 'ISSUER_EXPIRED' && severity === 'warning'));
  // A new certificate would end at the same moment: nothing is pushed, and nothing is due but the end of the grant.
  assert.equal(secrets(publisher, 'cert/ingress/north'), own);
  assert.equal(publisher.nextDue(), Date.UTC(2027, 7, 1));
  assert.equal(secrets(publisher, 'ingress/north'), routes);
  publisher.apply(loaded, Date.UTC(2027, 7, 1));
  assert.notEqual(secrets(publisher, 'ingress/north'), routes);
  // An edit is applied as well, and so is the first configuration after a restart.
  writeFileSync(file, yaml.replaceAll('/v1/*', '/v2/*').replaceAll('2027-07-31', '2027-12-31'));
  const edited = await loadConfig(file);
  publisher.apply(edited, Date.UTC(2027, 7, 2));
  const restarted = new Publisher(Date.UTC(2027, 7, 2));
  restarted.apply(edited, Date.UTC(2027, 7, 2));
  assert.equal(secrets(restarted, 'ingress/north'), secrets(publisher, 'ingress/north'));
  // What is named anew must be valid.
  writeFileSync(file, yaml.replaceAll('ours/ca', 'other/ca'));
  const other = await loadConfig(file);
  assert.throws(() => publisher.apply(other, Date.UTC(2027, 7, 3)), { code: 'CONFIG_INVALID' });
});

test('An issuer’s file that became unreadable or empty changes only what depends on time', async (t) => {
  const file = scene(t);
  const publisher = new Publisher(now);
  publisher.apply(await loadConfig(file), now);
  const routes = secrets(publisher, 'ingress/north');
  rmSync(join(file, '..', 'ours', 'ca-key.pem'));
  writeFileSync(join(file, '..', 'ours', 'ca.pem'), '');
  const broken = await loadConfig(file);
  const own = secrets(publisher, 'cert/ingress/north');
  assert.throws(() => publisher.apply(broken, now + 1000), { code: 'CONFIG_INVALID' });
  publisher.refresh(now + 2000);
  assert.deepEqual([secrets(publisher, 'cert/ingress/north'), secrets(publisher, 'ingress/north')], [own, routes]);
  publisher.refresh(now + DAY);
  assert.notEqual(secrets(publisher, 'cert/ingress/north'), own);
  assert.notEqual(secrets(publisher, 'ingress/north'), routes);
});

test('A clock that jumps ahead and back leaves no certificate behind that is not valid yet', async (t) => {
  const file = scene(t);
  const publisher = new Publisher(now);
  const loaded = await loadConfig(file);
  publisher.apply(loaded, now);
  const before = secrets(publisher, 'ingress/north');
  publisher.refresh(now + 5 * DAY);
  assert.notEqual(secrets(publisher, 'ingress/north'), before);
  publisher.refresh(now + 1000);
  assert.equal(secrets(publisher, 'ingress/north'), before);
  for (const { role, peer } of publisher.identities.list()) {
    const identity = publisher.identities.get(role, peer);
    assert.ok(identity && identity.notBefore <= now && now < identity.notAfter);
  }
});

test('The end of our own CA and of a peer’s is a warning 30 days, 7 days and one day before, without any file change', async (t) => {
  const file = scene(t);
  renewNorth(file, 100);
  const yaml = readFileSync(file, 'utf8').replaceAll(', expires: 2027-03-31', '');
  writeFileSync(
    file,
    yaml
      .replace('lifetime: 24h', 'lifetime: 90d')
      .replace(/^ {2}west: .*$/m, '')
      .replace(/^ {2}- \{peer: west.*$/m, ''),
  );
  const publisher = new Publisher(now);
  publisher.apply(await loadConfig(file), now);
  const announced = () =>
    (publisher.applied?.warnings ?? []).flatMap(({ code, message }) =>
      /^(ISSUER|BUNDLE)_EXPIRE/.test(code) ? [`${code} ${/within (\S+)/.exec(message)?.[1] ?? 'ended'}`] : [],
    );
  assert.deepEqual(announced(), []);
  const seen: (readonly string[])[] = [];
  for (let turns = 0; turns < 12; turns += 1) {
    const due = publisher.nextDue();
    if (due === undefined || due > now + 99.5 * DAY) break;
    publisher.refresh(due);
    seen.push([`day ${Math.round((due - now) / DAY)}`, ...announced()]);
  }
  assert.deepEqual(seen, [
    ['day 60', 'ISSUER_EXPIRES_SOON 30'],
    ['day 70', 'ISSUER_EXPIRES_SOON 30', 'BUNDLE_EXPIRES_SOON 30'],
    ['day 83', 'ISSUER_EXPIRES_SOON 7', 'BUNDLE_EXPIRES_SOON 30'],
    ['day 89', 'ISSUER_EXPIRES_SOON a', 'BUNDLE_EXPIRES_SOON 30'],
    ['day 90', 'ISSUER_EXPIRED ended', 'BUNDLE_EXPIRES_SOON 30'],
    ['day 93', 'ISSUER_EXPIRED ended', 'BUNDLE_EXPIRES_SOON 7'],
    ['day 99', 'ISSUER_EXPIRED ended', 'BUNDLE_EXPIRES_SOON a'],
  ]);
});

/** Another CA of the same trust domain, which lives so many days. */
function renewNorth(file: string, days: number): void {
  const trustDomain = 'north.example' as TrustDomain;
  const ca = createCa({ trustDomain, commonName: 'north', now, lifetimeSeconds: days * 24 * 3600 });
  writeFileSync(join(file, '..', 'north', 'ca.pem'), ca.certificate);
}
