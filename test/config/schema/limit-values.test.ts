// Limits: where each may be written, what each takes, and what a consumer has of its export.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { changed, configOf, GOOD, placeOf, placesAndCodes } from '../documents.ts';

const [PEER, EXPORT, CONSUMER, IMPORT] = ['    sni:', '  backend: withdraw', '    expires', '  port:'] as const;
const [INGRESS, EGRESS] = ['    address: 0.0', '    address: 127'] as const;

/** The good configuration with limits before a key, at the same indentation. */
function limited(before: string, limits: string, text = GOOD): string {
  const indent = ' '.repeat(before.length - before.trimStart().length);
  return changed(before, `${indent}limits: ${limits}\n${before}`, text);
}

const COUNTS: readonly (readonly [place: string, before: string, keys: readonly string[]])[] = [
  ['the ingress gateway', INGRESS, ['connections']],
  ['the egress gateway', EGRESS, ['connections']],
  ['a peer', PEER, ['requestsPerSecond', 'requests', 'connections']],
  ['an export', EXPORT, ['requestsPerSecond', 'requests', 'connections']],
  ['a consumer', CONSUMER, ['requestsPerSecond', 'requests', 'connections']],
  ['an import', IMPORT, ['requestsPerSecond', 'requests']],
];

for (const [place, before, keys] of COUNTS)
  describe(`limits of ${place}`, () => {
    for (const key of keys) {
      test(`The limit ${key} takes whole numbers from 1 to 1,000,000, and nothing else`, () => {
        for (const good of [1, 50, 1_000_000]) configOf(limited(before, `{${key}: ${good}}`));
        for (const [bad, code] of [
          ['0', 'INVALID_VALUE'],
          ['-1', 'INVALID_VALUE'],
          ['1000001', 'INVALID_VALUE'],
          ['1e99', 'INVALID_VALUE'],
          ['1.5', 'WRONG_TYPE'],
          ['.inf', 'WRONG_TYPE'],
          ['"50"', 'WRONG_TYPE'],
          ['true', 'WRONG_TYPE'],
          ['50/s', 'WRONG_TYPE'],
        ] as const) {
          const text = limited(before, `{${key}: ${bad}}`);
          const { line, column } = placeOf(text, `${bad}}`);
          assert.deepEqual(placesAndCodes(text), [`${line}:${column} ${code}`], bad);
        }
      });
    }

    test('An empty map of limits and an unknown limit are findings', () => {
      const code = (limits: string): readonly string[] =>
        placesAndCodes(limited(before, limits)).map((found) => found.split(' ')[1] ?? '');
      assert.deepEqual(code('{}'), ['EMPTY']);
      assert.deepEqual(code(''), ['EMPTY']);
      assert.deepEqual(code('{burst: 5}'), ['UNKNOWN_KEY']);
    });
  });

test('A size of a request body is a whole number of KiB, MiB or GiB', () => {
  for (const before of [EXPORT, CONSUMER, IMPORT]) {
    for (const good of ['1KiB', '64KiB', '10MiB', '1GiB', '1024GiB'])
      configOf(limited(before, `{requestBody: ${good}}`));
    for (const bad of ['0KiB', '0.5MiB', '10MB', '10 MiB', '10m', '-1KiB', '1025GiB', '999999999GiB']) {
      const text = limited(before, `{requestBody: ${bad}}`);
      const { line, column } = placeOf(text, `${bad}}`);
      assert.deepEqual(placesAndCodes(text), [`${line}:${column} INVALID_VALUE`], bad);
    }
    assert.match(placesAndCodes(limited(before, '{requestBody: 1024}'))[0] ?? '', /WRONG_TYPE$/);
  }
});

test('Connections of an HTTP import are a finding, because they are those of the egress gateway', () => {
  assert.match(placesAndCodes(limited(IMPORT, '{connections: 5}')).join(), /^\d+:\d+ INVALID_VALUE$/);
});

test('Limits of requests are a finding where the protocol is tcp, and connections are none', () => {
  const tcp = (limits: string): string => `
exports:
- {name: ledger, protocol: tcp, backend: "10.0.0.7:5432", limits: ${limits}, consumers: [{peer: partner, limits: ${limits}}]}
imports:
- {peer: partner, name: queue, as: queue, port: 5672, protocol: tcp, limits: ${limits}}
`;
  const head = GOOD.slice(0, GOOD.indexOf('exports:'));
  for (const limit of ['requestsPerSecond: 5', 'requests: 5', 'requestBody: 1MiB']) {
    const codes = placesAndCodes(head + tcp(`{${limit}}`)).map((found) => found.split(' ')[1]);
    assert.deepEqual(codes, ['NOT_FOR_TCP', 'NOT_FOR_TCP', 'NOT_FOR_TCP'], limit);
  }
  const { exports, imports } = configOf(head + tcp('{connections: 5}'));
  assert.deepEqual([exports[0]?.consumers[0]?.limits, imports[0]?.limits], [{ connections: 5 }, { connections: 5 }]);
});

test('A consumer has the limits of its export, where it has none of its own', () => {
  const text = limited(
    CONSUMER,
    '{requestsPerSecond: 5}',
    limited(EXPORT, '{requestsPerSecond: 50, requestBody: 2MiB}'),
  );
  const [withdraw, rates] = configOf(text).exports;
  assert.deepEqual(withdraw?.consumers[0]?.limits, { requestsPerSecond: 5, requestBody: 2 * 1024 * 1024 });
  assert.equal(rates?.consumers[0]?.limits, undefined);
});
