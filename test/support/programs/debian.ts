// Programs of Debian packages for tests and benches: those of this machine, or packages that are fetched with apt-get into the cache folder
// and unpacked beside the test, so that nothing is installed and no service starts.
// Must not: change the machine.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Programs {
  /** The file of a program. Errors: it is in none of the packages. */
  file(name: string): string;
  /** Where the libraries of unpacked packages are. */
  readonly env: Readonly<Record<string, string>>;
}

/** Errors: a package cannot be fetched; what apt-get said. */
export async function debianPrograms(
  packages: readonly string[],
  needed: readonly string[],
  into: string,
): Promise<Programs> {
  if (needed.every((name) => find('/', name) !== undefined)) return programs('/', {});
  const archives = join(homedir(), '.cache', 'postern', 'debian', packages.join('+'));
  if (!existsSync(join(archives, 'complete'))) await fetchInto(archives, packages);
  for (const file of readdirSync(archives).filter((name) => name.endsWith('.deb')))
    await run('dpkg', ['-x', join(archives, file), into]);
  const libraries = foldersOf(join(into, 'usr/lib')).filter((folder) => folder.endsWith('-linux-gnu'));
  return programs(into, { LD_LIBRARY_PATH: libraries.join(':') });
}

async function fetchInto(archives: string, packages: readonly string[]): Promise<void> {
  mkdirSync(join(archives, 'partial'), { recursive: true });
  await run('apt-get', ['update', '-qq']);
  const options = ['-o', `Dir::Cache::archives=${archives}`, '-o', 'APT::Sandbox::User=root'];
  await run('apt-get', ['install', '--download-only', '--no-install-recommends', '-y', '-qq', ...options, ...packages]);
  mkdirSync(join(archives, 'complete'));
}

function programs(root: string, env: Readonly<Record<string, string>>): Programs {
  return {
    env,
    file: (name) => {
      // Of packages that are installed here, none is fetched.
      const found = find(root, name) ?? find('/', name);
      if (found === undefined) throw new Error(`no program ${name} in the packages`);
      return found;
    },
  };
}

function find(root: string, name: string): string | undefined {
  const versions = foldersOf(join(root, 'usr/lib/postgresql')).map((folder) => join(folder, 'bin'));
  return [...versions, join(root, 'usr/bin'), join(root, 'usr/sbin')]
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

function foldersOf(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
