// What is compared with: an Envoy as an engineer would configure it by hand for the same two meshes. Mutual TLS with one
// identity, the same access rule, and a log line of the same content; nothing else, and no default changed.
// Must not: use a builder of src/, nor a setting that only makes it slower.

import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import { EXPORTS, type ExportName } from './bank-and-shop.ts';

export type Json = Readonly<Record<string, unknown>>;
/** The format of the log line, for requests and for TCP connections; absent: no log. */
export type LogFields = Readonly<Record<string, string>> | undefined;

/** What stands in an Envoy without a control plane. */
export interface Static {
  readonly listeners: readonly Json[];
  readonly clusters: readonly Json[];
  readonly secrets: readonly Json[];
}

const NAMES = Object.keys(EXPORTS) as readonly ExportName[];
const HTTP_NAMES = NAMES.filter((name) => EXPORTS[name] !== 'tcp');
const SERVER_NAME = 'shop.example.peers.bank.example';
const TCP_ALPN = 'postern-tcp';
const HEALTH = 'health.gateway.bank.example';

export function handWrittenIngress(
  port: number,
  backends: Readonly<Record<ExportName, number>>,
  served: readonly ResourceJson[],
  log: LogFields,
): Static {
  const [certificate, bundle] = secrets(served);
  const chain = (serverName: string, alpn: string, filters: readonly Json[]): Json => ({
    name: serverName,
    filter_chain_match: { server_names: [serverName], transport_protocol: 'tls', application_protocols: [alpn] },
    transport_socket: extension('envoy.transport_sockets.tls', `${TLS}.DownstreamTlsContext`, {
      require_client_certificate: true,
      common_tls_context: tls(certificate, bundle, 'spiffe://shop.example/gateway/egress', alpn),
    }),
    filters,
  });
  return {
    listeners: [
      {
        name: 'ingress',
        address: address(port),
        listener_filters: [
          extension(
            'envoy.filters.listener.tls_inspector',
            'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
            {},
          ),
        ],
        filter_chains: [
          chain(SERVER_NAME, 'h2', [
            manager(
              'ingress',
              [accessRule()],
              [
                ...HTTP_NAMES.map((name) => host(name, `${name}.exports.bank.example`, { cluster: `backend-${name}` })),
                {
                  name: 'health',
                  domains: [HEALTH],
                  routes: [{ match: { path: '/healthz' }, direct_response: { status: 200 } }],
                },
              ],
              log,
            ),
          ]),
          chain(`ledger.tcp.${SERVER_NAME}`, TCP_ALPN, [
            extension('envoy.filters.network.rbac', 'envoy.extensions.filters.network.rbac.v3.RBAC', {
              stat_prefix: 'ledger',
              rules: { policies: { ledger: { permissions: [{ any: true }], principals: [SHOP] } } },
            }),
            tcpProxy('backend-ledger'),
          ]),
        ],
      },
    ],
    clusters: NAMES.map((name) => cluster(`backend-${name}`, backends[name], EXPORTS[name])),
    secrets: [certificate, bundle],
  };
}

/** One listener for requests and one for TCP; `suffix` tells several apart in one process. */
export function handWrittenEgress(
  ports: { readonly http: number; readonly tcp: number; readonly ingress: number },
  served: readonly ResourceJson[],
  log: LogFields,
  suffix = '',
): Static {
  const [certificate, bundle] = secrets(served);
  const dial = (name: string, sni: string, alpn: string): Json => ({
    ...cluster(name, ports.ingress, alpn === 'h2' ? 'http2' : 'tcp'),
    transport_socket: extension('envoy.transport_sockets.tls', `${TLS}.UpstreamTlsContext`, {
      sni,
      common_tls_context: tls(certificate, bundle, 'spiffe://bank.example/gateway/ingress', alpn),
    }),
  });
  const hosts = HTTP_NAMES.map((name) =>
    host(name, `${name}.bank`, { cluster: `bank${suffix}`, host_rewrite_literal: `${name}.exports.bank.example` }),
  );
  return {
    listeners: [
      {
        name: `http${suffix}`,
        address: address(ports.http),
        filter_chains: [{ filters: [manager(`egress${suffix}`, [], hosts, log)] }],
      },
      {
        name: `tcp${suffix}`,
        address: address(ports.tcp),
        filter_chains: [{ filters: [tcpProxy(`ledger${suffix}`)] }],
      },
    ],
    clusters: [
      dial(`bank${suffix}`, SERVER_NAME, 'h2'),
      dial(`ledger${suffix}`, `ledger.tcp.${SERVER_NAME}`, TCP_ALPN),
    ],
    secrets: [certificate, bundle],
  };
}

