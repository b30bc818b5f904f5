// TLS handshakes: whether one side accepts the certificate that the other shows, by the bundle and the names of its resources.
// Must not: accept a certificate by anything but the validation context of this very socket.

import { createHash, X509Certificate } from 'node:crypto';
import type { Message } from '../../envoy/draft.ts';
import { memoizeByIdentity } from '../../memoize.ts';
import type { Purpose } from '../../trust/issuing/issuer-chain.ts';
import { type Certificate, parseCertificate } from '../../trust/x509/certificate.ts';
import type { Decision, StepKind } from '../answer/decision.ts';
import type { KeyKind, ShownCertificate } from '../answer/question.ts';
import type { Reason } from '../answer/reason.ts';
import type { Resources } from '../matching/resources.ts';
import { asked, matches } from '../matching/text-match.ts';
import { only, present, unjudged } from '../matching/unjudged.ts';
import { type Authority, faultOf } from './shown-certificate.ts';

export type CommonTlsContext = Message<'envoy.extensions.transport_sockets.tls.v3.CommonTlsContext'>;
type SanMatcher = Message<'envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher'>;

/** What a side accepts: the CAs of one secret, and names. */
export interface Accepts {
  readonly bundle: string;
  readonly authorities: readonly Authority[];
  readonly names: readonly SanMatcher[];
  readonly algorithms: readonly string[];
}

export function acceptedBy(context: CommonTlsContext, resources: Resources): Accepts {
  only(
    context,
    'a TLS context',
    'tls_params',
    'alpn_protocols',
    'tls_certificate_sds_secret_configs',
    'combined_validation_context',
  );
  const params = present(context.tls_params, 'tls_params');
  only(params, 'tls_params', 'tls_minimum_protocol_version', 'tls_maximum_protocol_version', 'signature_algorithms');
  const combined = present(context.combined_validation_context, 'a validation context');
  only(combined, 'a validation context', 'default_validation_context', 'validation_context_sds_secret_config');
  const own = present(combined.default_validation_context, 'a validation context');
  only(own, 'a validation context', 'match_typed_subject_alt_names');
  const names = own.match_typed_subject_alt_names ?? [];
  if (names.length === 0) throw unjudged('a validation context that names nobody');
  const bundle = present(combined.validation_context_sds_secret_config?.name, 'the secret of a bundle');
  const secret = resources.secret(bundle);
  only(secret, `the secret ${bundle}`, 'name', 'validation_context');
  const trusted = present(secret.validation_context, `the bundle of ${bundle}`);
  only(trusted, `the secret ${bundle}`, 'trusted_ca');
  const roots = present(trusted.trusted_ca, `the CAs of ${bundle}`);
  only(roots, `the CAs of ${bundle}`, 'inline_string');
  const authorities = authoritiesIn(roots);
  return { bundle, authorities, names, algorithms: params.signature_algorithms ?? [] };
}

/** A certificate takes longer to read than all else of a judgement. */
const authoritiesIn = memoizeByIdentity((roots: { readonly inline_string?: string }) =>
  authoritiesOf(present(roots.inline_string, 'the CAs of a bundle')),
);

export function authoritiesOf(pem: string): readonly Authority[] {
  if (pem.includes('PRIVATE KEY')) throw unjudged('a bundle with a key');
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (blocks === null) return [{ fingerprint: createHash('sha256').update(pem).digest('hex') }];
  return blocks.map((block) => {
    const certificate = certificateOf(block);
    return { fingerprint: certificate.fingerprint, certificate };
  });
}

function certificateOf(block: string): Certificate {
  try {
    return parseCertificate(new X509Certificate(block).raw);
  } catch {
    throw unjudged('a bundle with what is no certificate');
  }
}

/** TLS 1.3 has one algorithm for each curve (RFC 8446, 4.2.3). */
const ALGORITHMS: Readonly<Record<KeyKind, readonly string[]>> = {
  'ecdsa-p256': ['ecdsa_secp256r1_sha256'],
  'ecdsa-p384': ['ecdsa_secp384r1_sha384'],
  'ecdsa-p521': ['ecdsa_secp521r1_sha512'],
  ed25519: ['ed25519'],
  rsa: ['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512'],
  other: [],
};

/** A certificate that is right in all but, maybe, its names. */
export function honestCertificate(
  { bundle, authorities, algorithms }: Accepts,
  uris: readonly string[],
  at: number,
): ShownCertificate {
  const kinds = Object.keys(ALGORITHMS) as readonly KeyKind[];
  const key = algorithms.map((one) => kinds.find((kind) => ALGORITHMS[kind].includes(one))).find((one) => one);
  if (key === undefined) throw unjudged(`a key that the side with ${bundle} accepts`);
  const signedBy = authorities.map(({ fingerprint }) => fingerprint);
  return { signedBy, uris, key, notBefore: at - 1, notAfter: at + 1 };
}

/** Where the steps of a handshake go, and what it is called. */
interface Report {
  pass(kind: StepKind, name: string, compared: string, source?: string): void;
  no(reason: Reason, kind: StepKind, name: string, compared: string, source?: string): Decision;
}

export interface Shown {
  readonly certificate: ShownCertificate | undefined;
  readonly at: number;
  /** Which end shows it. */
  readonly by: Purpose;
  /** Of the bundle and of the identities. */
  readonly sources: { readonly bundle: string | undefined; readonly identities: string | undefined };
}

/** Undefined when it is accepted. In the order in which Envoy finds what is wrong. */
export function refusalOf(accepts: Accepts, shown: Shown, report: Report): Decision | undefined {
  const { bundle, authorities, names, algorithms } = accepts;
  const { certificate, at, by, sources } = shown;
  if (certificate === undefined)
    return report.no(
      'NO_CERTIFICATE',
      'certificate',
      bundle,
      'a certificate is required, and none is shown',
      sources.bundle,
    );
  const { uris, key } = certificate;
  if (!ALGORITHMS[key].some((one) => algorithms.includes(one)))
    return report.no(
      'WRONG_KEY_KIND',
      'certificate',
      key,
      `${key} is not among ${algorithms.join(', ')}`,
      sources.identities,
    );
  const fault = faultOf(certificate, authorities, by, at);
  const many = `${authorities.length} ${authorities.length === 1 ? 'CA' : 'CAs'}`;
  if (fault?.reason === 'WRONG_CA') return report.no('WRONG_CA', 'bundle', bundle, fault.text, sources.bundle);
  if (fault !== undefined)
    return report.no(fault.reason, 'certificate', uris.join(', ') || '(none)', fault.text, sources.bundle);
  report.pass('bundle', bundle, `the certificate is of one of its ${many}`, sources.bundle);
  const wanted = names.map(({ matcher }) => asked(present(matcher, 'a name'))).join(' or ');
  if (!uris.some((uri) => names.some((name) => isNamed(name, uri))))
    return report.no(
      'WRONG_IDENTITY',
      'identity',
      uris.join(', ') || '(none)',
      `it is not ${wanted}`,
      sources.identities,
    );
  report.pass('identity', uris.join(', '), `it is ${wanted}`, sources.identities);
  return undefined;
}

function isNamed(name: SanMatcher, uri: string): boolean {
  only(name, 'a name', 'san_type', 'matcher');
  if (name.san_type !== 'URI') throw unjudged(`a name of the kind ${name.san_type}`);
  return matches(present(name.matcher, 'a name'), uri);
}
