// `npm run bench:serve`: a dump, served by the product's own snapshot cache, encoding and server, nothing replaced.
// In: a dump, addresses, certificates. Out: an xDS server, and an HTTP port with /bump and /stats, as shared/peer/gcp has.
// Must not: be part of the product.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { parseHostPort } from '../src/config/host-port.ts';
import { decodeResource } from '../src/envoy/codec.ts';
import { SnapshotCache } from '../src/snapshot/cache.ts';
import { type Reference, referencesOf } from '../src/snapshot/references.ts';
import { createResource, type Resource } from '../src/snapshot/resource.ts';
import { createSnapshot, type Snapshot } from '../src/snapshot/snapshot.ts';
import { shortName } from '../src/snapshot/types.ts';
import { XdsServer } from '../src/xds/server.ts';
import { bumped, readDump } from './dump.ts';

const GATEWAY = 'ingress';
const { values } = parseArgs({
  options: {
    load: { type: 'string' },
    addr: { type: 'string', default: '127.0.0.1:18000' },
    http: { type: 'string', default: '127.0.0.1:18001' },
    'tls-cert': { type: 'string' },
    'tls-key': { type: 'string' },
    'tls-ca': { type: 'string' },
  },
});

interface Served {
  readonly typeUrl: string;
  readonly resources: Resource[];
  readonly bodies: Buffer[];
}

function address(text: string) {
  const parsed = parseHostPort(text);
  if (parsed === undefined) throw new Error(`not HOST:PORT: ${text}`);
  return parsed;
}

/** What a dumped resource refers to; a payload of a type that Postern does not build has nothing to tell. */
function references(typeUrl: string, body: Buffer): readonly Reference[] {
  try {
    return referencesOf(decodeResource(typeUrl, body)).filter(({ typeUrl: target }) =>
      served.some((type) => type.typeUrl === target),
    );
  } catch {
    return [];
  }
}

const served: Served[] = [];
const dump = readDump(readFileSync(values.load ?? ''));
for (const { typeUrl, resources } of dump)
  served.push({ typeUrl, bodies: resources.map(({ body }) => body), resources: [] });
dump.forEach(({ typeUrl, resources }, index) => {
  served[index]?.resources.push(
    ...resources.map(({ name, body }) => createResource(typeUrl, name, body, references(typeUrl, body))),
  );
});

const cache = new SnapshotCache();
let snapshot: Snapshot = createSnapshot(served.flatMap((type) => type.resources));
let bumps = 0;
cache.set(GATEWAY, snapshot);

function change(type: Served, index: number): void {
  const before = type.resources[index];
  if (before === undefined) return;
  const body = bumped(type.bodies[index] ?? Buffer.alloc(0), bumps);
  type.bodies[index] = body;
  type.resources[index] = createResource(type.typeUrl, before.name, body, before.references);
}

function bump(what: string, short: string): object {
  const started = process.hrtime.bigint();
  bumps += 1;
  const types = what === 'all' ? served : served.filter(({ typeUrl }) => shortName(typeUrl).toLowerCase() === short);
  for (const type of types) {
    if (what === 'all') for (const index of type.resources.keys()) change(type, index);
    else change(type, (bumps - 1) % type.resources.length);
  }
  snapshot = createSnapshot(
    served.flatMap((type) => type.resources),
    snapshot,
  );
  cache.set(GATEWAY, snapshot);
  return { bump: bumps, version: snapshot.version, took_ms: Number(process.hrtime.bigint() - started) / 1e6 };
}

const { 'tls-cert': cert, 'tls-key': key, 'tls-ca': ca } = values;
const server = new XdsServer({
  address: address(values.addr),
  tls:
    cert === undefined || key === undefined || ca === undefined
      ? undefined
      : {
          certificateChain: readFileSync(cert, 'utf8'),
          privateKey: readFileSync(key, 'utf8'),
          clientCa: readFileSync(ca, 'utf8'),
        },
  cache,
  // Whoever the load generator's certificate names: the dump is one gateway's.
  admission: () => ({ identify: () => ({ ok: true, gateway: GATEWAY, notAfter: Number.POSITIVE_INFINITY }) }),
  observer: {
    opened() {},
    closed() {},
    pushed() {},
    answered() {},
    denied() {},
    failed: (error) => console.error(error),
  },
  controlPlane: 'bench',
  limits: { requestBurst: Number.MAX_SAFE_INTEGER, streamsPerGateway: 100_000, connections: 100_000, drainMs: 120_000 },
});

const trigger = address(values.http);
createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://bench');
  if (url.pathname === '/bump')
    response.end(JSON.stringify(bump(url.searchParams.get('what') ?? 'one', url.searchParams.get('type') ?? 'cds')));
  else if (url.pathname === '/stats')
    response.end(
      JSON.stringify({ streams: server.status().length, rss: process.memoryUsage().rss, cpu: process.cpuUsage() }),
    );
  else response.writeHead(404).end();
}).listen(trigger.port, trigger.host);
await server.listen();
console.log(`ready pid=${process.pid} addr=${values.addr} http=${values.http}`);
