// The metrics of this process and its event loop, under the names that Prometheus' client libraries give them.
// Must not: do anything between two updates but sample the delay of the event loop.

import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from './metrics-registry.ts';

/** How often the delay of the event loop is sampled: each sample wakes the process. */
const RESOLUTION_MS = 20;
const DELAY = 'nodejs_eventloop_lag';

/** Returns a function that brings the metrics up to date. `worker`: its number, so that no two processes have a series in common. */
export function processMetrics(metrics: Metrics, worker?: number): () => void {
  const labels: Readonly<Record<string, string>> = worker === undefined ? {} : { worker: String(worker) };
  const cpu = metrics.counter('process_cpu_seconds_total', 'CPU time of the process.').series(labels);
  const gauge = (name: string, help: string) => metrics.gauge(name, help);
  const memory = gauge('process_resident_memory_bytes', 'Resident memory of the process.');
  const files = gauge(
    'process_open_fds',
    'Open files and sockets of the process; no series where the system does not say.',
  );
  const heap = gauge('nodejs_heap_size_used_bytes', 'Memory that live objects of JavaScript take.');
  const external = gauge('nodejs_external_memory_bytes', 'Memory of buffers and native objects.');
  const started = gauge('process_start_time_seconds', 'When the process began.');
  const [p50, p99, longest] = [
    gauge(`${DELAY}_p50_seconds`, 'Delay of the event loop since the last scrape, median.'),
    gauge(`${DELAY}_p99_seconds`, 'Delay of the event loop since the last scrape, 99th percentile.'),
    gauge(`${DELAY}_max_seconds`, 'The longest delay of the event loop since the last scrape.'),
  ];
  started.set(labels, Math.floor(performance.timeOrigin / 1000));
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let counted = 0;
  return () => {
    const { user, system } = process.cpuUsage();
    const used = (user + system) / 1e6;
    cpu.add(used - counted);
    counted = used;
    const { rss, heapUsed, external: native } = process.memoryUsage();
    memory.set(labels, rss);
    heap.set(labels, heapUsed);
    external.set(labels, native);
    const open = openFiles();
    if (open !== undefined) files.set(labels, open);
    // Each sample has the time between two samples, in nanoseconds.
    const over = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000) || 0;
    p50.set(labels, over(delay.percentile(50)));
    p99.set(labels, over(delay.percentile(99)));
    longest.set(labels, over(delay.max));
    delay.reset();
  };
}

function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
