// Tests the shape of the code against ARCHITECTURE.md: imports between folders, dependencies, file sizes, headers and names.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, normalize, relative, sep } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { picture } from './architecture-picture.ts';
import { MAY_IMPORT, ROOMS } from './walls.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Every folder may import these; beside them only main.ts lies in src/ itself. */
const FOUNDATIONS = [
  'built-files.ts',
  'byte-size.ts',
  'duration.ts',
  'errors.ts',
  'host-port.ts',
  'log.ts',
  'memoize.ts',
  'nearest-name.ts',
  'one-line.ts',
  'token-bucket.ts',
  'version.ts',
  'without-keys.ts',
];
/** Where time, randomness and the world come in as arguments. */
const PURE = ['config', 'trust', 'federation', 'envoy', 'decision', 'snapshot'];
const WORLD =
  /^node:(fs|fs\/promises|http|http2|https|tls|dgram|dns|child_process|worker_threads|timers|timers\/promises)$/;
/** It reads what the build wrote beside it, once: a constant that is too large to be a source file. */
const READS_ITS_TYPES = 'src/envoy/proto/message-types.ts';
const MAX_LINES = 300;
const FORBIDDEN_NAME = /^(utils?|helpers?|managers?|handlers?|common|misc|shared|lib)$/i;

interface Import {
  readonly from: string;
  readonly specifier: string;
}

function sources(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.(ts|mjs)$/.test(entry.name) ? [path.split(sep).join('/')] : [];
  });
}

function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

function importsOf(file: string): readonly Import[] {
  const pattern = /(?:\bfrom\s+|\bimport\s*\(\s*|^\s*import\s+)'([^']+)'/gm;
  return [...withoutComments(textOf(file)).matchAll(pattern)].map(([, specifier = '']) => ({ from: file, specifier }));
}

/** The imported file of ours, from the root of the project; undefined for a package. */
function targetOf({ from, specifier }: Import): string | undefined {
  return specifier.startsWith('.')
    ? normalize(join(dirname(from), specifier))
        .split(sep)
        .join('/')
    : undefined;
}

/** `envoy/http` of src/envoy/http/headers/header-mutations.ts; empty for the files of src/ itself. */
function roomOf(file: string): string {
  return dirname(file).split('/').slice(1).join('/');
}

function folderOf(file: string): string {
  return roomOf(file).split('/')[0] ?? '';
}

function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

const src = sources('src');
const written = src.filter((file) => !file.endsWith('.gen.ts'));
const ours = [...written, ...sources('test'), ...sources('bench'), ...sources('deploy')];

/** Whether the walls let `from` import `to`, both files of src/. */
function mayImport(from: string, to: string): boolean {
  if (from === 'src/main.ts') return true;
  if (folderOf(to) === '') return FOUNDATIONS.includes(basename(to));
  const [here, there] = [folderOf(from), folderOf(to)];
  if (here !== there) return MAY_IMPORT[here]?.includes(there) === true;
  const rooms = ROOMS[here] ?? [here];
  return rooms.indexOf(roomOf(to)) <= rooms.indexOf(roomOf(from));
}

describe('the walls themselves', () => {
  test('No rule of the walls allows an import against the order of the folders', () => {
    assert.equal(mayImport('src/trust/svid.ts', 'src/config/schema/values/values.ts'), true);
    assert.equal(mayImport('src/config/schema/values/values.ts', 'src/trust/svid.ts'), false);
    assert.equal(mayImport('src/xds/transport/xds-server.ts', 'src/runtime/control-plane.ts'), false);
    assert.equal(mayImport('src/snapshot/resource.ts', 'src/envoy/draft.ts'), false);
    assert.equal(mayImport('src/envoy/http/headers/header-mutations.ts', 'src/envoy/draft.ts'), true);
    assert.equal(mayImport('src/envoy/draft.ts', 'src/envoy/http/headers/header-mutations.ts'), false);
    assert.equal(mayImport('src/envoy/draft.ts', 'src/errors.ts'), true);
    assert.equal(mayImport('src/errors.ts', 'src/envoy/draft.ts'), false);
  });

  test('The walls name every folder, every room, and every file of src/ itself', () => {
    const rooms = new Set(Object.keys(MAY_IMPORT).flatMap((folder) => ROOMS[folder] ?? [folder]));
    assert.deepEqual(
      [...new Set(src.map(roomOf))].filter((room) => room !== '' && !rooms.has(room)),
      [],
    );
    assert.deepEqual(
      src.filter((file) => roomOf(file) === '').filter((file) => ![...FOUNDATIONS, 'main.ts'].includes(basename(file))),
      [],
    );
  });

  test('Every door of the walls is used by an import', () => {
    const used = new Set(
      src.flatMap(importsOf).flatMap((one) => {
        const to = targetOf(one);
        return to === undefined ? [] : [`${folderOf(one.from)} ${folderOf(to)}`];
      }),
    );
    const unused = Object.entries(MAY_IMPORT).flatMap(([from, all]) =>
      all.filter((to) => !used.has(`${from} ${to}`)).map((to) => `${from} imports nothing of ${to}`),
    );
    assert.deepEqual(unused, []);
  });

  test('The imports of a file are found', () => {
    const found = importsOf('src/pipeline/compile.ts').flatMap((one) => targetOf(one) ?? []);
    assert.ok(found.includes('src/envoy/resources/gateway-resources.ts'));
  });
});

