// A bank, and a shop whose egress gateway verifies which of its workloads calls.
// Must not: know what a test calls for; it brings its own certificates.

import type { Backend } from '../../../deploy/demo/backends.ts';
import { type Answer, type Credentials, callGateway, type Request } from '../../../deploy/demo/calls.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { type Leaf, leaf } from '../../support/leaf.ts';
import type { Ads, Testbed, TestMesh } from '../../support/mesh.ts';

export const ACCOUNTS = 'accounts.bank.svc.cluster.local';
export const RATES = 'rates.bank.svc.cluster.local';
export const WEB = 'ns/web/sa/front';
export const BATCH = 'ns/batch/sa/nightly';
export const AUDIT = 'ns/audit/sa/reader';

export interface ProvenCallers {
  readonly bank: TestMesh;
  readonly shop: TestMesh;
  readonly backend: Backend;
  readonly ingress: HostPort;
  readonly egress: HostPort;
  /** A certificate with this path in our trust domain, of our own workloads' CA unless told otherwise. */
  workload(path: string, wanted?: Partial<Leaf>): Credentials;
  /** One request on an HTTP/2 connection of its own. */
  call(client: Credentials | undefined, asked?: Request & { readonly host?: string }): Promise<Answer>;
}

function shopYaml(egress: HostPort, ingress: HostPort, protocol = 'http'): string {
  return `apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example, trustBundle: pki/workloads/ca.pem}
identity: {issuer: {certificate: pki/shop.example/ca.pem, privateKey: pki/shop.example/ca-key.pem}}
gateways: {egress: {address: "${egress.host}", clients: mtls}}
peers:
  bank: {trustDomain: bank.example, trustBundle: pki/bank.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: ["${formatHostPort(ingress)}"]}
imports:
- peer: bank
  name: accounts
  as: ${ACCOUNTS}
  port: ${egress.port}
  protocol: ${protocol}
  clients: [${WEB}, ns/batch/*]
- peer: bank
  name: rates
  as: ${RATES}
  port: ${egress.port}
  protocol: ${protocol}
  clients: [${AUDIT}]
`;
}

interface Options {
  readonly ads?: Ads;
  readonly protocol?: 'http' | 'grpc';
  /** Callers prove nothing. */
  readonly plaintext?: boolean;
  /** Where the shop's callers come in; an address of this test process unless it says otherwise. */
  readonly egress?: HostPort;
  /** Where the shop dials instead of the bank's ingress. */
  readonly dial?: HostPort;
}

/** Two CAs of the shop: the issuer of its gateways, and that of its workloads. */
export async function startProvenCallers(
  bed: Testbed,
  { ads = 'delta', protocol = 'http', plaintext = false, dial, egress: listening }: Options = {},
): Promise<ProvenCallers> {
  await Promise.all(['bank.example', 'shop.example'].map((name) => bed.ca(name)));
  await bed.caInto(bed.pki('workloads'), 'shop.example');
  const backend = await bed.backend('accounts', protocol);
  const [ingress, egress] = [await bed.address(), listening ?? (await bed.address())];
  const methods = protocol === 'grpc' ? '' : 'methods: [GET, POST], ';
  const bank = await bed.mesh(
    'bank',
    `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: accounts, protocol: ${protocol}, backend: "${formatHostPort(backend.address)}", consumers: [{peer: shop, ${methods}paths: [/*]}]}
- {name: rates, protocol: ${protocol}, backend: "${formatHostPort(backend.address)}", consumers: [{peer: shop, ${methods}paths: [/*]}]}
`,
    { ads },
  );
  const proven = shopYaml(egress, dial ?? ingress, protocol);
  const yaml = plaintext
    ? proven.replace('clients: mtls', 'clients: plaintext').replace(/^ {2}clients: .*\n/gm, '')
    : proven;
  const shop = await bed.mesh('shop', yaml, { ads });
  await Promise.all([bank.start('ingress'), shop.start('egress')]);
  return {
    bank,
    shop,
    backend,
    ingress,
    egress,
    workload: (path, wanted = {}) => workload(bed, path, wanted),
    call: (client, { host = ACCOUNTS, ...asked } = {}) =>
      callGateway({ gateway: egress, servername: host, ...(client && { client }) }, host, asked),
  };
}

function workload(bed: Testbed, path: string, wanted: Partial<Leaf>): Credentials {
  return leaf({
    ca: bed.pki('workloads'),
    caTrustDomain: 'shop.example',
    uris: [`spiffe://shop.example/${path}`],
    ...wanted,
  });
}
