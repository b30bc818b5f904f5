// A bank's ingress on a real Envoy, and peers' gateways that claim workloads: one backend for each export, so that what a peer
// reached can be counted.
// Must not: share state between scenes.

import { freePorts } from '../../../../deploy/demo/ports.ts';
import { DATA, dialRaw, type Field, GOAWAY, RST_STREAM } from '../../../support/clients/raw-http2.ts';
import { eventually } from '../../../support/mesh.ts';
import { Backend, type Certificate, certify, issuerOf } from '../../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../../pipeline.ts';
import { RealEnvoy } from '../../real-envoy.ts';
import { staticBootstrap } from '../../static-bootstrap.ts';

export const SHOP_EGRESS = 'spiffe://shop.example/gateway/egress';
export const SHOP_OTHER = 'spiffe://shop.example/gateway/other';
export const PARTNER_EGRESS = 'spiffe://partner.example/gateway/egress';

function bankYaml(port: number, open: number, secret: number, team: number): string {
  return `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress, gateway/other]}
  partner: {trustDomain: partner.example, trustBundle: partner.pem, gatewayIdentities: [gateway/egress]}
exports:
- name: open
  backend: 127.0.0.1:${open}
  consumers:
  - {peer: shop, methods: [GET, POST], paths: [/*]}
  - {peer: partner, methods: [GET], paths: [/*]}
- name: secret
  backend: 127.0.0.1:${secret}
  consumers:
  - {peer: shop, methods: [GET, POST], paths: [/*], workloads: [ns/shop/sa/checkout]}
  - {peer: partner, methods: [GET], paths: [/*], workloads: [ns/pay/*]}
- name: team
  backend: 127.0.0.1:${team}
  consumers:
  - {peer: shop, allow: [{methods: [GET], paths: [/], workloads: [ns/team/*, other]}, {methods: [POST], paths: [/]}]}
`;
}

export interface As {
  readonly peer?: 'shop' | 'partner';
  readonly identity?: string;
  readonly method?: string;
  readonly path?: string;
}

export class WorkloadScene {
  readonly open = new Backend();
  readonly secret = new Backend();
  readonly team = new Backend();
  readonly port: number;
  private readonly now = Date.now();
  private readonly cas = new Map<string, Ca>();
  private readonly certificates = new Map<string, Certificate>();
  private envoy: RealEnvoy | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<WorkloadScene> {
    const [port = 0, admin = 0] = await freePorts('127.0.0.1', 2);
    const scene = new WorkloadScene(port);
    const { open, secret, team, cas, now } = scene;
    const yaml = bankYaml(port, await open.listen(), await secret.listen(), await team.listen());
    const bank = new MeshUnderTest(yaml, cas, now);
    scene.envoy = await RealEnvoy.start(staticBootstrap(bank.resources('ingress'), admin), admin);
    return scene;
  }

  async stop(): Promise<void> {
    await this.envoy?.stop();
    for (const backend of [this.open, this.secret, this.team]) backend.close();
  }

  certificate(trustDomain: string, identity: string): Certificate {
    const known = this.certificates.get(identity);
    if (known !== undefined) return known;
    const ca = this.cas.get(trustDomain) ?? newCa(trustDomain, this.now);
    const made = certify(issuerOf(ca, trustDomain, this.now), [identity], this.now);
    this.certificates.set(identity, made);
    return made;
  }

  /** One request to an export with these fields, in their order; ends when it is answered or cut off. */
  async raw(
    name: string,
    fields: readonly Field[],
    { peer = 'shop', identity = SHOP_EGRESS, method = 'GET', path = '/' }: As = {},
  ): Promise<void> {
    const domain = `${peer}.example`;
    const connection = await dialRaw({
      gateway: { host: '127.0.0.1', port: this.port },
      servername: `${domain}.peers.bank.example`,
      client: this.certificate(domain, peer === 'shop' ? identity : PARTNER_EGRESS),
    });
    const stream = connection.request([
      [':method', method],
      [':scheme', 'https'],
      [':authority', `${name}.exports.bank.example`],
      [':path', path],
      ...fields,
    ]);
    await eventually(
      'the request is answered or cut off',
      () =>
        connection.closed ||
        [DATA, RST_STREAM].some((type) => connection.received(stream, type) !== undefined) ||
        connection.received(0, GOAWAY) !== undefined,
    );
    connection.close();
  }

  /** The one line of the request with this path. */
  async logged(path: string): Promise<Record<string, unknown>> {
    const lines = () => (this.envoy?.log ?? []).filter((line) => line['layer'] === 'http' && line['path'] === path);
    await eventually(`the ingress logs ${path}`, () => lines().length > 0);
    return lines()[0] ?? {};
  }
}