/** A backend that answers by itself, with HTTP/1.1 or HTTP/2 as it is asked. */
export function backend(port: number, bodies: Readonly<Record<string, string>>, headers: Json): Static {
  const routes = Object.entries(bodies).map(([path, body]) => ({
    match: { path },
    direct_response: { status: 200, body: { inline_string: body } },
    response_headers_to_add: Object.entries(headers).map(([key, value]) => ({ header: { key, value } })),
  }));
  return {
    listeners: [
      {
        name: 'backend',
        address: address(port),
        filter_chains: [
          {
            filters: [
              manager('backend', [], [{ name: 'backend', domains: ['*'], routes }], undefined, {
                max_direct_response_body_size_bytes: 16 * 1024 * 1024,
              }),
            ],
          },
        ],
      },
    ],
    clusters: [],
    secrets: [],
  };
}

function manager(
  statPrefix: string,
  filters: readonly Json[],
  hosts: readonly Json[],
  log: LogFields,
  routes: Json = {},
): Json {
  return extension('envoy.filters.network.http_connection_manager', `${MANAGER}.HttpConnectionManager`, {
    stat_prefix: statPrefix,
    route_config: { name: statPrefix, virtual_hosts: hosts, ...routes },
    ...(log && {
      access_log: [
        extension('envoy.access_loggers.stdout', 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
          log_format: { json_format: log, omit_empty_values: true },
        }),
      ],
    }),
    http_filters: [
      ...filters,
      extension('envoy.filters.http.router', 'envoy.extensions.filters.http.router.v3.Router', {}),
    ],
  });
}

const MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3';
const TLS = 'envoy.extensions.transport_sockets.tls.v3';
const SHOP = { authenticated: { principal_name: { exact: 'spiffe://shop.example/gateway/egress' } } };

/** The rules of the bank's file: what its one peer may call, by host, method and path. */
function accessRule(): Json {
  const header = (name: string, exact: string): Json => ({ header: { name, string_match: { exact } } });
  const rule = (authority: string, methods: readonly string[], path: Json): Json => ({
    permissions: [
      {
        and_rules: {
          rules: [
            header(':authority', authority),
            { or_rules: { rules: methods.map((method) => header(':method', method)) } },
            { url_path: { path } },
          ],
        },
      },
    ],
    principals: [SHOP],
  });
  return extension('envoy.filters.http.rbac', 'envoy.extensions.filters.http.rbac.v3.RBAC', {
    rules: {
      policies: {
        'export/shop/web': rule('web.exports.bank.example', ['GET', 'POST'], { prefix: '/v1/' }),
        'export/shop/api': rule('api.exports.bank.example', ['GET', 'POST'], { prefix: '/v1/' }),
        'export/shop/rates': rule('rates.exports.bank.example', ['POST'], { prefix: '/fx.Rates/' }),
        'gateway-health/shop': rule(HEALTH, ['GET'], { exact: '/healthz' }),
      },
    },
  });
}

function host(name: string, domain: string, route: Json): Json {
  return { name, domains: [domain], routes: [{ name, match: { prefix: '/' }, route: { timeout: '0s', ...route } }] };
}

function tcpProxy(name: string): Json {
  const type = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
  return extension('envoy.filters.network.tcp_proxy', type, { stat_prefix: name, cluster: name });
}

function cluster(name: string, port: number, protocol: string): Json {
  const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const http2 = { '@type': `type.googleapis.com/${type}`, explicit_http_config: { http2_protocol_options: {} } };
  return {
    name,
    connect_timeout: '2s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] },
    ...((protocol === 'http2' || protocol === 'grpc') && { typed_extension_protocol_options: { [type]: http2 } }),
  };
}

/** Both sides have the keys and bundles that Postern serves, so that the cryptography is the same. */
function secrets(served: readonly ResourceJson[]): readonly [Json & { name: string }, Json & { name: string }] {
  const named = (start: string): Json & { name: string } => {
    const found = served.find((one) => 'name' in one && one.name?.startsWith(start));
    if (found === undefined) throw new Error(`no secret ${start}…`);
    const { '@type': _, ...secret } = found;
    return secret as unknown as Json & { name: string };
  };
  return [named('cert/'), named('bundle/')];
}

function tls(
  certificate: { readonly name: string },
  bundle: { readonly name: string },
  id: string,
  alpn: string,
): Json {
  return {
    alpn_protocols: [alpn],
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    tls_certificate_sds_secret_configs: [{ name: certificate.name }],
    combined_validation_context: {
      default_validation_context: { match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: id } }] },
      validation_context_sds_secret_config: { name: bundle.name },
    },
  };
}

function address(port: number): Json {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

export function extension(name: string, type: string, fields: Json): Json {
  return { name, typed_config: { '@type': `type.googleapis.com/${type}`, ...fields } };
}
