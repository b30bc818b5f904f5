// Boundary rules for the TLS of a backend: who it must prove to be, by which CAs, and what it is shown.
// Must not: believe a name; what a context really trusts is what its validation says.

import type { BackendTls } from '../../../../federation/model.ts';
import type { SpiffeId } from '../../../../trust/spiffe.ts';
import type { Messages } from '../../../proto/types.gen.ts';
import { enforce, type Subject } from '../../boundary-rules.ts';
import { backendCaKey, meshBundleKey } from '../../name-rules.ts';
import { trustDomainOf } from './tls-rules.ts';

type TransportSocket = Messages['envoy.config.core.v3.TransportSocket'];
type CommonTlsContext = Messages['envoy.extensions.transport_sockets.tls.v3.CommonTlsContext'];

const UPSTREAM = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
const TLS_1_3_SIGNATURES = [
  ...['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512', 'ed25519'],
  ...['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512'],
];
const TLS_1_2_SIGNATURES = [...TLS_1_3_SIGNATURES, 'rsa_pkcs1_sha256', 'rsa_pkcs1_sha384', 'rsa_pkcs1_sha512'];

/** The only fields of a context. Any other could switch off what these require. */
const COMMON_FIELDS = [
  'tls_params',
  'alpn_protocols',
  'tls_certificate_sds_secret_configs',
  'combined_validation_context',
];

export interface BackendUse {
  readonly tls: BackendTls;
  readonly secrets: readonly string[];
}

/** `hosts`: the addresses of the cluster. */
export function checkBackendTls(subject: Subject, socket: TransportSocket, hosts: readonly string[]): BackendUse {
  const context = socket.typed_config;
  enforce(context?.['@type'] === UPSTREAM, 'BACKEND_TLS', subject);
  enforce(context.max_session_keys === 0 && context.allow_renegotiation !== true, 'NO_RESUMPTION', subject);
  const { common_tls_context: common = {}, sni } = context;
  const certificates = common.tls_certificate_sds_secret_configs ?? [];
  enforce(
    Object.keys(common).every((field) => COMMON_FIELDS.includes(field)),
    'COMBINED_VALIDATION',
    subject,
  );
  const { type, name } = nameOf(subject, common);
  const trusted = common.combined_validation_context?.validation_context_sds_secret_config;
  enforce(trusted?.sds_config?.ads !== undefined, 'BACKEND_TRUST', subject);
  const isMesh = type === 'URI';
  const trust = isMesh ? meshBundleKey(trusted.name ?? '') : backendCaKey(trusted.name ?? '');
  enforce(trust !== undefined, 'BACKEND_TRUST', subject);
  checkParameters(subject, common, isMesh);
  if (!isMesh) {
    enforce(certificates.length === 0, 'OWN_CERTIFICATE', subject);
    enforce(sni === name, 'BACKEND_TLS', subject);
    return { tls: { mode: 'simple', serverName: name, trust }, secrets: [trusted.name ?? ''] };
  }
  enforce(sni === undefined || hosts.includes(sni), 'BACKEND_TLS', subject);
  const [own] = certificates;
  const isOwn = own?.name === 'cert/backends' || own?.name === 'cert/ingress';
  enforce(isOwn && certificates.length === 1 && own.sds_config?.ads !== undefined, 'OWN_CERTIFICATE', subject);
  const tls = { mode: 'mtls', identity: name as SpiffeId, trust } as const;
  return { tls, secrets: [trusted.name ?? '', own.name ?? ''] };
}

/** The one name that the backend must have. */
function nameOf(subject: Subject, { combined_validation_context: combined = {} }: CommonTlsContext) {
  const { default_validation_context: own = {}, ...rest } = combined;
  const plain = Object.keys(own).join() === 'match_typed_subject_alt_names';
  enforce(plain && Object.keys(rest).join() === 'validation_context_sds_secret_config', 'COMBINED_VALIDATION', subject);
  const [only, ...more] = own.match_typed_subject_alt_names ?? [];
  const { san_type: type, matcher = {} } = only ?? {};
  const name = Object.keys(matcher).join() === 'exact' ? matcher.exact : undefined;
  const isName = type === 'URI' ? trustDomainOf(name) !== undefined : type === 'DNS' && !name?.includes('*');
  enforce(name !== undefined && isName && more.length === 0, 'EXACT_SAN', subject);
  return { type, name };
}

function checkParameters(subject: Subject, { tls_params: params = {} }: CommonTlsContext, isMesh: boolean): void {
  const { tls_minimum_protocol_version: least, tls_maximum_protocol_version: most } = params;
  enforce(least === (isMesh ? 'TLSv1_3' : 'TLSv1_2') && most === 'TLSv1_3', 'TLS_1_3', subject);
  const strong = new Set(isMesh ? TLS_1_3_SIGNATURES : TLS_1_2_SIGNATURES);
  const signatures = params.signature_algorithms ?? [];
  enforce(signatures.length > 0 && signatures.every((one) => strong.has(one)), 'SIGNATURES', subject);
}

/** In words that can be compared with the model. */
export function backendText(tls: BackendTls | undefined, hosts: readonly string[]): string {
  const proof = tls === undefined ? 'nothing' : `${tls.mode} ${tls.mode === 'mtls' ? tls.identity : tls.serverName}`;
  return [proof, tls?.trust ?? '', ...hosts].join('\n');
}
