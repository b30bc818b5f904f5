// Random questions for the differential test, each with how it is put to a gateway.
// Must not: leave out what looks senseless: that is where gateways and evaluators differ.

import type { Credentials } from '../../../deploy/demo/calls.ts';
import type { Hello, Question, Request } from '../../../src/decision/answer/question.ts';
import { claimHeader, peerHello } from '../../../src/decision/tls/honest-client.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import type { Random } from '../../support/random.ts';
import { EXPORTS, LOCAL_NAMES, METHODS, PATHS, PEERS, WORKLOADS } from './differential-configs.ts';
import type { DifferentialMesh, WantedCertificate } from './differential-mesh.ts';
import { hostsLike, PATH_CHANGES } from './differential-spellings.ts';

/** A question, and the certificate that its client shows. */
export interface Put {
  readonly gateway: 'ingress' | 'egress';
  readonly question: Question;
  readonly credentials?: Credentials;
}

const ODD_METHODS = ['TRACE', 'get', 'FOO', 'TRACK', 'DEBUG', 'M-SEARCH', 'PROPFIND'];

export class Questions {
  private readonly random: Random;
  private readonly mesh: DifferentialMesh;
  private readonly resources: Readonly<Record<'ingress' | 'egress', readonly ResourceJson[]>>;
  constructor(
    random: Random,
    mesh: DifferentialMesh,
    resources: Readonly<Record<'ingress' | 'egress', readonly ResourceJson[]>>,
  ) {
    this.random = random;
    this.mesh = mesh;
    this.resources = resources;
  }

  next(): Put {
    return this.random.chance(0.65) ? this.ofPeer() : this.ofCaller();
  }

  private ofPeer(): Put {
    const { random } = this;
    const at = Date.now();
    const peer = random.one(PEERS);
    const isTcp = random.chance(0.2);
    const name = random.one(EXPORTS);
    const honest = peerHello(this.resources.ingress, peer, at, isTcp ? name : undefined);
    const uri = honest?.certificate?.uris[0] ?? `spiffe://${peer}.example/gateway/egress`;
    const wanted = this.shown(peer, uri);
    const made = wanted && this.mesh.certificate(wanted);
    const serverName = random.chance(0.93)
      ? honest?.serverName
      : any(random, ['x.peers.bank.example', honest?.serverName?.toUpperCase(), undefined]);
    const alpn = random.chance(0.93)
      ? (honest?.alpn ?? ['h2'])
      : random.one([['h2', 'http/1.1'], ['http/1.1'], ['postern-tcp'], ['h2', 'postern-tcp'], []]);
    const hello: Hello = {
      alpn,
      ...(serverName !== undefined && { serverName }),
      ...(made && { certificate: made.facts }),
    };
    const request = isTcp || !alpn.includes('h2') ? {} : { request: this.request(peer, name, uri) };
    return { gateway: 'ingress', question: { hello, at, ...request }, ...(made && { credentials: made.credentials }) };
  }

  /** Mostly what is right, and of the rest each fault alone. */
  private shown(peer: string, uri: string): WantedCertificate | undefined {
    const { random } = this;
    const right = { domain: `${peer}.example`, uris: [uri] };
    if (random.chance(0.8)) return right;
    return any<WantedCertificate | undefined>(random, [
      undefined,
      { ...right, domain: peer === 'p1' ? 'p2.example' : 'p1.example' },
      { ...right, domain: 'bank.example' },
      { ...right, isStranger: true },
      { ...right, expiresIn: -60_000 },
      { ...right, key: 'rsa2048' },
      { ...right, key: 'p384' },
      { ...right, key: 'ed25519' },
      { ...right, uris: [`${uri}x`] },
      { ...right, uris: [uri.toUpperCase().replace('SPIFFE', 'spiffe')] },
      { ...right, uris: [uri, `spiffe://${peer}.example/other`] },
      { ...right, uris: [`spiffe://${peer}.example/other`, uri] },
      { ...right, uris: [] },
    ]);
  }

  private request(peer: string, name: string, gateway: string): Request {
    const { random } = this;
    const method = random.chance(0.9) ? random.one(METHODS) : random.one(ODD_METHODS);
    const authority = random.chance(0.85)
      ? `${name}.exports.bank.example`
      : random.one(hostsLike(`${name}.exports.bank.example`));
    const path = this.path(name);
    const headers = [...this.claims(peer, gateway), ...this.headers()];
    const isUpgrade = random.chance(0.05);
    if (isUpgrade) return { protocol: 'h2', method: 'GET', authority, path, headers, upgrade: 'websocket' };
    return { protocol: 'h2', method, authority, path, headers, ...this.body(method) };
  }

  private path(name: string): string {
    const { random } = this;
    const base = name === 'deep.f.g' || random.chance(0.2) ? '/p.S/M' : random.one(PATHS);
    const whole = base.replace('*', random.one(['', 'x', 'x/y', 'x.y']));
    const change = random.chance(0.55) ? (path: string) => path : random.one(PATH_CHANGES);
    return change(whole);
  }

