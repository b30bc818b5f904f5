// What others can cause at will does not fill the log. In: events, the time. Out: lines. Must not: wait.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from '../../src/log.ts';
import { LogLimit } from '../../src/telemetry/log-limit.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { serverObserver } from '../../src/telemetry/xds-metrics-and-log.ts';

test('so many lines at once, then so many each second; the next one says how many there were not', () => {
  const limit = new LogLimit({ burst: 2, perSecond: 0.5 }, 0);
  assert.deepEqual([limit.take(0), limit.take(0), limit.take(0), limit.take(1000)], [{}, {}, undefined, undefined]);
  assert.deepEqual(limit.take(2000), { dropped: 2 });
  assert.equal(limit.take(2001), undefined);
  // A long silence saves up no more than the first burst; a clock that was set back gives nothing.
  assert.deepEqual([limit.take(1e9), limit.take(1e9), limit.take(1e9)], [{ dropped: 1 }, {}, undefined]);
  assert.equal(limit.take(0), undefined);
});

function observing() {
  const lines: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  const line = (fields: object, message: string): void => void lines.push({ message, fields: { ...fields } });
  const logger: Logger = { info: line, warn: line, error: line };
  const time = { now: 0 };
  const metrics = new Metrics();
  return { observer: serverObserver(logger, metrics, () => time.now), lines, time, metrics };
}

test('a gateway that rejects without end is counted each time, and does not hide that another one rejects', () => {
  const { observer, lines, time, metrics } = observing();
  for (let count = 0; count < 1000; count += 1) observer.answered('loud', 'l-1', 'CDS', 'nack', `${count}`);
  assert.equal(lines.length, 100);
  observer.answered('quiet', 'q-1', 'CDS', 'nack', 'no');
  assert.equal(lines.at(-1)?.fields['gateway'], 'quiet');
  time.now = 1000;
  observer.answered('loud', 'l-1', 'CDS', 'nack', 'again');
  assert.equal(lines.at(-1)?.fields['dropped'], 900);
  assert.match(metrics.text(), /postern_xds_nacks_total\{gateway="loud",type="CDS"\} 1001\n/);
});

test('so is one that connects without end, and callers that are refused, whoever they are', () => {
  const { observer, lines, metrics } = observing();
  for (let count = 0; count < 6000; count += 1) {
    observer.opened('ingress', 'i-1', '127.0.0.1:1', 'delta');
    observer.closed('ingress', 'i-1', '127.0.0.1:1');
  }
  assert.equal(lines.length, 5000);
  for (let count = 0; count < 1000; count += 1) observer.denied('no client certificate', '127.0.0.1:2', '');
  assert.equal(lines.length, 5200);
  assert.match(metrics.text(), /postern_xds_denied_total 1000\n/);
});
