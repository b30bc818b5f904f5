// What the status says of refused clients: by reason, and whether they seem to be gateways of an earlier CA.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from '../../src/log.ts';
import { refusedClients, refusedGateways } from '../../src/runtime/status/refusals.ts';
import { Metrics } from '../../src/telemetry/metrics-registry.ts';
import { serverObserver } from '../../src/telemetry/xds-metrics-and-log.ts';
import type { RefusalReason } from '../../src/xds/admission/refusal.ts';

const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

function refusing(...refusals: readonly (readonly [reason: RefusalReason, claimedId?: string])[]) {
  const metrics = new Metrics();
  const observer = serverObserver(SILENT, metrics, () => 5000, 'spiffe://bank.example/control-plane');
  for (const [reason, claimedId] of refusals) {
    const claims = claimedId === undefined ? undefined : () => ({ claimedId, fingerprint: '' });
    observer.refused({ reason, detail: '', address: '127.0.0.1:1', nodeId: '', claims });
  }
  return metrics.samples();
}

test('Refusals are counted by reason with the time of the last, and those of several processes are added', () => {
  const one = refusing(['server_untrusted'], ['unknown_ca'], ['unknown_ca']);
  const found = refusedClients([...one, ...refusing(['unknown_ca'])]);
  assert.deepEqual(
    found.map(({ reason, count, lastAt }) => [reason, count, lastAt]),
    [
      ['unknown_ca', 3, '1970-01-01T00:00:05.000Z'],
      ['server_untrusted', 1, '1970-01-01T00:00:05.000Z'],
    ],
  );
  assert.ok(found.every(({ advice }) => advice.length > 0));
  assert.deepEqual(refusedClients(refusing()), []);
});

test('Clients that distrust the server, or name this mesh with a certificate of another CA, seem to be gateways; a stranger does not', () => {
  assert.equal(refusedGateways(refusing(['server_untrusted'])), true);
  assert.equal(refusedGateways(refusing(['unknown_ca', 'spiffe://bank.example/gateway/ingress'])), true);
  assert.equal(refusedGateways(refusing(['unknown_ca', 'spiffe://bank.example.evil/gateway/ingress'])), false);
  assert.equal(refusedGateways(refusing(['unknown_ca'], ['no_certificate'], ['handshake_failed'])), false);
});

test('Of the times that several processes report, the metric is the latest', () => {
  const metrics = new Metrics();
  metrics.gauge('last_timestamp_seconds', 'Last.').set({}, 7);
  assert.match(
    metrics.text([
      ['last_timestamp_seconds', '', 9],
      ['last_timestamp_seconds', '', 8],
    ]),
    /seconds 9\n/,
  );
});
