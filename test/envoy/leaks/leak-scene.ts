// A bank and two shops on real Envoys for the scan of leaks: every kind of export and import, and for each something that is broken.
// Must not: scan anything.

import { freePorts } from '../../../deploy/demo/ports.ts';
import type { Inside } from '../../support/leaks.ts';
import { type Certificate, certify, issuerOf } from '../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../pipeline.ts';
import { RealEnvoy } from '../real-envoy.ts';
import { staticBootstrap } from '../static-bootstrap.ts';
import { INSIDE_ADDRESS, INSIDE_NAME, LeakingBackends } from './leaking-backends.ts';

const BACKEND_CA = 'statements.pod-7f.internal';
/** HTTP exports with the same backend and one thing that differs. */
const LIMITED = { rate: '{requestsPerSecond: 1}', few: '{requests: 1}', small: '{requestBody: 1KiB}' } as const;
/** HTTP exports whose backend does not answer. */
export const DOWN = ['dead', 'broken', 'dead-tls', 'impostor', 'no-tls'] as const;
export const TCP_EXPORTS = ['ledger', 'dead-tcp', 'broken-tcp', 'impostor-tcp'] as const;

interface Ports {
  readonly http: number;
  readonly grpc: number;
  readonly tcp: number;
  readonly broken: number;
  readonly dead: number;
}

function bankYaml(port: number, at: Ports): string {
  const backend = (of: number): string => `"${INSIDE_ADDRESS}:${of}"`;
  const simple = (of: number): string =>
    `{address: ${backend(of)}, tls: simple, serverName: ${BACKEND_CA}, ca: server-ca.pem}`;
  const mtls = (of: number): string => `{address: ${backend(of)}, tls: mtls, identity: ns/bank/sa/accounts}`;
  const allow =
    'allow: [{methods: [GET, POST], paths: [/v1/*]}, {methods: [GET], paths: [/w], workloads: [ns/a/sa/b]}]';
  const both = `consumers: [{peer: shop, ${allow}}, {peer: proven, ${allow}}, {peer: guest, ${allow}}]`;
  const grpcs = 'consumers: [{peer: shop, paths: [/a.B/*]}, {peer: proven, paths: [/a.B/*]}]';
  const timeouts = 'timeouts: {request: 1s, idle: 1s}';
  const tcp = 'protocol: tcp, consumers: [{peer: shop}, {peer: proven}]';
  return `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example, trustBundle: mesh.pem}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}
  proven: {trustDomain: proven.example, trustBundle: proven.pem, gatewayIdentities: [gateway/egress]}
  guest: {trustDomain: guest.example, trustBundle: guest.pem, gatewayIdentities: [gateway/egress], limits: {connections: 1}}
  nobody: {trustDomain: nobody.example, trustBundle: nobody.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: core, backend: ${backend(at.http)}, ${timeouts}, ${both}}
- {name: chat, backend: ${backend(at.http)}, upgrades: [websocket], ${timeouts}, ${both}}
- {name: secret, backend: ${backend(at.http)}, consumers: [{peer: nobody, methods: [GET], paths: [/*]}]}
${Object.entries(LIMITED)
  .map(([name, limits]) => `- {name: ${name}, backend: ${backend(at.http)}, limits: ${limits}, ${timeouts}, ${both}}`)
  .join('\n')}
- {name: dead, backend: ${backend(at.dead)}, ${both}}
- {name: broken, backend: ${backend(at.broken)}, ${both}}
- {name: dead-tls, backend: ${mtls(at.dead)}, ${both}}
- {name: impostor, backend: ${mtls(at.http)}, ${both}}
- {name: no-tls, backend: ${simple(at.http)}, ${both}}
- {name: rates, protocol: grpc, backend: ${backend(at.grpc)}, timeouts: {idle: 1s}, ${grpcs}}
- {name: small-rates, protocol: grpc, backend: ${backend(at.grpc)}, limits: {requestBody: 1KiB}, ${grpcs}}
- {name: dead-rates, protocol: grpc, backend: ${backend(at.dead)}, ${grpcs}}
- {name: ledger, backend: ${backend(at.tcp)}, ${tcp}}
- {name: dead-tcp, backend: ${backend(at.dead)}, ${tcp}}
- {name: broken-tcp, backend: ${backend(at.broken)}, ${tcp}}
- {name: impostor-tcp, backend: ${mtls(at.http)}, ${tcp}}
`;
}

