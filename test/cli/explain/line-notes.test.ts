// What a line says beside its reason.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { notesOf } from '../../../src/cli/explain/line-notes.ts';
import { parseLogLine } from '../../../src/cli/explain/log-line.ts';

const noted = (fields: Readonly<Record<string, unknown>>): readonly string[] =>
  notesOf(
    parseLogLine(
      JSON.stringify({
        ...{ ts: '2026-11-29T12:00:00Z', gateway: 'shop/egress', layer: 'tcp', verdict: 'allowed', reason: 'ALLOWED' },
        ...fields,
      }),
    ),
  );

describe('notes of a line', () => {
  test('A TCP connection that was silent, or has reached its age, has the code of its end', () => {
    assert.match(noted({ close: 'tcp_session_idle_timeout' }).join(), /^it ended with IDLE: /);
    assert.match(noted({ close: 'max_connection_duration_reached' }).join(), /^it ended with AGE: /);
    assert.deepEqual(noted({ close: 'constructor' }), []);
    assert.deepEqual(noted({}), []);
  });

  test('A 403 of the peer is told from one of our own gateway, with another protocol as a possible cause', () => {
    const http = { layer: 'http', code: 403 };
    assert.match(noted(http).join(), /came from the peer.*TCP/);
    assert.deepEqual(noted({ ...http, verdict: 'refused', reason: 'CLIENT' }), []);
    assert.deepEqual(noted({ ...http, gateway: 'bank/ingress' }), []);
    assert.deepEqual(noted({ ...http, code: 200 }), []);
  });
});
