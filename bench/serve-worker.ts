// I/O: a worker of `npm run bench:serve -- --workers N`: the product's worker, with every client admitted.
// Must not: be part of the product.

import { serveAsWorker } from '../src/serving/worker.ts';
import { admitAll, LIMITS } from './admit-all.ts';

serveAsWorker({ limits: LIMITS, admission: admitAll() });
