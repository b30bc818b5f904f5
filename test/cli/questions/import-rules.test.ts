// The rules of imports whose exports have one name: of two peers, or of one peer by two local names. Every command leads to the
// line of the right one.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Explanation } from '../../../src/cli/explain/explanation.ts';
import { postern, scene } from '../postern.ts';

/** By local name and port: the peer, the export, and the one client. */
const HTTP = [
  ['first.default.svc.cluster.local:11080', 'shop', 'a'],
  ['second.default:11080', 'shop', 'b'],
  ['third.default:11080', 'partner', 'c'],
  ['second.default:11083', 'shop', 'd'],
] as const;
const TCP = [
  ['ticks.default:11081', 'partner', 'a'],
  ['ticks.default:11082', 'shop', 'b'],
  ['more.default:11084', 'shop', 'c'],
] as const;
type Import = (typeof HTTP | typeof TCP)[number];

interface Answer {
  readonly verdict: string;
  readonly rule: string;
  readonly rulePlace: string;
  readonly nearest: { readonly rule: string };
  readonly limits: readonly { readonly name?: string; readonly place?: string }[];
  readonly steps: readonly { readonly kind: string; readonly place?: string }[];
  readonly reached: readonly { readonly rule: string; readonly place?: string }[];
}

interface Here {
  readonly file: string;
  /** FILE:LINE */
  readonly lineOf: (one: Import) => string;
  readonly answer: (...words: readonly string[]) => Promise<Answer>;
  readonly told: (fields: Readonly<Record<string, unknown>>) => Promise<Explanation>;
}

function here(t: TestContext, isProven: boolean): Here {
  const entry = (name: string, [target, peer, client]: Import): string => {
    const [as, port] = target.split(':');
    const more = `${isProven ? `, clients: [ns/${client}/sa/${client}]` : ''}${name === 'ticks' ? ', protocol: tcp' : ', limits: {requests: 5}'}`;
    return `- {peer: ${peer}, name: ${name}, as: ${as}, port: ${port}${more}}\n`;
  };
  const file = scene(t).edited(
    'imports.yaml',
    () => `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example${isProven ? ', trustBundle: pki/bank/ca.pem' : ''}}
identity: {issuer: {certificate: pki/bank/ca.pem, privateKey: pki/bank/ca-key.pem}}
gateways: {egress: {address: 127.0.0.1${isProven ? ', clients: mtls' : ''}}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop/ca.pem, gatewayIdentities: [gateway], addresses: ["127.0.0.1:12443"]}
  partner: {trustDomain: partner.example, trustBundle: pki/partner/ca.pem, gatewayIdentities: [gateway], addresses: ["127.0.0.1:13443"]}
imports:
${HTTP.map((one) => entry('reviews.catalog', one)).join('')}${TCP.map((one) => entry('ticks', one)).join('')}`,
  );
  const last = async (words: readonly string[]): Promise<string> =>
    (await postern([...words, '-f', file, '-o', 'json'])).stdout;
  return {
    file,
    lineOf: (one) => `${file}:${9 + [...HTTP, ...TCP].indexOf(one)}`,
    answer: async (...words) => JSON.parse(await last(words)) as Answer,
    told: async (fields) => {
      const head = { ts: new Date().toISOString(), gateway: 'bank/egress', verdict: 'refused', reason: 'CLIENT' };
      const [one] = JSON.parse(await last(['explain', JSON.stringify({ ...head, ...fields })])) as Explanation[];
      assert.ok(one);
      return one;
    },
  };
}

const caller = (name: string): string => `ns/${name}/sa/${name}`;

