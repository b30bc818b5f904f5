// A bank, a shop, and a mesh whose callers prove who they are, on real Envoys: everything that a reason code is for can be caused.
// Must not: judge a line; reason-cases.ts says what each has to be.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { freePorts } from '../../../deploy/demo/ports.ts';
import { LEAF_EXTENSIONS, Openssl } from '../../support/programs/openssl.ts';
import { type Certificate, certify, issuerOf, type KeyKind } from '../callers.ts';
import { INSIDE_ADDRESS, LeakingBackends } from '../leaks/leaking-backends.ts';
import { type Ca, MeshUnderTest, newCa } from '../pipeline.ts';
import { RealEnvoy } from '../real-envoy.ts';
import { staticBootstrap } from '../static-bootstrap.ts';

export type Gateway = 'bank' | 'shop' | 'proven';

const SERVER = 'statements.bank.example';

interface Ports {
  /** The bank's ingress. */
  readonly bank: number;
  /** The shop's egress: HTTP, and TCP imports. */
  readonly shop: number;
  readonly ledger: number;
  readonly goneLedger: number;
  readonly closedLedger: number;
  /** Its peer ends every connection at once. */
  readonly fullLedger: number;
  /** Its peer grants one connection. */
  readonly narrow: number;
  /** Its backend is not there. */
  readonly ruin: number;
  readonly proven: number;
  readonly provenLedger: number;
  /** An import of one connection. */
  readonly provenNarrow: number;
  /** Peers that the test plays, and where nobody listens. */
  readonly seen: number;
  readonly wary: number;
  readonly full: number;
  /** A backend of the bank with a certificate of another CA. */
  readonly impostor: number;
  readonly dead: number;
}

function bankYaml(at: Ports, http: number, tcp: number): string {
  const backend = (port: number): string => `"${INSIDE_ADDRESS}:${port}"`;
  const peer = (name: string, more = ''): string =>
    `  ${name}: {trustDomain: ${name}.example, trustBundle: ${name}.pem, gatewayIdentities: [gateway/egress]${more}}`;
  const allow =
    'allow: [{methods: [GET, POST], paths: [/v1/*]}, {methods: [GET], paths: [/w], workloads: [ns/a/sa/b]}]';
  const to = (...peers: readonly string[]): string =>
    `consumers: [${peers.map((one) => `{peer: ${one}, ${allow}}`).join(', ')}]`;
  const soon = 'timeouts: {request: 1s, idle: 1s}';
  return `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example, trustBundle: mesh.pem}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${at.bank}"}}
peers:
${peer('shop')}
${peer('proven')}
${peer('leaving')}
${peer('guest', ', limits: {connections: 1}')}
${peer('hasty', ', limits: {requestsPerSecond: 1}')}
${peer('busy', ', limits: {requests: 1}')}
exports:
- {name: core, backend: ${backend(http)}, ${soon}, ${to('shop', 'proven', 'guest', 'hasty', 'busy')}}
- {name: patient, backend: ${backend(http)}, ${to('shop', 'leaving')}}
- {name: rate, backend: ${backend(http)}, limits: {requestsPerSecond: 1}, ${to('shop')}}
- {name: few, backend: ${backend(http)}, limits: {requests: 1}, ${soon}, ${to('shop')}}
- {name: small, backend: ${backend(http)}, limits: {requestBody: 1KiB}, ${to('shop')}}
- {name: down, backend: ${backend(at.dead)}, ${to('shop')}}
- {name: impostor, backend: {address: "127.0.0.1:${at.impostor}", tls: simple, serverName: ${SERVER}, ca: server-ca.pem}, ${to('shop')}}
- {name: ledger, protocol: tcp, backend: ${backend(tcp)}, consumers: [{peer: shop}, {peer: proven}]}
- {name: narrow, protocol: tcp, backend: ${backend(tcp)}, consumers: [{peer: shop, limits: {connections: 1}}]}
- {name: ruin, protocol: tcp, backend: ${backend(at.dead)}, consumers: [{peer: shop}]}
`;
}

function shopYaml(at: Ports): string {
  const peer = (name: string, ...ports: readonly number[]): string =>
    `  ${name}: {trustDomain: ${name}.example, trustBundle: ${name}.pem, gatewayIdentities: [gateway/ingress], addresses: [${ports.map((port) => `"127.0.0.1:${port}"`).join(', ')}]}`;
  const imported = (of: string, name = 'core', more = '', as = name): string =>
    `- {peer: ${of}, name: ${name}, as: ${as}.${of}, port: ${at.shop}${more}}`;
  const tcp = (of: string, name: string, port: number): string =>
    `- {peer: ${of}, name: ${name}, as: ${name}.${of}, port: ${port}, protocol: tcp}`;
  return `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers:
${peer('bank', at.bank)}
${peer('gone', at.dead)}
${peer('twice', at.dead, at.wary)}
${peer('denied', at.bank)}
${peer('rogue', at.bank)}
${peer('seen', at.seen)}
${peer('wary', at.wary)}
${peer('full', at.full)}
imports:
${imported('bank')}
${imported('bank', 'patient')}
${imported('bank', 'core', ', limits: {requestsPerSecond: 1}', 'rate-here')}
${imported('bank', 'core', ', limits: {requests: 1}', 'few-here')}
${['gone', 'twice', 'denied', 'rogue', 'seen', 'wary', 'full'].map((of) => imported(of)).join('\n')}
${imported('seen', 'core', ', timeouts: {request: 1s}', 'soon')}
${tcp('bank', 'ledger', at.ledger)}
${tcp('gone', 'ledger', at.goneLedger)}
${tcp('bank', 'closed', at.closedLedger)}
${tcp('full', 'ledger', at.fullLedger)}
${tcp('bank', 'narrow', at.narrow)}
${tcp('bank', 'ruin', at.ruin)}
`;
}

