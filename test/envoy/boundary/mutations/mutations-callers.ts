// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// Mutations of the resources of an egress gateway whose callers prove who they are, and the boundary rule that each breaks.
// Must not: break another rule that is checked earlier.

import type { BoundaryRule } from '../../../../src/envoy/boundary/boundary-rules.ts';
import { MeshUnderTest } from '../../pipeline.ts';
import { type Copy, type Data, mesh, sans } from './mutation.ts';

export const proven = new MeshUnderTest(`
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example, trustBundle: workloads.pem}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1, clients: mtls}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:15444"]}
imports:
- {peer: shop, name: cart, as: cart.default.svc.cluster.local, port: 8080, clients: [ns/web/sa/front, ns/batch/*]}
- {peer: shop, name: stock, as: stock.default.svc.cluster.local, port: 8080, clients: [ns/audit/sa/reader]}
- {peer: shop, name: ledger, as: ledger, port: 5432, protocol: tcp, clients: [ns/batch/*, ns/web/sa/front], limits: {connections: 30}}
- {peer: shop, name: queue, as: queue, port: 5672, protocol: tcp, clients: [ns/audit/sa/reader]}
`);

const port = (c: Copy): Data => c.named('Listener', 'egress/8080');
const chain = (c: Copy): Data => port(c).filter_chains[0];
const tls = (c: Copy): Data => chain(c).transport_socket.typed_config;
const common = (c: Copy): Data => tls(c).common_tls_context;
const validation = (c: Copy): Data => common(c).combined_validation_context;
const network = (c: Copy): Data => chain(c).filters[0].typed_config.matcher;
const admitted = (c: Copy): Data => network(c).matcher_list.matchers[0];
const RBAC = 'envoy.filters.http.rbac';
const manager = (c: Copy): Data => chain(c).filters[1].typed_config;
const routes = (c: Copy): Data => c.named('RouteConfiguration', 'egress/8080');
const CLAIM = 'x-forwarded-client-cert';
/** What the peer is told of the caller. */
const claim = (c: Copy): Data => routes(c).request_headers_to_add[0];
const host = (c: Copy, index = 0): Data => routes(c).virtual_hosts[index];
const policy = (c: Copy, index = 0): Data =>
  host(c, index).typed_per_filter_config['envoy.filters.http.rbac'].rbac.matcher;
const client = (c: Copy): Data => policy(c).matcher_list.matchers[0].predicate.or_matcher.predicate[0].single_predicate;
const uriSan = (match: Data): Data => ({ single_predicate: { ...client_(match) } });
const client_ = (match: Data): Data => ({
  input: {
    name: 'envoy.matching.inputs.uri_san',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput' },
  },
  value_match: match,
});
const dnsSan = {
  name: 'envoy.matching.inputs.dns_san',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.matching.common_inputs.ssl.v3.DnsSanInput' },
};

