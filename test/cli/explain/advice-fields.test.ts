// Advice for a line speaks of fields that this line can have, and of whom it is about: each gateway's own formats say which codes and
// fields a line of each layer has.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { adviceFor } from '../../../src/cli/explain/line-advice.ts';
import { parseLogLine } from '../../../src/cli/explain/log-line.ts';
import { REASONS, type ReasonCode } from '../../../src/envoy/reasons.ts';
import { MeshUnderTest } from '../../envoy/pipeline.ts';

interface Format {
  readonly gateway: string;
  readonly layer: string;
  readonly fields: readonly string[];
  readonly reasons: readonly ReasonCode[];
}

function codesIn(reason: string, gateway: string, isGate: boolean): readonly ReasonCode[] {
  if (Object.hasOwn(REASONS, reason)) return [reason as ReasonCode];
  // What a chain without a way on says in its metadata.
  if (reason.startsWith('%METADATA'))
    return gateway.endsWith('/ingress') ? ['WRONG_IDENTITY'] : isGate ? ['CLIENT', 'PEER_DENIED'] : ['PEER_DENIED'];
  const quoted = [...reason.matchAll(/'([A-Z_]+)'/g)].map(([, code = '']) => code);
  return quoted.filter((code): code is ReasonCode => Object.hasOwn(REASONS, code));
}

/** Every object with this key, however deep. */
function under(value: unknown, key: string): readonly Readonly<Record<string, string>>[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => [
    ...(name === key ? [item as Readonly<Record<string, string>>] : []),
    ...under(item, key),
  ]);
}

const golden = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../../test/golden/${name}/config.yaml`, import.meta.url)), 'utf8');
const formats: readonly Format[] = ['several-peers', 'tcp', 'proven-callers', 'shortest-import', 'workloads'].flatMap(
  (name) => {
    const mesh = new MeshUnderTest(golden(name));
    const all = [mesh.federation.ingress && 'ingress', mesh.federation.egress && 'egress'] as const;
    const roles = all.filter((role) => role !== undefined);
    return roles
      .flatMap((role) => under(mesh.resources(role), 'json_format'))
      .map(({ gateway = '', layer = '', reason = '', ...others }) => ({
        gateway,
        layer,
        reasons: codesIn(reason, gateway, 'peer_uri' in others),
        fields: ['ts', 'gateway', 'layer', 'reason', ...Object.keys(others)],
      }));
  },
);
const KNOWN = new Set(formats.flatMap(({ fields }) => fields));

/** In backticks as a field of the line; a word that is a key of the YAML as well, only where it says so. */
function fieldsIn(text: string): readonly string[] {
  const words = [...text.matchAll(/`([a-z_]+)`( there)?( (?:of|in) the line)?/g)];
  return words
    .filter(([, word = '', there, ofLine]) => there === undefined && (word.includes('_') || ofLine !== undefined))
    .map(([, word = '']) => word);
}

function advised({ gateway, layer, fields }: Format, reason: ReasonCode): readonly string[] {
  const values = Object.fromEntries(fields.map((field) => [field, 'x']));
  const line = { ...values, ts: '2026-11-29T12:00:00Z', gateway, layer, reason };
  return Object.values(adviceFor(parseLogLine(JSON.stringify(line))));
}

describe('advice for the lines that gateways write', () => {
  test('The formats of both gateways have a line of each layer', () => {
    const kinds = new Set(formats.map(({ gateway, layer }) => `${gateway.split('/')[1]} ${layer}`));
    const expected = ['egress http', 'egress listener', 'egress tcp', 'egress tunnel'];
    assert.deepEqual([...kinds].sort(), [...expected, 'ingress http', 'ingress listener', 'ingress tcp']);
  });

  test('Advice names a field only where a line with this code has it', () => {
    for (const format of formats)
      for (const reason of format.reasons)
        for (const field of advised(format, reason).flatMap(fieldsIn)) {
          assert.ok(KNOWN.has(field), `${reason}: no line has ${field}`);
          assert.ok(format.fields.includes(field), `${format.gateway} ${format.layer} ${reason}: no ${field}`);
        }
  });

  test('No egress is told of strangers that dial it', () => {
    for (const format of formats.filter(({ gateway }) => gateway.endsWith('/egress')))
      for (const reason of format.reasons)
        assert.doesNotMatch(advised(format, reason).join(' '), /scanner|stranger/i, `${format.layer} ${reason}`);
  });

  test('A server name that is not known is the own mistake of who asks for it', () => {
    const at = (gateway: string, layer: string): readonly string[] =>
      advised({ gateway, layer, fields: ['peer'], reasons: [] }, 'UNKNOWN_SERVER_NAME');
    assert.notDeepEqual(at('bank/ingress', 'listener'), at('bank/egress', 'tunnel'));
    assert.deepEqual(at('bank/egress', 'tcp'), at('bank/egress', 'tunnel'));
  });
});
