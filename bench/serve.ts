// `npm run bench:serve`: serves a dump with the product's own snapshot cache, encoding and server, and /bump and
// /stats over HTTP as bench/peer/gcp does.
// Must not: be part of the product.

import { fileURLToPath } from 'node:url';
import { decodeResource } from '../src/envoy/proto/codec.ts';
import { createLogger } from '../src/log.ts';
import { referencesOf } from '../src/pipeline/references.ts';
import { WorkerPool } from '../src/serving/pool.ts';
import { type Serving, serveInProcess } from '../src/serving/serving.ts';
import { SnapshotCache } from '../src/snapshot/cache.ts';
import { createResource, type Reference, type Resource } from '../src/snapshot/resource.ts';
import { createSnapshot, type Snapshot, updateSnapshot } from '../src/snapshot/snapshot.ts';
import { Metrics } from '../src/telemetry/metrics-registry.ts';
import { UNOBSERVED } from '../src/xds/admission/observer.ts';
import { WARM_UP_MS } from '../src/xds/transport/warm-up.ts';
import { admitAll, GATEWAY, LIMITS } from './admit-all.ts';
import { bumped } from './dump.ts';
import { readyLine, serveArguments, serveTrigger } from './serving.ts';

const options = serveArguments();

interface Served {
  readonly typeUrl: string;
  readonly resources: Resource[];
  readonly bodies: Buffer[];
}

const dumped = new Set(options.dump.map(({ typeUrl }) => typeUrl));
const served: readonly Served[] = options.dump.map(({ typeUrl, resources }) => ({
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
  if (id === undefined) return GATEWAY;
  if (!gateways.has(id)) {
    gateways.add(id);
    cache.set(id, snapshot);
  }
  return id;
}

const controlPlane = 'bench';

/** In this process, or in workers beside it, which are given what the cache gets. */
function servingOf(): Serving {
  const { workers: count, address, tls } = options;
  if (count === 1) {
    const observer = { ...UNOBSERVED, failed: (error: unknown) => console.error(error) };
    const admission = admitAll(options.perNode ? gatewayOf : undefined);
    return serveInProcess(WARM_UP_MS, () => ({
      address,
      tls,
      cache,
      admission,
      observer,
      controlPlane,
      limits: LIMITS,
    }));
  }
  return new WorkerPool({
    count,
    settings: { address, tls, controlPlane, warmUpMs: WARM_UP_MS, logLevel: 'error' },
    cache,
    gateways: [GATEWAY],
    metrics: new Metrics(),
    logger: createLogger('error'),
    module: fileURLToPath(new URL('./serve-worker.js', import.meta.url)),
  });
}

const serving = servingOf();
await serving.listen(new Map());
serveTrigger(options.http, bump, async () => ({ streams: (await serving.status()).streams.length }));
process.once('SIGTERM', () => void serving.stop().then(() => process.exit(0)));
console.log(readyLine(options));
