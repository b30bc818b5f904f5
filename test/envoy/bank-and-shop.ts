// Two meshes on real Envoys without a control plane: the shop's egress gateway calls the bank's ingress gateway.
// Must not: share state between scenes.

import { freePorts } from '../../deploy/demo/ports.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import type { GatewayRole } from '../../src/federation/model.ts';
import { Backend, type Call, type Certificate, certify, issuerOf, type KeyKind } from './callers.ts';
import { type Ca, MeshUnderTest, newCa } from './pipeline.ts';
import { RealEnvoy } from './real-envoy.ts';
import { staticBootstrap } from './static-bootstrap.ts';

export const SHOP_EGRESS = 'spiffe://shop.example/gateway/egress';
/** A peer that is granted nothing. */
export const GUEST_EGRESS = 'spiffe://guest.example/gateway/egress';
export const PARTNER_EGRESS = 'spiffe://partner.example/gateway/egress';

export const PUBLIC_LOOKING_BACKEND = 'accounts.corp.bank.example';

function bankYaml(port: number, accounts: number, rates: number): string {
  return `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}
  partner: {trustDomain: partner.example, trustBundle: partner.pem, gatewayIdentities: [gateway/egress], leafKeys: [rsa]}
  guest: {trustDomain: guest.example, trustBundle: guest.pem, gatewayIdentities: [gateway/egress]}
exports:
- name: accounts.v1
  backend: 127.0.0.1:${accounts}
  consumers:
  - {peer: shop, methods: [GET, POST], paths: [/v1/accounts, /v1/receipts/*]}
- name: loans
  backend: 127.0.0.1:${accounts}
  consumers:
  - {peer: partner, methods: [GET], paths: [/*]}
- name: notes
  backend: 127.0.0.1:${accounts}
  requestBodies: any-method
  consumers:
  - {peer: shop, methods: [GET], paths: [/notes/*], workloads: [ns/shop/sa/notes]}
- name: rates
  protocol: grpc
  backend: 127.0.0.1:${rates}
  consumers:
  - {peer: shop, paths: [/fx.Rates/*]}
`;
}

/** The bank has two addresses; at the second one nobody listens. */
function shopYaml(port: number, dead: number, local: number): string {
  return `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers:
  bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}", "127.0.0.1:${dead}"]}
imports:
- {peer: bank, name: accounts.v1, as: accounts.bank.svc.cluster.local, port: ${local}}
- {peer: bank, name: loans, as: loans.bank.svc.cluster.local, port: ${local}}
- {peer: bank, name: rates, as: rates.bank, port: ${local}, protocol: grpc}
`;
}

export class BankAndShop {
  readonly accounts = new Backend();
  readonly rates = new Backend('h2c');
  /** The bank's ingress gateway; where peers dial. */
  readonly port: number;
  /** The shop's egress gateway; where the shop's own callers ask. */
  readonly local: number;
  private readonly now = Date.now();
  private readonly cas = new Map<string, Ca>();
  private readonly running: RealEnvoy[] = [];
  private readonly built = new Map<GatewayRole, readonly ResourceJson[]>();

  private constructor(port: number, local: number) {
    this.port = port;
    this.local = local;
  }

  /** `change`: what else the gateways' configurations should say. */
  static async start(change = (bootstrap: string): string => bootstrap): Promise<BankAndShop> {
    const [port = 0, local = 0, dead = 0, adminA = 0, adminB = 0] = await freePorts('127.0.0.1', 5);
    const scene = new BankAndShop(port, local);
    const { accounts, rates, cas, now } = scene;
    const bank = new MeshUnderTest(bankYaml(port, await accounts.listen(), await rates.listen()), cas, now);
    const shop = new MeshUnderTest(shopYaml(port, dead, local), cas, now);
    scene.built.set('ingress', bank.resources('ingress')).set('egress', shop.resources('egress'));
    // A backend with a name that looks public: no such name resolves here, so it is only added to what the filter reads.
    const ingress = staticBootstrap(bank.resources('ingress'), adminA).replaceAll(
      '"hosts":["127.0.0.1"]',
      `"hosts":["127.0.0.1","${PUBLIC_LOOKING_BACKEND}"]`,
    );
    scene.running.push(await RealEnvoy.start(change(ingress), adminA));
    scene.running.push(await RealEnvoy.start(change(staticBootstrap(shop.resources('egress'), adminB)), adminB));
    return scene;
  }

  get egress(): RealEnvoy {
    const [, egress] = this.running;
    if (egress === undefined) throw new Error('not started');
    return egress;
  }

  get ingress(): RealEnvoy {
    const [ingress] = this.running;
    if (ingress === undefined) throw new Error('not started');
    return ingress;
  }

  resources(role: GatewayRole): readonly ResourceJson[] {
    return this.built.get(role) ?? [];
  }

  async stop(): Promise<void> {
    await Promise.all(this.running.map((envoy) => envoy.stop()));
    this.accounts.close();
    this.rates.close();
  }

  /** A certificate of the CA of a trust domain, with any URIs and any kind of key. */
  certificate(trustDomain: string, uris: readonly string[], kind: KeyKind = 'ecdsa', at = this.now): Certificate {
    const ca = this.cas.get(trustDomain) ?? newCa(trustDomain, this.now);
    return certify(issuerOf(ca, trustDomain, this.now), uris, at, kind);
  }

  /** An hour-long certificate that ended an hour ago. */
  expired(trustDomain: string, uris: readonly string[]): Certificate {
    return this.certificate(trustDomain, uris, 'ecdsa', this.now - 7_200_000);
  }

  /** An allowed call of the shop's gateway, with changes. */
  fromShop(wanted: Partial<Call> = {}): Call {
    return {
      port: this.port,
      servername: 'shop.example.peers.bank.example',
      client: this.certificate('shop.example', [SHOP_EGRESS]),
      authority: 'accounts.v1.exports.bank.example',
      path: '/v1/accounts',
      ...wanted,
    };
  }
}
