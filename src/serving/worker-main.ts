// I/O: where a worker of `postern run --workers N` begins.
// In: the first process's messages. Out: a serving process. Must not: be started by hand; it serves nothing by itself.

import { serveAsWorker } from './worker.ts';

serveAsWorker();