/** `gone`: a peer that nobody answers for; `rogue`: one whose certificate is another's. */
function shopYaml(name: 'shop' | 'proven', egress: Egress, peers: Readonly<Record<string, number>>): string {
  const clients = name === 'proven' ? ', clients: [ns/web/sa/front]' : '';
  const imported = (peer: string, of: string, protocol = 'http', more = ''): string =>
    `- {peer: ${peer}, name: ${of}, as: ${of}.${peer}, port: ${egress.port}, protocol: ${protocol}${more}${clients}}`;
  const web = ['core', 'secret', ...Object.keys(LIMITED), ...DOWN];
  const at = (of: string): string =>
    `addresses: [${[peers[of] ?? 0, ...(of === 'seen' ? [peers['second'] ?? 0] : [])].map((port) => `"127.0.0.1:${port}"`).join(', ')}]`;
  return `
apiVersion: postern/v1
mesh: {name: ${name}, trustDomain: ${name}.example${name === 'proven' ? ', trustBundle: mesh.pem' : ''}}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1, clients: ${name === 'proven' ? 'mtls' : 'plaintext'}}}
peers:
  bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], ${at('bank')}}
  gone: {trustDomain: gone.example, trustBundle: gone.pem, gatewayIdentities: [gateway/ingress], ${at('gone')}}
  rogue: {trustDomain: rogue.example, trustBundle: rogue.pem, gatewayIdentities: [gateway/ingress], ${at('bank')}}
  seen: {trustDomain: seen.example, trustBundle: seen.pem, gatewayIdentities: [gateway/ingress], ${at('seen')}}
imports:
${web.map((of) => imported('bank', of)).join('\n')}
${imported('bank', 'chat', 'http', ', upgrades: [websocket]')}
${imported('bank', 'rates', 'grpc')}
${imported('bank', 'small-rates', 'grpc')}
${imported('bank', 'dead-rates', 'grpc')}
- {peer: bank, name: core, as: rate-here.bank, port: ${egress.port}, limits: {requestsPerSecond: 1}${clients}}
- {peer: bank, name: core, as: few-here.bank, port: ${egress.port}, limits: {requests: 1}${clients}}
- {peer: bank, name: core, as: small-here.bank, port: ${egress.port}, limits: {requestBody: 1KiB}${clients}}
- {peer: bank, name: core, as: soon.bank, port: ${egress.port}, timeouts: {request: 1s}${clients}}
${['gone', 'rogue', 'seen'].map((peer) => imported(peer, 'core')).join('\n')}
${TCP_EXPORTS.map((of, index) => `- {peer: bank, name: ${of}, as: ${of}.bank, port: ${egress.tcp[index]}, protocol: tcp${clients}}`).join('\n')}
- {peer: gone, name: ledger, as: ledger.gone, port: ${egress.tcp[TCP_EXPORTS.length]}, protocol: tcp${clients}}
`;
}

/** A peer that a test plays itself. */
export type SeenPorts = readonly [number, number];

export interface Egress {
  readonly port: number;
  /** One for each of TCP_EXPORTS, and one of a peer that is gone. */
  readonly tcp: readonly number[];
}

export class LeakScene {
  readonly backends = new LeakingBackends();
  readonly port: number;
  readonly shop: Egress;
  readonly proven: Egress;
  /** The bank's ingress, the egress of the shop, and that of the mesh whose callers are proven. */
  readonly running: RealEnvoy[] = [];
  private readonly cas = new Map<string, Ca>();
  private readonly now = Date.now();
  private readonly secretPorts: readonly number[];

  private constructor(port: number, shop: Egress, proven: Egress, secretPorts: readonly number[]) {
    [this.port, this.shop, this.proven, this.secretPorts] = [port, shop, proven, secretPorts];
    for (const name of ['bank', 'shop', 'proven', 'guest', 'seen'])
      this.cas.set(`${name}.example`, newCa(`${name}.example`, this.now));
  }

  /** `seen`: the addresses of a peer that a test plays itself. `change`: what the ingress' configuration should say instead. */
  static async start(seen?: SeenPorts, change = (bootstrap: string): string => bootstrap): Promise<LeakScene> {
    const free = await freePorts('127.0.0.1', 7 + 2 * (TCP_EXPORTS.length + 1));
    const [port = 0, gone = 0, adminA = 0, adminB = 0, adminC = 0, ...rest] = free;
    const [dead = 0] = await freePorts(INSIDE_ADDRESS, 1);
    const half = rest.length >> 1;
    const egress = (ports: readonly number[]): Egress => ({ port: ports[0] ?? 0, tcp: ports.slice(1) });
    const [shop, proven] = [egress(rest.slice(0, half)), egress(rest.slice(half))];
    const scene = new LeakScene(port, shop, proven, [dead, gone, adminA, adminB, adminC]);
    const { cas, now, running } = scene;
    try {
      const bank = new MeshUnderTest(bankYaml(port, await scene.backendPorts(dead)), cas, now);
      running.push(await RealEnvoy.start(change(staticBootstrap(bank.resources('ingress'), adminA)), adminA));
      const peers = { bank: port, gone, seen: seen?.[0] ?? gone, second: seen?.[1] ?? gone };
      for (const [name, at, admin] of [
        ['shop', shop, adminB],
        ['proven', proven, adminC],
      ] as const) {
        const mesh = new MeshUnderTest(shopYaml(name, at, peers), cas, now);
        running.push(await RealEnvoy.start(staticBootstrap(mesh.resources('egress'), admin), admin));
      }
    } catch (error) {
      await scene.stop();
      throw error;
    }
    return scene;
  }

  private async backendPorts(dead: number): Promise<Ports> {
    const { backends } = this;
    return {
      http: await backends.http(),
      grpc: await backends.grpc(),
      tcp: await backends.tcp(),
      broken: await backends.broken(),
      dead,
    };
  }

  get inside(): Inside {
    return {
      hosts: [INSIDE_NAME, INSIDE_ADDRESS, '127.0.0.1'],
      ports: [...this.secretPorts, ...this.backends.ports],
      contract: ['bank', 'shop', 'proven', 'guest', 'nobody'].flatMap((name) => [
        `spiffe://${name}.example`,
        `spiffe://${name}.example/gateway/ingress`,
        `spiffe://${name}.example/gateway/egress`,
      ]),
    };
  }

  certificate(of: string, path = 'gateway/egress'): Certificate {
    const domain = `${of}.example`;
    const ca = this.cas.get(domain) ?? newCa(domain, this.now);
    return certify(issuerOf(ca, domain, this.now), [`spiffe://${domain}/${path}`], this.now);
  }

  /** How a peer dials the bank. */
  as(peer: string, client: Certificate | undefined = this.certificate(peer)) {
    const servername = `${peer}.example.peers.bank.example`;
    return { port: this.port, tls: { servername, ...(client && { client }) } };
  }

  async stop(): Promise<void> {
    await Promise.all(this.running.map((envoy) => envoy.stop()));
    this.backends.close();
  }
}
