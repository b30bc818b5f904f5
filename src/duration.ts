// Durations as an operator writes them: 90s, 15m, 24h, 7d.
// Must not: judge whether a duration is sensible; its user does.

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds of a duration such as 90m, or undefined. */
export function parseDuration(value: string): number | undefined {
  const match = /^(\d{1,9})([smhd])$/.exec(value);
  return match === null ? undefined : Number(match[1]) * (SECONDS[match[2] ?? ''] ?? 0);
}
