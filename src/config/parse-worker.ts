// I/O: the worker thread that parses a configuration, so that a hostile file stalls nothing but itself.
// In: the text, as workerData. Out: one message, the ParsedConfig. Must not: do anything else.

import { parentPort, workerData } from 'node:worker_threads';
import type { ParseAnswer } from './parse-in-worker.ts';

// `yaml` asks the environment for every token whether to log it (LOG_TOKENS), and each time the real one is a call into
// the system: a quarter of the time. A plain object answers at once. Nobody else lives in this thread.
process.env = {};

const { parseConfig } = await import('./parse.ts');
const { config, ...rest } = parseConfig(workerData as string);
// Of many small objects, JSON is four times as quick to take over as the structured clone: the event loop waits for it.
const message: ParseAnswer = { ...rest, ...(config !== undefined && { configJson: JSON.stringify(config) }) };
parentPort?.postMessage(message, [rest.positions.nodes.buffer as ArrayBuffer]);
