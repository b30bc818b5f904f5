// I/O: the entry point of a worker of `postern run --workers N`.
// Must not: be started by hand; it serves nothing without the first process's messages.

import { serveAsWorker } from './worker.ts';

serveAsWorker();
