// Envoy's own validation rules: each kind that its protos use has a value that breaks it and one that does not (pgv-cases.ts).
// A kind without a case fails here.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type EncodedResource, encodeMessage } from '../../../src/envoy/proto/codec.ts';
import { messageNames, messageType, NO_RULES } from '../../../src/envoy/proto/message-types.ts';
import { checkResource, type RuleViolation, ruleViolations } from '../../../src/envoy/proto/pgv.ts';
import { violates } from '../../../src/envoy/proto/pgv-rules.ts';
import { validate } from '../real-envoy.ts';
import { BOOTSTRAP, CASES, CLUSTER, UNBREAKABLE } from './pgv-cases.ts';

function encoded(type: string, json: unknown): EncodedResource {
  return { typeUrl: `type.googleapis.com/${type}`, name: 'x', body: encodeMessage(type, json) };
}

/** These change what other rules ask for. */
const MODIFIERS = /\.(strict|ignore_empty|skip)$/;

const violationsOf = (type: string, json: unknown): readonly RuleViolation[] => ruleViolations(encoded(type, json));

/** The kinds of rules that stand in the protos: `string.min_len`, `repeated.items.uint32.lt`, `oneof.required`. */
function kindsInProtos(): ReadonlySet<string> {
  const kinds = messageNames()
    .map(messageType)
    .flatMap(({ fields, required }) => [
      ...fields.flatMap(({ rules }) => kindsIn(rules)),
      ...(required.length > 0 ? ['oneof.required'] : []),
    ]);
  return new Set(kinds);
}

function kindsIn(rules: object, at = ''): readonly string[] {
  return Object.entries(rules).flatMap(([kind, rule]) =>
    Object.entries(rule as object).flatMap(([name, bound]) =>
      name === 'items' || name === 'keys'
        ? kindsIn(bound as object, `${at}${kind}.${name}.`)
        : [`${at}${kind}.${name}`],
    ),
  );
}

describe('each kind of rule', () => {
  for (const [rule, { type, path, bad, good }] of CASES) {
    test(`The check finds a value that breaks ${rule}, and nothing else`, () => {
      const found = violationsOf(type, bad);
      assert.deepEqual([...new Set(found.map((violation) => violation.path))], [path]);
      const names = new Set(found.map((violation) => violation.rule));
      assert.ok(MODIFIERS.test(rule) || names.has(rule.replace('oneof.', '')), [...names].join(', '));
      assert.deepEqual(violationsOf(type, good), []);
    });
  }

  test('A message that the check does not read has no rule, and none is in any message that it may hold', () => {
    const unread = messageNames()
      .flatMap((name) => messageType(name).fields)
      .filter(({ ruleless }) => ruleless);
    assert.ok(unread.length > 200, `only ${unread.length}`);
    const held = new Set(unread.map(({ type }) => type));
    for (const name of held)
      for (const field of messageType(name).fields) if (field.kind === 'message') held.add(field.type);
    const wrong = [...held].filter((name) => {
      const { fields, required } = messageType(name);
      return name === 'google.protobuf.Any' || required.length > 0 || fields.some(({ rules }) => rules !== NO_RULES);
    });
    assert.deepEqual(wrong, []);
    assert.deepEqual(
      unread.filter(({ rules, oneof }) => rules !== NO_RULES || oneof !== undefined),
      [],
    );
  });

  test('Every kind of rule of the protos has a case here', () => {
    const used = kindsInProtos();
    assert.ok(used.size > 50);
    assert.deepEqual(
      [...used].filter((kind) => !CASES.has(kind) && !UNBREAKABLE.has(kind)),
      [],
    );
    assert.deepEqual(
      [...CASES.keys()].filter((kind) => !used.has(kind)),
      [],
    );
  });

  test('An unknown kind of rule throws, because a skipped rule would be a silent pass', () => {
    const field = messageType(CLUSTER).named.get('name');
    const list = messageType(CLUSTER).named.get('health_checks');
    assert.ok(field && list);
    for (const rules of [
      ...[{ string: { email: true } }, { string: { well_known_regex: 'URI' } }, { uint32: { multiple_of: 2 } }],
      ...[{ bytes: { prefix: 'a' } }, { timestamp: { gt_now: true } }, { nonsense: { a: 1 } }],
    ])
      assert.throws(() => violates(rules, { value: 'a\u0001', set: true, field }), JSON.stringify(rules));
    for (const rules of [
      { repeated: { ignore_empty: true } },
      { map: { no_sparse: true } },
      { duration: { within: {} } },
    ])
      assert.throws(() => violates(rules, { value: [], set: true, field: list }), JSON.stringify(rules));
  });

  for (const [rule, { type, bad, good }] of CASES) {
    if (type !== CLUSTER && type !== BOOTSTRAP) continue;
    test(`Envoy agrees on ${rule}`, async () => {
      const bootstrap = (json: unknown): string =>
        JSON.stringify(
          type === BOOTSTRAP ? json : { static_resources: { clusters: [{ name: 'a', ...(json as object) }] } },
        );
      assert.notEqual(await validate(bootstrap(bad)), '');
      assert.equal(await validate(bootstrap(good)), '');
    });
  }
});

