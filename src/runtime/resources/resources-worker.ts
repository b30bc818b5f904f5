// The thread that writes the resources of a snapshot as JSON, without private keys: a single one may take a second.
// Must not: outlive its one snapshot.

import { parentPort, workerData } from 'node:worker_threads';
import { shownResource } from '../../pipeline/shown-resources.ts';
import type { PackedResources } from './resources-text.ts';

const { types, lengths, bytes } = workerData as PackedResources;
let at = 0;
const texts = types.map((typeUrl, index) => {
  const body = bytes.subarray(at, at + (lengths[index] ?? 0));
  at += body.length;
  return JSON.stringify(shownResource(typeUrl, body));
});
const text = new TextEncoder().encode(`[${texts.join(',')}]`);
parentPort?.postMessage(text, [text.buffer]);
