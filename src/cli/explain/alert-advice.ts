// What the TLS alert of a line says about our certificate, where the other end has refused it.
// Must not: be sure which of several certificates an alert is about, or guess at an alert that says nothing.

import type { Advice } from '../../envoy/reasons.ts';
import type { LogLine } from './log-line.ts';

const RULES: readonly (readonly [alert: RegExp, cause: string, cure?: string])[] = [
  [
    /ALERT_CERTIFICATE_EXPIRED/,
    'For the other end our certificate, or a CA above it, has expired: it is not renewed any more, or a clock is wrong.',
    'Renew our certificate (`identity` of our file), and compare the clocks; a CA may have expired in the bundle of the other end, too.',
  ],
  [
    /ALERT_UNKNOWN_CA/,
    'The CA of our certificate is not in the trust bundle of the other end.',
    'Have the other end add our CA; `postern peer show` has it.',
  ],
  [
    /ALERT_(BAD_CERTIFICATE|CERTIFICATE_UNKNOWN)/,
    'Our certificate is not for an identity that the other end accepts, or it does not accept the certificate for another reason.',
  ],
  [
    /ALERT_CERTIFICATE_REVOKED/,
    'Our certificate is revoked at the other end.',
    'Give our gateway another certificate.',
  ],
  [
    /ALERT_UNSUPPORTED_CERTIFICATE/,
    'Our certificate may not be used for this side of TLS.',
    'Give our gateway a certificate with clientAuth and serverAuth.',
  ],
];

/** Of a line whose other end has refused us. */
export function alertAdvice({ reason, fields }: LogLine): Partial<Advice> {
  if (reason !== 'PEER_REFUSED_US') return {};
  const alert = fields['tls_fail'] ?? fields['upstream_fail'] ?? '';
  const [, cause, cure] = RULES.find(([pattern]) => pattern.test(alert)) ?? [];
  return { ...(cause !== undefined && { cause }), ...(cure !== undefined && { cure }) };
}
