// The two meshes that are measured: a shop calls four exports of a bank. Their resources come from the product's own
// pipeline, as it would publish them.
// Must not: change a resource; the pieces do (pieces.ts).

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/files/load.ts';
import { decodeMessage } from '../../src/envoy/proto/codec.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import type { GatewayRole } from '../../src/federation/model.ts';
import { Publisher } from '../../src/pipeline/publisher.ts';
import { createCa } from '../../src/trust/issuing/issue.ts';
import type { TrustDomain } from '../../src/trust/spiffe.ts';

/** What is exported, and by which protocol. */
export const EXPORTS = { web: 'http', api: 'http2', rates: 'grpc', ledger: 'tcp' } as const;
export type ExportName = keyof typeof EXPORTS;

/** Ports on loopback, as the two files name them. */
export interface Ports {
  readonly ingress: number;
  /** Of the egress: for requests, and for TCP. */
  readonly http: number;
  readonly tcp: number;
  readonly backends: Readonly<Record<ExportName, number>>;
}

export type Served = Readonly<Record<GatewayRole, readonly ResourceJson[]>>;

/** What the bank's ingress gateway and the shop's egress gateway are sent. */
export async function bankAndShop(folder: string, ports: Ports): Promise<Served> {
  for (const name of ['bank', 'shop']) makeCa(join(folder, 'pki', name), `${name}.example` as TrustDomain);
  return {
    ingress: await served(join(folder, 'bank.yaml'), bank(ports), 'ingress'),
    egress: await served(join(folder, 'shop.yaml'), shop(ports), 'egress'),
  };
}

async function served(file: string, text: string, role: GatewayRole): Promise<readonly ResourceJson[]> {
  writeFileSync(file, text);
  const publisher = new Publisher(Date.now());
  publisher.apply(await loadConfig(file), Date.now());
  const types = [...(publisher.cache.get(role)?.types.values() ?? [])];
  return types
    .flatMap((type) => [...type.resources.values()])
    .map(({ any }) => decodeMessage('google.protobuf.Any', any) as ResourceJson);
}

function bank({ ingress, backends }: Ports): string {
  const rule = { http: 'methods: [GET, POST], paths: [/v1/*]', http2: 'methods: [GET, POST], paths: [/v1/*]' };
  const rules: Readonly<Record<string, string>> = { ...rule, grpc: 'paths: [/fx.Rates/*]', tcp: '' };
  return [
    ...head('bank', `ingress: {address: "127.0.0.1:${ingress}"}`),
    '  shop: {trustDomain: shop.example, trustBundle: pki/shop/ca.pem, gatewayIdentities: [gateway/egress]}',
    'exports:',
    ...Object.entries(EXPORTS).map(([name, protocol]) => {
      const consumer = ['peer: shop', rules[protocol]].filter(Boolean).join(', ');
      const backend = `"127.0.0.1:${backends[name as ExportName]}"`;
      return `- {name: ${name}, protocol: ${protocol}, backend: ${backend}, consumers: [{${consumer}}]}`;
    }),
    '',
  ].join('\n');
}

function shop({ ingress, http, tcp }: Ports): string {
  const address = `"127.0.0.1:${ingress}"`;
  return [
    ...head('shop', 'egress: {address: 127.0.0.1, clients: plaintext}'),
    `  bank: {trustDomain: bank.example, trustBundle: pki/bank/ca.pem, gatewayIdentities: [gateway/ingress], addresses: [${address}]}`,
    'imports:',
    ...Object.entries(EXPORTS).map(([name, protocol]) => {
      const port = protocol === 'tcp' ? tcp : http;
      return `- {peer: bank, name: ${name}, as: ${name}.bank, port: ${port}, protocol: ${protocol}}`;
    }),
    '',
  ].join('\n');
}

function head(name: string, gateway: string): readonly string[] {
  return [
    'apiVersion: postern/v1',
    `mesh: {name: ${name}, trustDomain: ${name}.example}`,
    `identity: {issuer: {certificate: pki/${name}/ca.pem, privateKey: pki/${name}/ca-key.pem}}`,
    `gateways: {${gateway}}`,
    'peers:',
  ];
}

function makeCa(folder: string, trustDomain: TrustDomain): void {
  const made = createCa({ trustDomain, commonName: trustDomain, now: Date.now(), lifetimeSeconds: 30 * 24 * 3600 });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'ca.pem'), made.certificate);
  writeFileSync(join(folder, 'ca-key.pem'), made.privateKey.reveal(), { mode: 0o600 });
}
