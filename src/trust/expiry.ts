// When the end of a certificate is announced: thirty days, seven days and one day before it, and when it has come.
// Must not: read the clock.

const DAY = 24 * 60 * 60 * 1000;
/** The nearest first. */
const NOTICES = [
  { before: 0, words: 'has ended' },
  { before: DAY, words: 'ends within a day' },
  { before: 7 * DAY, words: 'ends within 7 days' },
  { before: 30 * DAY, words: 'ends within 30 days' },
] as const;

export type EndNotice = (typeof NOTICES)[number]['words'];

/** How near the end is, in words; undefined when it is thirty days away, or more. */
export function endNotice(notAfter: number, now: number): EndNotice | undefined {
  return NOTICES.find(({ before }) => notAfter - before <= now)?.words;
}

/** The next moment after `now` at which `endNotice` changes; undefined when the end has come. */
export function nextNotice(notAfter: number, now: number): number | undefined {
  const times = NOTICES.map(({ before }) => notAfter - before).filter((time) => time > now);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** `2026-11-29`, in UTC. */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
