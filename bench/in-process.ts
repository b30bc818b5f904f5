// Measures the steps of the pipeline one by one, in this process.
// Must not: open a socket.

import { mkdirSync, writeFileSync } from 'node:fs';
import { loadConfig } from '../src/config/files/load.ts';
import { createLogger } from '../src/log.ts';
import { Publisher } from '../src/pipeline/publisher.ts';
import { RecordFile } from '../src/runtime/state/record-file.ts';
import { bytesField, stringField } from '../src/snapshot/protobuf.ts';
import { createResource, type Resource } from '../src/snapshot/resource.ts';
import { TYPE } from '../src/snapshot/resource-types.ts';
import { createSnapshot, updateSnapshot } from '../src/snapshot/snapshot.ts';
import { Session } from '../src/xds/protocol/session.ts';
import { parseDeltaRequest } from '../src/xds/wire/discovery-request.ts';
import { frame, responseBody } from '../src/xds/wire/discovery-response.ts';
import { sharedBatch } from '../src/xds/wire/shared-batch.ts';
import { median } from './load.ts';
import { makeMesh } from './meshes.ts';

export interface InProcessRow {
  readonly size: string;
  readonly milliseconds: Readonly<Record<string, number>>;
}

const TURNS = 5;

export async function inProcess(folder: string, peers: number, services: number): Promise<InProcessRow> {
  mkdirSync(folder, { recursive: true });
  const mesh = makeMesh(folder, peers, peers * services);
  const store = new RecordFile(folder, createLogger('error'));
  const publisher = new Publisher(Date.now(), { store });
  const parse: number[] = [];
  const one: number[] = [];
  let cold = 0;
  for (let turn = 0; turn <= TURNS; turn += 1) {
    writeFileSync(mesh.file, mesh.text(turn));
    const started = performance.now();
    const loaded = await loadConfig(mesh.file);
    const parsed = performance.now();
    publisher.apply(loaded, Date.now());
    const applied = performance.now();
    parse.push(parsed - started);
    if (turn === 0) cold = applied - parsed;
    else one.push(applied - parsed);
  }
  const still = Array.from({ length: TURNS }, () => elapsed(() => publisher.refresh(Date.now())));
  const record = new RecordFile(folder, createLogger('error')).read('ours.example');
  if (record === undefined) throw new Error('a mesh without a record');
  const resources = [...(publisher.cache.get('ingress')?.types.values() ?? [])].flatMap((type) => [
    ...type.resources.values(),
  ]);
  return {
    size: `${peers}×${services}`,
    milliseconds: {
      'read and parse the file, in a worker': median(parse),
      'first turn: resolve, translate, encode, check': cold,
      'turn with one export changed': median(one),
      'turn with nothing changed': median(still),
      'write served.json, at a change of what is served': median(
        // Another name each time: the same text would not be written again.
        Array.from({ length: TURNS }, (_, turn) =>
          elapsed(() => store.write({ ...record, trustDomain: `turn-${turn}.example` })),
        ),
      ),
      'look whether served.json was changed, every 5 s': median(
        Array.from({ length: TURNS }, () => elapsed(() => store.isChanged())),
      ),
      ...engine(resources),
    },
  };
}

/** The hot path on the resources of a real translation. */
function engine(resources: readonly Resource[]): Readonly<Record<string, number>> {
  const whole = createSnapshot(resources);
  const clusters = [...(whole.types.get(TYPE.cluster)?.resources.values() ?? [])];
  const [first] = clusters;
  if (first === undefined) throw new Error('a mesh without clusters');
  let snapshot = whole;
  const session = new Session('delta', snapshot, { names: 20_000 });
  const type = stringField(2, TYPE.cluster);
  const request = Buffer.concat([bytesField(1, stringField(1, 'bench')), type]);
  const [reply] = session.request(TYPE.cluster, parseDeltaRequest(request, 20_000), 0).replies;
  let nonce = reply?.nonce ?? '';
  let revision = 0;
  return {
    'snapshot from all resources': timed(() => createSnapshot(resources)),
    'full response body, encoded once for all streams': timed(() =>
      responseBody(
        'delta',
        TYPE.cluster,
        { resources: sharedBatch([...clusters]), removed: [], version: '1', form: 'resource', isShared: true },
        'bench',
      ),
    ),
    'one change: encode, hash, next snapshot': timed(() => {
      revision += 1;
      const changed = createResource(TYPE.cluster, first.name, Buffer.from(`${revision}`), first.references);
      snapshot = updateSnapshot(snapshot, { changed: [changed], removed: [] });
    }),
    'that change on one stream: decide, frame, take the ACK': timed(() => {
      revision += 1;
      const changed = createResource(TYPE.cluster, first.name, Buffer.from(`${revision}`), first.references);
      snapshot = updateSnapshot(snapshot, { changed: [changed], removed: [] });
      session.request(TYPE.cluster, parseDeltaRequest(Buffer.concat([type, stringField(6, nonce)]), 20_000), 0);
      for (const out of session.update(snapshot, 0)) {
        frame(responseBody('delta', out.typeUrl, out, 'bench'), out.nonce);
        nonce = out.nonce;
      }
    }),
  };
}

/** Milliseconds of one call. */
function elapsed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/** Milliseconds of one call: the median of batches, after warming up. */
function timed(work: () => void): number {
  for (let turn = 0; turn < 20; turn += 1) work();
  return median(
    Array.from({ length: 15 }, () => {
      const started = performance.now();
      for (let turn = 0; turn < 5; turn += 1) work();
      return (performance.now() - started) / 5;
    }),
  );
}
