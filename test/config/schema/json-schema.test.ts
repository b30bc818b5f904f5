// The JSON Schema for editors: fresh, and of one mind with the parser as far as JSON Schema can say it.
// UPDATE_GOLDEN=1 writes deploy/config.schema.json anew.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { parseConfig } from '../../../src/config/parse.ts';
import { jsonSchema, jsonSchemaText } from '../../../src/config/schema/json-schema.ts';
import { changed, GOOD } from '../documents.ts';
import { KINDS, type Kind, mutated } from '../mutations/mutation.ts';
import { type JsonSchema, misfits } from './json-schema-check.ts';

const DEPLOY = fileURLToPath(new URL('../../../../deploy/', import.meta.url));
const FILE = join(DEPLOY, 'config.schema.json');

function misfitsOf(text: string): readonly string[] {
  return misfits(jsonSchema() as JsonSchema, parse(text));
}

test('The file deploy/config.schema.json is what `postern schema` prints', () => {
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(FILE, jsonSchemaText());
  assert.equal(readFileSync(FILE, 'utf8'), jsonSchemaText());
  assert.equal((jsonSchema() as JsonSchema)['$schema'], 'http://json-schema.org/draft-07/schema#');
});

describe('the schema takes', () => {
  for (const name of readdirSync(join(DEPLOY, 'examples')).filter((file) => file.endsWith('.yaml'))) {
    test(`The JSON Schema takes the example ${name}`, () => {
      assert.deepEqual(misfitsOf(readFileSync(join(DEPLOY, 'examples', name), 'utf8')), []);
    });
  }

  test('The JSON Schema takes short and long forms', () => {
    assert.deepEqual(misfitsOf(GOOD), []);
    for (const [from, to] of [
      ['bundles/partner.pem', '{file: bundles/partner.pem}'],
      [
        '  protocol: grpc\n  consumers:\n  - peer: partner\n    paths: [/fx.Rates/*]\n',
        '  protocol: tcp\n  consumers:\n  - peer: partner\n',
      ],
      ['withdraw.accounts.svc.cluster.local:8080', '["[::1]:80", b:2]'],
      ['    allow:\n    - methods: [POST]\n      paths: ', '    methods: [POST]\n    paths: '],
      [
        'issuer: {certificate: pki/ca.pem, privateKey: pki/ca-key.pem, lifetime: 24h}',
        'files: {certificate: /etc/a.pem, privateKey: /etc/b.pem}',
      ],
    ] as const) {
      const text = changed(from, to);
      assert.ok(parseConfig(text).config, to);
      assert.deepEqual(misfitsOf(text), [], to);
    }
  });
});

describe('the schema refuses', () => {
  for (const [from, to, path] of [
    ['postern/v1', 'postern/v2', '/apiVersion'],
    ['trustBundle:', 'trustBundel:', '/peers/partner/trustBundel'],
    ['  port: 8080\n', '', '/imports/0/port'],
    ['[ecdsa]', '[]', '/peers/partner/leafKeys'],
    ['[POST]', '[TRACE]', '/exports/0/consumers/0/allow/0/methods/0'],
    ['[/v1/withdrawals', '[v1', '/exports/0/consumers/0/allow/0/paths/0'],
    ['8080\n  protocol: http\n  consumers', '8080\n  protocol: tcp\n  consumers', '/exports/0/consumers/0/allow'],
    ['8080\n  protocol: http\n  upgrades', '8080\n  protocol: tcp\n  upgrades', '/imports/0/timeouts'],
    ['8080\n  protocol: http\n  upgrades', '8080\n  protocol: tcp\n  upgrades', '/imports/0/upgrades'],
    ['8080\n  protocol: http\n  consumers', '8080\n  protocol: udp\n  consumers', '/exports/0/protocol'],
    [
      '8080\n  protocol: http\n  consumers',
      '8080\n  protocol: tcp\n  requestBodies: standard\n  consumers',
      '/exports/0/requestBodies',
    ],
    ['clients: plaintext', 'clients: tls', '/gateways/egress/clients'],
    ['  port: 8080', '  port: 8080\n  clients: [ns/*/sa]', '/imports/0/clients/0'],
    ['  port: 8080', '  port: 8080\n  split: {local: 1}', '/imports/0/split'],
    ['    sni:', '    limits: {}\n    sni:', '/peers/partner/limits'],
    ['withdraw.accounts.svc.cluster.local:8080', '{address: "a:1", tls: mtls}', '/exports/0/backend'],
    ['    paths: [/fx.Rates/*]\n', '', '/exports/1/consumers/0'],
    ['  partner:', '  Partner:', '/peers/Partner'],
    ['lifetime: 24h}', 'lifetime: 24h}\n  files: {certificate: /a, privateKey: /b}', '/identity'],
    ['port: 8080', 'port: 65536', '/imports/0/port'],
  ] as const) {
    test(`The JSON Schema refuses ${JSON.stringify(to || `a text without ${from}`)} at ${path}`, () => {
      assert.ok(misfitsOf(changed(from, to)).includes(path), misfitsOf(changed(from, to)).join());
    });
  }
});

test('The JSON Schema refuses nothing that the parser takes', () => {
  for (const kind of Object.keys(KINDS) as Kind[]) {
    for (let seed = 5000; seed < 5250; seed += 1) {
      const text = mutated(GOOD, kind, seed);
      if (parseConfig(text).config !== undefined) assert.deepEqual(misfitsOf(text), [], text);
    }
  }
});

test('Every key of the JSON Schema has a description', () => {
  const bare: string[] = [];
  const look = (schema: JsonSchema, path: string): void => {
    const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
    for (const [key, member] of Object.entries(properties)) {
      if (typeof member['description'] !== 'string') bare.push(`${path}/${key}`);
      look(member, `${path}/${key}`);
    }
    for (const inner of [
      schema['items'],
      schema['additionalProperties'],
      ...((schema['anyOf'] ?? []) as JsonSchema[]),
    ]) {
      if (typeof inner === 'object' && inner !== null) look(inner as JsonSchema, path);
    }
  };
  look(jsonSchema() as JsonSchema, '');
  assert.deepEqual(bare, []);
});
