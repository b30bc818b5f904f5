// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// For each boundary rule of clusters and secrets, mutations of good resources that break it.
// Must not: break another rule that is checked earlier.

import { type Data, leaf, type Mutations, sans } from './mutation.ts';

export const SECRETS_MUTATIONS: Mutations = {
  CLUSTER_PRESENT: [['absent', 'ingress', (c) => c.remove('Cluster', 'export/shop/loans')]],
  NO_STRAY_CLUSTER: [
    [
      'one that nobody was granted',
      'ingress',
      (c) => {
        const loans = c.named('Cluster', 'export/shop/loans');
        c.resources.push({ ...loans, name: loans.name.replace('/loans@', '/secrets@') });
      },
    ],
  ],
  MEANING: [
    [
      'another backend under the name of the old one',
      'ingress',
      (c) => {
        const { endpoints } = c.named('Cluster', 'export/shop/loans').load_assignment;
        endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value = 80;
      },
    ],
    [
      'another protocol under the name of the old one',
      'ingress',
      (c) => {
        const options = Object.values(
          c.named('Cluster', 'export/shop/loans').typed_extension_protocol_options,
        )[0] as Data;
        options.explicit_http_config = { http2_protocol_options: {} };
      },
    ],
  ],
  FIXED_DESTINATION: [
    [
      'a listener of the gateway itself',
      'egress',
      (c) => void (c.cluster.load_assignment = c.tunnelled.load_assignment),
    ],
    [
      'the original destination',
      'ingress',
      (c) => void (c.named('Cluster', 'export/shop/loans').type = 'ORIGINAL_DST'),
    ],
    ['nothing', 'ingress', (c) => void (c.named('Cluster', 'export/shop/loans').load_assignment.endpoints = [])],
    ['another transport for some', 'egress', (c) => void (c.cluster.transport_socket_matches = [{}])],
  ],
  BUNDLE_ONLY_CA: [
    ['no CA', 'ingress', (c) => void (c.named('Secret', 'bundle/shop').validation_context = {})],
    [
      'an empty CA',
      'ingress',
      (c) => void (c.named('Secret', 'bundle/shop').validation_context.trusted_ca.inline_string = ''),
    ],
    [
      'a leaf',
      'ingress',
      (c) => void (c.named('Secret', 'bundle/shop').validation_context.trusted_ca.inline_string += leaf.cert),
    ],
    [
      'SAN matchers',
      'ingress',
      (c) => void (c.named('Secret', 'bundle/shop').validation_context.match_typed_subject_alt_names = sans(c.tls)),
    ],
    [
      'a file',
      'ingress',
      (c) => void (c.named('Secret', 'bundle/shop').validation_context.trusted_ca = { filename: '/x' }),
    ],
    [
      'garbage',
      'egress',
      (c) =>
        void (c.named('Secret', 'bundle/shop').validation_context.trusted_ca.inline_string =
          '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'),
    ],
  ],
  KEY_ONLY_IN_CERTIFICATES: [
    [
      'in a bundle',
      'ingress',
      (c) => void (c.named('Secret', 'bundle/shop').validation_context.trusted_ca.inline_string += leaf.key),
    ],
    [
      'in a listener',
      'ingress',
      (c) => void (c.tls.common_tls_context.tls_certificates = [{ private_key: { filename: '/key' } }]),
    ],
    ['in metadata', 'egress', (c) => void (c.cluster.metadata = { filter_metadata: { x: { y: leaf.key } } })],
  ],
  DISTINCT_KEYS: [
    [
      'one key for two peers',
      'ingress',
      (c) =>
        void (c.named('Secret', 'cert/ingress/shop').tls_certificate = c.named(
          'Secret',
          'cert/ingress/partner',
        ).tls_certificate),
    ],
  ],
};
