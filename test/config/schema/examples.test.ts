// What a hint shows as an example can be written where the hint says: the file is good with it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../../src/config/parse.ts';
import { changed, diagnose, GOOD } from '../documents.ts';

const codes = (text: string): readonly string[] => diagnose(text).map(({ code }) => code);

/** The example of the only finding. */
function exampleFor(text: string, code: string): string {
  const { findings } = parseConfig(text);
  assert.deepEqual(
    findings.map((finding) => finding.code),
    [code],
  );
  const [, example] = /(?:add|such as) (.+?)(?:, or .+)?$/.exec(findings[0]?.hint ?? '') ?? [];
  assert.ok(example, findings[0]?.hint);
  return example;
}

describe('examples in hints', () => {
  const missing: readonly (readonly [removed: string, indent: string])[] = [
    ['apiVersion: postern/v1\n', ''],
    ['mesh: {name: core, trustDomain: core.bank.example}\n', ''],
    ['    trustDomain: mesh.partner.example\n', '    '],
    ['    trustBundle: bundles/partner.pem\n', '    '],
    ['    gatewayIdentities: [gateway/egress, gateway/ingress]\n', '    '],
    ['  backend: withdraw.accounts.svc.cluster.local:8080\n', '  '],
    ['  as: quotes.default.svc.cluster.local\n', '  '],
    ['  port: 8080\n', '  '],
  ];
  for (const [removed, indent] of missing)
    test(`The example for ${removed.trim()} can be written in its place`, () => {
      const example = exampleFor(changed(removed, ''), 'MISSING_KEY');
      assert.deepEqual(codes(changed(removed, `${indent}${example}\n`)), []);
    });

  const wrong: readonly (readonly [written: string, instead: string])[] = [
    ['    gatewayIdentities: [gateway/egress, gateway/ingress]\n', '    gatewayIdentities: gateway/egress\n'],
    ['    - methods: [POST]\n', '    - methods: POST\n'],
  ];
  for (const [written, instead] of wrong)
    test(`The example for ${instead.trim()} can be written in its place`, () => {
      const example = exampleFor(changed(written, instead), 'WRONG_TYPE');
      const indent = /^[ -]*/.exec(instead)?.[0] ?? '';
      assert.deepEqual(codes(changed(written, `${indent}${example}\n`)), []);
    });

  test('For a consumer that is only a name, the example is the map of that consumer', () => {
    const one = /^ {2}consumers:\n[\s\S]*?(?=^- )/m.exec(GOOD)?.[0] ?? '';
    const example = exampleFor(GOOD.replace(one, '  consumers: [partner]\n'), 'WRONG_TYPE');
    assert.match(example, /^\{peer: partner, /);
    assert.deepEqual(codes(GOOD.replace(one, `  consumers: [${example}]\n`)), []);
  });

  test('A size and a duration without a unit are written with one', () => {
    const backend = '  backend: withdraw.accounts.svc.cluster.local:8080\n';
    for (const key of ['limits: {requestBody: 0}', 'timeouts: {request: 30}']) {
      const example = exampleFor(changed(backend, `${backend}  ${key}\n`), 'WRONG_TYPE');
      assert.deepEqual(codes(changed(backend, `${backend}  ${key.replace(/\{.*\}/, `{${example}}`)}\n`)), []);
    }
  });

  test('Beside a key that is there twice, all other findings are reported', () => {
    const text = changed('  port: 8080\n', '  port: 8080\n  port: 8081\n').replace(
      'paths: [/fx.Rates/*]',
      'paths: [fx]',
    );
    assert.deepEqual([...codes(`${text}spare: 1\n`)].sort(), ['INVALID_PATH', 'UNKNOWN_KEY', 'YAML_DUPLICATE_KEY']);
  });
});
