// How many gateways are connected and in sync, as gauges: streams of one or several processes in, samples out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayGauges } from '../../src/telemetry/gateway-gauges.ts';
import { Metrics } from '../../src/telemetry/metrics-registry.ts';
import type { StreamStatus, TypeState } from '../../src/xds/stream-status.ts';
import { expositionProblems, samplesIn } from './exposition.ts';

/** `ingress i-1 10.0.0.1:1 SYNCED STALE`: a stream with two types. */
function stream(text: string): StreamStatus {
  const [gateway = '', nodeId = '', address = '', ...states] = text.split(' ');
  const types = states.map((state) => ({ type: 'CDS', state: state as TypeState }));
  return { gateway, nodeId, address, userAgent: '', variant: 'delta', since: 0, types };
}

function shown(...streams: readonly string[]): Readonly<Record<string, number>> {
  const metrics = new Metrics();
  const update = gatewayGauges(metrics);
  update(['ingress', 'egress'], [stream('ingress gone 10.0.0.9:9 STALE')]);
  update(['ingress', 'egress'], streams.map(stream));
  assert.deepEqual(expositionProblems(metrics.text()), []);
  return Object.fromEntries(samplesIn(metrics.text()));
}

const gauges = (ingress: readonly [number, number], egress: readonly [number, number]) => ({
  'postern_gateways_connected{gateway="ingress"}': ingress[0],
  'postern_gateways_not_in_sync{gateway="ingress"}': ingress[1],
  'postern_gateways_connected{gateway="egress"}': egress[0],
  'postern_gateways_not_in_sync{gateway="egress"}': egress[1],
});

test('A role without a connected gateway shows 0, so that an alert sees it', () => {
  assert.deepEqual(shown(), gauges([0, 0], [0, 0]));
});

test('A gateway is not in sync while any of its types is rejected, on its way or not sent', () => {
  assert.deepEqual(
    shown(
      'ingress i-1 10.0.0.1:1 SYNCED SYNCED',
      'ingress i-2 10.0.0.2:1 SYNCED NACKED',
      'ingress i-3 10.0.0.3:1 STALE SYNCED',
      'egress e-1 10.0.0.4:1 SYNCED',
    ),
    gauges([3, 2], [1, 0]),
  );
});

test('Several streams on one connection are one gateway, and two gateways with one node id are two', () => {
  assert.deepEqual(
    shown(
      'ingress i-1 10.0.0.1:1 SYNCED',
      'ingress i-1 10.0.0.1:1 STALE',
      'egress same 10.0.0.2:1 SYNCED',
      'egress same 10.0.0.3:1 STALE',
    ),
    gauges([1, 1], [2, 1]),
  );
});
