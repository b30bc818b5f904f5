// The limit of what Node can do: a bare node:http2 server without gRPC, checks, order, back-pressure or
// acknowledgements.
// Must not: be an xDS server; it knows just enough of the protocol to be measured by the same load generator.

import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { createResource, type Resource } from '../src/snapshot/resource.ts';
import { parseDeltaRequest, parseSotwRequest } from '../src/xds/wire/discovery-request.ts';
import { frame, responseBody } from '../src/xds/wire/discovery-response.ts';
import type { XdsRequest } from '../src/xds/wire/messages.ts';
import { sharedBatch } from '../src/xds/wire/shared-batch.ts';
import { bumped } from './dump.ts';
import { readyLine, serveArguments, serveTrigger } from './serving.ts';

interface Type {
  version: number;
  resources: Map<string, Resource>;
  bodies: Buffer[];
  all: readonly Resource[];
  readonly subsets: Map<string, readonly Resource[]>;
}

const MAX_NAMES = 1_000_000;
const FULL_STATE = /Cluster$|Listener$/;
const options = serveArguments();
const types = new Map<string, Type>();
for (const { typeUrl, resources } of options.dump) {
  const made = resources.map(({ name, body }) => createResource(typeUrl, name, body));
  types.set(typeUrl, {
    version: 0,
    resources: new Map(made.map((resource) => [resource.name, resource])),
    bodies: resources.map(({ body }) => body),
    all: made,
    subsets: new Map(),
  });
}

interface Subscription {
  readonly names: Set<string>;
  wildcard: boolean;
}

class Stream {
  readonly http2: ServerHttp2Stream;
  readonly delta: boolean;
  readonly subscriptions = new Map<string, Subscription>();
  private unread: Buffer = Buffer.alloc(0);
  private nonces = 0;

  constructor(http2: ServerHttp2Stream, delta: boolean) {
    this.http2 = http2;
    this.delta = delta;
    http2.on('data', (bytes: Buffer) => this.read(bytes));
  }

  private read(bytes: Buffer): void {
    this.unread = this.unread.length === 0 ? bytes : Buffer.concat([this.unread, bytes]);
    while (this.unread.length >= 5) {
      const end = 5 + this.unread.readUInt32BE(1);
      if (this.unread.length < end) return;
      const message = this.unread.subarray(5, end);
      this.unread = this.unread.subarray(end);
      this.request(this.delta ? parseDeltaRequest(message, MAX_NAMES) : parseSotwRequest(message, MAX_NAMES));
    }
  }

  private request(request: XdsRequest): void {
    const { typeUrl } = request;
    const type = types.get(typeUrl);
    if (type === undefined) return;
    const known = this.subscriptions.get(typeUrl);
    if (this.delta) {
      const first = known === undefined;
      const subscription = known ?? { names: new Set(), wildcard: request.subscribe.length === 0 };
      this.subscriptions.set(typeUrl, subscription);
      for (const name of request.subscribe) subscription.names.add(name);
      for (const name of request.unsubscribe) subscription.names.delete(name);
      if (first && subscription.wildcard) this.send(typeUrl, type, type.all);
      else if (request.subscribe.length > 0) this.send(typeUrl, type, subset(type, request.subscribe));
      return;
    }
    const wanted = new Set(request.names);
    this.subscriptions.set(typeUrl, { names: wanted, wildcard: request.names.length === 0 });
    const added = request.names.filter((name) => !known?.names.has(name));
    if (known === undefined && added.length === 0) this.send(typeUrl, type, type.all);
    else if (added.length > 0) this.send(typeUrl, type, subset(type, added));
  }

  send(typeUrl: string, type: Type, resources: readonly Resource[]): void {
    const reply = {
      resources: sharedBatch(resources),
      removed: [],
      version: String(type.version),
      form: 'resource',
      isShared: true,
    } as const;
    const body = responseBody(this.delta ? 'delta' : 'sotw', typeUrl, reply, 'limit');
    this.nonces += 1;
    this.http2.cork();
    for (const piece of frame(body, String(this.nonces))) this.http2.write(piece);
    this.http2.uncork();
  }
}

function subset(type: Type, names: readonly string[]): readonly Resource[] {
  const key = names.join('\n');
  const known = type.subsets.get(key) ?? names.flatMap((name) => type.resources.get(name) ?? []);
  type.subsets.set(key, known);
  return known;
}

function change(typeUrl: string, type: Type, indexes: readonly number[], count: number): void {
  const names = [...type.resources.keys()];
  const changed = indexes.map((index) => {
    const body = bumped(type.bodies[index] ?? Buffer.alloc(0), count);
    type.bodies[index] = body;
    const resource = createResource(typeUrl, names[index] ?? '', body);
    type.resources.set(resource.name, resource);
    return resource;
  });
  type.version += 1;
  type.subsets.clear();
  type.all = [...type.resources.values()];
  for (const stream of streams) {
    const subscription = stream.subscriptions.get(typeUrl);
    if (subscription === undefined) continue;
    const full = !stream.delta && FULL_STATE.test(typeUrl);
    if (subscription.wildcard) stream.send(typeUrl, type, full ? type.all : changed);
    else if (changed.some(({ name }) => subscription.names.has(name))) stream.send(typeUrl, type, changed);
  }
}

const streams = new Set<Stream>();
const settings = { maxSessionMemory: 1 << 20 };
const { tls, address } = options;
const server: Http2Server =
  tls === undefined
    ? createServer(settings)
    : createSecureServer({
        ...settings,
        cert: tls.certificateChain,
        key: tls.privateKey,
        ca: tls.clientCa,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.3',
      });
server.on('connection', (socket) => socket.setNoDelay(true));
server.on('stream', (http2, headers) => {
  http2.respond({ ':status': 200, 'content-type': 'application/grpc' });
  const stream = new Stream(http2, String(headers[':path']).endsWith('DeltaAggregatedResources'));
  streams.add(stream);
  http2.on('error', () => undefined);
  http2.on('close', () => streams.delete(stream));
});

let bumps = 0;
serveTrigger(options.http, (what, isType) => {
  bumps += 1;
  for (const [typeUrl, type] of types) {
    if (what === 'all') change(typeUrl, type, [...type.bodies.keys()], bumps);
    else if (isType(typeUrl)) change(typeUrl, type, [(bumps - 1) % type.bodies.length], bumps);
  }
  return { bump: bumps, version: String(bumps) };
});
server.listen({ host: address.host, port: address.port, backlog: 4096 }, () => console.log(readyLine(options)));
