// A mesh with two peers and real CAs, of which each test of federation/ changes one thing.
// A test changes the YAML text, the files or the moment, and gets findings with their places or the resolved model.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { parseConfig } from '../../src/config/parse.ts';
import { toDiagnostics } from '../../src/config/placement.ts';
import type { Config } from '../../src/config/schema/config.ts';
import type { Finding } from '../../src/errors.ts';
import type { Federation } from '../../src/federation/model.ts';
import { type Resolved, resolve } from '../../src/federation/resolve/resolve.ts';
import { createCa } from '../../src/trust/issuing/issue.ts';
import { PrivateKeyPem } from '../../src/trust/keys/private-key.ts';
import type { TrustDomain } from '../../src/trust/spiffe.ts';
import { pemOf } from '../../src/trust/x509/certificate.ts';
import { signCertificate } from '../../src/trust/x509/certificate-writer.ts';

export const NOW = Date.UTC(2026, 10, 25, 12);
const YEAR = 365 * 24 * 60 * 60;

export const YAML = `apiVersion: postern/v1
mesh: {name: core, trustDomain: core.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways:
  ingress: {address: "0.0.0.0:15443"}
  egress: {address: 127.0.0.1}
peers:
  shop:
    trustDomain: shop.example
    trustBundle: shop.pem
    gatewayIdentities: [gateway/egress, gateway/ingress]
    addresses: ["gw.shop.example:15443"]
  bank:
    trustDomain: bank.example
    trustBundle: bank.pem
    gatewayIdentities: [gateway]
    addresses: ["gw.bank.example:443"]
exports:
- name: orders
  backend: orders.default.svc:8080
  consumers:
  - {peer: shop, methods: [GET], paths: [/orders, /orders/*]}
  - {peer: bank, methods: [POST], paths: [/orders], expires: 2026-12-31}
- name: accounts
  backend: accounts.default.svc:8080
  consumers:
  - {peer: shop, methods: [GET], paths: [/accounts]}
imports:
- {peer: shop, name: carts, as: carts.default.svc.cluster.local, port: 8080}
- {peer: bank, name: rates, as: rates, port: 80}
`;

export interface Ca {
  readonly certificate: string;
  readonly privateKey: PrivateKeyPem;
}

export function newCa(trustDomain: string, now = NOW): Ca {
  const commonName = `CA of ${trustDomain}`;
  return createCa({ commonName, trustDomain: trustDomain as TrustDomain, now, lifetimeSeconds: YEAR });
}

/** A CA that does not say whose it is, so that the bundle of any peer may hold it. */
export function namelessCa(): Ca {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const times = { notBefore: NOW, notAfter: NOW + YEAR * 1000 };
  const fields = { serial: '4a', commonName: 'CA', ...times, publicKey, isCa: true, uris: [], signer: { privateKey } };
  const key = new PrivateKeyPem(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  return { certificate: pemOf(signCertificate(fields)), privateKey: key };
}

export const OURS = newCa('core.example');
export const SHOP = newCa('shop.example');
export const BANK = newCa('bank.example');

export type Files = Readonly<Record<string, string>>;

export const FILES: Files = {
  'ca.pem': OURS.certificate,
  'ca-key.pem': OURS.privateKey.reveal(),
  'shop.pem': SHOP.certificate,
  'bank.pem': BANK.certificate,
};

/** YAML with each first text replaced by the second; it must stand there. */
export function changed(...changes: readonly (readonly [string, string])[]): string {
  return changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `the configuration does not hold ${from}`);
    return text.replace(from, () => to);
  }, YAML);
}

export function configOf(text: string): Config {
  const { config, findings } = parseConfig(text);
  assert.ok(config, JSON.stringify(findings));
  return config;
}

export interface Moment {
  readonly files?: Files;
  readonly now?: number;
  readonly previous?: Resolved;
}

export function resolveText(text: string, { files = {}, now = NOW, previous }: Moment = {}) {
  const bytes = new Map(Object.entries({ ...FILES, ...files }).map(([name, content]) => [name, Buffer.from(content)]));
  return resolve({ config: configOf(text), files: bytes, now, previous });
}

export function resolved(text: string, moment: Moment = {}): Resolved {
  const result = resolveText(text, moment);
  assert.ok(result.resolved, JSON.stringify(result.findings));
  return result.resolved;
}

export function federationOf(text: string, moment: Moment = {}): Federation {
  return resolved(text, moment).federation;
}

/** `CODE at the.path` of each finding, and the line of the text that it is shown at. */
export function shown(findings: readonly Finding[], text: string): readonly string[] {
  const lines = text.split('\n');
  const diagnostics = toDiagnostics(findings, parseConfig(text), text, 'postern.yaml');
  return diagnostics.map(({ code, path, line, severity }) => {
    const at = `${severity === 'error' ? '' : `${severity} `}${code} at ${path.join('.')}`;
    return `${at}: ${lines[line - 1]?.trim()}`;
  });
}
