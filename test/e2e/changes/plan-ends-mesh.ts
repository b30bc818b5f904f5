// One mesh with two peers and callers of its own, and one open connection of every kind through its gateways.
// Must not: know which edits there are.

import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Server, Socket } from 'node:net';
import { join } from 'node:path';
import type { EndingConnections } from '../../../src/decision/plan/resource-changes.ts';
import { TCP_ALPN } from '../../../src/envoy/resource-names.ts';
import { tcpServerName } from '../../../src/federation/wire-names.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { newCa } from '../../envoy/pipeline.ts';
import { leaf } from '../../support/leaf.ts';
import type { Testbed, TestMesh } from '../../support/mesh.ts';
import { type Dialled, echoBackend, echoGateway, OpenConnection } from './open-connections.ts';

const PEERS = ['p1', 'p2'] as const;
type Peer = (typeof PEERS)[number];
const FRONT = 'ns/web/sa/front';

/** Who says in a plan that the connection ends. */
export type Told = (line: EndingConnections) => boolean;

export interface Kind {
  readonly told: Told;
  readonly open: () => Promise<OpenConnection>;
}

export class PlanEndsMesh {
  readonly mesh: TestMesh;
  readonly kinds: Readonly<Record<string, Kind>>;
  readonly base: string;
  private readonly servers: readonly Server[];
  private readonly sockets: ReadonlySet<Socket>;

  private constructor(
    mesh: TestMesh,
    kinds: Readonly<Record<string, Kind>>,
    servers: readonly Server[],
    sockets: ReadonlySet<Socket>,
  ) {
    [this.mesh, this.kinds, this.base] = [mesh, kinds, mesh.yaml];
    [this.servers, this.sockets] = [servers, sockets];
  }