describe('the picture of ARCHITECTURE.md', () => {
  test('The picture of ARCHITECTURE.md is drawn from the walls (`npm run reference` draws it again)', () => {
    assert.equal(textOf('docs/architecture.svg'), picture(MAY_IMPORT, ROOMS));
    assert.match(textOf('ARCHITECTURE.md'), /\]\(docs\/architecture\.svg\)/);
  });

  test('The picture of ARCHITECTURE.md shows every folder, every room and every door that others do not imply', () => {
    const svg = picture({ a: [], b: ['a'], c: ['a', 'b'] }, { b: ['b/x', 'b', 'b/y'] });
    assert.deepEqual(
      [...svg.matchAll(/<title>(.*?)<\/title>/g)].map(([, title]) => title),
      ['b imports a', 'c imports b', 'a', 'b: x, y', 'c'],
    );
  });
});

describe('imports', () => {
  const all = src.flatMap(importsOf);

  test('Imports pass only the doors between folders, and follow the order of the rooms in a folder', () => {
    const wrong = all.flatMap((one) => {
      const to = targetOf(one);
      return to?.startsWith('src/') && !mayImport(one.from, to) ? [`${one.from} imports ${to}`] : [];
    });
    assert.deepEqual(wrong, []);
  });

  test('No files import each other in a circle', () => {
    const targets = new Map(src.map((file) => [file, importsOf(file).flatMap((one) => targetOf(one) ?? [])]));
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (path.includes(file) || done.has(file)) return;
      for (const next of targets.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of src) visit(file, []);
    assert.deepEqual(circles, []);
  });

  test('The product imports nothing of test, bench or deploy', () => {
    const outside = all.flatMap((one) => {
      const to = targetOf(one);
      return to !== undefined && !to.startsWith('src/') ? [`${one.from} imports ${to}`] : [];
    });
    assert.deepEqual(outside, []);
  });

  test('The product imports only the runtime dependencies of package.json, and builtins by their node: names', () => {
    const manifest = JSON.parse(textOf('package.json')) as { readonly dependencies: Readonly<Record<string, string>> };
    const allowed = new Set(Object.keys(manifest.dependencies));
    const wrong = all
      .filter(({ specifier }) => !specifier.startsWith('.'))
      .filter(({ specifier }) =>
        specifier.startsWith('node:')
          ? !builtinModules.includes(specifier.slice('node:'.length))
          : !allowed.has(packageOf(specifier)),
      );
    assert.deepEqual(wrong, []);
  });

  test('Every runtime dependency is used, and pinned to one version', () => {
    const manifest = JSON.parse(textOf('package.json')) as { readonly dependencies: Readonly<Record<string, string>> };
    const used = new Set(all.map(({ specifier }) => packageOf(specifier)));
    assert.deepEqual(
      Object.keys(manifest.dependencies).filter((name) => !used.has(name)),
      [],
    );
    assert.deepEqual(
      Object.values(manifest.dependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version)),
      [],
    );
  });

  test('Relative imports name files that exist, with their suffix', () => {
    const wrong = all.flatMap((one) => {
      const to = targetOf(one);
      if (to === undefined) return [];
      return statSync(join(ROOT, to), { throwIfNoEntry: false })?.isFile() ? [] : [`${one.from} imports ${to}`];
    });
    assert.deepEqual(wrong, []);
  });
});

