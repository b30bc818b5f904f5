// How many lines of one kind a log takes: what others can cause at will must not fill the disk, or hide what else there is.
// In: when a line is due. Out: whether it is written, and how many were not since the last one. Must not: keep what it drops.

export class LogLimit {
  private readonly burst: number;
  private readonly perSecond: number;
  private left: number;
  private at: number;
  private dropped = 0;

  /** So many lines at once, and so many more each second. `now` is in milliseconds, here and below. */
  constructor(burst: number, perSecond: number, now: number) {
    this.burst = burst;
    this.perSecond = perSecond;
    this.left = burst;
    this.at = now;
  }

  /** Fields for the line: how many were dropped before it, if any; undefined: this one is dropped as well. */
  take(now: number): { readonly dropped?: number } | undefined {
    const passed = Math.max(now - this.at, 0) / 1000;
    this.left = Math.min(this.burst, this.left + passed * this.perSecond);
    this.at = now;
    if (this.left < 1) {
      this.dropped += 1;
      return undefined;
    }
    this.left -= 1;
    const { dropped } = this;
    this.dropped = 0;
    return dropped === 0 ? {} : { dropped };
  }
}
