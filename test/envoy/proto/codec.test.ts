// Strict ProtoJSON: what is refused, what the bytes are by the judgement of another reader, and what errors never say.
// The other reader: @grpc/proto-loader, which shares our one copy of protobufjs. (codec-on-envoy.test.ts has a third.)

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import { decodeMessage, decodeResource, encodeMessage, encodeResource } from '../../../src/envoy/proto/codec.ts';
import { messageType } from '../../../src/envoy/proto/message-types.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import { mesh } from '../boundary/mutations/mutation.ts';

const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const SECRET = 'envoy.extensions.transport_sockets.tls.v3.Secret';
const LIMIT = 'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig';
const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';
const OPTIONS = 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const INVALID = { name: 'PosternError', code: 'RESOURCE_INVALID' };

const again = (type: string, json: unknown): unknown => decodeMessage(type, encodeMessage(type, json));
const options = (value: unknown): unknown => ({ typed_extension_protocol_options: { one: value } });

describe('what is not of the schema is refused', () => {
  const refused: Readonly<Record<string, readonly [string, unknown]>> = {
    'an unknown field': [CLUSTER, { nmae: 'a' }],
    'an unknown field far inside': [
      CLUSTER,
      { load_assignment: { endpoints: [{ lb_endpoints: [{ endpiont: {} }] }] } },
    ],
    'an unknown field inside an Any': [CLUSTER, options({ '@type': OPTIONS, nope: 1 })],
    'an Any of an unknown type': [CLUSTER, options({ '@type': 'type.googleapis.com/envoy.no.Such' })],
    'one field under both of its names': [CLUSTER, { connect_timeout: '1s', connectTimeout: '1s' }],
    'a number for a string': [CLUSTER, { name: 5 }],
    'a string for a boolean': [CLUSTER, { ignore_health_on_host_removal: 'true' }],
    'an object for a list': [CLUSTER, { health_checks: {} }],
    'a list for an object': [CLUSTER, { load_assignment: [] }],
    'null in a list': [CLUSTER, { health_checks: [null] }],
    'a list for a message': [CLUSTER, []],
    'null for a message': [CLUSTER, null],
    'nothing for a message': [CLUSTER, undefined],
    'an enum value that there is not': [CLUSTER, { type: 'EDSS' }],
    'an enum value in lower case': [CLUSTER, { type: 'eds' }],
    'a fraction for an enum': [CLUSTER, { type: 0.5 }],
    'two members of one oneof': [SECRET, { tls_certificate: { private_key: { inline_string: 'a', filename: 'b' } } }],
    'two members of one oneof of messages': [CLUSTER, { type: 'EDS', cluster_type: { name: 'x' } }],
    'a Duration without its unit': [CLUSTER, { connect_timeout: '5' }],
    'a Duration in minutes': [CLUSTER, { connect_timeout: '5m' }],
    'a Duration as a number': [CLUSTER, { connect_timeout: 5 }],
    'a Duration as the message that it is': [CLUSTER, { connect_timeout: { seconds: 5 } }],
    'a Duration of ten decimals': [CLUSTER, { connect_timeout: '1.1234567891s' }],
    'a Duration of more than ten thousand years': [CLUSTER, { connect_timeout: '315576000001s' }],
    'a wrapper as the message that it is': [CLUSTER, { per_connection_buffer_limit_bytes: { value: 5 } }],
    'a negative number for a uint32': [CLUSTER, { per_connection_buffer_limit_bytes: -1 }],
    'a number too large for a uint32': [CLUSTER, { per_connection_buffer_limit_bytes: 2 ** 32 }],
    'a fraction for an int64': [LIMIT, { max_active_downstream_connections: 1.5 }],
    'a number too large for an int64': [LIMIT, { max_active_downstream_connections: '9223372036854775808' }],
    'a word for an int64': [LIMIT, { max_active_downstream_connections: 'many' }],
    'bytes that are not base64': [SECRET, { tls_certificate: { private_key: { inline_bytes: '####' } } }],
    'half a surrogate pair': [CLUSTER, { name: '\ud800' }],
    'a message type that there is not': ['envoy.config.cluster.v3.Clutser', {}],
  };
  for (const [what, [type, json]] of Object.entries(refused)) {
    test(`The codec refuses ${what}`, () => {
      assert.throws(() => encodeMessage(type, json), INVALID);
    });
  }

  test('A resource of an unknown type or without a name is refused', () => {
    const resource = (json: object): ResourceJson => json as ResourceJson;
    assert.throws(() => encodeResource(resource({ '@type': 'type.googleapis.com/no.Such', name: 'x' })), INVALID);
    assert.throws(() => encodeResource(resource({ '@type': `type.googleapis.com/${CLUSTER}` })), INVALID);
    assert.throws(() => encodeResource(resource({ '@type': `type.googleapis.com/${CLUSTER}`, name: '' })), INVALID);
  });

  test('Bytes that are not of the type, or whose type is unknown, are refused', () => {
    for (const bytes of [[0x0a, 0x05, 0x01], [0xff, 0xff, 0xff], [0x0f]])
      assert.throws(() => decodeResource(`type.googleapis.com/${CLUSTER}`, Buffer.from(bytes)), INVALID);
    assert.throws(() => decodeResource('type.googleapis.com/no.Such', Buffer.alloc(0)), INVALID);
  });
});

