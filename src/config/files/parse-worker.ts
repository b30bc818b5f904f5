// I/O: the worker thread that parses configurations, so that a hostile file stalls nothing but itself.
// It says which thread it is, and answers each text with one message. Must not: hold on to a text.

import { parentPort } from 'node:worker_threads';
import { type Memory, parseConfig } from '../parse.ts';
import { NO_POSITIONS } from '../yaml/positions.ts';
import type { ParseAnswer, Started } from './parse-in-worker.ts';
import { ownThread } from './thread-time.ts';

const memory: Memory = { items: new Map() };
const started: Started = { thread: ownThread() };
parentPort?.postMessage(started);

parentPort?.on('message', (text: string) => {
  const { config, ...rest } = parseConfig(text, memory);
  // Of many small objects, JSON is four times as quick to take over as the structured clone: the event loop waits for it.
  const message: ParseAnswer = { ...rest, ...(config !== undefined && { configJson: JSON.stringify(config) }) };
  // What all texts without positions share must stay here.
  const moved = rest.positions === NO_POSITIONS ? [] : [rest.positions.nodes.buffer as ArrayBuffer];
  parentPort?.postMessage(message, moved);
});
