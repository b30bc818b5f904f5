// The expression for a list of header names: it matches the names and families of the list, and nothing else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REMOVALS } from '../../../../src/envoy/http/headers/header-removals.ts';
import { nameExpression } from '../../../../src/envoy/http/headers/name-expression.ts';

/** Few letters, so that names share their beginnings. */
const NAME = fc.string({ unit: fc.constantFrom('a', 'b', '-', '$'), minLength: 1, maxLength: 6 });

test('An expression matches exactly the names of its list and what begins with one of its families', () => {
  fc.assert(
    fc.property(fc.array(NAME, { minLength: 1 }), fc.array(NAME), fc.array(NAME), (names, families, others) => {
      const expression = new RegExp(`^(?:${nameExpression([...names, ...families.map((name) => `${name}*`)])})$`);
      for (const name of [...names, ...families, ...families.map((family) => `${family}~x`), ...others]) {
        const isListed = names.includes(name) || families.some((family) => name.startsWith(family));
        assert.equal(expression.test(name), isListed, name);
      }
    }),
  );
});

test('An expression of all names that are removed needs no more than a tree of their letters', () => {
  const names = REMOVALS.flatMap((removal) => removal.names);
  assert.ok(nameExpression(names).length < names.join('|').length);
});