function provenYaml(at: Ports): string {
  return `
apiVersion: postern/v1
mesh: {name: proven, trustDomain: proven.example, trustBundle: mesh.pem}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1, clients: mtls}}
peers:
  bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${at.bank}"]}
imports:
- {peer: bank, name: core, as: core.bank, port: ${at.proven}, clients: [ns/web/sa/front]}
- {peer: bank, name: ledger, as: ledger.bank, port: ${at.provenLedger}, protocol: tcp, clients: [ns/web/sa/front]}
- {peer: bank, name: ledger, as: narrow.bank, port: ${at.provenNarrow}, protocol: tcp, limits: {connections: 1}, clients: [ns/web/sa/front]}
`;
}

/** A text of the product's resources, in fewer seconds. */
function shorter(bootstrap: string, text: string, seconds: number): string {
  assert.ok(bootstrap.includes(text), text);
  return bootstrap.replaceAll(text, text.replace(/\d+s/, `${seconds}s`));
}

/** The gateway's own durations, but for how long a stream may last and how long its headers may take. */
const AGE = ['"max_stream_duration":"3700s"', 6] as const;
const SLOW_HEADERS = ['"request_headers_timeout":"10s"', 1] as const;
const PRESSURE = 'envoy.overload_actions.stop_accepting_requests';

export class ReasonScene {
  readonly ports: Ports;
  private readonly backends = new LeakingBackends();
  private readonly gateways = new Map<Gateway, RealEnvoy>();
  private readonly played: (Server | TlsServer | ReturnType<typeof createSecureServer>)[] = [];
  private readonly cas = new Map<string, Ca>();
  private readonly now = Date.now();
  private readonly folder = mkdtempSync(join(tmpdir(), 'postern-reasons-'));
  private listeners: readonly { readonly filter_chains: readonly { readonly name: string }[] }[] = [];

  private constructor(ports: Ports) {
    this.ports = ports;
    for (const name of ['rogue', 'seen', 'wary', 'full']) this.ca(`${name}.example`);
  }

  static async start(): Promise<ReasonScene> {
    const free = await freePorts('127.0.0.1', 19);
    const [bank = 0, shop = 0, ledger = 0, goneLedger = 0, closedLedger = 0, proven = 0, provenLedger = 0] = free;
    const [
      seen = 0,
      wary = 0,
      impostor = 0,
      narrow = 0,
      ruin = 0,
      provenNarrow = 0,
      full = 0,
      fullLedger = 0,
      ...admin
    ] = free.slice(7);
    const [dead = 0] = await freePorts(INSIDE_ADDRESS, 1);
    const local = {
      shop,
      ledger,
      goneLedger,
      closedLedger,
      fullLedger,
      narrow,
      ruin,
      proven,
      provenLedger,
      provenNarrow,
    };
    const ports = { ...local, bank, seen, wary, full, impostor, dead };
    const scene = new ReasonScene(ports);
    try {
      await scene.begin(admin);
    } catch (error) {
      await scene.stop();
      throw error;
    }
    return scene;
  }

  private async begin([bankAdmin = 0, shopAdmin = 0, provenAdmin = 0]: readonly number[]): Promise<void> {
    const { backends, ports, cas, now } = this;
    const bank = new MeshUnderTest(bankYaml(ports, await backends.http(), await backends.tcp()), cas, now);
    const shop = new MeshUnderTest(shopYaml(ports), cas, now, ['denied']);
    const proven = new MeshUnderTest(provenYaml(ports), cas, now);
    await this.play();
    await this.press('0.0');
    const ingress = this.changeable(shorter(staticBootstrap(bank.resources('ingress'), bankAdmin), ...AGE));
    this.gateways.set('bank', await RealEnvoy.start(ingress, bankAdmin));
    const egress = shorter(staticBootstrap(shop.resources('egress'), shopAdmin), ...SLOW_HEADERS);
    this.gateways.set('shop', await RealEnvoy.start(egress, shopAdmin));
    const last = staticBootstrap(proven.resources('egress'), provenAdmin);
    this.gateways.set('proven', await RealEnvoy.start(last, provenAdmin));
  }

