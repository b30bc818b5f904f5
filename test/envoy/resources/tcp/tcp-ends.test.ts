// When a gateway ends a TCP connection by itself: after silence, and by age. The product's own resources, in which only the two
// durations are shortened, each at one gateway and for one service, on real Envoys.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../../../deploy/demo/ports.ts';
import type { ResourceJson } from '../../../../src/envoy/proto/types.gen.ts';
import { eventually } from '../../../support/mesh.ts';
import { type Ca, MeshUnderTest } from '../../pipeline.ts';
import { RealEnvoy } from '../../real-envoy.ts';
import { staticBootstrap } from '../../static-bootstrap.ts';

/** Each is cut at one gateway, for one reason, and by nothing else. */
const SERVICES = ['silent-ingress', 'aged-ingress', 'silent-egress', 'aged-egress'] as const;
type Service = (typeof SERVICES)[number];
/** Long enough that a busy machine says a word within the silence that is allowed. */
const [SILENCE, AGE] = ['4s', '6s'];
const WORD_MS = 100;

const OF_PRODUCT = { ingress: { idle: '1800s', age: '3600s' }, egress: { idle: '1900s', age: '3700s' } };

function bankYaml(port: number, backends: readonly number[]): string {
  const exports = SERVICES.map(
    (name, index) =>
      `- {name: ${name}, protocol: tcp, backend: "127.0.0.1:${backends[index]}", consumers: [{peer: shop}]}`,
  );
  return `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers: {shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}}
exports:
${exports.join('\n')}
`;
}

function shopYaml(port: number, ports: readonly number[]): string {
  const imports = SERVICES.map(
    (name, index) => `- {peer: bank, name: ${name}, as: ${name}.bank, port: ${ports[index]}, protocol: tcp}`,
  );
  return `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers:
  bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]}
imports:
${imports.join('\n')}
`;
}

/** The resources with the shorter duration where the name of a service says so. A resource that lacks the product's duration is a failure. */
function shortened(resources: readonly ResourceJson[], role: 'ingress' | 'egress'): readonly ResourceJson[] {
  const changed: string[] = [];
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    const one = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item)]));
    const name = String(one['cluster']);
    const service = SERVICES.find((known) => name.includes(known));
    const { idle, age } = OF_PRODUCT[role];
    if (one['idle_timeout'] !== idle || service === undefined) return one;
    assert.equal(one['max_downstream_connection_duration'], age);
    if (!service.endsWith(role)) return one;
    changed.push(service);
    if (service.startsWith('silent')) return { ...one, idle_timeout: SILENCE };
    return { ...one, max_downstream_connection_duration: AGE };
  };
  const all = resources.map((resource) => walk(resource) as ResourceJson);
  assert.deepEqual(changed.sort(), [`aged-${role}`, `silent-${role}`]);
  return all;
}

