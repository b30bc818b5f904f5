// `npm test`: runs all tests, from unit tests to real Envoys, and exits with the status of the first step that failed.
// Arguments after `--` are names of test files, parts of names, --test-name-pattern=PATTERN, and for random tests --count N (how
// many cases) and --seed N (where they begin).
// Must not: skip what this machine lacks; it is fetched.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);

const { values, positionals: filters } = argumentsOf();
const options = (values['test-name-pattern'] ?? []).map((pattern) => `--test-name-pattern=${pattern}`);
/** What test/support/asked-size.ts reads. */
const size = {
  ...(values.count !== undefined && { POSTERN_TEST_COUNT: values.count }),
  ...(values.seed !== undefined && { POSTERN_TEST_SEED: values.seed }),
};
if (Object.keys(size).length > 0 && filters.length === 0) {
  console.error(
    '--count and --seed are for random tests: name them, as in `npm test -- e2e/differential --count 4000`.',
  );
  process.exit(64);
}

function step(what, command, args, env = process.env) {
  console.log(`# ${what}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env });
  if (error) console.error(String(error));
  if (status !== 0) process.exit(status ?? 1);
}

const bin = (name) => join('node_modules', '.bin', name);

if (!existsSync('node_modules')) step('npm ci', 'npm', ['ci']);
step('build', bin('tsc'), []);
step('build: protos', process.execPath, ['proto/bundle.mjs']);
step('build: bundle', process.execPath, ['bundle.mjs']);
if (filters.length === 0) step('lint', bin('biome'), ['check', '--error-on-warnings', '.']);

// The oracle of the tests of trust/; a machine without it is given Debian's.
if (spawnSync('openssl', ['version']).error)
  step('openssl', 'sh', ['-c', 'apt-get update -qq && apt-get install -y -qq openssl']);

const { findEnvoy } = await import('../dist/deploy/demo/envoy-binary.js');
const { findHadolint } = await import('../dist/test/support/programs/hadolint.js');
let envoy;
let hadolint;
try {
  envoy = await findEnvoy();
  hadolint = await findHadolint();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
console.log(`# Envoy ${envoy.version} (${envoy.origin}): ${envoy.file}`);

const found = testFiles(join('dist', 'test')).sort();
const files = found.filter((file) => filters.length === 0 || filters.some((part) => wanted(file, part)));
if (files.length === 0) {
  console.error(`No test file matches ${filters.join(', ')}.`);
  process.exit(64);
}
// The tests get the binaries that were found here, so that no suite finds another one, or none.
step(
  `test: ${files.length} files`,
  process.execPath,
  ['--enable-source-maps', join('test', 'run-files.mjs'), ...options, ...files],
  { ...process.env, ...size, ENVOY_BIN: envoy.file, HADOLINT_BIN: hadolint },
);

function argumentsOf() {
  const number = { type: 'string' };
  const names = { count: number, seed: number, 'test-name-pattern': { type: 'string', multiple: true } };
  try {
    const parsed = parseArgs({ options: names, allowPositionals: true });
    for (const name of ['count', 'seed'])
      if (!/^\d+$/.test(parsed.values[name] ?? '0'))
        throw new Error(`--${name} takes a number, such as --${name} 4000.`);
    return parsed;
  } catch (error) {
    console.error(error.message);
    process.exit(64);
  }
}

function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return entry.name.endsWith('.test.js') && existsSync(sourceOf(path)) ? [path] : [];
  });
}

/** What was compiled from a test that is gone is still there, and must not run. */
function sourceOf(file) {
  return relative('dist', file).replace(/\.js$/, '.ts');
}

/** `test/e2e`, `test/e2e/changes/drain.test.ts` and `changes/drain` all name dist/test/e2e/changes/drain.test.js. */
function wanted(file, part) {
  return sourceOf(file).includes(
    part
      .replace(/^\.\//, '')
      .replace(/^dist\//, '')
      .replace(/\.js$/, '.ts'),
  );
}
