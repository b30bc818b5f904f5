// Sizes as an operator writes them: 64KiB, 10MiB, 1GiB.
// Must not: judge whether a size is sensible; its user does.

const BYTES: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Bytes of a size such as 10MiB, or undefined. */
export function parseByteSize(value: string): number | undefined {
  const match = /^(\d{1,9})([KMG]iB)$/.exec(value);
  return match === null ? undefined : Number(match[1]) * (BYTES[match[2] ?? ''] ?? 0);
}
