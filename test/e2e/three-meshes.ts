// The meshes of the end-to-end tests: a bank that two peers call, each through its own egress gateway.
// Must not: use a fixed port.

import type { Backend } from '../../deploy/demo/backends.ts';
import { type Answer, type Credentials, callGateway, callLocally, type Request } from '../../deploy/demo/calls.ts';
import { formatHostPort, type HostPort } from '../../src/host-port.ts';
import { type Leaf, leaf } from '../support/leaf.ts';
import type { Ads, Testbed, TestMesh } from '../support/mesh.ts';

export type Peer = 'shop' | 'partner';

export const ACCOUNTS = 'accounts.v1.exports.bank.example';
/** Granted to the partner alone. */
export const LOANS = 'loans.exports.bank.example';

export interface ThreeMeshes {
  readonly bed: Testbed;
  readonly bank: TestMesh;
  readonly shop: TestMesh;
  readonly partner: TestMesh;
  readonly accounts: Backend;
  readonly loans: Backend;
  readonly ingress: HostPort;
  /** A call of an application of that mesh, by a local name, through its own egress. */
  local(from: Peer, name: string, asked?: Request): Promise<Answer>;
  /** A call straight at the bank's ingress, with a peer's real gateway certificate unless told otherwise. */
  direct(as: Peer, asked?: Request & Partial<Aimed>): Promise<Answer>;
  /** A certificate of a peer's CA; its real egress gateway's unless told otherwise. */
  certificate(of: Peer | 'bank', wanted?: Partial<Leaf>): Credentials;
}

export interface Aimed {
  readonly servername: string;
  /** null: no certificate. */
  readonly client: Credentials | null;
  readonly authority: string;
}

export function servername(peer: Peer): string {
  return `${peer}.example.peers.bank.example`;
}

/** The peers block of the bank, one line for each, so that a test can take one out. */
export function peerLine(peer: string): string {
  return `  ${peer}: {trustDomain: ${peer}.example, trustBundle: pki/${peer}.example/ca.pem, gatewayIdentities: [gateway/egress]}\n`;
}

export function consumerLine(peer: string): string {
  return `  - {peer: ${peer}, methods: [GET, POST], paths: [/v1/accounts, /v1/receipts/*]}\n`;
}

function bankYaml(ingress: HostPort, accounts: Backend, loans: Backend): string {
  return `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways:
  ingress: {address: "${formatHostPort(ingress)}"}
  egress: {address: ${ingress.host}}
peers:
${peerLine('shop')}${peerLine('partner')}exports:
- name: accounts.v1
  backend: ${formatHostPort(accounts.address)}
  consumers:
${consumerLine('shop')}${consumerLine('partner')}- name: loans
  backend: ${formatHostPort(loans.address)}
  consumers:
  - {peer: partner, methods: [GET], paths: [/*]}
`;
}

function callerYaml(name: Peer, egress: HostPort, ingress: HostPort): string {
  return `apiVersion: postern/v1
mesh: {name: ${name}, trustDomain: ${name}.example}
identity: {issuer: {certificate: pki/${name}.example/ca.pem, privateKey: pki/${name}.example/ca-key.pem}}
gateways: {egress: {address: ${egress.host}}}
peers:
  bank: {trustDomain: bank.example, trustBundle: pki/bank.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: ["${formatHostPort(ingress)}"]}
imports:
- {peer: bank, name: accounts.v1, as: accounts.bank.svc.cluster.local, port: ${egress.port}}
- {peer: bank, name: loans, as: loans.bank.svc.cluster.local, port: ${egress.port}}
- {peer: bank, name: payroll, as: payroll.bank.svc.cluster.local, port: ${egress.port}}
`;
}

/** Everything up and ready. The caller closes `bed`, also when this throws half-way: it is given first. */
export async function startThreeMeshes(bed: Testbed, ads: Ads): Promise<ThreeMeshes> {
  await Promise.all(['bank.example', 'shop.example', 'partner.example'].map((name) => bed.ca(name)));
  const accounts = await bed.backend('accounts');
  const loans = await bed.backend('loans');
  const [ingress, shopEgress, partnerEgress] = [await bed.address(), await bed.address(), await bed.address()];
  const bank = await bed.mesh('bank', bankYaml(ingress, accounts, loans), { ads });
  const shop = await bed.mesh('shop', callerYaml('shop', shopEgress, ingress), { ads });
  const partner = await bed.mesh('partner', callerYaml('partner', partnerEgress, ingress), { ads });
  await Promise.all([bank.start('ingress', 'egress'), shop.start('egress'), partner.start('egress')]);
  const egress = { shop: shopEgress, partner: partnerEgress };
  const certificate: ThreeMeshes['certificate'] = (of, wanted = {}) =>
    leaf({
      ca: bed.pki(`${of}.example`),
      caTrustDomain: `${of}.example`,
      uris: [`spiffe://${of}.example/gateway/egress`],
      ...wanted,
    });
  return {
    bed,
    bank,
    shop,
    partner,
    accounts,
    loans,
    ingress,
    certificate,
    local: (from, name, asked) => callLocally(egress[from], `${name}.svc.cluster.local`, asked),
    direct: (as, asked = {}) => {
      const { client = certificate(as), servername: name = servername(as), authority = ACCOUNTS, ...request } = asked;
      const dial = { gateway: ingress, servername: name, ...(client !== null && { client }) };
      return callGateway(dial, authority, { path: '/v1/accounts', ...request });
    },
  };
}
