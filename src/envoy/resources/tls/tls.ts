// TLS towards peers, both directions, and towards our own callers: 1.3 only, mutual. A peer has one bundle and exact URI SANs
// (docs/design.md, "Resource shapes").
// Must not: offer a validation context without SAN matchers and a bundle: Envoy would let everybody in.

import type { GatewayRole, IdentitySource, LeafKey, Peer } from '../../../federation/model.ts';
import { ADS } from '../../config-source.ts';
import { extension, type Message } from '../../draft.ts';
import * as names from '../../resource-names.ts';

export type TransportSocket = Message<'envoy.config.core.v3.TransportSocket'>;
type CommonTlsContext = Message<'envoy.extensions.transport_sockets.tls.v3.CommonTlsContext'>;

/** What TLS uses of a peer. Its bundle is a secret, so that a new one changes no listener. */
type TlsPeer = Pick<Peer, 'name' | 'key' | 'gatewayIdentities' | 'leafKeys'>;

type Alpn = typeof names.HTTP_ALPN | typeof names.TCP_ALPN;

/** The TLS of a peer's filter chain. */
export function downstreamTls(peer: TlsPeer, source: IdentitySource, alpn: Alpn): TransportSocket {
  return serverTls(commonTls('ingress', peer, source, alpn));
}

/** The TLS of a listener: the other end shows a certificate in each connection. */
export function serverTls(context: CommonTlsContext): TransportSocket {
  return extension('envoy.transport_sockets.tls', 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    require_client_certificate: true,
    common_tls_context: context,
    // A resumed session is not verified again, so it would outlive the certificate that it began with.
    disable_stateless_session_resumption: true,
    disable_stateful_session_resumption: true,
  });
}

/** The TLS of connections to the ingress gateways of a peer. */
export function upstreamTls(peer: TlsPeer, source: IdentitySource, alpn: Alpn, serverName: string): TransportSocket {
  return extension('envoy.transport_sockets.tls', 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    sni: serverName,
    max_session_keys: 0,
    common_tls_context: commonTls('egress', peer, source, alpn),
  });
}

export function tls13(signatureAlgorithms: readonly string[]): NonNullable<CommonTlsContext['tls_params']> {
  return {
    tls_minimum_protocol_version: 'TLSv1_3',
    tls_maximum_protocol_version: 'TLSv1_3',
    signature_algorithms: signatureAlgorithms,
  };
}

function commonTls(role: GatewayRole, peer: TlsPeer, source: IdentitySource, alpn: Alpn): CommonTlsContext {
  const own = names.certificateSecret(role, source.kind === 'issuer' ? peer : undefined);
  return {
    tls_params: tls13(signatureAlgorithms(peer.leafKeys, source)),
    alpn_protocols: [alpn],
    tls_certificate_sds_secret_configs: [{ name: own, sds_config: ADS }],
    combined_validation_context: {
      default_validation_context: {
        match_typed_subject_alt_names: peer.gatewayIdentities.map((id) => ({
          san_type: 'URI',
          matcher: { exact: id },
        })),
      },
      validation_context_sds_secret_config: { name: names.bundleSecret(peer), sds_config: ADS },
    },
  };
}

/** In the order of preference. RSA only as PSS, the only RSA of TLS 1.3; by default Envoy would offer SHA-1 too. */
export const ALGORITHMS: readonly (readonly [LeafKey, readonly string[]])[] = [
  ['ecdsa', ['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512']],
  ['ed25519', ['ed25519']],
  ['rsa', ['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512']],
];

/**
 * The signature algorithms that are accepted from a peer. The TLS library uses the same list for its own signatures, so the
 * kind of our own key (ECDSA when it is issued) is always included.
 */
export function signatureAlgorithms(leafKeys: readonly LeafKey[], source: IdentitySource): readonly string[] {
  const kinds = new Set<LeafKey>(source.kind === 'issuer' ? ['ecdsa', ...leafKeys] : leafKeys);
  return ALGORITHMS.flatMap(([kind, algorithms]) => (kinds.has(kind) ? algorithms : []));
}
