// Build step, after tsc: the command and the modules that it starts as threads and processes, each with what it imports in a few
// files instead of three hundred, because finding, reading and linking those is half of what a short command costs
// (docs/design.md, "Measured costs"). They take the place of the files that tsc wrote under the same names; without this step
// everything works as well, and costs more. `dist/bundle.json` says what went where.
// Must not: take in what reaches below a package, or has parts that it finds by path (grpc-js, pino), or what is rarely loaded.

import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));
const out = join(root, 'dist', 'src');
const ENTRIES = [
  'main.ts',
  'config/files/parse-worker.ts',
  'runtime/resources/resources-worker.ts',
  'serving/worker-main.ts',
];
const PIECE = 'bundled-';

for (const name of readdirSync(out)) if (name.startsWith(PIECE)) rmSync(join(out, name));
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ENTRIES.map((entry) => join('src', entry)),
  outbase: 'src',
  outdir: out,
  bundle: true,
  splitting: true,
  chunkNames: `${PIECE}[hash]`,
  format: 'esm',
  platform: 'node',
  target: 'node20.12',
  external: ['@grpc/grpc-js', 'node-forge', 'pino'],
  // What yaml and protobufjs require of Node.
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
  sourcemap: true,
  metafile: true,
  logLevel: 'warning',
});
writeFileSync(join(root, 'dist', 'bundle.json'), JSON.stringify(metafile.outputs));
