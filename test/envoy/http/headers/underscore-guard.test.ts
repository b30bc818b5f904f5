// The expressions by which the guard against underscores compares two sizes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { underscoreGuard } from '../../../../src/envoy/http/headers/underscore-guard.ts';

/** Of the guard's policy. RE2 reads digits, repetitions and choices as JavaScript does. */
function expressions(): readonly RegExp[] {
  const config = underscoreGuard().typed_config;
  if (config?.['@type'] !== 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC')
    throw new Error('no RBAC');
  const [policy] = Object.values(config.rules?.policies ?? {});
  const conditions = policy?.permissions?.[0]?.not_rule?.and_rules?.rules ?? [];
  return conditions.map(({ header }) => new RegExp(`^(?:${header?.string_match?.safe_regex?.regex})$`));
}

test('The guard takes two sizes for the same only when they are', () => {
  const all = expressions();
  assert.equal(all.length, 6);
  const areSame = (text: string): boolean => all.every((expression) => expression.test(text));
  const sizes = [...Array(1200).keys(), 4999, 9999, 10000, 10001, 32768, 49152, 99999];
  for (const size of sizes) {
    assert.ok(areSame(`${size},${size}`), String(size));
    for (const other of [1, 2, 3, 10, 90, 100, 900, 1000, 9000, 10000].flatMap((by) => [size - by, size + by]))
      if (other >= 0) assert.ok(!areSame(`${size},${other}`), `${size},${other}`);
  }
  for (const text of ['', ',', '5', '5,', ',5', '5,5,5', ' 5,5', '123456,123456']) assert.ok(!areSame(text), text);
});
