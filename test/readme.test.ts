// README.md and docs/ against the code: generated tables, metrics, the flags of Envoy, and the commands of the walk-through.
// Must not: start servers; test/e2e does.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LIMIT_MS } from '../deploy/demo/limit.ts';
import { PAGES, type Page, ROOT, refreshed, WARNINGS } from '../deploy/reference.ts';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const pages = Object.keys(PAGES) as Page[];
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
  .join('\n');

/** Fenced blocks of one language, in their order. */
function blocks(text: string, language: string): readonly string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, kind, block = '']) =>
    kind === language ? [block] : [],
  );
}

function unique(found: Iterable<RegExpMatchArray>): readonly string[] {
  return [...new Set([...found].map(([, one = '']) => one))].sort();
}

describe('the generated parts of docs/', () => {
  for (const page of pages) {
    test(`The generated parts of ${page} are what \`npm run reference\` writes`, () => {
      assert.equal(textOf(page), refreshed(page, textOf(page)));
    });
  }

  test('Generated parts that are stale, missing or unknown are found', () => {
    const page = 'docs/findings.md';
    const text = textOf(page);
    const [, row = ''] = /^(\| `UNKNOWN_KEY` .*)$/m.exec(text) ?? [];
    assert.notEqual(row, '');
    assert.equal(refreshed(page, text.replace(row, '| stale |')), text);
    assert.throws(() => refreshed(page, text.replace('<!-- reference: findings -->', '')));
    assert.throws(() => refreshed(page, `${text}<!-- reference: other -->\n<!-- end -->`));
    assert.throws(() => refreshed(page, `${text}<!-- reference: findings -->\n<!-- end -->`));
  });

  test('The documents name every command of `postern --help`, and no other', () => {
    const { stdout } = spawnSync(process.execPath, [MAIN, '--help'], { encoding: 'utf8' });
    const known = unique(stdout.matchAll(/^ {2}postern ((?:[a-z]+ )+) /gm)).map((name) => name.trim());
    const shown = [...textOf('docs/commands.md').matchAll(/^### postern ([a-z ]+)$/gm)];
    assert.equal(known.length, 15);
    assert.deepEqual(shown.map(([, name = '']) => name.trim()).sort(), known);
  });

  test('The documents call a warning what is a warning in the code, and nothing else', () => {
    const warned = unique(sources.matchAll(/\b(?:warningAt|trustWarning)\(\s*'([A-Z_]+)'/g));
    assert.deepEqual([...WARNINGS].sort(), warned);
  });
});

test('The page docs/operations.md lists every metric, and no other', () => {
  const counted = unique(sources.matchAll(/\b(?:counter|gauge|histogram)\(\s*'(postern_[a-z_]+)'/g));
  assert.ok(counted.length > 8);
  assert.deepEqual(unique(textOf('docs/operations.md').matchAll(/^\| `(postern_[a-z_]+)` \|/gm)), counted);
});

test('README.md fits on a screen and a half', () => {
  assert.ok(textOf('README.md').split('\n').length <= 90);
});

describe('the walk-through of docs/getting-started.md', () => {
  const page = textOf('docs/getting-started.md');
  const [, walk = '', examples = ''] = page.split(/^## (?:Your first two meshes|The examples)$/m);
  const folder = mkdtempSync(join(tmpdir(), 'postern-readme-'));
  const commands = blocks(walk, 'sh').flatMap((block) => block.trim().split('\n'));
  /** Runs a command of the page as a shell would, `postern` being the built one. */
  const type = (line: string, cwd = folder) =>
    spawnSync('sh', ['-c', `postern() { "${process.execPath}" "${MAIN}" "$@"; }\n${line}`], {
      cwd,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '' },
      timeout: LIMIT_MS,
    });
  const offline = /^postern (certs|validate|bootstrap) /;

  test('The walk-through works as it is printed: certificates, validation, bootstraps', (t) => {
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const [east = '', west = '', eastTcp = '', westTcp = ''] = blocks(walk, 'yaml');
    assert.ok(eastTcp.includes('protocol: tcp') && westTcp.includes('protocol: tcp'));
    writeFileSync(join(folder, 'east.yaml'), east + eastTcp);
    writeFileSync(join(folder, 'west.yaml'), west + westTcp);
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
      assert.ok(commands.includes(line), `${line} is not in docs/getting-started.md`);
    }
  });

  test('The walk-through shows the file of east that README.md shows', () => {
    assert.equal(blocks(walk, 'yaml')[0], blocks(textOf('README.md'), 'yaml')[0]);
  });

  test('The examples are valid after the commands of the walk-through', (t) => {
    const home = mkdtempSync(join(tmpdir(), 'postern-readme-examples-'));
    t.after(() => rmSync(home, { recursive: true, force: true }));
    cpSync(join(ROOT, 'deploy', 'examples'), home, { recursive: true });
    const lines = blocks(examples, 'sh').flatMap((block) => block.trim().split('\n').slice(1));
    assert.equal(lines.length, 4);
    for (const line of lines) {
      const { status, stderr, stdout } = type(line, home);
      assert.equal(status, 0, `${line}\n${stdout}${stderr}`);
    }
  });

  test('The walk-through uses only flags that its commands have', () => {
    const runs = commands.filter((line) => /^postern (run|status)\b/.test(line));
    assert.equal(runs.length, 4);
    for (const line of runs) {
      const [, command = ''] = line.split(' ');
      const { stdout } = spawnSync(process.execPath, [MAIN, command, '--help'], { encoding: 'utf8' });
      for (const [, flag = ''] of line.matchAll(/ (--?[a-z-]+)/g)) assert.ok(stdout.includes(`${flag} `), line);
    }
  });
});
