// With `node --import`, writes the URL of every module that a process loads to the file that LOADED_MODULES names.
// Must not: change what is loaded.

import { appendFileSync } from 'node:fs';
import { type LoadHook, register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// Node runs the hook in a thread of its own, which loads this file again.
if (isMainThread) register(import.meta.url);

export const load: LoadHook = async (url, context, nextLoad) => {
  appendFileSync(process.env['LOADED_MODULES'] ?? '/dev/null', `${url}\n`);
  return await nextLoad(url, context);
};
