// Configurations for tests: a valid one in which each test changes one thing, and one with every field of the format.
// Must not: read files; the files that the configurations name need not exist.

import assert from 'node:assert/strict';
import { parseConfig } from '../../src/config/parse.ts';
import { toDiagnostics } from '../../src/config/placement.ts';
import type { Config } from '../../src/config/schema/config.ts';
import type { Diagnostic } from '../../src/errors.ts';

/** Good, and with every key that this version carries out. */
export const GOOD = `apiVersion: postern/v1
mesh: {name: core, trustDomain: core.bank.example}
identity:
  issuer: {certificate: pki/ca.pem, privateKey: pki/ca-key.pem, lifetime: 24h}
gateways:
  ingress:
    address: 0.0.0.0:15443
    advertise: [gw-a.core.bank.example:15443]
    identity: gateway/ingress
  egress:
    address: 127.0.0.1
    identity: gateway/egress
    clients: plaintext
peers:
  partner:
    trustDomain: mesh.partner.example
    trustBundle: bundles/partner.pem
    gatewayIdentities: [gateway/egress, gateway/ingress]
    addresses: [gw1.partner.example:15443, "[2001:db8::1]:15443"]
    leafKeys: [ecdsa]
    sni: p-7f3c9a
    traceContext: forward
exports:
- name: withdraw.payments
  backend: withdraw.accounts.svc.cluster.local:8080
  protocol: http
  consumers:
  - peer: partner
    allow:
    - methods: [POST]
      paths: [/v1/withdrawals, /v1/receipts/*]
    expires: 2027-03-31
    owner: payments
    reason: "contract 4711"
    reviewed: 2026-11-01
- name: rates.fx
  backend: [10.0.0.1:80, 10.0.0.2:80]
  protocol: grpc
  consumers:
  - peer: partner
    paths: [/fx.Rates/*]
imports:
- peer: partner
  name: quotes.fx
  as: quotes.default.svc.cluster.local
  port: 8080
  protocol: http
  upgrades: [websocket]
  underscoreHeaders: drop
  timeouts: {idle: 20s, request: 1m}
`;

/** GOOD with one text replaced, which must stand in it. */
export function changed(from: string, to: string, text = GOOD): string {
  assert.ok(text.includes(from), `the good configuration does not hold ${from}`);
  return text.replace(from, () => to);
}

export function diagnose(text: string): readonly Diagnostic[] {
  const parsed = parseConfig(text);
  return toDiagnostics(parsed.findings, parsed, text, 'postern.yaml');
}

/** `LINE:COLUMN CODE` of each diagnostic. */
export function placesAndCodes(text: string): readonly string[] {
  return diagnose(text).map(({ line, column, code }) => `${line}:${column} ${code}`);
}

export function configOf(text: string): Config {
  const { config, findings } = parseConfig(text);
  assert.ok(config, JSON.stringify(findings));
  return config;
}

/** Line and column of the first occurrence of `part`, from 1. */
export function placeOf(text: string, part: string): { readonly line: number; readonly column: number } {
  const offset = text.indexOf(part);
  assert.ok(offset >= 0, `${part} does not stand in the text`);
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
