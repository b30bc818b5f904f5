// I/O: parses in a thread of its own, which is ended when it takes too long or too much memory.
// In: text and a deadline. Out: what parsing gives, or the finding that it took too long. Must not: block the event loop,
// nor keep the process alive when nothing is being parsed.

import { Worker } from 'node:worker_threads';
import { errorAt } from '../errors.ts';
import { type ParsedConfig, refused } from './parse.ts';
import type { Config } from './schema.ts';

/** What the worker sends: a ParsedConfig whose Config is text. */
export type ParseAnswer = Omit<ParsedConfig, 'config'> & { readonly configJson?: string };

/** Ten thousand exports need an eighth of it. */
const MAX_HEAP_MB = 1024;
/** Twice what V8 takes: more of a piece of the file is garbage before the collector looks at it. */
const YOUNG_MB = 96;

/** A worker with nothing to do. Its code is compiled already, so that it needs two thirds of the time of a new one. */
let idle: Worker | undefined;

export function parseInWorker(text: string, deadlineMs: number): Promise<ParsedConfig> {
  return new Promise((fulfil, reject) => {
    const worker = idle ?? newWorker();
    idle = undefined;
    worker.ref();
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      worker.off('message', answered).off('error', failed);
      outcome();
    };
    /** Of a worker that was stopped somewhere, or failed, nothing is used again. */
    const end = (outcome: () => void): void => {
      settle(outcome);
      void worker.terminate();
    };
    const timer = setTimeout(() => end(() => fulfil(timedOut(deadlineMs))), deadlineMs);
    const answered = (answer: ParseAnswer): void => {
      settle(() => fulfil(parsedOf(answer)));
      keep(worker);
    };
    const failed = (error: NodeJS.ErrnoException): void =>
      end(() => (error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? fulfil(timedOut(deadlineMs)) : reject(error)));
    worker.on('message', answered).on('error', failed);
    worker.postMessage(text);
  });
}

function newWorker(): Worker {
  const worker = new Worker(new URL('./parse-worker.js', import.meta.url), {
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB, maxYoungGenerationSizeMb: YOUNG_MB },
  });
  // An error without anybody to tell it to would end the process; `exit` follows it.
  worker.on('error', () => {});
  worker.once('exit', () => {
    if (idle === worker) idle = undefined;
  });
  return worker;
}

/** One is enough: files are read one after the other. */
function keep(worker: Worker): void {
  if (idle !== undefined) {
    void worker.terminate();
    return;
  }
  idle = worker;
  worker.unref();
}

function parsedOf({ configJson, ...parsed }: ParseAnswer): ParsedConfig {
  return configJson === undefined ? parsed : { ...parsed, config: JSON.parse(configJson) as Config };
}

function timedOut(deadlineMs: number): ParsedConfig {
  const message = `the file could not be parsed within ${deadlineMs} ms and ${MAX_HEAP_MB} MiB`;
  return refused(errorAt('YAML_TIMEOUT', [], message, 'make it smaller, or split the mesh'));
}
