// I/O: parses in a thread of its own, which is ended when it takes too long or too much memory.
// In: text and a deadline. Out: what parsing gives, or the finding that it took too long. Must not: block the event loop.

import { Worker } from 'node:worker_threads';
import { errorAt } from '../errors.ts';
import { type ParsedConfig, refused } from './parse.ts';
import type { Config } from './schema.ts';

/** What the worker sends: a ParsedConfig whose Config is text. */
export type ParseAnswer = Omit<ParsedConfig, 'config'> & { readonly configJson?: string };

/** Ten thousand exports need a quarter of it. */
const MAX_HEAP_MB = 1024;

export function parseInWorker(text: string, deadlineMs: number): Promise<ParsedConfig> {
  return new Promise((fulfil, reject) => {
    const worker = new Worker(new URL('./parse-worker.js', import.meta.url), {
      workerData: text,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    const end = (outcome: () => void): void => {
      clearTimeout(timer);
      outcome();
      void worker.terminate();
    };
    const timer = setTimeout(() => end(() => fulfil(timedOut(deadlineMs))), deadlineMs);
    worker.once('message', (answer: ParseAnswer) => end(() => fulfil(parsedOf(answer))));
    worker.once('error', (error: NodeJS.ErrnoException) =>
      end(() => (error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? fulfil(timedOut(deadlineMs)) : reject(error))),
    );
  });
}

function parsedOf({ configJson, ...parsed }: ParseAnswer): ParsedConfig {
  return configJson === undefined ? parsed : { ...parsed, config: JSON.parse(configJson) as Config };
}

function timedOut(deadlineMs: number): ParsedConfig {
  const message = `the file could not be parsed within ${deadlineMs} ms and ${MAX_HEAP_MB} MiB`;
  return refused(errorAt('YAML_TIMEOUT', [], message, 'make it smaller, or split the mesh'));
}