describe('the boundary check', () => {
  const outside = [
    'src/envoy/resource-names.ts',
    'src/envoy/config-source.ts',
    'src/envoy/limits.ts',
    'src/envoy/draft.ts',
  ];
  const isBuilder = (file: string): boolean => /^src\/envoy\/(http|resources)\//.test(file) || outside.includes(file);
  const isCheck = (file: string): boolean => file.startsWith('src/envoy/boundary/');

  test('The boundary check shares no code and no constant with the builders that it checks', () => {
    const ties = src.flatMap(importsOf).flatMap((one) => {
      const to = targetOf(one) ?? '';
      const isTie = (isCheck(one.from) && isBuilder(to)) || (isBuilder(one.from) && isCheck(to));
      return isTie ? [`${one.from} imports ${to}`] : [];
    });
    assert.deepEqual(ties, []);
    assert.ok(src.some(isCheck) && outside.every((file) => src.includes(file)));
  });
});

describe('pure folders', () => {
  const pure = written.filter((file) => PURE.includes(folderOf(file)));
  const declared = (file: string): boolean => textOf(file).startsWith('// I/O');

  test('Files of pure folders do I/O only when their header begins with I/O', () => {
    const wrong = pure
      .filter((file) => !declared(file) && file !== READS_ITS_TYPES)
      .flatMap(importsOf)
      .filter(({ specifier }) => WORLD.test(specifier));
    assert.deepEqual(wrong, []);
  });

  test('Pure folders read neither the clock nor random numbers: both come in as arguments', () => {
    const pattern = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b|\bprocess\.(env|hrtime|cwd)\b/;
    const wrong = pure.filter((file) => !declared(file)).filter((file) => pattern.test(withoutComments(textOf(file))));
    assert.deepEqual(wrong, []);
  });
});

describe('files', () => {
  test(`No file of src has more than ${MAX_LINES} lines`, () => {
    const long = written
      .map((file) => ({ file, lines: textOf(file).trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > MAX_LINES);
    assert.deepEqual(long, []);
  });

  test('Every file opens with a comment that says what it is for', () => {
    const bare = written.filter((file) => !/^(#!.*\n)?(\/\/ \S.*\n){2,}/.test(textOf(file)));
    assert.deepEqual(bare, []);
  });

  test('Files are named by their subject, never "utils" or the like', () => {
    const named = [...src, ...sources('test'), ...sources('bench'), ...sources('deploy')].filter((file) =>
      [...dirname(file).split('/'), basename(file).split('.')[0] ?? ''].some((name) => FORBIDDEN_NAME.test(name)),
    );
    assert.deepEqual(named, []);
    const odd = written.filter((file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/.test(basename(file)));
    assert.deepEqual(odd, []);
  });

  test('Every file has a unique name, except the commands, which are named as on the command line', () => {
    const twice = src
      .filter((file) => !roomOf(file).startsWith('cli/commands'))
      .filter((file, _, all) => all.some((other) => other !== file && basename(other) === basename(file)));
    assert.deepEqual(twice, []);
  });

  test('Files export by name only', () => {
    const wrong = ours.filter((file) => /^\s*export\s+default\b/m.test(withoutComments(textOf(file))));
    assert.deepEqual(wrong, []);
  });

  test('Files of test/ mirror the folder of their subject', () => {
    const subjects = new Set([...Object.keys(MAY_IMPORT), 'e2e', 'support', 'golden']);
    const strays = sources('test').filter((file) => {
      const [, folder, rest] = file.split('/');
      return rest !== undefined && !subjects.has(folder ?? '');
    });
    assert.deepEqual(strays, []);
  });

  test('No file holds a private key', () => {
    const marker = new RegExp(`-----BEGIN ([A-Z]+ )?${'PRIVATE'} KEY-----\\s*\\n[A-Za-z0-9+/]{20}`);
    const holders = [...ours, ...examples()].filter((file) => marker.test(textOf(file)));
    assert.deepEqual(holders, []);
  });
});

function examples(): readonly string[] {
  const folder = join(ROOT, 'deploy', 'examples');
  return readdirSync(folder).flatMap((name) => (name.endsWith('.yaml') ? [relative(ROOT, join(folder, name))] : []));
}
