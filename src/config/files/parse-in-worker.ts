// I/O: parses in a thread of its own, which is ended when it computes for too long or takes too much memory.
// What counts is the thread's CPU time: on a starved machine a small file takes long, and is still read.
// Must not: block the event loop, nor keep the process alive when nothing is being parsed.

import { Worker } from 'node:worker_threads';
import { PARSE_WORKER } from '../../built-files.ts';
import { errorAt } from '../../errors.ts';
import { type ParsedConfig, refused } from '../parse.ts';
import type { Config } from '../schema/config.ts';
import { threadCpuMs } from './thread-time.ts';

/** The worker's answer: a ParsedConfig whose Config is JSON. */
export type ParseAnswer = Omit<ParsedConfig, 'config'> & { readonly configJson?: string };

/** Ten thousand exports need an eighth of it. */
const MAX_HEAP_MB = 1024;
/** Twice what V8 takes: more of a piece of the file is garbage before the collector looks at it. */
const YOUNG_MB = 96;

/** How long to wait for a thread that gets no CPU, in multiples of the CPU time that it may use: a file is read at 1 % of a core. */
const STARVED = 100;

/** What the thread says before it takes a text; without a number, /proc does not tell of threads. */
export interface Started {
  readonly thread: number | undefined;
}

interface Parser {
  readonly worker: Worker;
  /** How long its thread has computed; by the wall clock where nothing else tells. Absent until it has started. */
  clock?: () => number;
}

/** A worker with nothing to do. Its code is compiled already, so that it needs two thirds of the time of a new one. */
let idle: Parser | undefined;

/** `cpuMs` is how long the thread may compute, once it has started. */
export function parseInWorker(text: string, cpuMs: number): Promise<ParsedConfig> {
  return new Promise((fulfil, reject) => {
    const parser = idle ?? newParser();
    const { worker } = parser;
    idle = undefined;
    worker.ref();
    const settle = (outcome: () => void): void => {
      clearInterval(timer);
      worker.off('message', answered).off('error', failed);
      outcome();
    };
    /** Of a worker that was stopped somewhere, or failed, nothing is used again. */
    const end = (outcome: () => void): void => {
      settle(outcome);
      void worker.terminate();
    };
    const giveUp = (): void => end(() => fulfil(timedOut(cpuMs)));
    const computed = (): number => parser.clock?.() ?? 0;
    const began = performance.now();
    let before = computed();
    const timer = setInterval(
      () => {
        const waited = performance.now() - began;
        if (computed() - before > cpuMs || waited > STARVED * cpuMs) giveUp();
      },
      Math.min(cpuMs / 2, 100),
    );
    const answered = (answer: ParseAnswer | Started): void => {
      if ('thread' in answer) {
        // Its start is ours, not the file's.
        const { thread } = answer;
        parser.clock = () => (thread === undefined ? performance.now() : (threadCpuMs(thread) ?? 0));
        before = computed();
        return;
      }
      settle(() => fulfil(parsedOf(answer)));
      keep(parser);
    };
    const failed = (error: NodeJS.ErrnoException): void =>
      error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? giveUp() : end(() => reject(error));
    worker.on('message', answered).on('error', failed);
    worker.postMessage(text);
  });
}

function newParser(): Parser {
  const worker = new Worker(PARSE_WORKER, {
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB, maxYoungGenerationSizeMb: YOUNG_MB },
  });
  // An error without a listener would end the process; `exit` follows it.
  worker.on('error', () => {});
  worker.once('exit', () => {
    if (idle?.worker === worker) idle = undefined;
  });
  return { worker };
}

/** One is enough: files are read one after the other. */
function keep(parser: Parser): void {
  if (idle !== undefined) {
    void parser.worker.terminate();
    return;
  }
  idle = parser;
  parser.worker.unref();
}

function parsedOf({ configJson, ...parsed }: ParseAnswer): ParsedConfig {
  return configJson === undefined ? parsed : { ...parsed, config: JSON.parse(configJson) as Config };
}

function timedOut(cpuMs: number): ParsedConfig {
  const message = `the file could not be parsed within ${cpuMs} ms of CPU time and ${MAX_HEAP_MB} MiB`;
  return refused(errorAt('YAML_TIMEOUT', [], message, 'make it smaller, or split the mesh'));
}
