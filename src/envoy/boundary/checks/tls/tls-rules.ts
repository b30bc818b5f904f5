// Boundary rules for TLS contexts, towards peers and from them.
// Must not: believe a name; what a context really trusts is what its validation says.

import { domainKey } from '../../../../federation/meaning-digest.ts';
import type { GatewayRole } from '../../../../federation/model.ts';
import type { Messages } from '../../../proto/types.gen.ts';
import { enforce, type Subject, type TlsUse } from '../../boundary-rules.ts';
import { type Label, labelText } from '../../name-rules.ts';

type TransportSocket = Messages['envoy.config.core.v3.TransportSocket'];
type CommonTlsContext = Messages['envoy.extensions.transport_sockets.tls.v3.CommonTlsContext'];
type SanMatcher = Messages['envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher'];
type SecretConfig = Messages['envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig'];

const DOWNSTREAM = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
const UPSTREAM = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
/** What the other end may sign with: no SHA-1, no PKCS#1. */
export const SIGNATURES: ReadonlySet<string> = new Set([
  ...['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512', 'ed25519'],
  ...['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512'],
]);
const SERVER_NAME = /^[a-z0-9._-]+\.peers\.([a-z0-9._-]+)$/;
const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]+)\/[A-Za-z0-9._/-]+$/;

/** The only fields of a context. Any other could switch off what these require. */
const COMMON_FIELDS = [
  'tls_params',
  'alpn_protocols',
  'tls_certificate_sds_secret_configs',
  'combined_validation_context',
];

type Alpn = 'h2' | 'postern-tcp';

export function checkDownstream(
  subject: Subject,
  socket: TransportSocket | undefined,
  label: Label,
  alpn: Alpn,
): TlsUse {
  return checkCommon(subject, 'ingress', provenClientContext(subject, socket), label, alpn);
}

/** The context of a listener that requires a certificate in each connection. */
export function provenClientContext(subject: Subject, socket: TransportSocket | undefined): CommonTlsContext {
  const context = socket?.typed_config;
  enforce(context?.['@type'] === DOWNSTREAM, 'TLS', subject);
  enforce(context.require_client_certificate === true, 'CLIENT_CERTIFICATE', subject);
  const resumes = !context.disable_stateless_session_resumption || !context.disable_stateful_session_resumption;
  const tickets = context.session_ticket_keys ?? context.session_ticket_keys_sds_secret_config;
  enforce(!resumes && tickets === undefined, 'NO_RESUMPTION', subject);
  return context.common_tls_context ?? {};
}

/** TLS 1.3 alone, with signature algorithms that are listed. */
export function checkTls13({ tls_params: params = {} }: CommonTlsContext, subject: Subject): void {
  const { tls_minimum_protocol_version: least, tls_maximum_protocol_version: most } = params;
  enforce(least === 'TLSv1_3' && most === 'TLSv1_3', 'TLS_1_3', subject);
  const signatures = params.signature_algorithms ?? [];
  const strong = signatures.every((algorithm) => SIGNATURES.has(algorithm));
  enforce(signatures.length > 0 && strong, 'SIGNATURES', subject);
}

export function checkUpstream(subject: Subject, socket: TransportSocket | undefined, label: Label, alpn: Alpn): TlsUse {
  const context = socket?.typed_config;
  enforce(context?.['@type'] === UPSTREAM, 'TLS', subject);
  enforce(context.max_session_keys === 0 && context.allow_renegotiation !== true, 'NO_RESUMPTION', subject);
  const use = checkCommon(subject, 'egress', context.common_tls_context ?? {}, label, alpn);
  const calledDomain = domainOfServerName(context.sni ?? '');
  enforce(calledDomain !== undefined && calledDomain === trustDomainOf(use.identities[0]), 'SERVER_NAME', subject);
  return use;
}

/** The trust domain that a server name ends in; undefined for any other text. */
export function domainOfServerName(name: string): string | undefined {
  return SERVER_NAME.exec(name)?.[1];
}

export function trustDomainOf(identity: string | undefined): string | undefined {
  return SPIFFE_ID.exec(identity ?? '')?.[1];
}

function checkCommon(
  subject: Subject,
  role: GatewayRole,
  context: CommonTlsContext,
  label: Label,
  expected: Alpn,
): TlsUse {
  const { sans, bundle } = combinedValidation(subject, context);
  const { alpn_protocols: alpn = [] } = context;
  checkTls13(context, subject);
  enforce(alpn.join() === expected, expected === 'h2' ? 'HTTP2_ONLY' : 'TCP_ONLY', subject);

  const identities = exactIdentities(subject, sans);
  enforce(bundle?.name === `bundle/${labelText(label)}` && bundle.sds_config?.ads !== undefined, 'OWN_BUNDLE', subject);
  const [certificate, ...others] = context.tls_certificate_sds_secret_configs ?? [];
  const own = [`cert/${role}`, `cert/${role}/${labelText(label)}`];
  enforce(
    certificate?.sds_config?.ads !== undefined && others.length === 0 && own.includes(certificate.name ?? ''),
    'OWN_CERTIFICATE',
    subject,
  );
  const mesh = domainKey(trustDomainOf(identities[0]) ?? '');
  const { peer, key } = label;
  return { subject, peer, key, identities, domainKey: mesh, secrets: [bundle.name ?? '', certificate.name ?? ''] };
}

interface Validation {
  readonly sans: readonly SanMatcher[];
  readonly bundle: SecretConfig | undefined;
}

/**
 * A validation context without `trusted_ca` lets everybody in. In the combined form, with the SAN matchers in place and the
 * CA by secret, Envoy refuses a secret without a CA. No other switch of the context or its validation may be set.
 */
export function combinedValidation(subject: Subject, context: CommonTlsContext): Validation {
  const { default_validation_context: own = {}, ...rest } = context.combined_validation_context ?? {};
  const holds =
    Object.keys(context).every((field) => COMMON_FIELDS.includes(field)) &&
    Object.keys(own).join() === 'match_typed_subject_alt_names' &&
    Object.keys(rest).join() === 'validation_context_sds_secret_config';
  enforce(holds, 'COMBINED_VALIDATION', subject);
  return { sans: own.match_typed_subject_alt_names ?? [], bundle: rest.validation_context_sds_secret_config };
}

function exactIdentities(subject: Subject, sans: readonly SanMatcher[]): readonly string[] {
  const identities = sans.map(({ san_type: type, matcher = {} }) => {
    const exact = Object.keys(matcher).join() === 'exact' ? matcher.exact : undefined;
    enforce(type === 'URI' && exact !== undefined && trustDomainOf(exact) !== undefined, 'EXACT_SAN', subject);
    return exact;
  });
  enforce(identities.length > 0, 'EXACT_SAN', subject);
  enforce(new Set(identities.map(trustDomainOf)).size === 1, 'ONE_TRUST_DOMAIN', subject);
  return identities;
}
