// Two meshes with real gateways and the bootstraps of `postern bootstrap`: a shop that calls one export of a bank.
// Must not: know the backend; each test brings one of its own that behaves as the test needs.

import { once } from 'node:events';
import {
  type Agent,
  createServer as createHttpServer,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { formatHostPort, type HostPort } from '../../src/host-port.ts';
import { eventually, type Testbed, type TestMesh } from '../support/mesh.ts';

export const LOCAL_NAME = 'accounts.bank.svc.cluster.local';

export interface PairOptions {
  readonly protocol?: 'http' | 'http2' | 'grpc';
  /** More keys of the export, of the bank's peer, of the import and of the shop's peer, such as `timeouts: {idle: 1s}`. */
  readonly keys?: {
    readonly exported?: string;
    readonly caller?: string;
    readonly imported?: string;
    readonly callee?: string;
  };
  /** Where the shop dials instead of the bank's ingress. */
  readonly front?: HostPort;
  /** Processes that serve the shop's gateways. */
  readonly workers?: number;
  /** Where the egress listens, when it is not an address of the testbed. */
  readonly egress?: HostPort;
}

export type Answer = (asked: IncomingMessage, response: ServerResponse) => void;

export interface Pairing extends PairOptions {
  /** Where the bank's ingress listens, when it is not an address of the testbed. */
  readonly ingress?: HostPort;
}

/** The pair in front of a new backend, which closes no idle connection; `close` ends that backend. */
export async function startPairBefore(bed: Testbed, answer: Answer, { ingress: asked, ...options }: Pairing = {}) {
  const [ingress, backend] = [asked ?? (await bed.address()), await bed.address()];
  const server = createHttpServer(answer);
  server.keepAliveTimeout = 600_000;
  server.listen(backend.port, backend.host, 4096);
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { ...(await startPair(bed, ingress, backend, options)), server, ingress, close };
}

/** One call is answered. */
export async function passes(egress: HostPort): Promise<void> {
  await eventually('a call passes', async () => (await statusOf(egress, 'GET', '/')) === 200);
}

export interface Pair {
  readonly bank: TestMesh;
  readonly shop: TestMesh;
  readonly egress: HostPort;
}

export async function startPair(
  bed: Testbed,
  ingress: HostPort,
  backend: HostPort,
  { protocol = 'http', keys = {}, front = ingress, egress: asked, workers = 1 }: PairOptions = {},
): Promise<Pair> {
  await Promise.all(['bank.example', 'shop.example'].map((name) => bed.ca(name)));
  const more = (text: string | undefined): string => (text === undefined ? '' : `, ${text}`);
  const methods = protocol === 'grpc' ? '' : 'methods: [GET, HEAD, POST], ';
  const bank = await bed.mesh(
    'bank',
    `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/egress]${more(keys.caller)}}
exports:
- {name: accounts, protocol: ${protocol}, backend: "${formatHostPort(backend)}"${more(keys.exported)}, consumers: [{peer: shop, ${methods}paths: [/*]}]}
`,
  );
  const egress = asked ?? (await bed.address());
  const shop = await bed.mesh(
    'shop',
    `apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: pki/shop.example/ca.pem, privateKey: pki/shop.example/ca-key.pem}}
gateways: {egress: {address: "${egress.host}", clients: plaintext}}
peers:
  bank: {trustDomain: bank.example, trustBundle: pki/bank.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: ["${formatHostPort(front)}"]${more(keys.callee)}}
imports:
- {peer: bank, name: accounts, as: ${LOCAL_NAME}, port: ${egress.port}, protocol: ${protocol}${more(keys.imported)}}
`,
  );
  await shop.startControl('--workers', String(workers));
  await Promise.all([bank.start('ingress'), shop.startGateway('egress')]);
  return { bank, shop, egress };
}

/** The status of one HTTP/1.1 call through the egress, or what ended it. */
export function statusOf(
  egress: HostPort,
  method: string,
  path: string,
  agent: Agent | false = false,
): Promise<number | string> {
  return new Promise((done) => {
    const sent = request({ ...egress, method, path, agent, headers: { host: LOCAL_NAME } }, (response) => {
      response.resume();
      response.on('end', () => done(response.statusCode ?? 0));
      response.on('error', (error) => done(error.message));
    });
    sent.on('error', (error) => done(error.message));
    sent.end(method === 'POST' ? 'a body' : undefined);
  });
}

/** What a load balancer does: new connections go where `to` points now, open ones stay. `cut` ends them all at once. */
export class Front {
  to: HostPort;
  private readonly server: Server;
  private readonly open = new Set<Socket>();

  constructor(to: HostPort) {
    this.to = to;
    this.server = createServer((down) => {
      const up = connect(this.to);
      down.pipe(up).pipe(down);
      const ends: readonly (readonly [Socket, Socket])[] = [
        [down, up],
        [up, down],
      ];
      for (const [one, other] of ends) {
        this.open.add(one);
        one.on('error', () => other.destroy()).on('close', () => other.destroy());
        one.on('close', () => this.open.delete(one));
      }
    });
  }

  async listen({ host, port }: HostPort): Promise<void> {
    this.server.listen(port, host);
    await once(this.server, 'listening');
  }

  cut(): void {
    for (const socket of this.open) socket.destroy();
  }

  close(): void {
    this.server.close();
    this.cut();
  }
}
