// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// Every boundary invariant has at least one mutation of a good snapshot that turns it red.

import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { RULES, type Rule } from '../../src/envoy/boundary.ts';
import { decodeResource, encodeResource } from '../../src/envoy/codec.ts';
import { checkInvariants } from '../../src/envoy/invariants.ts';
import type { ResourceJson } from '../../src/envoy/types.gen.ts';
import { PosternError } from '../../src/errors.ts';
import type { GatewayRole } from '../../src/federation/model.ts';
import { certify, issuerOf } from './callers.ts';
import { MeshUnderTest, NOW, newCa } from './pipeline.ts';

const mesh = new MeshUnderTest(`
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}, egress: {address: 127.0.0.1}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress, gateway/ingress], addresses: ["127.0.0.1:15444"]}
  partner: {trustDomain: partner.example, trustBundle: partner.pem, gatewayIdentities: [gateway/egress], addresses: ["127.0.0.1:15445"]}
exports:
- {name: accounts, backend: "127.0.0.1:80", consumers: [{peer: shop, methods: [GET], paths: [/v1/*]}, {peer: partner, methods: [GET, POST], paths: [/a, /b/*]}]}
- {name: loans, backend: "127.0.0.1:81", consumers: [{peer: shop, allow: [{methods: [GET], paths: [/l]}, {methods: [PUT], paths: [/m/*]}]}]}
imports:
- {peer: shop, name: cart, as: cart.default.svc.cluster.local, port: 8080}
- {peer: partner, name: cart, as: cart2.default.svc.cluster.local, port: 8080}
`);

// Mutations reach anywhere into ProtoJSON, so they see it as plain data.
// biome-ignore lint/suspicious/noExplicitAny: a mutation may write nonsense on purpose
type Data = any;

class Copy {
  readonly resources: Data[];

  constructor(role: GatewayRole) {
    this.resources = structuredClone(mesh.resources(role, ['gone'])) as Data[];
  }

  named(kind: string, name: string): Data {
    return this.resources.find((resource) => resource['@type'].endsWith(`.${kind}`) && resource.name === name);
  }

  get chain(): Data {
    return this.named('Listener', 'ingress').filter_chains.find((chain: Data) => chain.name === 'peer/shop');
  }

  get tls(): Data {
    return this.chain.transport_socket.typed_config;
  }

  get manager(): Data {
    return this.chain.filters[1].typed_config;
  }

  get routes(): Data {
    return this.named('RouteConfiguration', 'ingress/shop');
  }

  get host(): Data {
    return this.routes.virtual_hosts[0];
  }

  get policy(): Data {
    return Object.values(this.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac.rules.policies)[0];
  }

  get cluster(): Data {
    return this.named('Cluster', 'import/shop/cart');
  }

  get upstream(): Data {
    return this.cluster.transport_socket.typed_config;
  }

  remove(kind: string, name: string): void {
    this.resources.splice(this.resources.indexOf(this.named(kind, name)), 1);
  }
}

const sans = (context: Data): Data[] =>
  context.common_tls_context.combined_validation_context.default_validation_context.match_typed_subject_alt_names;
const leaf = certify(
  issuerOf(newCa('shop.example'), 'shop.example', NOW),
  ['spiffe://shop.example/gateway/egress'],
  NOW,
);

type Mutation = readonly [what: string, role: GatewayRole, mutate: (copy: Copy) => void];

