// `node test/run-files.mjs [OPTIONS] FILE...`: runs compiled test files beside each other, the longest first.
// Must not: change what a file tests, or end with 0 when one of them failed.

import { writeFileSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/**
 * Four at once on two cores: the suites with real Envoys, which start first, wait more than they compute, and what computes
 * fills the gaps. With more, the Envoys of one machine starve each other.
 */
const AT_ONCE = 4;
const HALF_AN_HOUR = 1_800_000;
/** Where a run writes how long each file took; the list below is made from it. */
const DURATIONS = 'dist/test-durations.txt';

/** What takes longest, first: a long file that starts last would run alone at the end. */
const LONGEST = [
  'e2e/tcp/tcp-changes',
  'e2e/telemetry/peer-reachability',
  'e2e/trust/trust-changes',
  'cli/run/run',
  'e2e/changes/changes',
  'e2e/changes/drain',
  'e2e/changes/limits',
  'e2e/flips/random-flips',
  'e2e/tcp/tcp-callers',
  'e2e/flips/flips',
  'cli/validate',
  'config/mutations',
  'e2e/',
  'runtime/',
  'serving/',
  'xds/clients/',
  'envoy/http/',
  'envoy/resources/',
];

const files = [];
let namePatterns = [];
for (const word of process.argv.slice(2)) {
  const [option, value] = word.split(/=(.*)/s);
  if (option === '--test-name-pattern') namePatterns = [...namePatterns, value];
  else if (word.startsWith('--')) fail(`${word} is no option of this runner; it takes --test-name-pattern=PATTERN`);
  else files.push(word);
}

const rank = (file) => {
  const found = LONGEST.findIndex((part) => file.includes(`test/${part}`));
  return found < 0 ? LONGEST.length : found;
};
files.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));

const events = run({
  files,
  concurrency: AT_ONCE,
  // A random test with more cases than usual may take hours.
  ...(process.env['POSTERN_TEST_COUNT'] === undefined && { timeout: HALF_AN_HOUR }),
  ...(namePatterns.length > 0 && { testNamePatterns: namePatterns }),
});
/** Milliseconds by file: what its outermost tests took. */
const took = new Map();
for (const event of ['test:pass', 'test:fail'])
  events.on(event, ({ file, nesting, details }) => {
    if (nesting === 0 && file !== undefined) took.set(file, (took.get(file) ?? 0) + details.duration_ms);
  });
events.on('test:fail', ({ todo, skip }) => {
  if (todo === undefined && skip === undefined) process.exitCode = 1;
});
events.on('end', () => {
  const lines = [...took].sort(([, a], [, b]) => b - a).map(([file, ms]) => `${(ms / 1000).toFixed(1)} s  ${file}`);
  writeFileSync(DURATIONS, `${lines.join('\n')}\n`);
  if (took.size === 0) process.exitCode = 1;
});
events.compose(new spec()).pipe(process.stdout);

function fail(message) {
  console.error(message);
  process.exit(64);
}
