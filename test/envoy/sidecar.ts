// An Envoy that stands for sidecars of a mesh: each listener shows one certificate, and lets in what Istio's would, in front of one application.
// Must not: be made of the builders of src/.

import { freePorts } from '../../deploy/demo/ports.ts';
import type { Certificate } from './callers.ts';
import { RealEnvoy } from './real-envoy.ts';

export interface Sidecar {
  readonly certificate: Certificate;
  /** The CAs of the mesh (PEM). */
  readonly ca: string;
  /** The identity that may call. */
  readonly admits: string;
  /** What the listener answers to in the ALPN of the caller; absent: to everything, as with a port whose protocol is known. */
  readonly alpn?: readonly string[];
  readonly maximum?: 'TLSv1_2' | 'TLSv1_3';
  /** The application's port; it speaks HTTP/1, or with `isHttp2` HTTP/2. */
  readonly app: number;
  readonly isHttp2?: boolean;
}

export interface Sidecars {
  readonly ports: Readonly<Record<string, number>>;
  readonly envoy: RealEnvoy;
}

export async function startSidecars(sidecars: Readonly<Record<string, Sidecar>>): Promise<Sidecars> {
  const names = Object.keys(sidecars);
  const [admin = 0, ...free] = await freePorts('127.0.0.1', names.length + 1);
  const ports = Object.fromEntries(names.map((name, index) => [name, free[index] ?? 0]));
  const bootstrap = {
    admin: { address: address(admin) },
    static_resources: {
      listeners: Object.entries(sidecars).map(([name, sidecar]) => listener(name, ports[name] ?? 0, sidecar)),
      clusters: Object.entries(sidecars).map(([name, sidecar]) => cluster(name, sidecar)),
    },
  };
  return { ports, envoy: await RealEnvoy.start(JSON.stringify(bootstrap), admin) };
}

function address(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

/** STRICT: TLS with a certificate of the mesh, and a policy of one principal. */
function listener(name: string, port: number, { certificate, ca, admits, alpn, maximum }: Sidecar): object {
  return {
    name,
    address: address(port),
    listener_filters: [
      {
        name: 'tls_inspector',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
        },
      },
    ],
    filter_chains: [
      {
        filter_chain_match: { transport_protocol: 'tls', ...(alpn && { application_protocols: alpn }) },
        transport_socket: {
          name: 'tls',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
            require_client_certificate: true,
            common_tls_context: {
              tls_params: {
                tls_minimum_protocol_version: 'TLSv1_2',
                ...(maximum && { tls_maximum_protocol_version: maximum }),
              },
              alpn_protocols: ['h2', 'http/1.1'],
              tls_certificates: [
                {
                  certificate_chain: { inline_string: certificate.cert },
                  private_key: { inline_string: certificate.key },
                },
              ],
              validation_context: { trusted_ca: { inline_string: ca } },
            },
          },
        },
        filters: [
          {
            name: 'rbac',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC',
              stat_prefix: name,
              rules: {
                policies: {
                  gateway: {
                    permissions: [{ any: true }],
                    principals: [{ authenticated: { principal_name: { exact: admits } } }],
                  },
                },
              },
            },
          },
          {
            name: 'http',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
              stat_prefix: name,
              forward_client_cert_details: 'APPEND_FORWARD',
              set_current_client_cert_details: { uri: true },
              route_config: {
                virtual_hosts: [
                  {
                    name: 'app',
                    domains: ['*'],
                    routes: [{ match: { prefix: '/' }, route: { cluster: `app-${name}`, timeout: '0s' } }],
                  },
                ],
              },
              http_filters: [
                {
                  name: 'router',
                  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}

function cluster(name: string, { app, isHttp2 = false }: Sidecar): object {
  const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return {
    name: `app-${name}`,
    load_assignment: {
      cluster_name: `app-${name}`,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(app) } }] }],
    },
    typed_extension_protocol_options: {
      [type]: {
        '@type': `type.googleapis.com/${type}`,
        explicit_http_config: isHttp2 ? { http2_protocol_options: {} } : { http_protocol_options: {} },
      },
    },
  };
}
