// Warns when this Node is old enough to have known HTTP/2 vulnerabilities.
// Must not: refuse to start; many machines have Node 20.

/** The first of each line with the fixes of July 2026 (CVE-2026-56846, CVE-2026-56848: HTTP/2 memory and use after free). */
const FIXED: readonly (readonly [number, number, number])[] = [
  [22, 23, 2],
  [24, 18, 1],
  [26, 5, 1],
];

export function nodeWarning(version: string): string | undefined {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const line = FIXED.find(([fixed]) => fixed === major);
  const isOld = line === undefined ? major < 26 : minor < line[1] || (minor === line[1] && patch < line[2]);
  if (!isOld) return undefined;
  return `Node ${version} has known HTTP/2 holes; the oldest without them are ${FIXED.map((fixed) => fixed.join('.')).join(', ')}`;
}