  /** Two peers, and a backend: the gateway of `seen` takes every request, and that of `wary` no certificate of ours. */
  private async play(): Promise<void> {
    const seen = createSecureServer({ ...this.certificate('seen', 'gateway/ingress'), ALPNProtocols: ['h2'] });
    seen.on('stream', (stream: ServerHttp2Stream, { ':path': path }) => {
      stream.on('error', () => 0).resume();
      if (path !== '/v1/stop') return;
      stream.respond({ ':status': 200 });
      stream.write('a part', () => setImmediate(() => stream.session?.destroy()));
    });
    const wary = createTlsServer({
      ...this.certificate('wary', 'gateway/ingress'),
      ALPNProtocols: ['h2'],
      requestCert: true,
      ca: this.ca('rogue.example').certificate,
    });
    const impostor = createTlsServer(this.certificate('rogue', 'ns/bank/sa/statements'));
    // As the limit of a peer's connections does.
    const full = createServer((socket) => socket.on('error', () => 0).destroy());
    for (const [server, port] of [
      [seen, this.ports.seen],
      [wary, this.ports.wary],
      [full, this.ports.full],
      [impostor, this.ports.impostor],
    ] as const) {
      this.played.push(server);
      server.on('tlsClientError', () => 0).listen(port, '127.0.0.1');
      await once(server, 'listening');
    }
  }

  /** The gateway's listeners come from a file, and a file says how short of memory it is. */
  private changeable(bootstrap: string): string {
    const { static_resources: resources, ...rest } = JSON.parse(bootstrap) as {
      static_resources: { listeners: ReasonScene['listeners'] };
    };
    const { listeners, ...others } = resources;
    this.serve(listeners);
    const monitor = 'envoy.resource_monitors.injected_resource';
    const type = 'type.googleapis.com/envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig';
    return JSON.stringify({
      ...rest,
      node: { id: 'bank-1', cluster: 'ingress' },
      static_resources: others,
      dynamic_resources: {
        lds_config: { path_config_source: { path: join(this.folder, 'listeners.json') }, resource_api_version: 'V3' },
      },
      overload_manager: {
        refresh_interval: '0.05s',
        resource_monitors: [
          { name: monitor, typed_config: { '@type': type, filename: join(this.folder, 'pressure') } },
        ],
        actions: [{ name: PRESSURE, triggers: [{ name: monitor, threshold: { value: 0.9 } }] }],
      },
    });
  }

  private serve(listeners: ReasonScene['listeners']): void {
    this.listeners = listeners;
    const resources = listeners.map((listener) => ({
      '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
      ...listener,
    }));
    this.write('listeners.json', JSON.stringify({ version_info: '1', resources }));
  }

  /** As when the bank removes a peer from its file. */
  removePeer(name: string): void {
    const before = this.listeners.flatMap(({ filter_chains: chains }) => chains).length;
    const listeners = this.listeners.map((listener) => ({
      ...listener,
      filter_chains: listener.filter_chains.filter((chain) => !chain.name.includes(name)),
    }));
    assert.equal(listeners.flatMap(({ filter_chains: chains }) => chains).length, before - 1);
    this.serve(listeners);
  }

  /** How full the memory of the bank's gateway is; resolves once the gateway acts by it. */
  async press(pressure: '0.0' | '1.0'): Promise<void> {
    this.write('pressure', pressure);
    const bank = this.gateways.get('bank');
    const active = new RegExp(`stop_accepting_requests\\.active: ${Number(pressure)}`);
    while (bank !== undefined && !active.test(await bank.admin('/stats')));
  }

  /** By renaming, as Envoy watches for it. */
  private write(name: string, text: string): void {
    writeFileSync(join(this.folder, 'new'), text);
    renameSync(join(this.folder, 'new'), join(this.folder, name));
  }

  gateway(name: Gateway): RealEnvoy {
    const gateway = this.gateways.get(name);
    if (gateway === undefined) throw new Error(`${name} has not started`);
    return gateway;
  }

  private ca(trustDomain: string): Ca {
    const known = this.cas.get(trustDomain) ?? newCa(trustDomain, this.now);
    this.cas.set(trustDomain, known);
    return known;
  }

  /** A certificate of the CA of a mesh, an hour long from `at` on. */
  certificate(of: string, path = 'gateway/egress', kind: KeyKind = 'ecdsa', at = this.now): Certificate {
    const domain = `${of}.example`;
    return certify(issuerOf(this.ca(domain), domain, this.now), [`spiffe://${domain}/${path}`], at, kind);
  }

  /** The shop's, for servers alone. */
  serverCertificate(): Certificate {
    const openssl = new Openssl();
    try {
      const { certificate, privateKey } = this.ca('shop.example');
      const signer = { certificateFile: openssl.file(certificate), keyFile: openssl.file(privateKey) };
      const extensions = [
        ...LEAF_EXTENSIONS.filter((line) => !line.startsWith('extended')),
        'extendedKeyUsage = serverAuth',
        'subjectAltName = URI:spiffe://shop.example/gateway/egress',
      ];
      const made = openssl.certificate({
        extensions,
        signer: { ...signer, pem: '', keyPem: '', der: Buffer.alloc(0) },
      });
      return { cert: made.pem, key: made.keyPem };
    } finally {
      openssl.close();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.gateways.values()].map((gateway) => gateway.stop()));
    for (const server of this.played) server.close();
    this.backends.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
