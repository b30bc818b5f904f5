// Two meshes with a little of everything that statistics name: a bank with an HTTP and a TCP export, limits and two peers, and a
// shop that imports both. The names have dots and hyphens, as real ones do.
// Must not: use a fixed port.

import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { callGateway, callLocally } from '../../../deploy/demo/calls.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { leaf } from '../../support/leaf.ts';
import type { Testbed, TestMesh } from '../../support/mesh.ts';

export interface Scene {
  readonly bank: TestMesh;
  readonly shop: TestMesh;
  /** Where `GET /stats/prometheus` of the bank's ingress and the shop's egress is answered. */
  readonly ingressMetrics: HostPort;
  readonly egressMetrics: HostPort;
  readonly ingress: HostPort;
  /** Where the shop's own callers connect. */
  readonly egress: HostPort;
  /** A call of one of the shop's own callers. */
  call(path: string, method?: string, host?: string): Promise<number>;
  /** A call with the shop's certificate straight at the bank's ingress. */
  direct(path: string, authority: string, method?: string): Promise<number>;
  /** Sends a line to the bank's ledger over TCP, and returns what comes back. */
  ledger(line: string): Promise<string>;
  /** A handshake at the bank's ingress with a certificate of a CA that the bank does not trust. */
  stranger(): Promise<void>;
  close(): void;
}

/** Connections that the egress takes. */
export const MOST_CALLERS = 40;
export const ACCOUNTS = 'accounts.v1.exports.bank.example';
export const LOCAL_NAME = 'accounts.bank.svc.cluster.local';
const SERVER_NAME = 'shop.example.peers.bank.example';

/** The export `broken` has a backend that does not listen, and the peer `away` no gateway that does. */
export async function startScene(bed: Testbed): Promise<Scene> {
  await Promise.all(
    ['bank.example', 'shop.example', 'partner.example', 'stranger.example'].map((name) => bed.ca(name)),
  );
  const accounts = await bed.backend('accounts');
  const echo = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket));
  const [ingress, http, tcp, ledgerAt, ingressMetrics, egressMetrics, nobody] = await addresses(bed, 7);
  await listen(echo, ledgerAt);
  const at = formatHostPort;
  const bank = await bed.mesh(
    'bank',
    `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways: {ingress: {address: "${at(ingress)}"}}
peers:
  web-shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/egress], limits: {connections: 50, requestsPerSecond: 500, requests: 100}}
  partner: {trustDomain: partner.example, trustBundle: pki/partner.example/ca.pem, gatewayIdentities: [gateway/egress]}
exports:
- name: accounts.v1
  backend: ${at(accounts.address)}
  consumers:
  - {peer: web-shop, methods: [GET, POST], paths: [/v1/accounts, /v1/receipts/*], limits: {requestsPerSecond: 400}}
  - {peer: partner, methods: [GET], paths: [/*], expires: 2099-12-31}
- name: broken
  backend: ${at(nobody)}
  consumers: [{peer: web-shop, methods: [GET], paths: [/*]}]
- {name: ledger.db, protocol: tcp, backend: "${at(ledgerAt)}", consumers: [{peer: web-shop}, {peer: partner}]}
`,
    { metrics: { ingress: ingressMetrics } },
  );
  const shop = await bed.mesh(
    'shop',
    `apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: pki/shop.example/ca.pem, privateKey: pki/shop.example/ca-key.pem}}
gateways: {egress: {address: "${http.host}", clients: plaintext, limits: {connections: ${MOST_CALLERS}}}}
peers:
  big-bank: {trustDomain: bank.example, trustBundle: pki/bank.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: ["${at(ingress)}", "${at(ingress)}"]}
  away: {trustDomain: partner.example, trustBundle: pki/partner.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: ["${at(nobody)}", "${at(nobody)}"]}
imports:
- {peer: big-bank, name: accounts.v1, as: ${LOCAL_NAME}, port: ${http.port}, limits: {requestsPerSecond: 500}}
- {peer: big-bank, name: broken, as: broken.bank, port: ${http.port}}
- {peer: away, name: quotes, as: quotes.away, port: ${http.port}}
- {peer: big-bank, name: ledger.db, as: ledger.bank, port: ${tcp.port}, protocol: tcp}
`,
    { metrics: { egress: egressMetrics } },
  );
  await Promise.all([bank.start('ingress'), shop.start('egress')]);
  const certificate = (trustDomain: string) =>
    leaf({
      ca: bed.pki(trustDomain),
      caTrustDomain: trustDomain,
      uris: [`spiffe://${trustDomain}/gateway/egress`],
    });
  const dial = (trustDomain: string) => ({
    gateway: ingress,
    servername: SERVER_NAME,
    client: certificate(trustDomain),
  });
  return {
    bank,
    shop,
    ingressMetrics,
    egressMetrics,
    ingress,
    egress: http,
    call: async (path, method = 'GET', host = LOCAL_NAME) => (await callLocally(http, host, { path, method })).status,
    direct: async (path, authority, method = 'GET') =>
      (await callGateway(dial('shop.example'), authority, { path, method })).status,
    ledger: (line) => echoed(tcp, line),
    stranger: async () => {
      await callGateway(dial('stranger.example'), ACCOUNTS, { path: '/v1/accounts' }).catch(() => {});
    },
    close: () => void echo.close(),
  };
}

async function addresses(
  bed: Testbed,
  count: 7,
): Promise<[HostPort, HostPort, HostPort, HostPort, HostPort, HostPort, HostPort]> {
  const found: HostPort[] = [];
  for (let index = 0; index < count; index += 1) found.push(await bed.address());
  return found as [HostPort, HostPort, HostPort, HostPort, HostPort, HostPort, HostPort];
}

async function listen(server: Server, { host, port }: HostPort): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

async function echoed({ host, port }: HostPort, line: string): Promise<string> {
  const socket = connect(port, host);
  let heard = '';
  socket.on('data', (data) => {
    heard += data.toString();
  });
  socket.end(line);
  await once(socket, 'close');
  return heard;
}
