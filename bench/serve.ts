// `npm run bench:serve`: a dump, served by the product's own snapshot cache, encoding and server, nothing replaced.
// In: a dump, addresses, certificates. Out: an xDS server, and an HTTP port with /bump and /stats, as shared/peer/gcp has.
// Must not: be part of the product.

import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { decodeResource } from '../src/envoy/codec.ts';
import { SnapshotCache } from '../src/snapshot/cache.ts';
import { type Reference, referencesOf } from '../src/snapshot/references.ts';
import { createResource, type Resource } from '../src/snapshot/resource.ts';
import { createSnapshot, type Snapshot, updateSnapshot } from '../src/snapshot/snapshot.ts';
import { UNOBSERVED } from '../src/xds/observer.ts';
import { XdsServer } from '../src/xds/server.ts';
import { WARM_UP_MS, warmUp } from '../src/xds/warm-up.ts';
import { bumped, readDump } from './dump.ts';
import { serveArguments, serveTrigger, tlsFiles } from './serving.ts';

const GATEWAY = 'ingress';
const options = serveArguments();

interface Served {
  readonly typeUrl: string;
  readonly resources: Resource[];
  readonly bodies: Buffer[];
}

const dump = readDump(readFileSync(options.load));
const dumped = new Set(dump.map(({ typeUrl }) => typeUrl));
const served: readonly Served[] = dump.map(({ typeUrl, resources }) => ({
  typeUrl,
  bodies: resources.map(({ body }) => body),
  resources: resources.map(({ name, body }) => createResource(typeUrl, name, body, references(typeUrl, body))),
}));

/** What a dumped resource refers to; a payload of a type that Postern does not build has nothing to tell. */
function references(typeUrl: string, body: Buffer): readonly Reference[] {
  try {
    return referencesOf(decodeResource(typeUrl, body)).filter((reference) => dumped.has(reference.typeUrl));
  } catch {
    return [];
  }
}

const cache = new SnapshotCache();
const gateways = new Set<string>([GATEWAY]);
let snapshot: Snapshot = createSnapshot(served.flatMap((type) => type.resources));
let bumps = 0;
cache.set(GATEWAY, snapshot);

function change(type: Served, index: number): readonly Resource[] {
  const before = type.resources[index];
  if (before === undefined) return [];
  const body = bumped(type.bodies[index] ?? Buffer.alloc(0), bumps);
  const resource = createResource(type.typeUrl, before.name, body, before.references);
  type.bodies[index] = body;
  type.resources[index] = resource;
  return [resource];
}

function bump(what: string, isType: (typeUrl: string) => boolean): object {
  bumps += 1;
  const changed = served.flatMap((type) => {
    if (what === 'all') return [...type.resources.keys()].flatMap((index) => change(type, index));
    return isType(type.typeUrl) ? change(type, (bumps - 1) % type.resources.length) : [];
  });
  snapshot = updateSnapshot(snapshot, { changed, removed: [] });
  for (const gateway of gateways) cache.set(gateway, snapshot);
  return { bump: bumps, version: snapshot.version };
}

function gatewayOf(id: string | undefined): string {
  if (!options.perNode || id === undefined) return GATEWAY;
  if (!gateways.has(id)) {
    gateways.add(id);
    cache.set(id, snapshot);
  }
  return id;
}

const server = new XdsServer({
  address: options.address,
  tls: tlsFiles(options),
  cache,
  // Whoever the load generator's certificate names: the dump is one gateway's.
  admission: () => ({ identify: (claims) => ({ ok: true, gateway: gatewayOf(claims?.id), notAfter: Infinity }) }),
  observer: { ...UNOBSERVED, failed: (error) => console.error(error) },
  controlPlane: 'bench',
  limits: {
    requestBurst: Number.MAX_SAFE_INTEGER,
    streamsPerGateway: 100_000,
    nameBytesPerGateway: Number.MAX_SAFE_INTEGER,
    connections: 100_000,
    drainMs: 120_000,
  },
});

if (options.workers > 1 && cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const workers = Array.from({ length: options.workers }, () => cluster.fork());
  let ready = 0;
  for (const worker of workers)
    worker.on('message', () => {
      ready += 1;
      if (ready === workers.length) console.log(`ready pid=${process.pid}`);
    });
  serveTrigger(options.http, (what, isType) => {
    const types = served.map(({ typeUrl }) => typeUrl).filter(isType);
    for (const worker of workers) worker.send({ what, types });
    return {};
  });
  process.once('SIGTERM', () => {
    for (const worker of workers) worker.kill();
    process.exit(0);
  });
} else {
  await warmUp(WARM_UP_MS);
  await server.listen();
  if (cluster.isWorker) {
    process.on('message', ({ what, types }: { what: string; types: string[] }) => bump(what, (t) => types.includes(t)));
    process.send?.('ready');
  } else {
    serveTrigger(options.http, bump, () => ({ streams: server.status().length }));
    console.log(`ready pid=${process.pid}`);
  }
  process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
}
