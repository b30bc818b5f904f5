// One ingress gateway with a peer for each trust bundle, and connections that show it a certificate each.
// Must not: judge.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { LIMIT_MS } from '../../../deploy/demo/limit.ts';
import { freePorts } from '../../../deploy/demo/ports.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import { MeshUnderTest } from '../pipeline.ts';
import { RealEnvoy } from '../real-envoy.ts';
import { staticBootstrap } from '../static-bootstrap.ts';

/** HTTP/2's preface and empty settings: a gateway answers with its own. */
const PREFACE = Buffer.from('505249202a20485454502f322e300d0a0d0a534d0d0a0d0a000000040000000000', 'hex');

export interface ShownPeer {
  readonly name: string;
  readonly trustDomain: string;
  readonly bundle: string;
  readonly leafKeys?: readonly string[];
}

export class ShownScene {
  private readonly envoy: RealEnvoy;
  private readonly port: number;
  readonly resources: readonly ResourceJson[];

  private constructor(envoy: RealEnvoy, port: number, resources: readonly ResourceJson[]) {
    this.envoy = envoy;
    this.port = port;
    this.resources = resources;
  }

  /** `at`: when Postern has read the bundles, in milliseconds since the epoch. */
  static async start(peers: readonly ShownPeer[], at = Date.now()): Promise<ShownScene> {
    const [port = 0, admin = 0] = await freePorts('127.0.0.1', 2);
    const yaml = `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
${peers.map(({ name, trustDomain, leafKeys }) => `  ${name}: {trustDomain: ${trustDomain}, trustBundle: ${name}.pem, gatewayIdentities: [gateway/ingress]${leafKeys === undefined ? '' : `, leafKeys: [${leafKeys.join()}]`}}`).join('\n')}
`;
    const cas = new Map(
      peers.map(({ trustDomain, bundle }) => [trustDomain, { certificate: bundle, privateKey: '' }] as const),
    );
    const resources = new MeshUnderTest(yaml, cas, at).resources('ingress');
    const envoy = await RealEnvoy.start(staticBootstrap(resources, admin), admin);
    return new ShownScene(envoy, port, resources);
  }

  async stop(): Promise<void> {
    await this.envoy.stop();
  }

  /** The line of the log. */
  async lineOf({
    peer,
    cert,
    key,
  }: {
    readonly peer: ShownPeer;
    readonly cert: string;
    readonly key: string;
  }): Promise<Readonly<Record<string, unknown>>> {
    const from = this.envoy.log.length;
    const socket = connect({
      host: '127.0.0.1',
      port: this.port,
      servername: `${peer.trustDomain}.peers.bank.example`,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
      ciphers: 'DEFAULT@SECLEVEL=0',
      cert,
      key,
    });
    socket.on('error', () => undefined);
    const limit = setTimeout(() => socket.destroy(), LIMIT_MS);
    await once(socket, 'connect').catch(() => undefined);
    const client = `127.0.0.1:${(socket.address() as AddressInfo).port}`;
    socket.on('secureConnect', () => socket.write(PREFACE));
    socket.on('data', () => socket.end());
    if (!socket.closed) await once(socket, 'close').catch(() => undefined);
    clearTimeout(limit);
    const end = Date.now() + LIMIT_MS;
    while (Date.now() < end) {
      const line = this.envoy.log.slice(from).find((one) => one['client'] === client && one['layer'] === 'listener');
      if (line !== undefined) return line;
      await sleep(20);
    }
    throw new Error(`no line of ${client}`);
  }
}