  static async start(bed: Testbed): Promise<PlanEndsMesh> {
    await bed.ca('bank.example');
    await bed.caInto(bed.pki('other-issuer'), 'bank.example');
    await bed.caInto(bed.pki('workloads'), 'bank.example');
    for (const peer of PEERS) {
      const folder = await bed.ca(`${peer}.example`);
      const more = newCa(`${peer}.example`, Date.now() - 1000).certificate;
      writeFileSync(join(folder, 'both.pem'), readFileSync(join(folder, 'ca.pem'), 'utf8') + more);
    }
    const own = readFileSync(join(bed.pki('workloads'), 'ca.pem'), 'utf8');
    mkdirSync(bed.pki('more'));
    writeFileSync(join(bed.pki('more'), 'both.pem'), own + newCa('bank.example', Date.now() - 1000).certificate);

    const [servers, sockets]: [Server[], Set<Socket>] = [[], new Set()];
    const ingress = await bed.address();
    const listen = async (server: Server): Promise<HostPort> => {
      servers.push(server);
      server.on('connection', (socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
      });
      server.listen(0, ingress.host);
      await once(server, 'listening');
      return { host: ingress.host, port: (server.address() as AddressInfo).port };
    };
    const of = (domain: string, path: string, ca = domain) =>
      leaf({ ca: bed.pki(ca), caTrustDomain: domain, uris: [`spiffe://${domain}/${path}`] });
    const backends = [await listen(echoBackend()), await listen(echoBackend())] as const;
    const dialled = {
      p1: await listen(echoGateway(of('p1.example', 'gateway/ingress'))),
      p2: await listen(echoGateway(of('p2.example', 'gateway/ingress'))),
    };
    const ports = {
      http: await bed.address(),
      other: await bed.address(),
      t1: await bed.address(),
      t2: await bed.address(),
    };
    const more = [await bed.port(), await bed.port()] as const;

    const peerLine = (peer: Peer): string =>
      `  ${peer}: {trustDomain: ${peer}.example, trustBundle: pki/${peer}.example/ca.pem, gatewayIdentities: [gateway/ingress, gateway/egress], addresses: ["${formatHostPort(dialled[peer])}"]}`;
    const yaml = `# other ports: ${more.join(' ')}; other backend: ${formatHostPort(backends[1])}
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example, trustBundle: pki/workloads/ca.pem}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways:
  ingress: {address: "${formatHostPort(ingress)}"}
  egress: {address: ${ingress.host}, clients: mtls}
peers:
${PEERS.map(peerLine).join('\n')}
exports:
- name: web
  protocol: http2
  backend: "${formatHostPort(backends[0])}"
  consumers:
  - {peer: p1, methods: [GET, POST], paths: [/*]}
  - {peer: p2, methods: [GET, POST], paths: [/*]}
- name: ledger
  protocol: tcp
  backend: "${formatHostPort(backends[0])}"
  consumers:
  - {peer: p1}
  - {peer: p2}
- name: vault
  protocol: tcp
  backend: "${formatHostPort(backends[0])}"
  consumers:
  - {peer: p1}
imports:
- {peer: p1, name: rates, as: rates.test, port: ${ports.http.port}, protocol: http2, clients: [${FRONT}]}
- {peer: p2, name: news, as: news.test, port: ${ports.http.port}, protocol: http2, clients: [${FRONT}]}
- {peer: p1, name: quotes, as: quotes.test, port: ${ports.other.port}, protocol: http2, clients: [${FRONT}]}
- {peer: p1, name: db, as: db.test, port: ${ports.t1.port}, protocol: tcp, clients: [${FRONT}]}
- {peer: p2, name: queue, as: queue.test, port: ${ports.t2.port}, protocol: tcp, clients: [${FRONT}]}
`;

    const byPeer = (peer: Peer, tcp?: string): Dialled => {
      const name = `${peer}.example.peers.bank.example`;
      return {
        to: ingress,
        servername: tcp === undefined ? name : tcpServerName(tcp, name),
        client: of(`${peer}.example`, 'gateway/egress'),
        alpn: [tcp === undefined ? 'h2' : TCP_ALPN],
      };
    };
    const byCaller = (to: HostPort, isTcp = false): Dialled => ({
      ...{ to, servername: 'gateway.test', alpn: isTcp ? [] : ['h2'] },
      client: of('bank.example', FRONT, 'workloads'),
    });
    const at =
      (gateway: 'ingress' | 'egress', ...of: readonly string[]): Told =>
      (line) =>
        line.gateway === gateway && of.includes(line.of);
    const web = (peer: Peer): Kind => ({
      told: (line) => at('ingress', peer)(line) && line.protocol !== 'tcp',
      open: () => OpenConnection.http(byPeer(peer), 'web.exports.bank.example'),
    });
    const tcp = (peer: Peer, name: string): Kind => ({
      told: at('ingress', `${peer} ${name}`),
      open: () => OpenConnection.tcp(byPeer(peer, name)),
    });
    const imported = (peer: Peer, as: string, to: HostPort): Kind => ({
      told: at('egress', `port ${to.port}`, peer),
      open: () => OpenConnection.http(byCaller(to), as),
    });
    const importedTcp = (peer: Peer, name: string, to: HostPort): Kind => ({
      told: at('egress', `port ${to.port}`, `${peer} ${name}`),
      open: () => OpenConnection.tcp(byCaller(to, true)),
    });
    const kinds = {
      'requests of p1': web('p1'),
      'requests of p2': web('p2'),
      'ledger of p1': tcp('p1', 'ledger'),
      'ledger of p2': tcp('p2', 'ledger'),
      'vault of p1': tcp('p1', 'vault'),
      'rates of p1': imported('p1', 'rates.test', ports.http),
      'news of p2': imported('p2', 'news.test', ports.http),
      'quotes of p1': imported('p1', 'quotes.test', ports.other),
      'db of p1': importedTcp('p1', 'db', ports.t1),
      'queue of p2': importedTcp('p2', 'queue', ports.t2),
    };
    const mesh = await bed.mesh('bank', yaml);
    await mesh.start('ingress', 'egress');
    return new PlanEndsMesh(mesh, kinds, servers, sockets);
  }

  close(): void {
    for (const server of this.servers) server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
