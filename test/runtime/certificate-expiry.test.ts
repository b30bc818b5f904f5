// Expiry of certificates: which are listed, and that each notice is given once, thirty days, seven days and one day before.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CertificateExpiry } from '../../src/pipeline/ca-expiry.ts';
import { Publisher } from '../../src/pipeline/publisher.ts';
import { certificateExpiries, ExpiryAnnouncements } from '../../src/runtime/status/certificate-expiry.ts';
import type { StreamStatus } from '../../src/xds/stream-status.ts';

const DAY = 24 * 60 * 60 * 1000;
const now = Date.UTC(2027, 0, 1);

class Recorded {
  readonly lines: string[] = [];
  readonly warn = (fields: object, message: string): void =>
    void this.lines.push(`${JSON.stringify(fields)} ${message}`);
  readonly info = this.warn;
  readonly error = this.warn;
}

function stream(gateway: string, nodeId: string, days?: number): StreamStatus {
  const certificate = days === undefined ? {} : { certificateNotAfter: now + days * DAY };
  return { gateway, nodeId, userAgent: '', address: '', variant: 'delta', since: now, types: [], ...certificate };
}

describe('announcements of expiry', () => {
  const notices = ['expires within 30 days', 'expires within 7 days', 'expires within a day', 'has expired'];

  test('Each notice is logged once, however often they are checked, and although the gateway leaves and returns', () => {
    const [log, end] = [new Recorded(), { kind: 'client-ingress', node: 'i1', notAfter: now + 40 * DAY } as const];
    const announcements = new ExpiryAnnouncements(log);
    for (let time = now; time < now + 42 * DAY; time += DAY / 4) {
      announcements.update([end], time);
      if (time < end.notAfter) announcements.update([], time);
    }
    assert.deepEqual(
      log.lines.map((line) => notices.find((notice) => line.endsWith(notice))),
      notices,
    );
  });

  test('Certificates with different expiry, gateways or kinds are announced one by one', () => {
    const log = new Recorded();
    const notAfter = now + 5 * DAY;
    const expiries: readonly CertificateExpiry[] = [
      { kind: 'client-ingress', node: 'i1', notAfter },
      { kind: 'client-egress', node: 'e1', notAfter },
      { kind: 'control-plane-ca', notAfter },
    ];
    const announcements = new ExpiryAnnouncements(log);
    announcements.update(expiries, now);
    announcements.update([...expiries, { kind: 'client-ingress', node: 'i1', notAfter: notAfter + DAY }], now);
    assert.equal(log.lines.length, 4);
  });

  test('Certificates that are renewed automatically are announced only when they have expired, and those of a finding never', () => {
    const log = new Recorded();
    const announcements = new ExpiryAnnouncements(log);
    const at = (kind: CertificateExpiry['kind'], notAfter: number): CertificateExpiry => ({
      kind,
      peer: 'p',
      notAfter,
    });
    announcements.update([at('bundle', now), at('issuer', now), at('cert-ingress', now + 1000)], now);
    assert.deepEqual(log.lines, []);
    announcements.update([at('cert-ingress', now)], now);
    assert.equal(log.lines.length, 1);
  });
});

test('Of the Envoys of a gateway, the one whose certificate ends first is listed, and none without a certificate', () => {
  const streams = [
    stream('ingress', 'a', 9),
    stream('ingress', 'b', 3),
    stream('egress', 'c'),
    stream('ingress', 'd', 5),
  ];
  assert.deepEqual(certificateExpiries(new Publisher(now), streams, undefined), [
    { kind: 'client-ingress', node: 'b', notAfter: now + 3 * DAY },
  ]);
});
