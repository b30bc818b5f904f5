// I/O: a worker of `npm run bench:serve -- --workers N`: the product's, which lets everybody in.
// In: the first process's messages. Out: a serving process. Must not: be part of the product.

import { serveAsWorker } from '../src/serving/worker.ts';
import { everybody, LIMITS } from './everybody.ts';

serveAsWorker({ limits: LIMITS, admission: everybody() });
