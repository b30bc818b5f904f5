// TLS towards our own callers: 1.3 only, mutual, the CAs of our own workloads and every SPIFFE ID of our trust domain.
// Must not: list the clients of an import, whose policy is in its routes: a changed list must disturb no connection.

import type { IdentitySource, MeshBundle } from '../../../federation/model.ts';
import { ADS } from '../../config-source.ts';
import * as names from '../../resource-names.ts';
import { ALGORITHMS, serverTls, type TransportSocket, tls13 } from './tls.ts';

/** The CA of our own workloads may use any kind of key. */
export function callersTls(
  trustDomain: string,
  bundle: Pick<MeshBundle, 'key'>,
  source: IdentitySource,
  alpn: readonly string[] = names.CALLERS_ALPN,
): TransportSocket {
  const certificate = names.callersCertificateSecret(source.kind === 'issuer');
  return serverTls({
    tls_params: tls13(ALGORITHMS.flatMap(([, algorithms]) => algorithms)),
    alpn_protocols: alpn,
    tls_certificate_sds_secret_configs: [{ name: certificate, sds_config: ADS }],
    combined_validation_context: {
      default_validation_context: {
        match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { prefix: `spiffe://${trustDomain}/` } }],
      },
      validation_context_sds_secret_config: { name: names.meshBundleSecret(bundle), sds_config: ADS },
    },
  });
}
