// TLS towards backends: the exact name of one service, by the CAs of our own mesh (mtls) or of the configuration (simple).
// Must not: trust a peer's bundle or the CAs of the system, show a certificate that was made for a peer, or resume a session.

import { isIP } from 'node:net';
import type { BackendTls, Export, IdentitySource } from '../../../federation/model.ts';
import { ADS } from '../../config-source.ts';
import { extension, type Message } from '../../draft.ts';
import * as names from '../../resource-names.ts';
import { signatureAlgorithms } from './tls.ts';

type TransportSocket = Message<'envoy.config.core.v3.TransportSocket'>;
type Protocol = Export['protocol'];
type CommonTlsContext = Message<'envoy.extensions.transport_sockets.tls.v3.CommonTlsContext'>;

/** The TLS of the backend of one export, of which `protocol` decides the ALPN. */
export function backendTls(
  tls: BackendTls,
  { protocol, backends }: Pick<Export, 'protocol' | 'backends'>,
  source: IdentitySource,
): TransportSocket {
  // A name for the server to choose a certificate by; an IP address is no server name (RFC 6066, 3).
  const serverName = tls.mode === 'simple' ? tls.serverName : backends.find(({ host }) => isIP(host) === 0)?.host;
  return extension('envoy.transport_sockets.tls', 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    ...(serverName !== undefined && { sni: serverName }),
    // A resumed session is not verified again, so it would outlive the CA that it began with.
    max_session_keys: 0,
    common_tls_context: tls.mode === 'mtls' ? mutual(tls, protocol, source) : simple(tls, protocol),
  });
}

/** Workload certificates of Istio have RSA keys by default. */
const ANY_KEY = signatureAlgorithms(['ecdsa', 'ed25519', 'rsa'], { kind: 'issuer' });

/**
 * The first are how sidecars of Istio ask each other: one that also takes plain connections (PERMISSIVE) tells by them that this
 * one is of the mesh, and would otherwise hand the encrypted bytes to the application. Other servers choose the last.
 */
const MESH_ALPN: Readonly<Record<Protocol, readonly string[]>> = {
  http: ['istio-http/1.1', 'istio', 'http/1.1'],
  http2: ['istio-h2', 'istio', 'h2'],
  grpc: ['istio-h2', 'istio', 'h2'],
  tcp: ['istio'],
};
/** What a TCP server speaks is not known here. */
const SERVER_ALPN: Readonly<Record<Protocol, readonly string[]>> = {
  http: ['http/1.1'],
  http2: ['h2'],
  grpc: ['h2'],
  tcp: [],
};

function mutual(
  { identity, trust }: Extract<BackendTls, { mode: 'mtls' }>,
  protocol: Protocol,
  source: IdentitySource,
): CommonTlsContext {
  return {
    tls_params: {
      tls_minimum_protocol_version: 'TLSv1_3',
      tls_maximum_protocol_version: 'TLSv1_3',
      signature_algorithms: ANY_KEY,
    },
    alpn_protocols: MESH_ALPN[protocol],
    tls_certificate_sds_secret_configs: [
      { name: names.backendsCertificateSecret(source.kind === 'issuer'), sds_config: ADS },
    ],
    combined_validation_context: {
      default_validation_context: {
        match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: identity } }],
      },
      validation_context_sds_secret_config: { name: names.meshBundleSecret({ key: trust }), sds_config: ADS },
    },
  };
}

/** TLS 1.2 has servers that sign with PKCS#1 alone. */
const SIMPLE_ALGORITHMS = [...ANY_KEY, 'rsa_pkcs1_sha256', 'rsa_pkcs1_sha384', 'rsa_pkcs1_sha512'];

function simple({ serverName, trust }: Extract<BackendTls, { mode: 'simple' }>, protocol: Protocol): CommonTlsContext {
  const alpn = SERVER_ALPN[protocol];
  return {
    tls_params: {
      tls_minimum_protocol_version: 'TLSv1_2',
      tls_maximum_protocol_version: 'TLSv1_3',
      signature_algorithms: SIMPLE_ALGORITHMS,
    },
    ...(alpn.length > 0 && { alpn_protocols: alpn }),
    combined_validation_context: {
      default_validation_context: {
        match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: serverName } }],
      },
      validation_context_sds_secret_config: { name: names.backendCaSecret({ key: trust }), sds_config: ADS },
    },
  };
}
