// The expressions by which the guard against underscores compares two sizes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../../src/envoy/draft.ts';
import { underscoreGuard } from '../../../../src/envoy/http/headers/underscore-guard.ts';

type Predicate = Message<'xds.type.matcher.v3.Matcher.MatcherList.Predicate'>;

/** By which the guard is skipped: all of the first kind, none of the second. RE2 reads digits, repetitions and choices as JavaScript does. */
function expressions(): Readonly<Record<'all' | 'none', readonly RegExp[]>> {
  const config = underscoreGuard().typed_config;
  if (config?.['@type'] !== 'type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher')
    throw new Error('no question');
  const asked = config.xds_matcher?.matcher_list?.matchers?.[0]?.predicate?.and_matcher?.predicate ?? [];
  const whole = (predicate: Predicate | undefined): readonly RegExp[] => {
    const regex = predicate?.single_predicate?.value_match?.safe_regex?.regex;
    return regex === undefined ? [] : [new RegExp(`^(?:${regex})$`)];
  };
  return { all: asked.flatMap(whole), none: asked.flatMap(({ not_matcher: not }) => whole(not)) };
}

test('The guard takes two sizes for the same only when they are', () => {
  const { all, none } = expressions();
  assert.deepEqual([all.length, none.length], [1, 2]);
  const areSame = (text: string): boolean =>
    all.every((expression) => expression.test(text)) && !none.some((expression) => expression.test(text));
  const sizes = [...Array(1200).keys(), 4999, 9999, 10000, 10001, 32768, 49152, 99999];
  for (const size of sizes) {
    assert.ok(areSame(`${size},${size}`), String(size));
    for (const other of [1, 2, 3, 10, 90, 100, 900, 1000, 9000, 10000].flatMap((by) => [size - by, size + by]))
      if (other >= 0) assert.ok(!areSame(`${size},${other}`), `${size},${other}`);
  }
  for (const text of ['', ',', '5', '5,', ',5', '5,5,5', ' 5,5', '123456,123456']) assert.ok(!areSame(text), text);
});
