// I/O: how much CPU time a thread of this process has had, which a busy machine does not stretch as it does the wall clock.
// Linux alone tells (/proc); elsewhere there is no figure, and the caller goes by the clock.
// Must not: be asked often; each look is a read of two small files.

import { readFileSync, readlinkSync } from 'node:fs';

/** The kernel's number of the thread that calls; undefined where /proc does not tell. */
export function ownThread(): number | undefined {
  try {
    const [, id] = /\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self')) ?? [];
    return id === undefined ? undefined : Number(id);
  } catch {
    return undefined;
  }
}

/** CPU time of a thread of this process in milliseconds; undefined where /proc does not tell, and of one that has ended. */
export function threadCpuMs(thread: number): number | undefined {
  try {
    // The kernel's scheduler counts nanoseconds.
    const [ran] = readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ');
    return Number(ran) / 1e6;
  } catch {
    return undefined;
  }
}
