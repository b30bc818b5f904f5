// TLS towards peers, both directions: 1.3 only, mutual, one bundle and exact URI SANs of one peer (spec section 3).
// In: a peer, the role of our gateway, where its identity comes from. Out: transport sockets, SDS references.
// Must not: offer a validation context without SAN matchers and a bundle; Envoy lets everybody in then (sec.md fact 2).

import type { GatewayRole, IdentitySource, LeafKey, Peer } from '../../federation/model.ts';
import { ADS } from '../config-source.ts';
import { extension, type Message } from '../draft.ts';
import * as names from '../resource-names.ts';

type TransportSocket = Message<'envoy.config.core.v3.TransportSocket'>;
type CommonTlsContext = Message<'envoy.extensions.transport_sockets.tls.v3.CommonTlsContext'>;

/** What TLS needs to know of a peer. Its bundle is not here: it comes as a secret, and a new one changes no listener. */
type TlsPeer = Pick<Peer, 'name' | 'key' | 'gatewayIdentities' | 'leafKeys'>;

/** What a peer's filter chain speaks. */
export function downstreamTls(peer: TlsPeer, source: IdentitySource): TransportSocket {
  return extension('envoy.transport_sockets.tls', 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    require_client_certificate: true,
    common_tls_context: commonTls('ingress', peer, source),
    // A resumed session is not verified again: it would outlive the certificate that it began with.
    disable_stateless_session_resumption: true,
    disable_stateful_session_resumption: true,
  });
}

/** What a cluster of an import speaks to the ingress gateway of its peer. */
export function upstreamTls(peer: TlsPeer & Pick<Peer, 'outboundServerName'>, source: IdentitySource): TransportSocket {
  return extension('envoy.transport_sockets.tls', 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    sni: peer.outboundServerName,
    max_session_keys: 0,
    common_tls_context: commonTls('egress', peer, source),
  });
}

function commonTls(role: GatewayRole, peer: TlsPeer, source: IdentitySource): CommonTlsContext {
  const own = names.certificateSecret(role, source.kind === 'issuer' ? peer : undefined);
  return {
    tls_params: {
      tls_minimum_protocol_version: 'TLSv1_3',
      tls_maximum_protocol_version: 'TLSv1_3',
      signature_algorithms: signatureAlgorithms(peer.leafKeys, source),
    },
    alpn_protocols: [names.ALPN],
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

/** In the order of preference. RSA only as PSS: TLS 1.3 knows no other, and Envoy would otherwise offer SHA-1 too. */
const ALGORITHMS: readonly (readonly [LeafKey, readonly string[]])[] = [
  ['ecdsa', ['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512']],
  ['ed25519', ['ed25519']],
  ['rsa', ['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512']],
];

/**
 * The signatures that a peer's certificate may answer with. The TLS library has one list for what it accepts and for
 * what it signs with, so that the kind of our own key (issued: ECDSA) is always among them.
 */
function signatureAlgorithms(leafKeys: readonly LeafKey[], source: IdentitySource): readonly string[] {
  const kinds = new Set<LeafKey>(source.kind === 'issuer' ? ['ecdsa', ...leafKeys] : leafKeys);
  return ALGORITHMS.flatMap(([kind, algorithms]) => (kinds.has(kind) ? algorithms : []));
}
