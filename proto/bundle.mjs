// Build step: the messages and enums of every vendored .proto as one table, dist/proto/xds.json, which loads in a few milliseconds.
// src/envoy/proto/message-types.ts reads it. Of the options, only Envoy's `(validate.rules)` are kept: src/envoy/proto/pgv.ts checks them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const here = dirname(fileURLToPath(import.meta.url));

export function loadProtos() {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => {
    if (!target.startsWith('google/protobuf/')) return join(here, target);
    return protobuf.common.get(target) === null ? join(here, '..', 'node_modules', 'protobufjs', target) : target;
  };
  root.loadSync('xds.proto', { keepCase: true });
  root.resolveAll();
  return root;
}

/** What of a field, oneof or message an option says, whether protobufjs keeps the option flat or parsed. */
export function optionOf(object, name) {
  const parsed = (object.parsedOptions ?? []).find((option) => name in option);
  return parsed?.[name] ?? object.options?.[name];
}

/** The names of all messages and enums, with their fields and values; without those that only options hold, which are proto2. */
export function messageTable(root) {
  const messages = {};
  const enums = {};
  const visit = (namespace) => {
    for (const nested of namespace.nestedArray) {
      const name = nested.fullName.slice(1);
      if (/(descriptor|validate)\.proto$/.test(nested.filename ?? '')) continue;
      if (nested instanceof protobuf.Enum) enums[name] = nested.values;
      if (nested instanceof protobuf.Type) messages[name] = messageOf(nested);
      if (nested instanceof protobuf.Namespace) visit(nested);
    }
  };
  visit(root);
  markRuleless(messages);
  return { messages, enums };
}

/**
 * Marks the fields below which there is nothing to check: messages without a rule, and without an Any, whatever they hold.
 * The members of oneofs are not marked, because a oneof may ask for one of them.
 */
function markRuleless(messages) {
  const ruled = new Set(['google.protobuf.Any']);
  const fields = ({ fields }) => Object.values(fields);
  for (const [name, message] of Object.entries(messages))
    if (message.required !== undefined || fields(message).some(({ rules }) => rules !== undefined)) ruled.add(name);
  const isNewlyRuled = ([name, message]) =>
    !ruled.has(name) && fields(message).some(({ kind, type }) => kind === 'message' && ruled.has(type));
  for (let found = Object.entries(messages); found.length > 0; ) {
    found = Object.entries(messages).filter(isNewlyRuled);
    for (const [name] of found) ruled.add(name);
  }
  for (const field of Object.values(messages).flatMap(fields))
    if (field.kind === 'message' && !field.rules && !field.oneof && !ruled.has(field.type)) field.ruleless = true;
}

function messageOf(type) {
  const required = type.oneofsArray.filter((oneof) => optionOf(oneof, '(validate.required)') === true);
  return {
    fields: Object.fromEntries(type.fieldsArray.map((field) => [field.name, fieldOf(field)])),
    ...(required.length > 0 && { required: required.map(({ name }) => name) }),
  };
}

/** `presence` where an unset field and one that holds the default are two things. */
function fieldOf(field) {
  const { resolvedType } = field;
  const kind = resolvedType === null ? 'scalar' : resolvedType instanceof protobuf.Enum ? 'enum' : 'message';
  const rules = optionOf(field, '(validate.rules)');
  return {
    id: field.id,
    kind,
    type: resolvedType?.fullName.slice(1) ?? field.type,
    ...(field.map ? { key: field.keyType } : field.repeated && { repeated: true }),
    ...(field.repeated && field.packed && isPackable(field) && { packed: true }),
    ...(field.partOf && !field.options?.proto3_optional && { oneof: field.partOf.name }),
    ...(!field.map && !field.repeated && field.hasPresence && { presence: true }),
    ...(rules && { rules }),
  };
}

function isPackable({ resolvedType, type }) {
  return resolvedType === null ? protobuf.types.packed[type] !== undefined : resolvedType instanceof protobuf.Enum;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = join(here, '..', 'dist', 'proto');
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'xds.json'), JSON.stringify(messageTable(loadProtos())));
}
