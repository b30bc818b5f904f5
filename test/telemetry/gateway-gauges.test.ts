// How many gateways are connected and in sync, as gauges: streams of one or several processes in, samples out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayGauges } from '../../src/telemetry/gateway-gauges.ts';
import { Metrics } from '../../src/telemetry/metrics-registry.ts';
import type { StreamStatus, TypeState } from '../../src/xds/stream-status.ts';
import { expositionProblems, samplesIn } from './exposition.ts';

/** `ingress i-1 10.0.0.1:1 SYNCED STALE 7`: a stream with two types, of a gateway with the bootstrap 7. */
function stream(text: string): StreamStatus {
  const [gateway = '', nodeId = '', address = '', ...states] = text.split(' ');
  const types = states
    .filter((state) => !/^\d+$/.test(state))
    .map((state) => ({ type: 'CDS', state: state as TypeState }));
  const bootstrap = states.find((state) => /^\d+$/.test(state));
  return {
    gateway,
    nodeId,
    address,
    ...(bootstrap && { bootstrap }),
    userAgent: '',
    variant: 'delta',
    since: 0,
    types,
  };
}

function shown(...streams: readonly string[]): Readonly<Record<string, number>> {
  const metrics = new Metrics();
  const update = gatewayGauges(metrics, new Map(Object.entries({ ingress: '1', egress: '2' })));
  update(['ingress', 'egress'], [stream('ingress gone 10.0.0.9:9 STALE')]);
  update(['ingress', 'egress'], streams.map(stream));
  assert.deepEqual(expositionProblems(metrics.text()), []);
  return Object.fromEntries(samplesIn(metrics.text()));
}

const gauges = (ingress: readonly [number, number, number], egress: readonly [number, number, number]) => ({
  'postern_gateways_connected{gateway="ingress"}': ingress[0],
  'postern_gateways_not_in_sync{gateway="ingress"}': ingress[1],
  'postern_gateways_connected{gateway="egress"}': egress[0],
  'postern_gateways_not_in_sync{gateway="egress"}': egress[1],
  'postern_gateways_old_bootstrap{gateway="ingress"}': ingress[2],
  'postern_gateways_old_bootstrap{gateway="egress"}': egress[2],
});

test('A role without a connected gateway shows 0, so that an alert sees it', () => {
  assert.deepEqual(shown(), gauges([0, 0, 0], [0, 0, 0]));
});

test('A gateway is not in sync while any of its types is rejected, on its way or not sent', () => {
  assert.deepEqual(
    shown(
      'ingress i-1 10.0.0.1:1 SYNCED SYNCED 1',
      'ingress i-2 10.0.0.2:1 SYNCED NACKED 1',
      'ingress i-3 10.0.0.3:1 STALE SYNCED 1',
      'egress e-1 10.0.0.4:1 SYNCED 2',
    ),
    gauges([3, 2, 0], [1, 0, 0]),
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
    gauges([1, 1, 1], [2, 1, 2]),
  );
});

test('A gateway whose bootstrap is another one or unknown is counted once, by its own role', () => {
  assert.deepEqual(
    shown(
      'ingress i-1 10.0.0.1:1 SYNCED 1',
      'ingress i-2 10.0.0.2:1 SYNCED 2',
      'egress e-1 10.0.0.3:1 SYNCED 2',
      'egress e-2 10.0.0.4:1 SYNCED',
      'egress e-2 10.0.0.4:1 SYNCED',
    ),
    gauges([2, 0, 1], [2, 0, 1]),
  );
});
