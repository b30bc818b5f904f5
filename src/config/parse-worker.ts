// I/O: the worker thread that parses a configuration, so that a hostile file stalls nothing but itself.
// In: the text, as workerData. Out: one message, the ParsedConfig. Must not: do anything else.

import { parentPort, workerData } from 'node:worker_threads';
import { parseConfig } from './parse.ts';

parentPort?.postMessage(parseConfig(workerData as string));
