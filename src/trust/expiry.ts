// When the end of a certificate is announced: thirty days, seven days and one day before it, and when it has come.
// In: an end and the time. Out: how near it is, in words; the next moment at which these words change. Must not: read the clock.

const DAY = 24 * 60 * 60 * 1000;
/** The nearest first. */
const NOTICES = [
  { before: 0, words: 'has ended' },
  { before: DAY, words: 'ends within a day' },
  { before: 7 * DAY, words: 'ends within 7 days' },
  { before: 30 * DAY, words: 'ends within 30 days' },
] as const;

export type EndNotice = (typeof NOTICES)[number]['words'];

/** Undefined when the end is thirty days away, or more. */
export function endNotice(notAfter: number, now: number): EndNotice | undefined {
  return NOTICES.find(({ before }) => notAfter - before <= now)?.words;
}

/** The next moment after `now` at which `endNotice` changes; undefined when the end has come. */
export function nextNotice(notAfter: number, now: number): number | undefined {
  const times = NOTICES.map(({ before }) => notAfter - before).filter((time) => time > now);
  return times.length === 0 ? undefined : Math.min(...times);
}