test('An error names resource, type and field, and never quotes a value, which may be a private key', () => {
  const pem = `-----BEGIN ${'PRIVATE'} KEY-----\nTOPSECRET\n`;
  const key = (value: unknown): ResourceJson =>
    ({
      '@type': `type.googleapis.com/${SECRET}`,
      name: 'cert/shop',
      tls_certificate: value,
    }) as unknown as ResourceJson;
  for (const wrong of [
    ...[pem, 'TOPSECRET', [pem], { private_key: pem }, { private_key: 'TOPSECRET' }, { private_key: ['TOPSECRET'] }],
    { private_key: { inline_string: ['TOPSECRET'] } },
    { private_key: { inline_bytes: { TOPSECRET: 1 } } },
    { private_key: { inline_bytes: '#TOPSECRET: TOPSECRET: TOPSECRET#' } },
    { private_key: { filename: 7, inline_string: 'TOPSECRET' }, password: { inline_bytes: ['TOPSECRET: x: y'] } },
  ]) {
    assert.throws(
      () => encodeResource(key(wrong)),
      (error: Error) => {
        assert.match(error.message, /^Secret cert\/shop: ./);
        assert.doesNotMatch(error.message, /TOPSECRET|-----/, error.message);
        return true;
      },
    );
  }
  assert.throws(() => encodeMessage(CLUSTER, { nmae: 'a' }), /Cluster: unknown field: "nmae"/);
  assert.throws(() => encodeMessage(CLUSTER, { type: 'EDSS' }), /Cluster\.type: unknown enum value: "EDSS"/);
});