/** One end of a connection, and what it has seen. */
class End {
  readonly socket: Socket;
  heard = '';
  /** `end`: the other side has said that nothing more comes. */
  readonly seen: string[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (data) => {
      this.heard += data.toString();
    });
    socket.on('end', () => this.seen.push('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => this.seen.push(error.code ?? error.message));
    socket.on('close', () => this.seen.push('close'));
  }
}

interface Pair {
  readonly client: End;
  readonly server: End;
}

/** What a gateway writes down as the reason. */
const REASONS = { silent: 'tcp_session_idle_timeout', aged: 'max_connection_duration_reached' } as const;

describe('the ends of TCP connections', { concurrency: true }, () => {
  const now = Date.now();
  const cas = new Map<string, Ca>();
  const running = new Map<string, RealEnvoy>();
  const ends: End[] = [];
  const talks: NodeJS.Timeout[] = [];
  const servers = new Map<Service, Server>();
  let ports: readonly number[] = [];

  before(async () => {
    for (const service of SERVICES) servers.set(service, createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1'));
    await Promise.all([...servers.values()].map((server) => once(server, 'listening')));
    const backends = [...servers.values()].map((server) => (server.address() as AddressInfo).port);
    const [port = 0, adminA = 0, adminB = 0, ...local] = await freePorts('127.0.0.1', 3 + SERVICES.length);
    ports = local;
    const bank = new MeshUnderTest(bankYaml(port, backends), cas, now);
    const shop = new MeshUnderTest(shopYaml(port, ports), cas, now);
    const [ingress, egress] = [bank.resources('ingress'), shop.resources('egress')];
    running.set('ingress', await RealEnvoy.start(staticBootstrap(shortened(ingress, 'ingress'), adminA), adminA));
    running.set('egress', await RealEnvoy.start(staticBootstrap(shortened(egress, 'egress'), adminB), adminB));
  });

  after(async () => {
    for (const talk of talks) clearInterval(talk);
    for (const { socket } of ends) socket.destroy();
    await Promise.all([...running.values()].map((envoy) => envoy.stop()));
    for (const server of servers.values()) server.close();
  });

  /** Both ends of a connection through both gateways; each has heard the other. */
  async function open(service: Service): Promise<Pair> {
    const accepted = once(servers.get(service) as Server, 'connection') as Promise<[Socket]>;
    const port = ports[SERVICES.indexOf(service)] ?? 0;
    const client = new End(connect({ host: '127.0.0.1', port, allowHalfOpen: true }));
    const [socket] = await accepted;
    const pair = { client, server: new End(socket) };
    ends.push(pair.client, pair.server);
    await says(pair.server, pair.client, 'welcome ');
    await says(pair.client, pair.server, 'thanks ');
    return pair;
  }

  /** Each word is said once; a talking end says other things between. */
  async function says(from: End, to: End, word: string): Promise<void> {
    from.socket.write(word);
    await eventually(`${word}arrives`, () => to.heard.includes(word) || to.seen.some((one) => one !== 'end'));
    assert.ok(to.heard.includes(word), `${word}: ${to.seen.join(', ')}`);
  }

  /** In one direction alone, until the connection ends. */
  function talk(from: End): void {
    const timer = setInterval(() => from.socket.write('.'), WORD_MS);
    from.socket.on('close', () => clearInterval(timer));
    talks.push(timer);
  }

  /** A connection of which one end has said that nothing more comes, and the other end has not. */
  async function openHalf(service: Service, closing: 'client' | 'server'): Promise<Pair> {
    const pair = await open(service);
    const [first, second] = closing === 'client' ? [pair.client, pair.server] : [pair.server, pair.client];
    first.socket.end();
    await eventually('the other end sees it', () => second.seen.includes('end'));
    await says(second, first, 'still here ');
    return pair;
  }

  /** The end that has closed its own direction sees the other one end; the other end, which has seen an end before, learns it when it writes. */
  async function isCutHalf(closed: End, writing: End): Promise<void> {
    await eventually('the half-closed connection is cut', () => closed.seen.includes('close'));
    assert.deepEqual(writing.seen, ['end']);
    writing.socket.write('anybody? ');
    await eventually('the write is refused', () => {
      if (writing.seen.length === 1) writing.socket.write('anybody? ');
      return writing.seen.length > 1;
    });
    assert.match(writing.seen[1] ?? '', /^(ECONNRESET|EPIPE)$/);
  }

  const reasons = (gateway: string, service: Service): readonly unknown[] =>
    (running.get(gateway)?.log ?? [])
      .filter((line) => line['layer'] === 'tcp' && Object.values(line).includes(service))
      .map(({ close, verdict }) => verdict === 'allowed' && close);

  for (const service of SERVICES) {
    const [kind, role] = service.split('-') as ['silent' | 'aged', 'ingress' | 'egress'];
    const what = kind === 'silent' ? 'is silent in both directions' : 'has reached its age, although words pass,';
    test(`A connection that ${what} is cut at the ${role} gateway, also a half-closed one, and that gateway logs why`, async () => {
      const talking = [await open(service), await open(service)] as const;
      talk(talking[0].client);
      talk(talking[1].server);
      const quiet = await open(service);
      const halves = [await openHalf(service, 'client'), await openHalf(service, 'server')] as const;
      await eventually('it is cut', () => quiet.client.seen.length > 0 && quiet.server.seen.length > 0);
      // The ingress ends the connection of the egress, which can only tell the caller that it broke.
      assert.equal(quiet.client.seen[0], role === 'ingress' ? 'ECONNRESET' : 'end');
      assert.deepEqual(quiet.server.seen, ['end']);
      await isCutHalf(halves[0].client, halves[0].server);
      await isCutHalf(halves[1].server, halves[1].client);
      if (kind === 'silent') {
        for (const { client, server } of talking) {
          await says(client, server, 'ping ');
          await says(server, client, 'pong ');
          assert.deepEqual([client.seen, server.seen], [[], []]);
        }
      } else
        for (const { client, server } of talking)
          await eventually('it is cut while it talks', () => client.seen.length > 0 && server.seen.length > 0);
      const cut = kind === 'silent' ? 3 : 5;
      const ofKind = (gateway: string): number =>
        reasons(gateway, service).filter((one) => one === REASONS[kind]).length;
      await eventually('each is logged', () => ofKind(role) === cut);
      assert.equal(ofKind(role === 'ingress' ? 'egress' : 'ingress'), 0);
    });
  }
});
