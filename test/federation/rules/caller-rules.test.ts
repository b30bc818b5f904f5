// What a configuration may say about the callers of the egress gateway, and what the model makes of it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../../src/config/parse.ts';
import type { Finding } from '../../../src/errors.ts';
import { findingsOf, resolve } from '../../../src/federation/resolve/resolve.ts';
import { type Ca, filesOf, NOW, newCa } from '../../envoy/pipeline.ts';

interface Written {
  readonly clients?: string;
  readonly address?: string;
  readonly bundle?: boolean;
  readonly of?: string;
  readonly names?: number;
  readonly protocol?: string;
}

function yaml({
  clients = 'mtls',
  address = '127.0.0.1',
  bundle = true,
  of = '[ns/web/sa/front]',
  names = 1,
  protocol = 'http',
}: Written) {
  const name = (index: number): string => `s${index}.${'a'.repeat(40)}.svc.cluster.local`;
  const imports = Array.from({ length: names }, (_, index) => {
    return `- {peer: shop, name: cart, as: ${name(index)}, port: 8080, protocol: ${protocol}${of === '' ? '' : `, clients: ${of}`}}\n`;
  });
  return `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example${bundle ? ', trustBundle: workloads.pem' : ''}}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: "${address}"${clients === '' ? '' : `, clients: ${clients}`}}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:15444"]}
imports:
${imports.join('')}`;
}

const cas = new Map<string, Ca>();

function findings(written: Written, workloads?: Ca): readonly string[] {
  const { config, outline = config, findings: parsed } = parseConfig(yaml(written));
  assert.ok(outline);
  const files = new Map(config === undefined ? [] : filesOf(config, cas));
  if (workloads !== undefined) files.set('workloads.pem', Buffer.from(workloads.certificate));
  const found: readonly Finding[] = findingsOf({ config: outline, files, now: NOW });
  return [...parsed, ...found].map(({ severity, code, path }) => `${severity} ${code} ${path.join('.')}`);
}

describe('callers of the egress gateway', () => {
  const cases: Record<string, readonly [Written, ...string[]]> = {
    'mtls with a trust bundle and clients': [{}],
    'mtls at every address': [{ address: '0.0.0.0' }],
    'mtls without a trust bundle': [{ bundle: false }, 'error MESH_BUNDLE_MISSING mesh.trustBundle'],
    'mtls without clients': [{ of: '' }, 'error MISSING_KEY imports.0.clients'],
    'clients with plaintext': [{ clients: 'plaintext' }, 'error CLIENTS_UNPROVEN imports.0.clients'],
    'clients with the default, which is plaintext': [{ clients: '' }, 'error CLIENTS_UNPROVEN imports.0.clients'],
    'plaintext without clients': [{ clients: 'plaintext', of: '' }],
    'mtls with a TCP import': [{ protocol: 'tcp' }],
    'mtls with a TCP import without clients': [{ protocol: 'tcp', of: '' }, 'error MISSING_KEY imports.0.clients'],
    'clients of a TCP import with plaintext': [
      { clients: 'plaintext', protocol: 'tcp' },
      'error CLIENTS_UNPROVEN imports.0.clients',
    ],
    'more local names than a certificate holds': [{ names: 200 }, 'warning CALLER_NAMES_LONG gateways.egress.clients'],
    'plaintext at every address, although the file says so': [
      { clients: 'plaintext', of: '', address: '0.0.0.0' },
      'error EGRESS_EXPOSED gateways.egress.address',
    ],
  };
  for (const [what, [written, ...expected]] of Object.entries(cases))
    test(`${what}: ${expected.join() || 'no finding'}`, () => assert.deepEqual(findings(written), expected));

  for (const address of [
    '0.0.0.0',
    '::',
    '0:0::0',
    '8.8.8.8',
    '2001:db8::1',
    '172.32.0.1',
    '192.169.0.1',
    '::ffff:8.8.8.8',
  ])
    test(`Plaintext at ${address} is an error, said or not`, () => {
      for (const clients of ['', 'plaintext'])
        assert.deepEqual(findings({ clients, of: '', address }), ['error EGRESS_EXPOSED gateways.egress.address']);
    });

  for (const address of ['10.1.2.3', '172.31.0.1', '192.168.0.1', '100.64.0.1', 'fd00::1', '::ffff:10.0.0.1'])
    test(`Plaintext at ${address} is a warning until the file says that it is meant`, () => {
      assert.deepEqual(findings({ clients: '', of: '', address }), ['warning EGRESS_OPEN gateways.egress.address']);
      assert.deepEqual(findings({ clients: 'plaintext', of: '', address }), []);
    });

  test('An issuer that does not chain to the trust bundle of the mesh is a warning, and served', () => {
    assert.deepEqual(findings({}, newCa('bank.example')), ['warning ISSUER_OUTSIDE_MESH identity.issuer.certificate']);
  });

  test('The model has whole IDs of our trust domain, and prefixes that end in a slash', () => {
    const { config } = parseConfig(yaml({ of: '[ns/web/sa/front, ns/batch/*]' }));
    assert.ok(config);
    const { resolved } = resolve({ config, files: filesOf(config, cas), now: NOW });
    assert.deepEqual(resolved?.federation.imports[0]?.clients, [
      { exact: 'spiffe://bank.example/ns/web/sa/front' },
      { prefix: 'spiffe://bank.example/ns/batch/' },
    ]);
    const short = `s0.${'a'.repeat(40)}`;
    assert.deepEqual(resolved?.federation.callers?.names, [short, `${short}.svc`, `${short}.svc.cluster.local`]);
  });
});
