// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// For each boundary rule of backends that prove who they are, mutations of good resources that break it.
// Must not: break another rule that is checked earlier.

import type { BoundaryRule } from '../../../../src/envoy/boundary/boundary-rules.ts';
import { exportKey } from '../../../../src/federation/meaning-digest.ts';
import { type Copy, type Data, type Mutation, sans } from './mutation.ts';

const common = (context: Data): Data => context.common_tls_context;
const trusted = (context: Data): Data =>
  common(context).combined_validation_context.validation_context_sds_secret_config;

/** The cluster and the routes that lead to it, under the name that its destination has without TLS. */
function withoutTls(c: Copy): void {
  const cluster = c.named('Cluster', 'export/shop/vault');
  const key = exportKey({ protocol: 'http', backends: [{ host: 'vault.bank.svc', port: 82 }] });
  const name = cluster.name.replace(/[0-9a-f]{16}$/, key);
  for (const host of c.routes.virtual_hosts)
    for (const { route } of host.routes) if (route?.cluster === cluster.name) route.cluster = name;
  cluster.name = name;
  delete cluster.transport_socket;
}

const shopsPem = (c: Copy): string => c.named('Secret', 'bundle/shop').validation_context.trusted_ca.inline_string;

const BY_RULE: Partial<Record<BoundaryRule, readonly (readonly [string, (copy: Copy) => void])[]>> = {
  BACKEND_TLS: [
    ['no TLS, under a name that says so', withoutTls],
    ['another transport', (c) => void (c.vault['@type'] = c.vault['@type'].replace('Upstream', 'Downstream'))],
    ['the server name of another server', (c) => void (c.web.sni = 'other.bank.internal')],
    ['no server name', (c) => void delete c.web.sni],
    ['a server name that is no address of the backend', (c) => void (c.vault.sni = 'other.bank.svc')],
    ['another protocol', (c) => void (common(c.vault).alpn_protocols = ['h2'])],
  ],
  BACKEND_TRUST: [
    ['the bundle of a peer for a workload of ours', (c) => void (trusted(c.vault).name = `bundle/${c.label('shop')}`)],
    ['the bundle of a peer for a server', (c) => void (trusted(c.web).name = `bundle/${c.label('shop')}`)],
    ['the CA of a server for a workload of ours', (c) => void (trusted(c.vault).name = c.secret('backend-ca').name)],
    ['our own CAs for a server', (c) => void (trusted(c.web).name = c.secret('mesh-bundle').name)],
    ['a secret of the bootstrap', (c) => void delete trusted(c.vault).sds_config],
    [
      'the CA of a peer in the place of the server’s',
      (c) => void (c.secret('backend-ca').validation_context.trusted_ca.inline_string = shopsPem(c)),
    ],
  ],
  OWN_BUNDLE: [
    [
      'the CA of a peer in the place of our own workloads’',
      (c) => void (c.secret('mesh-bundle').validation_context.trusted_ca.inline_string = shopsPem(c)),
    ],
  ],
  MEANING: [
    ['another workload under the name of the old one', (c) => void (sans(c.vault)[0].matcher.exact += '2')],
    [
      'another server under the name of the old one',
      (c) => {
        c.web.sni = 'web2.bank.internal';
        sans(c.web)[0].matcher.exact = 'web2.bank.internal';
      },
    ],
    ['other CAs of ours', (c) => void (trusted(c.vault).name = 'mesh-bundle/0123456789abcdef')],
    ['other CAs of a server', (c) => void (trusted(c.web).name = 'backend-ca/0123456789abcdef')],
    ['no TLS under the name with TLS', (c) => void delete c.named('Cluster', 'export/shop/web').transport_socket],
    [
      'TLS under the name without it',
      (c) => {
        const { transport_socket: socket } = c.named('Cluster', 'export/shop/web');
        c.named('Cluster', 'export/shop/accounts').transport_socket = socket;
      },
    ],
  ],
  EXACT_SAN: [
    [
      'a workload by the begin of its name',
      (c) => void (sans(c.vault)[0].matcher = { prefix: 'spiffe://bank.example/' }),
    ],
    ['a second workload', (c) => void sans(c.vault).push(sans(c.vault)[0])],
    ['a server by a wildcard', (c) => void (sans(c.web)[0].matcher.exact = '*.bank.internal')],
    ['a server by its e-mail', (c) => void (sans(c.web)[0].san_type = 'EMAIL')],
  ],
  COMBINED_VALIDATION: [
    [
      'a backend without names',
      (c) => void (common(c.vault).combined_validation_context.default_validation_context = {}),
    ],
    [
      'a backend that need not chain to a CA',
      (c) =>
        void (common(c.web).combined_validation_context.default_validation_context.trust_chain_verification =
          'ACCEPT_UNTRUSTED'),
    ],
    ['a context beside the combined one', (c) => void (common(c.web).validation_context = {})],
  ],
  TLS_1_3: [
    ['1.2 inside our mesh', (c) => void (common(c.vault).tls_params.tls_minimum_protocol_version = 'TLSv1_2')],
    ['1.1 to a server', (c) => void (common(c.web).tls_params.tls_minimum_protocol_version = 'TLSv1_1')],
  ],
  SIGNATURES: [
    ['PKCS#1 inside our mesh', (c) => void common(c.vault).tls_params.signature_algorithms.push('rsa_pkcs1_sha256')],
    ['SHA-1 of a server', (c) => void common(c.web).tls_params.signature_algorithms.push('rsa_pkcs1_sha1')],
  ],
  NO_RESUMPTION: [['sessions with a backend', (c) => void (c.vault.max_session_keys = 1)]],
  OWN_CERTIFICATE: [
    [
      'the certificate for a peer shown to our own mesh',
      (c) => void (common(c.vault).tls_certificate_sds_secret_configs[0].name = `cert/ingress/${c.label('shop')}`),
    ],
    [
      'our certificate shown to any server',
      (c) =>
        void (common(c.web).tls_certificate_sds_secret_configs = common(c.vault).tls_certificate_sds_secret_configs),
    ],
    ['none shown to our own mesh', (c) => void delete common(c.vault).tls_certificate_sds_secret_configs],
  ],
  SECRET_PRESENT: [
    ['the CAs of our own mesh', (c) => void c.resources.splice(c.resources.indexOf(c.secret('mesh-bundle')), 1)],
    ['the certificate for our own mesh', (c) => c.remove('Secret', 'cert/backends')],
  ],
};

export const BACKEND_MUTATIONS: readonly (readonly [BoundaryRule, ...Mutation])[] = Object.entries(BY_RULE).flatMap(
  ([rule, mutations]) => mutations.map(([what, mutate]) => [rule as BoundaryRule, what, 'ingress', mutate] as const),
);
