// A worker that exits with status 3 when CRASHING is set, and is the product's worker otherwise.

import { serveAsWorker } from '../../src/serving/worker.ts';

if (process.env['CRASHING'] !== undefined) process.exit(3);
serveAsWorker();
