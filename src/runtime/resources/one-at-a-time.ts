// Costly answers one after the other: equal questions share one answer, and no more than a few wait.
// Must not: keep an answer; who asks later asks again.

import { setImmediate as nextRound } from 'node:timers/promises';
import { areIdentical } from '../../memoize.ts';

interface Job<R> {
  readonly question: readonly unknown[];
  readonly result: Promise<R>;
}

export class OneAtATime<R> {
  private readonly mostWaiting: number;
  /** The first is being answered. */
  private readonly jobs: Job<R>[] = [];

  constructor(mostWaiting: number) {
    this.mostWaiting = mostWaiting;
  }

  /** Undefined when too many wait. Questions are equal when their parts are identical (===). Errors: those of `answer`. */
  ask(question: readonly unknown[], answer: () => Promise<R>): Promise<R> | undefined {
    const same = this.jobs.find((job) => areIdentical(job.question, question));
    if (same !== undefined) return same.result;
    if (this.jobs.length > this.mostWaiting) return undefined;
    const job = { question, result: this.answered(this.jobs.at(-1)?.result, answer) };
    this.jobs.push(job);
    return job.result;
  }

  private async answered(earlier: Promise<R> | undefined, answer: () => Promise<R>): Promise<R> {
    await earlier?.catch(() => undefined);
    // Streams and probes have their turn between two answers.
    await nextRound();
    try {
      return await answer();
    } finally {
      this.jobs.shift();
    }
  }
}
