// I/O: writes the resources of a snapshot as JSON in a thread of its own, because the event loop serves the gateways meanwhile.
// Must not: decode a resource in the caller's thread.

import { Worker } from 'node:worker_threads';
import { RESOURCES_WORKER } from '../../built-files.ts';
import { inOrder } from '../../pipeline/shown-resources.ts';
import { anyBody } from '../../snapshot/resource.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';

/** Resources one after the other: thousands of small ones are copied to the thread as one piece. */
export interface PackedResources {
  readonly types: readonly string[];
  readonly lengths: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const MAX_HEAP_MB = 1024;

/** A JSON array, in the order in which resources are shown. Errors: those of decoding, and of a thread that needs too much memory. */
export function resourcesText(snapshot: Snapshot | undefined): Promise<Uint8Array> {
  if (snapshot === undefined) return Promise.resolve(Buffer.from('[]'));
  const packed = pack(snapshot);
  return new Promise((fulfil, reject) => {
    const worker = new Worker(RESOURCES_WORKER, {
      env: {},
      workerData: packed,
      transferList: [packed.bytes.buffer],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    worker.once('message', (text: Uint8Array) => fulfil(text));
    worker.once('error', reject);
    // After a message or an error, this changes nothing.
    worker.once('exit', () => reject(new Error('the thread that writes resources ended without them')));
  });
}

function pack(snapshot: Snapshot): PackedResources {
  const resources = inOrder(snapshot);
  const bodies = resources.map(anyBody);
  const lengths = bodies.map(({ length }) => length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const body of bodies) {
    bytes.set(body, at);
    at += body.length;
  }
  return { types: resources.map(({ typeUrl }) => typeUrl), lengths, bytes };
}
