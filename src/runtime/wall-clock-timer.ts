// A timer by the wall clock. Node's timers use a clock that stops while the machine sleeps, and that
// ignores corrections of the time.

/** How often the wall clock is read. */
const LOOK_MS = 5000;
/** A smaller step back is a normal clock correction. */
export const CLOCK_STEP_MS = 1000;

export class WallClockTimer {
  private readonly onDue: () => void;
  private readonly onLook: (now: number) => void;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /** `onLook` is called at each reading of the clock, at least every five seconds. */
  constructor(onDue: () => void, onLook: (now: number) => void) {
    this.onDue = onDue;
    this.onLook = onLook;
  }

  /**
   * Calls `onDue` once, at `due` (milliseconds since the epoch), or when the clock is set back: what has ended may be valid
   * again. Replaces the time that was set before; undefined: there is none.
   */
  set(due: number | undefined): void {
    clearTimeout(this.timer);
    if (!this.isStopped) this.look(due ?? Number.POSITIVE_INFINITY, Date.now());
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private look(due: number, before: number): void {
    const now = Date.now();
    this.onLook(now);
    if (now >= due || now < before - CLOCK_STEP_MS) this.onDue();
    else this.timer = setTimeout(() => this.look(due, now), Math.min(due - now, LOOK_MS)).unref();
  }
}
