// Which reason the log and the metrics give for a client that TLS refused, and what is read of its certificate.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  adviceFor,
  certificateClaims,
  REFUSALS,
  type RefusalReason,
  tlsRefusal,
} from '../../../src/xds/admission/refusal.ts';

test('The codes of the TLS library each lead to one reason, and codes that are new to us to a general one', () => {
  const reasons: readonly (readonly [verification: string | undefined, error: string, RefusalReason])[] = [
    [undefined, 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 'no_certificate'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ECONNRESET', 'unknown_ca'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'ECONNRESET', 'unknown_ca'],
    ['CERT_HAS_EXPIRED', 'ECONNRESET', 'certificate_expired'],
    ['INVALID_PURPOSE', 'ECONNRESET', 'certificate_invalid'],
    [undefined, 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'server_untrusted'],
    [undefined, 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'server_untrusted'],
    [undefined, 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'server_untrusted'],
    [undefined, 'ERR_SSL_UNSUPPORTED_PROTOCOL', 'handshake_failed'],
    [undefined, 'ERR_TLS_HANDSHAKE_TIMEOUT', 'handshake_failed'],
    [undefined, 'ERR_SSL_HTTP_REQUEST', 'handshake_failed'],
    [undefined, 'ECONNRESET', 'handshake_failed'],
  ];
  for (const [verification, error, reason] of reasons)
    assert.equal(tlsRefusal(verification, error), reason, `${verification} ${error}`);
});

test('Every reason has advice for the operator', () => {
  for (const [reason, advice] of Object.entries(REFUSALS)) assert.match(advice, /^[A-Z].*\.$/, reason);
});

test('Whatever the bytes of a certificate are, only its fingerprint is certain', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const { fingerprint, ...others } = certificateClaims(Buffer.from(bytes), { verified: true });
      assert.match(fingerprint, /^[0-9a-f]{64}$/);
      assert.deepEqual(others, {});
    }),
  );
});

test('Only a certificate with exactly one URI name gets the advice for a gateway', () => {
  const id = 'spiffe://bank.example/gateway/ingress';
  assert.equal(adviceFor('no_certificate'), REFUSALS.no_certificate);
  assert.equal(adviceFor('unknown_ca', { claimedId: id, fingerprint: '' }), REFUSALS.unknown_ca);
  assert.equal(adviceFor('unknown_identity', { spiffeId: id, fingerprint: '' }), REFUSALS.unknown_identity);
  for (const claims of [{ fingerprint: '' }, { claimedIds: [id, id], fingerprint: '' }])
    assert.doesNotMatch(adviceFor('unknown_ca', claims), /Issue/);
});