  private claims(peer: string, gateway: string): Request['headers'] {
    const { random } = this;
    if (random.chance(0.5)) return [];
    const workload = `spiffe://${peer}.example/${random.one(WORKLOADS).replace('*', 'sa/z')}`;
    const [name, right] = claimHeader(gateway, workload);
    if (random.chance(0.7)) return [[name, right]];
    return random.one<Request['headers']>([
      [[name, `${right},${right}`]],
      [
        [name, right],
        [name, right],
      ],
      [
        [name, ''],
        [name, right],
      ],
      [
        [name, right],
        [name, ''],
      ],
      [
        [name, ''],
        [name, right],
        [name, ''],
        [name, right],
      ],
      [[name, '']],
      [[name, claimHeader(`${gateway}x`, workload)[1]]],
      [[name, `${right};Subject="x"`]],
      [[name, right.replace('URI=', 'uri=')]],
      [[name, right.replace('.example/ns', '.example/../ns')]],
      [[name, right.replace(`${peer}.example/ns`, 'bank.example/ns')]],
      [['x-postern-peer-claim', right]],
      [['x-postern-workload', workload]],
      [['x_forwarded_client_cert', right]],
    ]);
  }

  private headers(): Request['headers'] {
    const { random } = this;
    if (random.chance(0.75)) return [];
    return random.one<Request['headers']>([
      [['x_y', '1']],
      [['x-ok', '1']],
      [['x-http-method-override', 'DELETE']],
      [['x-original-url', '/a']],
      [['te', 'trailers']],
      [['te', 'gzip']],
      [['x-blank', '']],
      [['x-é', '1']],
      [['x-value', 'é']],
      [['x-value', 'a\u0001b']],
      [['content-type', 'application/grpc']],
      [['_', '1']],
      [['x-forwarded-host', 'other']],
    ]);
  }

  private body(method: string): Pick<Request, 'body'> {
    const { random } = this;
    if (random.chance(method === 'POST' || method === 'PUT' ? 0.4 : 0.85)) return {};
    return { body: { bytes: random.one([0, 1, 2, 10, 5000]), hasLength: random.chance(0.5) } };
  }

  private ofCaller(): Put {
    const { random } = this;
    const at = Date.now();
    const { egress } = this.mesh.places;
    const port = random.one(egress);
    const isTcpPort = egress.indexOf(port) >= 2;
    const listener = this.resources.egress.find(
      (one) => 'name' in one && one.name === `egress/${port}` && one['@type'].endsWith('.Listener'),
    );
    const isTls = JSON.stringify(listener ?? {}).includes('DownstreamTlsContext');
    const wanted = this.caller();
    const made = isTls && wanted !== undefined ? this.mesh.certificate(wanted) : undefined;
    const protocol = random.one(['http/1.1', 'h2'] as const);
    const alpn = isTcpPort ? random.one([[], ['postgresql'], ['x']]) : [protocol];
    const hello = isTls
      ? { hello: { alpn, serverName: 'gateway.test', ...(made && { certificate: made.facts }) } }
      : {};
    const request = isTcpPort ? {} : { request: this.localRequest(protocol) };
    return {
      gateway: 'egress',
      question: { port, at, ...hello, ...request },
      ...(made && { credentials: made.credentials }),
    };
  }

  private caller(): WantedCertificate | undefined {
    const { random } = this;
    const uri = `spiffe://bank.example/${random.one(WORKLOADS).replace('*', 'sa/z')}`;
    const right = { domain: 'bank.example', uris: [uri] };
    if (random.chance(0.8)) return right;
    return any<WantedCertificate | undefined>(random, [
      undefined,
      { ...right, isStranger: true },
      { ...right, domain: 'p1.example' },
      { ...right, expiresIn: -60_000 },
      { ...right, key: 'rsa2048' },
      { ...right, uris: [uri, 'spiffe://bank.example/other'] },
      { ...right, uris: ['spiffe://bank.example/'] },
      { ...right, uris: ['spiffe://bank.example/ns/a/../sa/b'] },
      { ...right, uris: [] },
    ]);
  }

  private localRequest(protocol: 'http/1.1' | 'h2'): Request {
    const { random } = this;
    const method = random.chance(0.9) ? random.one(METHODS) : random.one(ODD_METHODS);
    const as = random.one(LOCAL_NAMES);
    const spelled = random.one([as, as, as.replace('.svc.cluster.local', ''), as.replace('.cluster.local', '')]);
    const authority = random.chance(0.85) ? spelled : random.one(hostsLike(spelled));
    return { protocol, method, authority, path: this.path('a'), headers: this.headers(), ...this.body(method) };
  }
}

/** Also what is undefined. */
function any<T>(random: Random, items: readonly T[]): T | undefined {
  return items[Math.floor(random.next() * items.length)];
}
