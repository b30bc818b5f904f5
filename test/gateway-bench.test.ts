// The bench of the gateways: that it measures what is served, and keeps the other bench's results.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bankAndShop } from '../bench/gateways/bank-and-shop.ts';
import { inPlace, ourSettings } from '../bench/gateways/envoys.ts';
import { PIECES } from '../bench/gateways/pieces.ts';
import { withEngine, withGateways } from '../bench/sections.ts';

test('Every piece whose share is measured is in the configuration that is served, and is left out without any other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-test-'));
  try {
    const backends = { web: 1, api: 2, rates: 3, ledger: 4 };
    const served = await bankAndShop(folder, { ingress: 5, http: 6, tcp: 7, backends });
    for (const { name, roles, without } of PIECES)
      for (const role of roles) {
        const whole = { resources: inPlace(served[role]), settings: ourSettings(role) };
        const left = without(whole);
        assert.notDeepEqual(left, whole, name);
        assert.equal(left.resources.listeners.length, whole.resources.listeners.length, name);
        assert.match(JSON.stringify(left.resources), /envoy\.filters\.http\.router/, name);
      }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('Each bench writes its part of the results and keeps the part of the other', () => {
  const both = withGateways('# Results\n\nengine 1\n', '# Gateways\n\n1');
  assert.equal(withEngine(both, '# Results\n\nengine 1\n'), both);
  const later = withGateways(withEngine(both, '# Results\n\nengine 2\n'), '# Gateways\n\n2');
  assert.equal(later, withGateways('# Results\n\nengine 2\n', '# Gateways\n\n2'));
  assert.doesNotMatch(later, /engine 1|\n1\n/);
  assert.equal(withEngine('# Results\n\nengine 1\n', '# Results\n\nengine 2\n'), '# Results\n\nengine 2\n');
});
