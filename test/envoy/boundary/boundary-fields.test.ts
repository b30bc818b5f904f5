// In every message of produced resources, every field that its proto defines and that is not set: the boundary check finds it.
// Must not: exempt a field; a shape can say in which context the field is allowed.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { checkBoundary } from '../../../src/envoy/boundary/checks/boundary-check.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import { MeshUnderTest } from '../pipeline.ts';
import { reflectedType } from '../proto/reflected-types.ts';
import { mesh } from './mutations/mutation.ts';

type Data = Readonly<Record<string, unknown>>;

/** One field that can be set: where, and the resource with it. */
interface Attempt {
  /** The path in the resource, with `*` for positions and keys. */
  readonly place: string;
  readonly message: string;
  readonly field: string;
  readonly resource: () => ResourceJson;
}

/** Messages that ProtoJSON writes in a form of their own. */
const OWN_JSON: Readonly<Record<string, unknown>> = {
  Duration: '1s',
  Timestamp: '2026-11-29T00:00:00Z',
  BoolValue: true,
  StringValue: 'x',
  Any: { '@type': 'type.googleapis.com/google.protobuf.Empty' },
};

/** A value of the field's type that is not its default. */
function sampleOf(field: protobuf.Field): unknown {
  const { resolvedType: type } = field.resolve();
  let one: unknown = field.type === 'string' ? 'x' : field.type === 'bool' ? true : field.type === 'bytes' ? 'eA==' : 1;
  if (type instanceof protobuf.Enum) one = Object.entries(type.values).find(([, number]) => number !== 0)?.[0];
  if (type instanceof protobuf.Type) {
    const isNumber = type.name.endsWith('Value') && type.fullName.startsWith('.google.protobuf.');
    const isOwn = type.fullName.startsWith('.google.protobuf.') && type.name in OWN_JSON;
    one = isOwn ? OWN_JSON[type.name] : isNumber ? 1 : {};
  }
  if (field instanceof protobuf.MapField) return { x: one };
  return field.repeated ? [one] : one;
}

/** Every field of this message and of those within it that is not set; `rebuild` makes the resource with another message here. */
function* attempts(
  type: protobuf.Type,
  value: Data,
  place: string,
  rebuild: (changed: Data) => ResourceJson,
): Generator<Attempt> {
  if (type.fullName.startsWith('.google.protobuf.') && type.name !== 'Any') return;
  if (type.name === 'Any') {
    const real = reflectedType(String(value['@type']));
    yield* fields(real, value, `${place}<${real.name}>`, rebuild);
  } else yield* fields(type, value, place, rebuild);
}

function* fields(
  real: protobuf.Type,
  value: Data,
  place: string,
  rebuild: (changed: Data) => ResourceJson,
): Generator<Attempt> {
  for (const field of real.fieldsArray) {
    const set = value[field.name];
    if (set === undefined) {
      const resource = (): ResourceJson => rebuild({ ...value, [field.name]: sampleOf(field) });
      yield { place, message: real.fullName.slice(1), field: field.name, resource };
      continue;
    }
    const { resolvedType: inner } = field.resolve();
    if (!(inner instanceof protobuf.Type)) continue;
    const here = `${place}.${field.name}`;
    const put = (changed: unknown): ResourceJson => rebuild({ ...value, [field.name]: changed });
    if (Array.isArray(set)) {
      for (const [index, item] of set.entries())
        yield* attempts(inner, item, `${here}.${kindOf(item)}`, (changed) => put(set.with(index, changed)));
    } else if (field instanceof protobuf.MapField) {
      for (const [key, item] of Object.entries(set as Data))
        yield* attempts(inner, item as Data, `${here}.*`, (changed) => put({ ...(set as Data), [key]: changed }));
    } else if (typeof set === 'object') {
      yield* attempts(inner, set as Data, here, put);
    }
  }
}

/** The chains of one listener have different forms, which their names begin with. */
function kindOf({ name }: { readonly name?: unknown }): string {
  return /^(?:peer|tcp)\//.exec(String(name))?.[0] ?? '*';
}

const folder = fileURLToPath(new URL('../../../../test/golden/', import.meta.url));
const golden = readdirSync(folder).map((name) => readFileSync(`${folder}${name}/config.yaml`, 'utf8'));
const meshes = [mesh, ...golden.map((yaml) => new MeshUnderTest(yaml))];

describe('a field that no builder sets', () => {
  for (const role of ['ingress', 'egress'] as const) {
    test(`The boundary check finds each one, in every kind of message of the ${role}`, (context) => {
      const tried = new Set<string>();
      const missed = new Set<string>();
      for (const under of meshes.filter(({ federation }) => federation[role] !== undefined)) {
        const resources = under.resources(role, ['gone']);
        const expected = under.expectation(role, ['gone']);
        checkBoundary(resources, expected);
        for (const [index, resource] of resources.entries()) {
          const type = resource['@type'];
          const kind = `${type.split('.').at(-1)} ${'name' in resource ? resource.name?.split('/')[0] : ''}`;
          const whole = attempts(reflectedType(type), resource as unknown as Data, kind, (changed) => changed as never);
          for (const { place, message, field, resource: changed } of whole) {
            const what = `${place}: ${field}`;
            if (tried.has(what)) continue;
            tried.add(what);
            if (!isFound(resources.with(index, changed()), expected)) missed.add(`${message}.${field} at ${place}`);
          }
        }
      }
      context.diagnostic(`${tried.size} fields tried`);
      assert.ok(tried.size > 700, `${tried.size} fields tried`);
      assert.deepEqual([...missed], []);
    });
  }
});

function isFound(resources: readonly ResourceJson[], expected: Parameters<typeof checkBoundary>[1]): boolean {
  try {
    checkBoundary(resources, expected);
    return false;
  } catch (error) {
    assert.match(String(error), /breaks [A-Z]/);
    return true;
  }
}