describe('where the rules are looked for', () => {
  const inAny = (typed: object): unknown => ({ name: 'a', typed_extension_protocol_options: { x: typed } });
  const OPTIONS = 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

  test('Rules are checked in lists, in maps and inside an Any, with the path of the field', () => {
    const endpoint = (port: number): unknown => ({
      endpoint: { address: { socket_address: { address: 'a', port_value: port } } },
    });
    const assignment = { cluster_name: 'a', endpoints: [{ lb_endpoints: [endpoint(1), endpoint(70000)] }] };
    assert.deepEqual(violationsOf(CLUSTER, { name: 'a', load_assignment: assignment }), [
      {
        path: 'load_assignment.endpoints.lb_endpoints[1].endpoint.address.socket_address.port_value',
        rule: 'uint32.lte',
      },
    ]);
    const inside = inAny({ '@type': OPTIONS, explicit_http_config: {} });
    assert.deepEqual(violationsOf(CLUSTER, inside), [
      { path: 'typed_extension_protocol_options.explicit_http_config.protocol_config', rule: 'required' },
    ]);
  });

  test('An Any without a type is a violation, because its content is lost', () => {
    assert.deepEqual(violationsOf(CLUSTER, inAny({ explicit_http_config: {} })), [
      { path: 'typed_extension_protocol_options', rule: 'any.type_url' },
    ]);
    assert.throws(() => ruleViolations(encoded(CLUSTER, inAny({ '@type': OPTIONS.split('/')[1], auto_config: {} }))), {
      code: 'RESOURCE_INVALID',
    });
  });

  test('Every violation is found, not only the first', () => {
    const found = violationsOf(CLUSTER, { connect_timeout: '0s', lb_policy: 99 });
    assert.deepEqual(found.map(({ path }) => path).sort(), ['connect_timeout', 'lb_policy', 'name']);
  });
});

test('A resource that breaks a rule is RESOURCE_INVALID, with its name and the field, without the value', () => {
  checkResource(encoded(CLUSTER, { name: 'a', connect_timeout: '1s' }));
  const header = { header: { key: 'TOP\nSECRET' } };
  const check = { path: '/', request_headers_to_add: [header] };
  const bad = { name: 'a', health_checks: [{ http_health_check: check }] };
  assert.throws(
    () => checkResource(encoded(CLUSTER, bad)),
    (error: Error & { readonly code?: string }) => {
      assert.equal(error.code, 'RESOURCE_INVALID');
      assert.ok(error.message.includes('Cluster x: '));
      assert.ok(error.message.includes('health_checks'));
      assert.doesNotMatch(error.message, /TOP|SECRET/);
      return true;
    },
  );
});
