// The metrics of a process: in the registry of ours, as Prometheus reads them, each process with series of its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Metrics } from '../../src/telemetry/metrics-registry.ts';
import { processMetrics } from '../../src/telemetry/process-metrics.ts';
import { expositionProblems, samplesIn } from './exposition.ts';

test('The metrics of the process and its event loop are read again at each update', async () => {
  const metrics = new Metrics();
  const update = processMetrics(metrics);
  update();
  const first = samplesIn(metrics.text());
  assert.deepEqual(expositionProblems(metrics.text()), []);
  for (const name of [
    'process_resident_memory_bytes',
    'process_open_fds',

    'nodejs_heap_size_used_bytes',
  ])
    assert.ok(Number(first.get(name)) > 0, name);
  // The event loop runs, and is then held up for longer than a sample takes.
  await sleep(50);
  const until = performance.now() + 100;
  while (performance.now() < until);
  await sleep(50);
  update();
  const later = samplesIn(metrics.text());
  assert.ok(Number(later.get('nodejs_eventloop_lag_max_seconds')) > 0.05);
  assert.ok(Number(later.get('process_cpu_seconds_total')) > Number(first.get('process_cpu_seconds_total')));
});

test('A worker has series of its own, which are not added to those of another process', () => {
  const [own, other] = [new Metrics(), new Metrics()];
  processMetrics(own)();
  processMetrics(other, 2)();
  const samples = samplesIn(own.text(other.samples()));
  const memory = 'process_resident_memory_bytes';
  assert.equal(samples.get(memory), samplesIn(own.text()).get(memory));
  assert.equal(samples.get(`${memory}{worker="2"}`), samplesIn(other.text()).get(`${memory}{worker="2"}`));
});
