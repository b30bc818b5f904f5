// `node test/on-newest-grpc-js.mjs [VERSION]`: the tests of test/xds on the newest grpc-js of the registry, or on VERSION. The server
// reaches below the public interface of grpc-js, and a change there shows here before the pinned version is raised.
// Must not: pass without a run, unless the newest version is the pinned one. A registry that cannot be reached is an error.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = '@grpc/grpc-js';
const root = fileURLToPath(new URL('..', import.meta.url));
const pinned = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies[PACKAGE];

const [wanted = newest()] = process.argv.slice(2);
if (wanted === pinned) {
  console.log(`# ${PACKAGE} ${wanted} is the newest and the pinned one: \`npm test\` was the run on it.`);
  process.exit(0);
}
const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'postern');
const modules = installed(wanted);
console.log(`# ${PACKAGE} ${wanted} in place of ${pinned}: ${modules}`);
const copy = mkdtempSync(join(cache, '.grpc-js-run-'));
let status = 1;
try {
  const left = new Set(['node_modules', 'dist', '.git']);
  cpSync(root, copy, { recursive: true, filter: (path) => !left.has(relative(root, path)) });
  symlinkSync(modules, join(copy, 'node_modules'));
  const run = spawnSync(process.execPath, [join(copy, 'test', 'run.mjs'), 'test/xds'], { stdio: 'inherit', cwd: copy });
  if (run.error) console.error(String(run.error));
  status = run.status ?? 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
process.exit(status);

function newest() {
  return JSON.parse(execFileSync('npm', ['view', PACKAGE, 'version', '--json'], { encoding: 'utf8' }));
}

/** All dependencies of the lock file, and this version of grpc-js. By rename, so that of two at once one wins and both find a whole folder. */
function installed(version) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
    .slice(0, 12);
  const folder = join(cache, `grpc-js-${version}-${lock}`);
  const modulesOf = (at) => join(at, 'node_modules');
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true });
    const temporary = mkdtempSync(join(cache, '.grpc-js-'));
    try {
      for (const name of ['package.json', 'package-lock.json']) cpSync(join(root, name), join(temporary, name));
      // grpc-js-xds, a client of the tests, names the grpc-js that it was made for: this run is there to see whether another works.
      const flags = ['--save-exact', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund'];
      execFileSync('npm', ['install', ...flags, `${PACKAGE}@${version}`], { cwd: temporary, stdio: 'inherit' });
      if (!existsSync(folder)) renameSync(temporary, folder);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }
  const found = JSON.parse(readFileSync(join(modulesOf(folder), PACKAGE, 'package.json'), 'utf8')).version;
  if (found !== version) throw new Error(`${folder} has ${PACKAGE} ${found}`);
  return modulesOf(folder);
}
