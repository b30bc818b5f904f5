// Vendors Envoy's .proto files: the closure of xds.proto, untouched, and proves that it is complete.
// node proto/vendor.mjs CRATE   copies the closure out of an unpacked crate envoy-types (its folder proto/)
// node proto/vendor.mjs --check [DIR]   proves that DIR (default: this folder) holds exactly the closure, with the recorded sums
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const SUMS = 'SHA256SUMS';
/** protobufjs brings these itself. */
const isBuiltIn = (name) => name.startsWith('google/protobuf/');
const importsOf = (text) =>
  [...text.matchAll(/^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"\s*;/gm)].map((found) => found[1]);

/** Every file that `xds.proto` needs, found with `locate(name) → path`. */
function closure(root, locate) {
  const found = new Map();
  const queue = importsOf(readFileSync(root, 'utf8'));
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name) || isBuiltIn(name)) continue;
    const path = locate(name);
    if (path === undefined) throw new Error(`missing import: ${name}`);
    found.set(name, path);
    queue.push(...importsOf(readFileSync(path, 'utf8')));
  }
  return found;
}

const sum = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

function sumsOf(dir, names) {
  return `${[...names]
    .sort()
    .map((name) => `${sum(join(dir, name))}  ${name}`)
    .join('\n')}\n`;
}

function vendor(crate) {
  const roots = [
    'data-plane-api',
    'xds',
    'googleapis',
    'protoc-gen-validate',
    'cel-spec/proto',
    'client_model',
    'opentelemetry-proto',
  ];
  const files = closure(join(HERE, 'xds.proto'), (name) =>
    roots.map((root) => join(crate, 'proto', root, name)).find((path) => existsSync(path)),
  );
  for (const entry of readdirSync(HERE, { withFileTypes: true })) {
    if (entry.isDirectory()) rmSync(join(HERE, entry.name), { recursive: true });
  }
  for (const [name, path] of files) {
    mkdirSync(dirname(join(HERE, name)), { recursive: true });
    cpSync(path, join(HERE, name));
  }
  writeFileSync(join(HERE, SUMS), sumsOf(HERE, files.keys()));
  console.log(`vendored ${files.size} files`);
}

function check(dir) {
  const needed = closure(join(dir, 'xds.proto'), (name) => (existsSync(join(dir, name)) ? join(dir, name) : undefined));
  const present = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.proto'))
    .map((entry) => relative(dir, join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/'))
    .filter((name) => name !== 'xds.proto');
  const stray = present.filter((name) => !needed.has(name));
  if (stray.length > 0) throw new Error(`not part of the closure: ${stray.join(', ')}`);
  if (sumsOf(dir, needed.keys()) !== readFileSync(join(dir, SUMS), 'utf8'))
    throw new Error(`${SUMS} does not match the files`);
  console.log(`proto/ is complete: ${needed.size} files`);
}

const [mode, dir] = process.argv.slice(2);
try {
  if (mode === '--check') check(dir ?? HERE);
  else if (mode !== undefined) vendor(mode);
  else throw new Error('usage: vendor.mjs CRATE | --check [DIR]');
} catch (error) {
  console.error(`vendor.mjs: ${error.message}`);
  process.exitCode = 1;
}
