// The text of `postern check peer --request`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkText } from '../../../src/cli/peer-check/check-text.ts';
import type { ReasonCode } from '../../../src/envoy/reasons.ts';

function textOf(possible: readonly ReasonCode[]): string {
  const facts = { uris: [], subject: '', issuer: '', key: '', notBefore: '', notAfter: '', fingerprint: '' };
  const request = {
    ...{ import: 'accounts', method: 'GET', path: '/', requestId: 'id-1', address: '10.0.0.1:15443', status: 403 },
    ...{ reason: 'REQUEST_REFUSED' as const, possible, text: '', remedy: '' },
  };
  return checkText({
    peer: 'bank',
    trustDomain: 'bank.example',
    mesh: 'shop',
    ok: false,
    ours: facts,
    ways: [],
    request,
  });
}

test('One possible reason is not one of several', () => {
  assert.match(textOf(['NO_GRANT']), /its log has NO_GRANT\n/);
  assert.match(textOf(['NO_GRANT', 'PATH']), /its log has one of NO_GRANT, PATH\n/);
});
