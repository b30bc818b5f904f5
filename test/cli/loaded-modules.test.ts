// Which libraries a command loads: that is the larger part of what its start costs, and a static import can add to it unnoticed.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { postern, ROOT, scene } from './postern.ts';

const RECORDER = pathToFileURL(fileURLToPath(new URL('../support/loaded-modules.js', import.meta.url))).href;

/** What of our files and of packages is in a bundled file, as URLs of modules; of others, nothing. */
const BUNDLED: ReadonlyMap<string, readonly string[]> = (() => {
  const list = join(ROOT, 'dist', 'bundle.json');
  if (!existsSync(list)) return new Map();
  type Outputs = Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
  return new Map(
    Object.entries(JSON.parse(readFileSync(list, 'utf8')) as Outputs).map(([output, { inputs }]) => [
      pathToFileURL(join(ROOT, output)).href,
      Object.keys(inputs).map((input) =>
        input.startsWith('src/') ? `file:///dist/${input.replace(/\.ts$/, '.js')}` : `file:///${input}`,
      ),
    ]),
  );
})();

interface Loaded {
  readonly packages: readonly string[];
  /** Files of ours, below dist/src/. */
  readonly files: readonly string[];
  /** What is imported of protobufjs: its reflection costs more than all else. */
  readonly protobufjs: readonly string[];
}

async function loadedBy(t: TestContext, args: (file: string) => readonly string[]): Promise<Loaded> {
  const { file, folder } = scene(t);
  const list = join(folder, 'loaded');
  await postern(args(file), { env: { NODE_OPTIONS: `--import ${RECORDER}`, LOADED_MODULES: list } });
  const loaded = readFileSync(list, 'utf8').trimEnd().split('\n');
  const urls = [...new Set(loaded.flatMap((url) => [url, ...(BUNDLED.get(url) ?? [])]))].filter(
    (url) => !url.includes('/bundled-'),
  );
  const named = (pattern: RegExp): readonly string[] =>
    [...new Set(urls.flatMap((url) => pattern.exec(url)?.[1] ?? []))].sort();
  return {
    packages: named(/\/node_modules\/((?:@[^/]+\/)?[^/]+)\//),
    files: named(/\/dist\/src\/(.+)$/),
    protobufjs: named(/\/node_modules\/protobufjs\/(.+)$/),
  };
}

for (const args of [
  ['--version'],
  ['--help'],
  ['status'],
  ['drain', '--envoy-admin', '127.0.0.1:1'],
  ['certs', '--help'],
])
  test(`The command postern ${args.join(' ')} loads no library, and no other command`, async (t) => {
    const { packages, files } = await loadedBy(t, () => args);
    assert.deepEqual(packages, []);
    assert.ok(files.includes('main.js'));
    const commands = files.filter((file) => file.startsWith('cli/commands/'));
    const own = ['status', 'drain'].filter((name) => name === args[0]).map((name) => `cli/commands/${name}.js`);
    assert.deepEqual(
      commands,
      [
        'cli/commands/command-list.js',
        'cli/commands/questions/explain-command.js',
        'cli/commands/questions/question-list.js',
        ...own,
      ].sort(),
    );
  });

test('The command postern validate loads the parser, the schema and the codec, and nothing of the server or of threads', async (t) => {
  const { packages, files, protobufjs } = await loadedBy(t, (file) => ['validate', '-f', file]);
  assert.deepEqual(
    packages.filter((name) => ['@grpc/grpc-js', 'pino', 'node-forge'].includes(name)),
    [],
  );
  assert.ok(packages.includes('yaml') && packages.includes('zod'));
  assert.ok(protobufjs.includes('minimal.js'));
  assert.deepEqual(
    protobufjs.filter((name) =>
      /^(?:index|light)|^src\/(?:index|index-light|root|type|field|parse|encoder)\.js/.test(name),
    ),
    [],
  );
  assert.deepEqual(
    files.filter((file) => /^(xds|serving|runtime|telemetry|admin)\//.test(file)),
    [],
  );
  assert.ok(!files.includes('config/files/parse-in-worker.js'), 'a small file needs no thread');
});

test('The command postern validate loads no codec for a file with a wrong key', async (t) => {
  const { packages } = await loadedBy(t, (file) => ['validate', '-f', `${file}/../wrong.yaml`]);
  assert.ok(!packages.includes('protobufjs'));
});