const MUTATIONS: Record<Rule, readonly Mutation[]> = {
  KNOWN_NAME: [
    ['a listener of another name', 'ingress', (c) => void (c.named('Listener', 'ingress').name = 'other')],
    ['a secret of another name', 'ingress', (c) => void (c.named('Secret', 'bundle/shop').name = 'shop')],
    ['a chain of no peer', 'ingress', (c) => void (c.chain.name = 'everybody')],
    ['routes of another name', 'egress', (c) => void (c.named('RouteConfiguration', 'egress/8080').name = 'r')],
    [
      'a certificate secret with more in it',
      'ingress',
      (c) => void (c.named('Secret', 'cert/ingress/shop').generic_secret = {}),
    ],
  ],
  ONE_GATEWAY: [
    [
      'the key of the other gateway',
      'ingress',
      (c) => c.resources.push(new Copy('egress').named('Secret', 'cert/egress/shop')),
    ],
    [
      'a cluster of the other gateway',
      'egress',
      (c) => c.resources.push(new Copy('ingress').named('Cluster', 'export/loans')),
    ],
  ],
  TLS: [
    ['a chain in plaintext', 'ingress', (c) => void delete c.chain.transport_socket],
    ['a peer dialled in plaintext', 'egress', (c) => void delete c.cluster.transport_socket],
    [
      'a server context where a client’s belongs',
      'egress',
      (c) => void (c.cluster.transport_socket = new Copy('ingress').chain.transport_socket),
    ],
  ],
  CLIENT_CERTIFICATE: [
    ['false', 'ingress', (c) => void (c.tls.require_client_certificate = false)],
    ['absent', 'ingress', (c) => void delete c.tls.require_client_certificate],
  ],
  TLS_1_3: [
    [
      'TLS 1.2 allowed',
      'ingress',
      (c) => void (c.tls.common_tls_context.tls_params.tls_minimum_protocol_version = 'TLSv1_2'),
    ],
    ['no maximum', 'egress', (c) => void delete c.upstream.common_tls_context.tls_params.tls_maximum_protocol_version],
  ],
  NO_RESUMPTION: [
    ['stateless', 'ingress', (c) => void delete c.tls.disable_stateless_session_resumption],
    ['stateful', 'ingress', (c) => void (c.tls.disable_stateful_session_resumption = false)],
    ['upstream', 'egress', (c) => void delete c.upstream.max_session_keys],
  ],
  SIGNATURES: [
    ['absent', 'ingress', (c) => void delete c.tls.common_tls_context.tls_params.signature_algorithms],
    ['empty', 'egress', (c) => void (c.upstream.common_tls_context.tls_params.signature_algorithms = [])],
    ['SHA-1', 'ingress', (c) => c.tls.common_tls_context.tls_params.signature_algorithms.push('rsa_pkcs1_sha1')],
  ],
  HTTP2_ONLY: [
    ['HTTP/1.1 too', 'ingress', (c) => c.tls.common_tls_context.alpn_protocols.push('http/1.1')],
    ['nothing', 'egress', (c) => void (c.upstream.common_tls_context.alpn_protocols = [])],
  ],
  HANDSHAKE_TIMEOUT: [['absent', 'ingress', (c) => void delete c.chain.transport_socket_connect_timeout]],
  COMBINED_VALIDATION: [
    ['absent', 'ingress', (c) => void delete c.tls.common_tls_context.combined_validation_context],
    [
      'the bundle alone',
      'ingress',
      (c) => {
        const context = c.tls.common_tls_context;
        context.validation_context_sds_secret_config =
          context.combined_validation_context.validation_context_sds_secret_config;
      },
    ],
    [
      'an untrusted chain accepted',
      'ingress',
      (c) =>
        void (c.tls.common_tls_context.combined_validation_context.default_validation_context.trust_chain_verification =
          'ACCEPT_UNTRUSTED'),
    ],
    [
      'a CA in place',
      'egress',
      (c) =>
        void (c.upstream.common_tls_context.combined_validation_context.default_validation_context.trusted_ca = {
          inline_string: 'x',
        }),
    ],
    ['a custom validator', 'ingress', (c) => void (c.tls.common_tls_context.custom_handshaker = {})],
  ],
  EXACT_SAN: [
    ['no matcher', 'ingress', (c) => void sans(c.tls).splice(0)],
    ['a prefix', 'ingress', (c) => void (sans(c.tls)[0].matcher = { prefix: 'spiffe://shop.example/' })],
    ['a DNS name', 'ingress', (c) => void (sans(c.tls)[0].san_type = 'DNS')],
    ['a whole trust domain', 'egress', (c) => void (sans(c.upstream)[0].matcher = { exact: 'spiffe://shop.example' })],
    ['case ignored', 'ingress', (c) => void (sans(c.tls)[0].matcher.ignore_case = true)],
  ],
  ONE_TRUST_DOMAIN: [
    [
      'another peer’s identity on this chain',
      'ingress',
      (c) => sans(c.tls).push({ san_type: 'URI', matcher: { exact: 'spiffe://partner.example/gateway/egress' } }),
    ],
    [
      'two peers of one trust domain',
      'ingress',
      (c) => {
        const listener = c.named('Listener', 'ingress');
        const text = JSON.stringify(listener.filter_chains.find((chain: Data) => chain.name === 'peer/partner'));
        const chain = JSON.parse(text.replaceAll('spiffe://partner.example', 'spiffe://shop.example'));
        listener.filter_chains = [c.chain, chain];
      },
    ],
  ],
  OWN_BUNDLE: [
    [
      'another peer’s',
      'ingress',
      (c) =>
        void (c.tls.common_tls_context.combined_validation_context.validation_context_sds_secret_config.name =
          'bundle/partner'),
    ],
    [
      'from a file',
      'egress',
      (c) =>
        void (c.upstream.common_tls_context.combined_validation_context.validation_context_sds_secret_config.sds_config =
          { path_config_source: { path: '/x' } }),
    ],
  ],
  OWN_CERTIFICATE: [
    [
      'another peer’s',
      'ingress',
      (c) => void (c.tls.common_tls_context.tls_certificate_sds_secret_configs[0].name = 'cert/ingress/partner'),
    ],
    [
      'the other gateway’s',
      'egress',
      (c) => void (c.upstream.common_tls_context.tls_certificate_sds_secret_configs[0].name = 'cert/ingress/shop'),
    ],
    [
      'two',
      'ingress',
      (c) =>
        c.tls.common_tls_context.tls_certificate_sds_secret_configs.push({
          name: 'cert/ingress',
          sds_config: { ads: {} },
        }),
    ],
  ],
  SERVER_NAME: [
    ['absent', 'egress', (c) => void delete c.upstream.sni],
    ['another mesh’s', 'egress', (c) => void (c.upstream.sni = 'bank.example.peers.partner.example')],
  ],
  SECRET_PRESENT: [
    ['no bundle', 'ingress', (c) => c.remove('Secret', 'bundle/shop')],
    ['no certificate', 'egress', (c) => c.remove('Secret', 'cert/egress/shop')],
  ],
  NO_DEFAULT_CHAIN: [['one', 'ingress', (c) => void (c.named('Listener', 'ingress').default_filter_chain = c.chain)]],
  CHAIN_MATCH: [
    ['no server name', 'ingress', (c) => void delete c.chain.filter_chain_match.server_names],
    ['any server name', 'ingress', (c) => void (c.chain.filter_chain_match.server_names = ['*.peers.bank.example'])],
    ['raw bytes', 'ingress', (c) => void (c.chain.filter_chain_match.transport_protocol = 'raw_buffer')],
    ['HTTP/1.1', 'ingress', (c) => c.chain.filter_chain_match.application_protocols.push('http/1.1')],
    ['no match', 'ingress', (c) => void delete c.chain.filter_chain_match],
  ],
  NETWORK_RBAC: [
    ['another filter first', 'ingress', (c) => void c.chain.filters.reverse()],
    [
      'one identity more',
      'ingress',
      (c) => {
        const { map } = c.chain.filters[0].typed_config.matcher.matcher_tree.exact_match_map;
        map['spiffe://shop.example/other'] = Object.values(map)[0];
      },
    ],
    ['nobody denied', 'ingress', (c) => void delete c.chain.filters[0].typed_config.matcher.on_no_match],
    [
      'all allowed',
      'ingress',
      (c) => void (c.chain.filters[0].typed_config.matcher.on_no_match.action.typed_config.action = 'ALLOW'),
    ],
    ['rules beside', 'ingress', (c) => void (c.chain.filters[0].typed_config.rules = {})],
  ],
  ROUTES_PRESENT: [
    ['none for a chain', 'ingress', (c) => c.remove('RouteConfiguration', 'ingress/shop')],
    ['another peer’s', 'ingress', (c) => void (c.manager.rds.route_config_name = 'ingress/partner')],
    ['none for a port', 'egress', (c) => c.remove('RouteConfiguration', 'egress/8080')],
    [
      'in place',
      'ingress',
      (c) => {
        c.manager.route_config = c.routes;
        delete c.manager.rds;
      },
    ],
  ],
  HTTP_RBAC: [
    ['absent', 'ingress', (c) => void c.manager.http_filters.shift()],
    ['disabled', 'ingress', (c) => void (c.manager.http_filters[0].disabled = true)],
    ['without rules', 'ingress', (c) => void delete c.manager.http_filters[0].typed_config.rules],
    [
      'DENY with no policy, which allows everything',
      'ingress',
      (c) => void (c.manager.http_filters[0].typed_config.rules.action = 'DENY'),
    ],
    [
      'a policy for everybody',
      'ingress',
      (c) =>
        void (c.manager.http_filters[0].typed_config.rules.policies = {
          all: { permissions: [{ any: true }], principals: [{ any: true }] },
        }),
    ],
    ['two connection managers', 'ingress', (c) => c.chain.filters.push(c.chain.filters[1])],
  ],
  CLEAN_REQUESTS: [
    ['no normalization', 'ingress', (c) => void delete c.manager.normalize_path],
    ['escaped slashes kept', 'ingress', (c) => void (c.manager.path_with_escaped_slashes_action = 'KEEP_UNCHANGED')],
    [
      'slashes not merged',
      'egress',
      (c) => void (c.named('Listener', 'egress/8080').filter_chains[0].filters[0].typed_config.merge_slashes = false),
    ],
    ['XFCC forwarded', 'ingress', (c) => void (c.manager.forward_client_cert_details = 'ALWAYS_FORWARD_ONLY')],
    [
      'caller’s address appended',
      'egress',
      (c) => void delete c.named('Listener', 'egress/8080').filter_chains[0].filters[0].typed_config.skip_xff_append,
    ],
    ['a hop trusted', 'ingress', (c) => void (c.manager.xff_num_trusted_hops = 1)],
    ['spoofed headers kept', 'ingress', (c) => void delete c.manager.early_header_mutation_extensions],
    ['HTTP/1', 'ingress', (c) => void (c.manager.codec_type = 'AUTO')],
  ],
  NO_INTERNAL_ADDRESSES: [['even empty', 'ingress', (c) => void (c.manager.internal_address_config = {})]],
  REFUSALS_ALIKE: [
    ['Envoy’s own words', 'ingress', (c) => void delete c.manager.local_reply_config],
    ['the status says why', 'ingress', (c) => void delete c.manager.local_reply_config.mappers.at(-1).status_code],
  ],
  POLICY: [
    ['absent', 'ingress', (c) => void delete c.host.typed_per_filter_config],
    [
      'DENY',
      'ingress',
      (c) => void (c.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac.rules.action = 'DENY'),
    ],
    ['no rules', 'ingress', (c) => void delete c.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac.rules],
    [
      'no rbac at all, which switches the filter off',
      'ingress',
      (c) => void delete c.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac,
    ],
    ['any principal', 'ingress', (c) => void (c.policy.principals = [{ any: true }])],
    ['no principal', 'ingress', (c) => void (c.policy.principals = [])],
    [
      'principals by prefix',
      'ingress',
      (c) => void (c.policy.principals = [{ authenticated: { principal_name: { prefix: 'spiffe://' } } }]),
    ],
    ['any permission', 'ingress', (c) => void (c.policy.permissions = [{ any: true }])],
    ['a second permission', 'ingress', (c) => c.policy.permissions.push({ any: true })],
    ['no authority', 'ingress', (c) => void c.policy.permissions[0].and_rules.rules.shift()],
    [
      'another authority',
      'ingress',
      (c) => void (c.policy.permissions[0].and_rules.rules[0].header.string_match.exact = 'loans.exports.bank.example'),
    ],
    ['no method', 'ingress', (c) => void c.policy.permissions[0].and_rules.rules.at(-1).and_rules.rules.shift()],
    ['no condition', 'ingress', (c) => void c.policy.permissions[0].and_rules.rules.pop()],
    [
      'an empty list of alternatives',
      'ingress',
      (c) => void (c.policy.permissions[0].and_rules.rules.at(-1).and_rules.rules[0] = { or_rules: { rules: [] } }),
    ],
    ['a second domain', 'ingress', (c) => c.host.domains.push('other.example')],
    ['any domain', 'ingress', (c) => void (c.host.domains = ['*.exports.bank.example'])],
  ],
  POLICY_NOT_OVERRIDDEN: [
    ['by a route', 'ingress', (c) => void (c.host.routes[0].typed_per_filter_config = c.host.typed_per_filter_config)],
    ['by all routes', 'ingress', (c) => void (c.routes.typed_per_filter_config = c.host.typed_per_filter_config)],
    ['another filter switched', 'ingress', (c) => void (c.host.typed_per_filter_config['envoy.filters.http.lua'] = {})],
  ],
  PRINCIPALS: [
    [
      'another peer’s',
      'ingress',
      (c) =>
        void (c.policy.principals = [
          { authenticated: { principal_name: { exact: 'spiffe://partner.example/gateway/egress' } } },
        ]),
    ],
    [
      'somebody without a chain',
      'ingress',
      (c) =>
        void (c.named('RouteConfiguration', 'ingress/gone').virtual_hosts = [c.host, c.routes.virtual_hosts.at(-1)]),
    ],
  ],
  DENY_ALL: [
    ['absent', 'ingress', (c) => void c.routes.virtual_hosts.pop()],
    ['served', 'ingress', (c) => void (c.routes.virtual_hosts.at(-1).routes[0].direct_response.status = 200)],
    [
      'routed',
      'egress',
      (c) => {
        const route = c.named('RouteConfiguration', 'egress/8080').virtual_hosts.at(-1).routes[0];
        route.route = { cluster: 'import/shop/cart' };
        delete route.direct_response;
      },
    ],
    [
      'a wildcard among the imports',
      'egress',
      (c) => c.named('RouteConfiguration', 'egress/8080').virtual_hosts[0].domains.push('*.local'),
    ],
  ],
  OWN_EXPORT: [
    ['another export’s cluster', 'ingress', (c) => void (c.host.routes[0].route.cluster = 'export/loans')],
    [
      'a mirror',
      'ingress',
      (c) => void (c.host.routes[0].route.request_mirror_policies = [{ cluster: 'export/loans' }]),
    ],
    ['what the request names', 'ingress', (c) => void (c.host.routes[0].route = { cluster_header: 'x' })],
    [
      'another mesh’s service through this peer',
      'egress',
      (c) =>
        void (c.cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.hostname =
          'cart.exports.partner.example'),
    ],
  ],
  PEER_HEADER: [
    ['absent', 'ingress', (c) => void delete c.routes.request_headers_to_add],
    ['another peer', 'ingress', (c) => void (c.routes.request_headers_to_add[0].header.value = 'partner')],
    ['beside the caller’s', 'ingress', (c) => void delete c.routes.request_headers_to_add[0].append_action],
  ],
  CLUSTER_PRESENT: [['absent', 'ingress', (c) => c.remove('Cluster', 'export/loans')]],
  NO_STRAY_CLUSTER: [
    [
      'one that nobody was granted',
      'ingress',
      (c) => c.resources.push({ ...c.named('Cluster', 'export/loans'), name: 'export/secrets' }),
    ],
  ],
  FIXED_DESTINATION: [
    ['the original destination', 'ingress', (c) => void (c.named('Cluster', 'export/loans').type = 'ORIGINAL_DST')],
    ['nothing', 'ingress', (c) => void (c.named('Cluster', 'export/loans').load_assignment.endpoints = [])],
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

describe('boundary invariants', () => {
  for (const role of ['ingress', 'egress'] as const) {
    test(`what the builders make for ${role} keeps every rule, before and after it was bytes`, () => {
      const resources = mesh.resources(role, ['gone']);
      checkInvariants(resources);
      checkInvariants(resources.map((resource) => decodeResource(resource['@type'], encodeResource(resource).body)));
    });
  }

  test('there is a mutation for every rule', () => {
    assert.deepEqual(Object.keys(MUTATIONS).sort(), Object.keys(RULES).sort());
  });

  for (const [rule, mutations] of Object.entries(MUTATIONS)) {
    for (const [what, role, mutate] of mutations) {
      test(`${rule}: ${what}`, () => {
        const copy = new Copy(role);
        mutate(copy);
        assert.throws(
          () => checkInvariants(copy.resources as ResourceJson[]),
          (error) =>
            error instanceof PosternError &&
            error.code === 'BOUNDARY_VIOLATED' &&
            error.message.includes(` breaks ${rule};`),
        );
      });
    }
  }

  test('a violation is found again on the next check', () => {
    const copy = new Copy('ingress');
    checkInvariants(copy.resources as ResourceJson[]);
    copy.remove('Secret', 'bundle/shop');
    for (let time = 0; time < 2; time++) assert.throws(() => checkInvariants(copy.resources as ResourceJson[]));
  });

  test('no message holds key material', () => {
    const copy = new Copy('ingress');
    copy.named('Secret', 'bundle/shop').validation_context.trusted_ca.inline_string += leaf.key;
    assert.throws(
      () => checkInvariants(copy.resources as ResourceJson[]),
      (error) => !String(error).includes('-----'),
    );
  });
});

test('each gateway has another key for each peer', () => {
  const chains = (['ingress', 'egress'] as const).flatMap((role) => {
    const secrets = new Copy(role).resources.filter((resource) => resource.name.startsWith('cert/'));
    return secrets.map((secret) => secret.tls_certificate.certificate_chain.inline_string as string);
  });
  const keys = chains.map((pem) =>
    createPublicKey(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'pem' })),
  );
  assert.equal(new Set(keys.map((key) => key.export({ type: 'spki', format: 'pem' }))).size, 4);
});