export const CALLER_MUTATIONS: readonly (readonly [rule: BoundaryRule, what: string, mutate: (c: Copy) => void])[] = [
  [
    'CALLERS',
    'plaintext instead of TLS',
    (c) => {
      // As the builder of the plaintext listener writes it.
      const plaintext = structuredClone(
        mesh
          .resources('egress')
          .find(
            ({ '@type': type, ...one }) => type.endsWith('.Listener') && 'name' in one && one.name === 'egress/8080',
          ),
      ) as Data;
      Object.assign(port(c), { filter_chains: plaintext.filter_chains });
      delete port(c).access_log;
      routes(c).name = 'egress/8080';
    },
  ],
  [
    'CALLERS',
    'a gateway that another mesh’s workloads may use',
    (c) => {
      const own = JSON.stringify(chain(c)).replaceAll('spiffe://bank.example/', 'spiffe://other.example/');
      port(c).filter_chains = [JSON.parse(own)];
    },
  ],
  [
    'TLS',
    'a client context where a server’s belongs',
    (c) => void (tls(c)['@type'] = tls(c)['@type'].replace('Downstream', 'Upstream')),
  ],
  ['CLIENT_CERTIFICATE', 'false', (c) => void (tls(c).require_client_certificate = false)],
  ['CLIENT_CERTIFICATE', 'absent', (c) => void delete tls(c).require_client_certificate],
  ['TLS_1_3', 'TLS 1.2 allowed', (c) => void (common(c).tls_params.tls_minimum_protocol_version = 'TLSv1_2')],
  ['NO_RESUMPTION', 'stateless', (c) => void delete tls(c).disable_stateless_session_resumption],
  ['NO_RESUMPTION', 'stateful', (c) => void (tls(c).disable_stateful_session_resumption = false)],
  ['SIGNATURES', 'absent', (c) => void delete common(c).tls_params.signature_algorithms],
  ['SIGNATURES', 'SHA-1', (c) => common(c).tls_params.signature_algorithms.push('rsa_pkcs1_sha1')],
  ['CALLERS_ALPN', 'another protocol', (c) => common(c).alpn_protocols.push('postern-tcp')],
  ['HANDSHAKE_TIMEOUT', 'absent', (c) => void delete chain(c).transport_socket_connect_timeout],
  ['COMBINED_VALIDATION', 'absent', (c) => void delete common(c).combined_validation_context],
  [
    'COMBINED_VALIDATION',
    'the bundle alone',
    (c) => void (common(c).validation_context_sds_secret_config = validation(c).validation_context_sds_secret_config),
  ],
  [
    'COMBINED_VALIDATION',
    'an untrusted chain accepted',
    (c) => void (validation(c).default_validation_context.trust_chain_verification = 'ACCEPT_UNTRUSTED'),
  ],
  ['OUR_WORKLOADS', 'no matcher', (c) => void sans(tls(c)).splice(0)],
  ['OUR_WORKLOADS', 'a DNS name', (c) => void (sans(tls(c))[0].san_type = 'DNS')],
  [
    'OUR_WORKLOADS',
    'a prefix without its slash',
    (c) => void (sans(tls(c))[0].matcher = { prefix: 'spiffe://bank.example' }),
  ],
  ['OUR_WORKLOADS', 'every trust domain', (c) => void (sans(tls(c))[0].matcher = { prefix: 'spiffe://' })],
  ['OUR_WORKLOADS', 'case ignored', (c) => void (sans(tls(c))[0].matcher.ignore_case = true)],
  [
    'OUR_WORKLOADS',
    'a second matcher',
    (c) => sans(tls(c)).push({ san_type: 'URI', matcher: { prefix: 'spiffe://x.example/' } }),
  ],
  [
    'OUR_WORKLOADS',
    'a network filter for another trust domain',
    (c) => void (admitted(c).predicate.and_matcher.predicate[0] = uriSan({ prefix: 'spiffe://other.example/' })),
  ],
  [
    'OUR_WORKLOADS',
    'two IDs, joined by a comma',
    (c) => void (admitted(c).predicate.and_matcher.predicate[1] = uriSan({ safe_regex: { regex: 'spiffe://.*' } })),
  ],
  [
    'OUR_WORKLOADS',
    'one condition alone',
    (c) => void (admitted(c).predicate = uriSan({ prefix: 'spiffe://bank.example/' })),
  ],
  [
    'OUR_WORKLOADS',
    'one of two conditions',
    (c) => void (admitted(c).predicate = { or_matcher: admitted(c).predicate.and_matcher }),
  ],
  [
    'OUR_WORKLOADS',
    'a DNS name in the network filter',
    (c) => void (admitted(c).predicate.and_matcher.predicate[0].single_predicate.input = dnsSan),
  ],
  ['OUR_WORKLOADS', 'nobody refused', (c) => void (network(c).on_no_match.action.typed_config.action = 'ALLOW')],
  ['OUR_WORKLOADS', 'no verdict for others', (c) => void delete network(c).on_no_match],
  [
    'OUR_WORKLOADS',
    'another way in',
    (c) => network(c).matcher_list.matchers.push({ ...admitted(c), predicate: uriSan({ prefix: 'spiffe://' }) }),
  ],
  [
    'OUR_WORKLOADS',
    'another filter in its place',
    (c) => void (chain(c).filters[0] = { name: 'x', typed_config: { '@type': 'type.googleapis.com/x.Y' } }),
  ],
  [
    'OWN_BUNDLE',
    'a peer’s CA',
    (c) => void (validation(c).validation_context_sds_secret_config.name = `bundle/${c.label('shop')}`),
  ],
  [
    'OWN_BUNDLE',
    'the CA of another root',
    (c) => {
      const other = c.resources.find(({ name }) => name.startsWith('bundle/')).validation_context;
      c.resources.find(({ name }) => name.startsWith('mesh-bundle/')).validation_context = other;
    },
  ],
  [
    'OWN_CERTIFICATE',
    'one that a peer is shown',
    (c) => void (common(c).tls_certificate_sds_secret_configs[0].name = `cert/egress/${c.label('shop')}`),
  ],
  [
    'OWN_CERTIFICATE',
    'two',
    (c) => common(c).tls_certificate_sds_secret_configs.push(common(c).tls_certificate_sds_secret_configs[0]),
  ],
  ['SECRET_PRESENT', 'no certificate', (c) => c.remove('Secret', 'cert/callers')],
  [
    'SECRET_PRESENT',
    'no bundle',
    (c) =>
      c.resources.splice(
        c.resources.findIndex(({ name }) => name.startsWith('mesh-bundle/')),
        1,
      ),
  ],
  [
    'DISTINCT_KEYS',
    'the key that a peer is shown',
    (c) => {
      const peers = c.resources.find(({ name }) => name.startsWith('cert/egress/')).tls_certificate;
      c.named('Secret', 'cert/callers').tls_certificate.private_key = peers.private_key;
    },
  ],
  ['HTTP_RBAC', 'no access control', (c) => manager(c).http_filters.splice(3, 1)],
  [
    'HTTP_RBAC',
    'access control with a policy',
    (c) =>
      void (manager(c).http_filters[3].typed_config.rules.policies = {
        all: { permissions: [{ any: true }], principals: [{ any: true }] },
      }),
  ],
  ['HTTP_FILTERS', 'a filter more', (c) => manager(c).http_filters.splice(4, 0, manager(c).http_filters[3])],
  [
    'CLEAN_REQUESTS',
    'the caller’s own claims kept',
    (c) => void (manager(c).forward_client_cert_details = 'APPEND_FORWARD'),
  ],
  [
    'ROUTES_PRESENT',
    'the clients of other CAs',
    (c) => {
      const name = `egress/8080@${'0'.repeat(16)}`;
      [manager(c).rds.route_config_name, routes(c).name] = [name, name];
    },
  ],
  ['CLEAN_REQUESTS', 'no claim', (c) => void delete routes(c).request_headers_to_add],
  ['CLEAN_REQUESTS', 'a claim beside another', (c) => void (claim(c).append_action = 'APPEND_IF_EXISTS_OR_ADD')],
  [
    'CLEAN_REQUESTS',
    'a digest of the caller’s certificate',
    (c) => void (claim(c).header.value = claim(c).header.value.replace(/0{64}/, '%DOWNSTREAM_PEER_FINGERPRINT_256%')),
  ],
  [
    'CLEAN_REQUESTS',
    'a caller’s own claim',
    (c) => void routes(c).request_headers_to_remove.splice(routes(c).request_headers_to_remove.indexOf(CLAIM), 1),
  ],
  [
    'CLEAN_REQUESTS',
    'Envoy’s own element beside it',
    (c) => void (manager(c).forward_client_cert_details = 'SANITIZE_SET'),
  ],
  ['ACCESS_LOG', 'no log of connections', (c) => void delete port(c).access_log],
  ['CHAIN_MATCH', 'a second chain', (c) => port(c).filter_chains.push({ ...chain(c) })],
  ['CLEAN_REQUESTS', 'an import without a policy', (c) => void delete host(c).typed_per_filter_config[RBAC]],
  [
    'CLIENTS',
    'no policy anywhere',
    (c) => {
      for (const { typed_per_filter_config: filters } of routes(c).virtual_hosts) delete filters?.[RBAC];
      delete routes(c).request_headers_to_add;
    },
  ],
  [
    'CLIENTS',
    'the policy of another import',
    (c) => void (host(c).typed_per_filter_config[RBAC] = host(c, 1).typed_per_filter_config[RBAC]),
  ],
  ['CLIENTS', 'another client', (c) => void (client(c).value_match = { exact: 'spiffe://bank.example/ns/x' })],
  [
    'CLIENTS',
    'a client more',
    (c) =>
      policy(c).matcher_list.matchers[0].predicate.or_matcher.predicate.push(
        uriSan({ exact: 'spiffe://bank.example/ns/x' }),
      ),
  ],
  [
    'CLIENTS',
    'a prefix without its slash',
    (c) => void (client(c).value_match = { prefix: 'spiffe://bank.example/ns/web/sa/front' }),
  ],
  ['CLIENTS', 'an expression', (c) => void (client(c).value_match = { safe_regex: { regex: '.*' } })],
  ['CLIENTS', 'case ignored', (c) => void (client(c).value_match.ignore_case = true)],
  ['CLIENTS', 'a DNS name', (c) => void (client(c).input = dnsSan)],
  ['CLIENTS', 'everybody else too', (c) => void (policy(c).on_no_match.action.typed_config.action = 'ALLOW')],
  ['CLIENTS', 'no verdict for others', (c) => void delete policy(c).on_no_match],
  [
    'CLIENTS',
    'a log entry instead of a verdict',
    (c) => void (policy(c).matcher_list.matchers[0].on_match.action.typed_config.action = 'LOG'),
  ],
  [
    'CLIENTS',
    'rules beside the matcher',
    (c) => void (host(c).typed_per_filter_config['envoy.filters.http.rbac'].rbac.rules = { action: 'DENY' }),
  ],
  [
    'CLIENTS',
    'no RBAC in the policy',
    (c) => void delete host(c).typed_per_filter_config['envoy.filters.http.rbac'].rbac,
  ],
  [
    'POLICY_NOT_OVERRIDDEN',
    'another switch',
    (c) => void (host(c).typed_per_filter_config['envoy.filters.http.lua'] = {}),
  ],
  [
    'POLICY_NOT_OVERRIDDEN',
    'the policy of a route',
    (c) => void (host(c).routes[0].typed_per_filter_config = host(c, 1).typed_per_filter_config),
  ],
];
