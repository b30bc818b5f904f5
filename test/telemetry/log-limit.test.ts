// Log lines that clients can cause at will do not fill the log.
// Must not: wait; the clock is an argument.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from '../../src/log.ts';
import { LogLimit } from '../../src/telemetry/log-limit.ts';
import { Metrics } from '../../src/telemetry/metrics-registry.ts';
import { serverObserver } from '../../src/telemetry/xds-metrics-and-log.ts';
import type { Refusal, RefusalReason } from '../../src/xds/admission/refusal.ts';

test('A limit lets a burst of lines pass, then a number each second, and the next line says how many were dropped', () => {
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

test('A gateway that rejects continuously is counted each time, and does not hide the rejections of another gateway', () => {
  const { observer, lines, time, metrics } = observing();
  for (let count = 0; count < 1000; count += 1) observer.answered('loud', 'l-1', 'CDS', 'nack', `${count}`, 1);
  assert.equal(lines.length, 100);
  observer.answered('quiet', 'q-1', 'CDS', 'nack', 'no', 1);
  assert.equal(lines.at(-1)?.fields['gateway'], 'quiet');
  time.now = 1000;
  observer.answered('loud', 'l-1', 'CDS', 'nack', 'again', 1);
  assert.equal(lines.at(-1)?.fields['dropped'], 900);
  assert.match(metrics.text(), /postern_xds_nacks_total\{gateway="loud",type="CDS"\} 1001\n/);
});

test('A gateway that connects and disconnects continuously writes no more lines than the limit', () => {
  const { observer, lines } = observing();
  for (let count = 0; count < 6000; count += 1) {
    observer.opened('ingress', 'i-1', '127.0.0.1:1', 'delta');
    observer.closed('ingress', 'i-1', '127.0.0.1:1');
  }
  assert.equal(lines.length, 5000);
});

const refusal = (address: string, reason: RefusalReason = 'unknown_ca'): Refusal => ({
  reason,
  detail: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  address,
  nodeId: '',
});

test('A client that is refused repeatedly is counted each time, writes a line every ten seconds, and hides no other client', () => {
  const { observer, lines, time, metrics } = observing();
  for (let count = 0; count < 1000; count += 1) observer.refused(refusal(`192.0.2.1:${count}`));
  assert.equal(lines.length, 100);
  observer.refused(refusal('[2001:db8::1]:1', 'no_certificate'));
  assert.deepEqual(
    [lines.length, lines.at(-1)?.fields['code'], lines.at(-1)?.fields['dropped']],
    [101, 'no_certificate', 900],
  );
  time.now = 9999;
  observer.refused(refusal('192.0.2.1:1'));
  assert.equal(lines.length, 101);
  time.now = 10_000;
  observer.refused(refusal('192.0.2.1:1'));
  assert.equal(lines.length, 102);
  assert.match(metrics.text(), /postern_xds_denied_total 1003\n/);
  assert.match(metrics.text(), /postern_xds_clients_refused_total\{reason="unknown_ca"\} 1002\n/);
});

test('A gateway whose streams end by its own fault writes a line every ten seconds, and hides no refused client', () => {
  const { observer, lines, time } = observing();
  const stream = { gateway: 'ingress', nodeId: 'i-1', status: 'INVALID_ARGUMENT', detail: 'no request' } as const;
  for (let count = 0; count < 1000; count += 1) observer.ended({ ...stream, address: `192.0.2.1:${count}` });
  assert.equal(lines.length, 100);
  const { gateway, node, code, reason } = lines[0]?.fields ?? {};
  assert.deepEqual([gateway, node, code, reason], ['ingress', 'i-1', 'invalid_argument', 'no request']);
  observer.refused(refusal('192.0.2.1:1'));
  assert.equal(lines.at(-1)?.message, 'xDS client refused');
  time.now = 10_000;
  observer.ended({ ...stream, address: '192.0.2.1:1' });
  assert.equal(lines.at(-1)?.fields['dropped'], 900);
});

test('Clients of a thousand addresses together write no more lines than the limit of all, and cost no more memory', () => {
  const { observer, lines } = observing();
  for (let count = 0; count < 100_000; count += 1) observer.refused(refusal(`2001:db8::${count.toString(16)}:1`));
  assert.equal(lines.length, 200);
});

test('The certificate of a refused client is read only for a line that is written', () => {
  const { observer, lines } = observing();
  let reads = 0;
  const claims = () => {
    reads += 1;
    return { claimedId: 'spiffe://bank.example/gateway/other', fingerprint: 'f' };
  };
  for (let count = 0; count < 1000; count += 1) observer.refused({ ...refusal('192.0.2.1:1'), claims });
  assert.equal(reads, lines.length);
  const { advice, ...fields } = lines[0]?.fields ?? {};
  assert.ok(typeof advice === 'string' && advice.length > 0);
  assert.deepEqual(fields, {
    code: 'unknown_ca',
    reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    address: '192.0.2.1:1',
    node: '',
    claimedId: 'spiffe://bank.example/gateway/other',
    fingerprint: 'f',
  });
});