describe('what is of the schema comes back as it was', () => {
  const kept: Readonly<Record<string, readonly [string, unknown]>> = {
    'the largest int64, which is no JavaScript number': [
      LIMIT,
      { max_active_downstream_connections: '9223372036854775807' },
    ],
    'Durations to the nanosecond, and below zero': [
      CLUSTER,
      { connect_timeout: '0.000000001s', cleanup_interval: '-1.500s' },
    ],
    'a wrapped zero, which is not the same as nothing': [CLUSTER, { per_connection_buffer_limit_bytes: 0 }],
    'a wrapped false': [CLUSTER, { health_checks: [{ reuse_connection: false }] }],
    'bytes as base64': [SECRET, { name: 's', tls_certificate: { private_key: { inline_bytes: 'AP/+' } } }],
    'a Struct with every kind of value': [
      CLUSTER,
      { metadata: { filter_metadata: { a: { b: [true, null, 's', -1.5, { c: {} }], d: [] } } } },
    ],
    'an Any inside an Any’s message': [
      BOOTSTRAP,
      {
        static_resources: {
          clusters: [
            options({
              '@type': OPTIONS,
              explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 100 } },
            }),
          ],
        },
      },
    ],
    'text of any script': [CLUSTER, { name: 'ключ 🔑 \u0000' }],
  };
  for (const [what, [type, json]] of Object.entries(kept)) {
    test(`The codec returns ${what} unchanged`, () => {
      assert.deepEqual(again(type, json), json);
    });
  }

  test('The other spellings of ProtoJSON encode to the same bytes', () => {
    const same = (a: unknown, b: unknown, type = CLUSTER): void => {
      assert.deepEqual(encodeMessage(type, a), encodeMessage(type, b));
    };
    same({ connectTimeout: '1.5s' }, { connect_timeout: '1.500s' });
    same({ type: 3 }, { type: 'EDS' });
    same({ per_connection_buffer_limit_bytes: '5' }, { per_connection_buffer_limit_bytes: 5 });
    same({ name: null, lb_policy: 'ROUND_ROBIN' }, {});
    same({ max_active_downstream_connections: '9' }, { max_active_downstream_connections: 9 }, LIMIT);
  });

  test('The same content encodes to the same bytes, in whatever order it was written', () => {
    const ordered = (names: readonly string[]): Buffer =>
      encodeMessage(CLUSTER, {
        ...Object.fromEntries(names.map((name) => [name, { name: 'x', connect_timeout: '1s', type: 'EDS' }[name]])),
        metadata: { filter_metadata: Object.fromEntries(names.map((name) => [name, { [name]: 1, a: 2, Z: 3 }])) },
        typed_extension_protocol_options: Object.fromEntries(
          names.map((name) => [name, { '@type': OPTIONS, use_downstream_protocol_config: {} }]),
        ),
      });
    const names = ['name', 'connect_timeout', 'type'];
    assert.deepEqual(ordered([...names].reverse()), ordered(names));
  });
});

describe('proto-loader, the second reader', () => {
  const definitions = loadSync('xds.proto', {
    includeDirs: [fileURLToPath(new URL('../../../../proto', import.meta.url))],
    keepCase: true,
    longs: String,
    enums: String,
  });
  const reader = (typeUrl: string): MessageTypeDefinition<object, object> => {
    const found = definitions[typeUrl.slice(typeUrl.lastIndexOf('/') + 1)];
    assert.ok(found !== undefined && 'serialize' in found, typeUrl);
    return found as MessageTypeDefinition<object, object>;
  };

  test('The package proto-loader uses the one copy of protobufjs that package.json names', () => {
    const ours = createRequire(import.meta.url);
    const theirs = createRequire(ours.resolve('@grpc/proto-loader'));
    assert.equal(theirs.resolve('protobufjs'), ours.resolve('protobufjs'));
    const { version } = ours('protobufjs/package.json') as { readonly version: string };
    const manifest = ours(fileURLToPath(new URL('../../../../package.json', import.meta.url))) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    assert.equal(version, manifest.dependencies['protobufjs']);
    assert.match(version, /^8\./);
  });

  test('The package proto-loader reads the values that were written', () => {
    const body = encodeMessage(CLUSTER, {
      name: 'a',
      type: 'EDS',
      connect_timeout: '1.5s',
      per_connection_buffer_limit_bytes: 0,
    });
    assert.deepEqual(JSON.parse(JSON.stringify(reader(CLUSTER).deserialize(body))), {
      name: 'a',
      type: 'EDS',
      connect_timeout: { seconds: '1', nanos: 500_000_000 },
      per_connection_buffer_limit_bytes: {},
    });
  });

  for (const role of ['ingress', 'egress'] as const) {
    test(`The package proto-loader reads every resource of the ${role} and writes the same bytes again`, () => {
      const resources = mesh.resources(role, ['gone']);
      assert.ok(resources.length > 5);
      for (const resource of resources) {
        const { typeUrl, name, body } = encodeResource(resource);
        const { serialize, deserialize } = reader(typeUrl);
        assert.deepEqual(serialize(deserialize(body)), body, name);
        assert.deepEqual(encodeResource(decodeResource(typeUrl, body)).body, body, name);
      }
    });
  }

  test('The package proto-loader knows every message that the codec knows', () => {
    for (const typeUrl of Object.keys(definitions).filter((name) => 'serialize' in (definitions[name] ?? {})))
      if (typeUrl.startsWith('envoy.')) assert.equal(messageType(typeUrl).name, typeUrl);
  });
});
