// An answer that costs something, made for all who ask meanwhile, and not more often than its cost allows.
// Must not: give anybody an answer that was begun before the question.

import { setTimeout as sleep } from 'node:timers/promises';

/** After an answer the next waits nine times as long as this one took: whoever asks without an end gets a tenth of the process. */
const PAUSE = 9;
const MOST_PAUSE_MS = 1000;

export class PacedAnswer<T> {
  private readonly make: () => Promise<T>;
  private readonly pause: (ms: number) => Promise<unknown>;
  /** The one that is not begun yet. */
  private next: Promise<T> | undefined;
  /** Until the last one is done, and its pause is over. */
  private rest: Promise<void> = Promise.resolve();

  constructor(make: () => Promise<T>, pause: (ms: number) => Promise<unknown> = pauseFor) {
    this.make = make;
    this.pause = pause;
  }

  /** Errors: those of `make`. */
  ask(): Promise<T> {
    this.next ??= this.rest.then(async () => {
      this.next = undefined;
      const started = performance.now();
      const answer = this.make();
      this.rest = this.rested(answer, started);
      return await answer;
    });
    return this.next;
  }

  private async rested(answer: Promise<T>, started: number): Promise<void> {
    await answer.catch(() => undefined);
    await this.pause(Math.min(MOST_PAUSE_MS, PAUSE * (performance.now() - started)));
  }
}

async function pauseFor(ms: number): Promise<void> {
  await sleep(ms, undefined, { ref: false });
}
