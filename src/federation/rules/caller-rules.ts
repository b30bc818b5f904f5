// Rules about the callers of the egress gateway: who may use an import is said exactly where it can be enforced.
// Must not: judge a value that is not usable (null).

import type { ConfigOutline } from '../../config/outline.ts';
import { errorAt, type Finding, warningAt } from '../../errors.ts';
import type { TrustBundle } from '../../trust/bundle.ts';
import { type Certificate, isSignedBy } from '../../trust/x509/certificate.ts';
import { localNames } from '../wire-names.ts';

/** Java takes no handshake message over 32 KiB, OpenSSL no chain over 100 KiB; a name of a service is some 40 bytes long. */
const MAX_CERTIFICATE_NAME_BYTES = 24 * 1024;

/** Whether callers have to prove who they are; undefined when that cannot be read. */
export function provesCallers({ gateways: { egress } }: Pick<ConfigOutline, 'gateways'>): boolean | undefined {
  if (egress === undefined) return false;
  return egress === null || egress.clients === null ? undefined : egress.clients === 'mtls';
}

export function callerRules(config: ConfigOutline): readonly Finding[] {
  const proves = provesCallers(config);
  if (proves === undefined) return [];
  return proves ? provenCallerRules(config) : plaintextRules(config);
}

function provenCallerRules({ mesh, imports }: ConfigOutline): readonly Finding[] {
  return [
    ...(mesh.trustBundle === undefined && mesh.trustDomain !== null
      ? [
          errorAt(
            'MESH_BUNDLE_MISSING',
            ['mesh', 'trustBundle'],
            'clients: mtls verifies our own workloads, and mesh.trustBundle is missing',
            'add mesh.trustBundle: the PEM file with the CA certificates of our own workloads',
          ),
        ]
      : []),
    ...imports.flatMap(({ clients, name }, index) =>
      clients === undefined
        ? [
            errorAt(
              'MISSING_KEY',
              ['imports', index, 'clients'],
              `clients is missing: the egress gateway verifies its callers, and nobody may use ${name ?? 'this import'}`,
              'add the workloads that may use it, such as clients: [ns/shop/sa/web]',
            ),
          ]
        : [],
    ),
  ];
}

function plaintextRules({ imports }: ConfigOutline): readonly Finding[] {
  return imports.flatMap(({ clients }, index) =>
    clients == null
      ? []
      : [
          errorAt(
            'CLIENTS_UNPROVEN',
            ['imports', index, 'clients'],
            'clients would not be enforced: the egress gateway takes plaintext, and does not know who calls',
            'write gateways.egress.clients: mtls with mesh.trustBundle, or remove clients',
          ),
        ],
  );
}

/** What callers will think of the certificate that the issuer signs for the egress listeners. */
export function shownCertificateRules({ imports }: Pick<ConfigOutline, 'imports'>): readonly Finding[] {
  const names = new Set(imports.flatMap(({ as }) => (as === null ? [] : localNames(as))));
  const bytes = [...names].reduce((sum, name) => sum + name.length + 2, 0);
  if (bytes <= MAX_CERTIFICATE_NAME_BYTES) return [];
  return [
    warningAt(
      'CALLER_NAMES_LONG',
      ['gateways', 'egress', 'clients'],
      `the certificate for callers holds ${names.size} local names; TLS libraries refuse certificates of that size`,
      'use fewer or shorter local names: a name with .svc.cluster.local counts three times',
    ),
  ];
}

/** Whether our own workloads can verify what our gateways show them: to callers, and to backends with `tls: mtls`. */
export function meshIssuerRules(
  config: Pick<ConfigOutline, 'exports' | 'gateways'>,
  chain: readonly Certificate[],
  bundle: TrustBundle | undefined,
): readonly Finding[] {
  const shownTo = [
    ...(provesCallers(config) === true ? ['callers of the egress gateway'] : []),
    ...(config.exports.some(({ backendTls }) => backendTls?.mode === 'mtls') ? ['backends with tls: mtls'] : []),
  ];
  // Without a certificate in it, the bundle is not here (--without-keys).
  if (shownTo.length === 0 || bundle === undefined || bundle.certificates.length === 0) return [];
  if (chain.some((one) => isWithin(one, bundle))) return [];
  return [
    warningAt(
      'ISSUER_OUTSIDE_MESH',
      ['identity', 'issuer', 'certificate'],
      `${shownTo.join(' and ')} are shown a certificate of this issuer, which no CA of mesh.trustBundle has signed; workloads that trust those CAs alone refuse it`,
      'use an issuer below a CA of mesh.trustBundle, or give the CA of this issuer to these workloads',
    ),
  ];
}

/** It is one of the bundle's CAs, or signed by one. */
function isWithin(certificate: Certificate, { certificates }: TrustBundle): boolean {
  return certificates.some(
    (root) => root.publicKeyFingerprint === certificate.publicKeyFingerprint || isSignedBy(certificate, root),
  );
}
