// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// For each boundary rule of TLS towards peers, mutations of good resources that break it.
// Must not: break another rule that is checked earlier.

import { plainName } from '../../pipeline.ts';
import { Copy, type Data, type Mutations, sans } from './mutation.ts';

export const TLS_MUTATIONS: Mutations = {
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
      (c) => c.resources.push(new Copy('ingress').named('Cluster', 'export/shop/loans')),
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
  CONNECTION_AGE: [
    ['absent', 'ingress', (c) => void delete c.manager.common_http_protocol_options.max_connection_duration],
    ['absent, of a request', 'ingress', (c) => void delete c.manager.common_http_protocol_options.max_stream_duration],
    [
      'a day, of a request',
      'ingress',
      (c) => void (c.manager.common_http_protocol_options.max_stream_duration = '86400s'),
    ],
    [
      'as the caller wishes, of a call',
      'ingress',
      (c) => void (c.host.routes[0].route.max_stream_duration = { grpc_timeout_header_max: '0s' }),
    ],
    [
      'a day, in a tunnel',
      'egress',
      (c) => void (c.tunnel.filter_chains[0].filters[0].typed_config.max_downstream_connection_duration = '86400s'),
    ],
  ],
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
  ONE_KEY: [
    [
      'a second chain of a peer, with another key',
      'ingress',
      (c) => {
        const key = '0'.repeat(16);
        const spelled = (value: Data): Data =>
          JSON.parse(JSON.stringify(value).replaceAll(c.label('shop'), `shop@${key}`));
        c.named('Listener', 'ingress').filter_chains.push(spelled(c.chain));
        c.resources.push(spelled({ ...c.routes, virtual_hosts: [c.routes.virtual_hosts.at(-1)] }));
        c.resources.push(spelled(c.named('Secret', 'bundle/shop')));
        const certificate = spelled(c.named('Secret', 'cert/ingress/shop'));
        certificate.tls_certificate = { private_key: { filename: '/key' }, certificate_chain: { filename: '/chain' } };
        c.resources.push(certificate);
      },
    ],
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
        const text = JSON.stringify(
          listener.filter_chains.find((chain: Data) => plainName(chain.name) === 'peer/partner'),
        );
        const chain = JSON.parse(text.replaceAll(/spiffe:\/\/partner(\W*)\.example/g, 'spiffe://shop$1.example'));
        listener.filter_chains = listener.filter_chains.map((one: Data) =>
          plainName(one.name) === 'peer/partner' ? chain : one,
        );
      },
    ],
  ],
  OWN_BUNDLE: [
    [
      'CAs of our own workloads that the model has not',
      'ingress',
      (c) => void c.resources.push({ ...c.named('Secret', 'bundle/shop'), name: 'mesh-bundle/0123456789abcdef' }),
    ],
    [
      'another peer’s',
      'ingress',
      (c) =>
        void (c.tls.common_tls_context.combined_validation_context.validation_context_sds_secret_config.name = `bundle/${c.label('partner')}`),
    ],
    [
      'its own under another key',
      'ingress',
      (c) =>
        void (c.tls.common_tls_context.combined_validation_context.validation_context_sds_secret_config.name = `bundle/shop@${'0'.repeat(16)}`),
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
      (c) =>
        void (c.tls.common_tls_context.tls_certificate_sds_secret_configs[0].name = `cert/ingress/${c.label('partner')}`),
    ],
    [
      'its own under another key',
      'egress',
      (c) =>
        void (c.upstream.common_tls_context.tls_certificate_sds_secret_configs[0].name = `cert/egress/shop@${'0'.repeat(16)}`),
    ],
    [
      'the other gateway’s',
      'egress',
      (c) =>
        void (c.upstream.common_tls_context.tls_certificate_sds_secret_configs[0].name = `cert/ingress/${c.label('shop')}`),
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
};