describe('rules of imports that have one name', () => {
  test('The command can gives the line of the import that is asked for, to its client and to others', async (t) => {
    const { answer, lineOf, file } = here(t, true);
    for (const one of HTTP) {
      const [target, , client] = one;
      const yes = await answer('can', caller(client), 'GET', target, '/');
      const limit = yes.limits.find(({ name }) => name === 'imports.reviews.catalog.limits.requests');
      assert.deepEqual(
        [yes.verdict, yes.rule, yes.rulePlace, limit?.place],
        ['yes', 'imports.reviews.catalog.clients', lineOf(one), lineOf(one)],
        target,
      );
      const no = await postern(['can', caller('x'), 'GET', target, '/', '-f', file]);
      assert.ok(no.stdout.includes(`nearest  imports.reviews.catalog.clients (${lineOf(one)})`), no.stdout);
    }
    for (const one of TCP) {
      const { rule, rulePlace } = await answer('can', caller(one[2]), one[0]);
      assert.deepEqual([rule, rulePlace], ['imports.ticks.clients', lineOf(one)]);
    }
  });

  test('The command who has the same names and lines as can, whether callers prove themselves or not', async (t) => {
    for (const isProven of [true, false]) {
      const { answer, lineOf } = here(t, isProven);
      for (const one of [...HTTP, ...TCP]) {
        const isTcp = one[0] in Object.fromEntries(TCP);
        const asked = isProven ? caller(one[2]) : 'anyone';
        const can = await answer('can', asked, ...(isTcp ? [one[0]] : ['GET', one[0], '/']));
        const { reached } = await answer('who', one[0]);
        assert.ok(reached.length > 0);
        assert.deepEqual(
          [can.rulePlace, ...new Set(reached.map(({ rule, place }) => `${rule} ${place}`))],
          [lineOf(one), `${can.rule} ${lineOf(one)}`],
        );
      }
    }
  });

  test('A log line leads to its import by the name that was asked for, also a line without a version', async (t) => {
    const { told, lineOf } = here(t, true);
    for (const one of HTTP) {
      const [authority, peer] = one;
      const rule = 'imports.reviews.catalog.clients';
      const http = { layer: 'http', method: 'GET', path: '/', peer, import: 'reviews.catalog', rule, authority };
      const stranger = { ...http, peer_uri: 'spiffe://bank.example/ns/x/sa/x' };
      const refused = await told(stranger);
      assert.deepEqual(
        [refused.rule?.place, refused.nearest?.place, refused.nearest?.needs, refused.judged[0]?.agrees],
        [lineOf(one), lineOf(one), [`the certificate of spiffe://bank.example/${caller(one[2])}`], 'same'],
      );
      const reached = await told({
        ...http,
        peer_uri: `spiffe://bank.example/${caller(one[2])}`,
        reason: 'IMPORT_REQUESTS_LIMIT',
      });
      assert.equal(reached.limits.find(({ isReached }) => isReached)?.place, lineOf(one));
      const left = await told({ ...stranger, verdict: 'failed', reason: 'CALLER_LEFT' });
      assert.equal(left.look?.place, lineOf(one));
    }
  });

  test('A log line whose name two ports have leads to the one of its version, and to none without one', async (t) => {
    const { told, lineOf, file } = here(t, true);
    const about = { layer: 'http', method: 'GET', path: '/', peer: 'shop', import: 'reviews.catalog' };
    const rule = 'imports.reviews.catalog.clients';
    const line = { ...about, rule, authority: 'second.default', peer_uri: 'spiffe://bank.example/ns/x/sa/x' };
    assert.equal((await told(line)).rule?.place, undefined);
    // The caller tells which of the two let it pass.
    const passed = { ...line, verdict: 'allowed', reason: 'ALLOWED', peer_uri: `spiffe://bank.example/${caller('d')}` };
    assert.equal((await told(passed)).rule?.place, lineOf(HTTP[3]));
    const versions = await versionsOf(file, 'egress');
    for (const one of [HTTP[1], HTTP[3]]) {
      const version = versions.get(`egress/${one[0].split(':')[1]} second.default`);
      assert.ok(version);
      assert.equal((await told({ ...line, version })).rule?.place, lineOf(one));
    }
  });

  test('A refused connection of TCP leads to its import by the version of what refused it', async (t) => {
    const { told, lineOf, file } = here(t, true);
    const versions = await versionsOf(file, 'egress');
    for (const one of TCP) {
      const version = versions.get(`callers/${one[0].split(':')[1]} deny-all`);
      assert.ok(version);
      const fields = { layer: 'tcp', peer: one[1], import: 'ticks', rule: 'imports.ticks.clients', version };
      const { rule, nearest, judged } = await told({ ...fields, peer_uri: 'spiffe://bank.example/ns/x/sa/x' });
      assert.deepEqual([rule?.place, nearest?.place, judged[0]?.agrees], [lineOf(one), lineOf(one), 'same']);
    }
  });

  test('A rule of an export or import that is not in the file any more has the line of no other', async (t) => {
    const { told } = here(t, true);
    const gone = {
      layer: 'http',
      method: 'GET',
      path: '/',
      peer: 'shop',
      import: 'ticks.old',
      rule: 'imports.ticks.old',
    };
    assert.equal(
      (await told({ ...gone, verdict: 'allowed', reason: 'ALLOWED', authority: 'old' })).rule?.place,
      undefined,
    );
    const { file } = scene(t);
    const line = {
      ts: new Date().toISOString(),
      gateway: 'bank/ingress',
      layer: 'http',
      reason: 'ALLOWED',
      peer: 'shop',
    };
    const rule = 'exports.withdraw.accounts.old.consumers.shop';
    const { stdout } = await postern(['explain', JSON.stringify({ ...line, rule }), '-f', file, '-o', 'json']);
    assert.deepEqual((JSON.parse(stdout) as Explanation[])[0]?.rule, { name: rule });
  });
});

interface Named {
  readonly name?: string;
  readonly metadata?: { readonly filter_metadata?: { readonly postern?: { readonly version?: string } } };
}
interface Resource extends Named {
  readonly virtual_hosts?: readonly (Named & { readonly domains: readonly string[] })[];
  readonly filter_chains?: readonly Named[];
}

/** By `RESOURCE DOMAIN` or `RESOURCE CHAIN`, without digests of names. */
async function versionsOf(file: string, gateway: string): Promise<ReadonlyMap<string, string | undefined>> {
  const { stdout } = await postern(['translate', '-f', file, '--gateway', gateway]);
  const resources = Object.values(JSON.parse(stdout) as object).flat() as readonly Resource[];
  const version = ({ metadata }: Named): string | undefined => metadata?.filter_metadata?.postern?.version;
  return new Map(
    resources.flatMap(({ name = '', virtual_hosts: hosts = [], filter_chains: chains = [] }) => {
      const at = name.split('@')[0];
      return [
        ...hosts.flatMap((one) => one.domains.map((domain) => [`${at} ${domain}`, version(one)] as const)),
        ...chains.map((one) => [`${at} ${one.name}`, version(one)] as const),
      ];
    }),
  );
}
