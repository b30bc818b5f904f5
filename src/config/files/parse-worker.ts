// I/O: the worker thread that parses configurations, so that a hostile file stalls nothing but itself.
// In: messages, each a text. Out: which thread it is, then for each text one message, the ParsedConfig. Must not: hold on to a text.

import { parentPort } from 'node:worker_threads';
import type { Memory } from '../parse.ts';
import type { ParseAnswer, Started } from './parse-in-worker.ts';
import { ownThread } from './thread-time.ts';

// `yaml` asks the environment for every token whether to log it (LOG_TOKENS), and each time the real one is a call into
// the system: a quarter of the time. A plain object answers at once. Nobody else lives in this thread.
process.env = {};

const { parseConfig } = await import('../parse.ts');
const memory: Memory = { items: new Map() };
const started: Started = { thread: ownThread() };
parentPort?.postMessage(started);

parentPort?.on('message', (text: string) => {
  const { config, ...rest } = parseConfig(text, memory);
  // Of many small objects, JSON is four times as quick to take over as the structured clone: the event loop waits for it.
  const message: ParseAnswer = { ...rest, ...(config !== undefined && { configJson: JSON.stringify(config) }) };
  // What all parses without a Config share must stay here.
  const moved = config === undefined ? [] : [rest.positions.nodes.buffer as ArrayBuffer];
  parentPort?.postMessage(message, moved);
  // The last text that a regular expression matched is remembered (RegExp.input), and with it the file that it is a part of.
  /^/.test('');
});
