// Finds the name that a mistyped one was most likely meant to be: keys of the configuration, commands and flags.
// Must not: suggest a name that is further away than a typing mistake.

/** The name that is most like `name`; of two that are equally like it, the one that is preferred. */
export function nearestName(
  name: string,
  names: readonly string[],
  isPreferred: (name: string) => boolean = () => false,
): string | undefined {
  let [best, least]: [string | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
  for (const candidate of names) {
    const away = editDistance(candidate, name);
    // Two letters are all of a short word.
    if (away > Math.min(2, Math.floor(Math.max(candidate.length, name.length) / 2))) continue;
    const rank = isPreferred(candidate) ? away - 0.5 : away;
    if (rank < least) [best, least] = [candidate, rank];
  }
  return best;
}

/** How many letters differ; at least 3 for names that are long or whose lengths differ too much to be one. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2 || a.length > 40) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost));
    }
    row = next;
  }
  return row[b.length] ?? 3;
}
