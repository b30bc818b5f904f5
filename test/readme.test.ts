// README.md against the code: generated tables, metrics, the flags of Envoy, and the walk-through's own commands.
// In: README.md. Out: what is stale, and what a reader who types it in would see fail. Must not: start servers; test/e2e does.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LIMIT_MS } from '../deploy/demo/limit.ts';
import { parts, README, renewed, WARNINGS } from '../deploy/reference.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const readme = readFileSync(README, 'utf8');
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
  .join('\n');

/** Fenced blocks of one language below a heading, in their order. */
function blocks(heading: string, language: string): readonly string[] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, kind, text = '']) =>
    kind === language ? [text] : [],
  );
}

function unique(found: Iterable<RegExpMatchArray>): readonly string[] {
  return [...new Set([...found].map(([, one = '']) => one))].sort();
}

describe('the generated parts of README.md', () => {
  test('are what `npm run reference` writes', () => {
    assert.equal(readme, renewed(readme));
  });

  test('would be found out if they were stale, missing or unknown', () => {
    const [, row = ''] = /^(\| `UNKNOWN_KEY` .*)$/m.exec(readme) ?? [];
    assert.notEqual(row, '');
    assert.equal(renewed(readme.replace(row, '| stale |')), readme);
    assert.throws(() => renewed(readme.replace('<!-- reference: findings -->', '')));
    assert.throws(() => renewed(`${readme}<!-- reference: other -->\n<!-- end -->`));
  });

  test('name every command that there is, and no other', () => {
    const { stdout } = spawnSync(process.execPath, [MAIN, '--help'], { encoding: 'utf8' });
    const known = unique(stdout.matchAll(/^ {2}postern ((?:[a-z]+ )+) /gm)).map((name) => name.trim());
    const shown = [...(parts().get('commands') ?? '').matchAll(/^\| `postern ((?:[a-z]+(?![a-z\\|]) ?)+)/gm)];
    assert.equal(known.length, 10);
    assert.deepEqual(shown.map(([, name = '']) => name.trim()).sort(), known);
  });

  test('call a warning what the code warns of, and nothing else', () => {
    const warned = unique(sources.matchAll(/\b(?:warningAt|caution)\(\s*'([A-Z_]+)'/g));
    assert.deepEqual([...WARNINGS].sort(), warned);
  });
});

test('README.md lists every metric, and no other', () => {
  const counted = unique(sources.matchAll(/\b(?:counter|gauge)\(\s*'(postern_[a-z_]+)'/g));
  assert.ok(counted.length > 8);
  assert.deepEqual(unique(readme.matchAll(/^\| `(postern_[a-z_]+)` \|/gm)), counted);
});

test('README.md links to files that exist', () => {
  const targets = unique(readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g));
  assert.ok(targets.length > 4);
  assert.deepEqual(
    targets.filter((target) => !existsSync(join(ROOT, target))),
    [],
  );
});

describe('the walk-through of README.md', () => {
  const walk = 'Your first two meshes';
  const folder = mkdtempSync(join(tmpdir(), 'postern-readme-'));
  const commands = blocks(walk, 'sh').flatMap((block) => block.trim().split('\n'));
  /** Runs a command of the page as a shell would, `postern` being the built one. */
  const type = (line: string) =>
    spawnSync('sh', ['-c', `postern() { "${process.execPath}" "${MAIN}" "$@"; }\n${line}`], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '' },
      timeout: LIMIT_MS,
    });
  const offline = /^postern (certs|validate|bootstrap) /;

  test('works as it is printed: certificates, validation, bootstraps', (t) => {
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const [east = '', west = ''] = blocks(walk, 'yaml');
    writeFileSync(join(folder, 'east.yaml'), east);
    writeFileSync(join(folder, 'west.yaml'), west);
    const wanted = commands.filter((line) => offline.test(line));
    assert.equal(wanted.length, 8);
    for (const line of wanted) {
      const { status, stderr, stdout } = type(line);
      assert.equal(status, 0, `${line}\n${stdout}${stderr}`);
    }
    // The Envoys are started with what the first line of their bootstraps says.
    for (const name of ['east-ingress', 'west-egress']) {
      const head = readFileSync(join(folder, `${name}.yaml`), 'utf8').split('\n', 1)[0] ?? '';
      const line = head.replace(/^# envoy -c \S+/, `$ENVOY -c ${name}.yaml`);
      assert.ok(commands.includes(line), `${line} is not in README.md`);
    }
  });

  test('uses only flags that there are', () => {
    const runs = commands.filter((line) => /^postern (run|status)\b/.test(line));
    assert.equal(runs.length, 4);
    for (const line of runs) {
      const [, command = ''] = line.split(' ');
      const { stdout } = spawnSync(process.execPath, [MAIN, command, '--help'], { encoding: 'utf8' });
      for (const [, flag = ''] of line.matchAll(/ (--?[a-z-]+)/g)) assert.ok(stdout.includes(`${flag} `), line);
    }
  });
});
