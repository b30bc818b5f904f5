// When the expiry of a certificate is announced: thirty days, seven days and one day before it, and when it has expired.
// Must not: read the clock.

const DAY = 24 * 60 * 60 * 1000;
/** The nearest first. */
const NOTICES = [
  { before: 0, words: 'has expired' },
  { before: DAY, words: 'expires within a day' },
  { before: 7 * DAY, words: 'expires within 7 days' },
  { before: 30 * DAY, words: 'expires within 30 days' },
] as const;

export type ExpiryNotice = (typeof NOTICES)[number]['words'];

/** How near the expiry is, in words; undefined when it is more than thirty days away. */
export function expiryNotice(notAfter: number, now: number): ExpiryNotice | undefined {
  return NOTICES.find(({ before }) => notAfter - before <= now)?.words;
}

/** The next moment after `now` at which `expiryNotice` changes; undefined once the certificate has expired. */
export function nextExpiryNotice(notAfter: number, now: number): number | undefined {
  const times = NOTICES.map(({ before }) => notAfter - before).filter((time) => time > now);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** `2026-11-29`, in UTC. */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
