// A worker that ends as soon as it begins, while the environment says so; otherwise the product's.
// In: CRASHING. Out: a serving process, or the status 3.

import { serveAsWorker } from '../../src/serving/worker.ts';

if (process.env['CRASHING'] !== undefined) process.exit(3);
serveAsWorker();
