// One egress gateway that dials a server of the test as the gateway of each peer, which shows it a certificate each.
// Must not: judge.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createSecureContext, createServer, type SecureContext, type Server } from 'node:tls';
import { freePorts } from '../../../deploy/demo/ports.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import { eventually } from '../../support/mesh.ts';
import { callLocally } from '../callers.ts';
import { MeshUnderTest } from '../pipeline.ts';
import { RealEnvoy } from '../real-envoy.ts';
import { staticBootstrap } from '../static-bootstrap.ts';
import type { ShownCase } from './shown-cases.ts';
import type { ShownPeer } from './shown-scene.ts';

export class DialledScene {
  private readonly envoy: RealEnvoy;
  private readonly server: Server;
  private readonly local: number;
  private readonly contexts: Map<string, SecureContext>;
  private readonly dialled: Map<string, number>;
  readonly resources: readonly ResourceJson[];

  private constructor(
    { envoy, server, local }: { readonly envoy: RealEnvoy; readonly server: Server; readonly local: number },
    resources: readonly ResourceJson[],
    contexts: Map<string, SecureContext>,
    dialled: Map<string, number>,
  ) {
    this.envoy = envoy;
    this.server = server;
    this.local = local;
    this.resources = resources;
    this.contexts = contexts;
    this.dialled = dialled;
  }

  /** `at`: when Postern has read the bundles, in milliseconds since the epoch. */
  static async start(peers: readonly ShownPeer[], at = Date.now()): Promise<DialledScene> {
    const [local = 0, admin = 0] = await freePorts('127.0.0.1', 2);
    const contexts = new Map<string, SecureContext>();
    const dialled = new Map<string, number>();
    const SNICallback = (name: string, done: (error: null, context?: SecureContext) => void): void => {
      dialled.set(name, (dialled.get(name) ?? 0) + 1);
      done(null, contexts.get(name));
    };
    // Of the connection, whose level is not that of the context of a name: OpenSSL 3.5 shows no key of 1024 bits otherwise.
    const ciphers = 'DEFAULT@SECLEVEL=0';
    const options = { SNICallback, ciphers, ALPNProtocols: ['h2'], requestCert: true, rejectUnauthorized: false };
    const server = createServer(options);
    server
      .on('tlsClientError', () => undefined)
      .on('secureConnection', (socket) => {
        socket.on('error', () => undefined);
        // The certificate of the server is accepted once its client has sent something.
        socket.once('data', () => socket.destroy());
      });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const keys = (leafKeys: readonly string[] | undefined): string =>
      leafKeys === undefined ? '' : `, leafKeys: [${leafKeys.join()}]`;
    const yaml = `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers:
${peers.map(({ name, trustDomain, leafKeys }) => `  ${name}: {trustDomain: ${trustDomain}, trustBundle: ${name}.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]${keys(leafKeys)}}`).join('\n')}
imports:
${peers.map(({ name }) => `- {peer: ${name}, name: asked, as: ${name}.test, port: ${local}}`).join('\n')}
`;
    const cas = new Map(
      peers.map(({ trustDomain, bundle }) => [trustDomain, { certificate: bundle, privateKey: '' }] as const),
    );
    const resources = new MeshUnderTest(yaml, cas, at).resources('egress');
    const envoy = await RealEnvoy.start(staticBootstrap(resources, admin), admin);
    return new DialledScene({ envoy, server, local }, resources, contexts, dialled);
  }

  async stop(): Promise<void> {
    await this.envoy.stop();
    this.server.close();
  }

  /** The first line of the log. */
  async lineOf({ peer, cert, key }: ShownCase): Promise<Readonly<Record<string, unknown>>> {
    const serverName = `shop.example.peers.${peer.trustDomain}`;
    this.contexts.set(serverName, createSecureContext({ cert, key, ciphers: 'DEFAULT@SECLEVEL=0' }));
    const lines = (): readonly Readonly<Record<string, unknown>>[] =>
      this.envoy.log.filter((line) => line['layer'] === 'tunnel' && line['peer'] === peer.name);
    const from = lines().length;
    await callLocally(this.local, `${peer.name}.test`, '/').catch(() => undefined);
    // A request is tried again; the lines of all its connections are there before the next one is asked.
    // One line may have several attempts.
    const attempts = (): number => lines().reduce((sum, { attempts: some }) => sum + Number(some ?? 1), 0);
    await eventually('the lines of its connections', () => attempts() === (this.dialled.get(serverName) ?? 0));
    const [line] = lines().slice(from);
    if (line === undefined) throw new Error(`nobody dialled ${serverName}`);
    return line;
  }
}
