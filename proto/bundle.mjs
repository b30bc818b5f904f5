// Build step: every vendored .proto in one JSON file, dist/proto/xds.json, which loads in a third of the time.
// Of the options, only `deprecated` and Envoy's `(validate.rules)` are kept, the latter as objects: src/envoy/proto/pgv.ts reads them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const here = dirname(fileURLToPath(import.meta.url));
const KEPT = new Set([
  'deprecated',
  'packed',
  'proto3_optional',
  '(validate.rules)',
  '(validate.required)',
  '(validate.disabled)',
]);

export function loadProtos() {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => {
    if (!target.startsWith('google/protobuf/')) return join(here, target);
    return protobuf.common.get(target) === null ? join(here, '..', 'node_modules', 'protobufjs', target) : target;
  };
  root.loadSync('xds.proto', { keepCase: true });
  root.resolveAll();
  visit(root);
  return root;
}

function visit(object) {
  object.options = keptOptions(object);
  for (const child of [...(object.fieldsArray ?? []), ...(object.oneofsArray ?? []), ...(object.nestedArray ?? [])])
    visit(child);
}

function keptOptions(object) {
  const flat = Object.entries(object.options ?? {}).filter(([name]) => KEPT.has(name));
  const nested = (object.parsedOptions ?? [])
    .flatMap((option) => Object.entries(option))
    .filter(([name]) => KEPT.has(name));
  const kept = Object.fromEntries([...flat, ...nested]);
  return Object.keys(kept).length === 0 ? undefined : kept;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = join(here, '..', 'dist', 'proto');
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'xds.json'), JSON.stringify(loadProtos().toJSON({ keepComments: false })));
}
