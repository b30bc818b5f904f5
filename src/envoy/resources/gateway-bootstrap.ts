// The bootstrap of a gateway's Envoy: where the control plane is, and how both sides prove their identity.
// Must not: hold a key (Envoy reads keys from files, and again when they are replaced), nor anything that comes over ADS.

import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { GatewayRole, HostPort } from '../../federation/model.ts';
import type { SpiffeId } from '../../trust/spiffe.ts';
import { any, extension, type Message } from '../draft.ts';
import { BUFFER_BYTES } from '../limits.ts';
import { CONTROL_PLANE_CLUSTER } from '../resource-names.ts';
import { labels, metricsCluster, metricsListener } from './gateway-metrics.ts';
import { listeningAddress } from './listen-address.ts';
import { overload } from './overload.ts';

export interface BootstrapOptions {
  readonly role: GatewayRole;
  /** Free text that tells replicas apart; a gateway's identity is in its certificate alone. */
  readonly nodeId: string;
  /** Absolute path of the folder that `postern certs gateway` wrote. */
  readonly certsDir: string;
  readonly xds: HostPort;
  /** The SPIFFE ID that the control plane must show. */
  readonly controlPlaneId: SpiffeId;
  /** Where Envoy's own admin interface listens; absent: nowhere. */
  readonly admin?: HostPort;
  /** Where `GET /stats/prometheus` is answered, and nothing else; absent: nowhere. */
  readonly metrics?: HostPort | undefined;
  /** Default: delta. */
  readonly ads?: 'delta' | 'sotw';
  /** How many connections from callers the whole process holds; default 10000. */
  readonly maxConnections?: number | undefined;
}

type Bootstrap = Message<'envoy.config.bootstrap.v3.Bootstrap'>;
type Cluster = Message<'envoy.config.cluster.v3.Cluster'>;
type SdsSecretConfig = Message<'envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig'>;
type Secret = Message<'envoy.extensions.transport_sockets.tls.v3.Secret'>;

/** The files of a gateway's certificate folder. */
export const CERTIFICATE_FILES = { certificate: 'tls.pem', privateKey: 'tls-key.pem', ca: 'ca.pem' } as const;
const SDS_FILES = { client: 'client-sds.yaml', ca: 'ca-sds.yaml' } as const;

const CLIENT_SECRET = 'control-plane/client';
const CA_SECRET = 'control-plane/ca';

/** docs/operations.md, "Starting a gateway", gives the reason for each flag. */
const FLAGS = [
  '--drain-time-s 5',
  '--drain-strategy immediate',
  '--disable-hot-restart',
  '--file-flush-interval-msec 200',
  '--component-log-level http:critical',
  '--reject-unknown-dynamic-fields',
].join(' ');

/** YAML; its first line is a comment with the command line to start Envoy with. */
export function bootstrap(options: BootstrapOptions): string {
  const head = [
    `# envoy -c bootstrap.yaml ${FLAGS}`,
    `# An ${options.role} gateway of Postern. Certificates are read from ${options.certsDir}, again when they are replaced.`,
  ];
  const { node, ...rest } = contentOf(options);
  const content = { node: { ...node, metadata: { [BOOTSTRAP_KEY]: bootstrapDigest(options.role) } }, ...rest };
  return `${head.join('\n')}\n${stringify(content, { aliasDuplicateObjects: false, lineWidth: 0 })}`;
}

/** Where a gateway says in the metadata of its node which bootstrap it was started with (xds/wire/node-metadata.ts). */
const BOOTSTRAP_KEY = 'postern.bootstrap';

/**
 * Of all that bootstraps of this role have in common: the flags and what does not come from `options`. A gateway that names
 * another one was started with the bootstrap of another version.
 */
export function bootstrapDigest(role: GatewayRole): string {
  const given = { role, nodeId: '', certsDir: '/', controlPlaneId: 'spiffe://-/' as SpiffeId };
  const [loopback, name] = [
    { host: '127.0.0.1', port: 1 },
    { host: 'name', port: 1 },
  ];
  const forms = [
    { ...given, xds: loopback, admin: loopback, metrics: loopback },
    { ...given, xds: name, admin: { host: '0.0.0.0', port: 1 } },
  ];
  const text = JSON.stringify([FLAGS, sdsFiles('/'), forms.map(contentOf)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The two SDS files that `bootstrap` refers to, by file name: they name the PEM files beside them. */
export function sdsFiles(certsDir: string): Readonly<Record<string, string>> {
  const watched = { watched_directory: { path: certsDir } };
  const client: Secret = {
    name: CLIENT_SECRET,
    tls_certificate: {
      certificate_chain: { filename: join(certsDir, CERTIFICATE_FILES.certificate) },
      private_key: { filename: join(certsDir, CERTIFICATE_FILES.privateKey) },
      ...watched,
    },
  };
  const ca: Secret = {
    name: CA_SECRET,
    validation_context: { trusted_ca: { filename: join(certsDir, CERTIFICATE_FILES.ca) }, ...watched },
  };
  return { [SDS_FILES.client]: sdsFile(client), [SDS_FILES.ca]: sdsFile(ca) };
}

function sdsFile(secret: Secret): string {
  const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
  return stringify({ resources: [{ '@type': type, ...secret }] });
}

function contentOf(options: BootstrapOptions): Pick<Bootstrap, 'node'> & object {
  return { ...typedParts(options), ...INTERNAL_LISTENERS, ...BOUNDED_DNS };
}

function typedParts(options: BootstrapOptions): Bootstrap {
  const ads = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' } as const;
  return {
    node: { id: options.nodeId, cluster: options.role },
    ...(options.admin && {
      admin: {
        address: listeningAddress(options.admin.host, options.admin.port),
        allow_paths: adminPaths(options.admin),
      },
    }),
    stats_config: labels(options.role),
    static_resources: staticResources(options),
    dynamic_resources: {
      ads_config: {
        api_type: options.ads === 'sotw' ? 'GRPC' : 'DELTA_GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [
          { envoy_grpc: { cluster_name: CONTROL_PLANE_CLUSTER, retry_policy: RECONNECT }, timeout: '0s' },
        ],
      },
      // Without the control plane there is nothing to serve: wait, rather than start empty and look alive.
      lds_config: ads,
      cds_config: ads,
    },
    layered_runtime: {
      layers: [{ name: 'static', static_layer: { ...RUNTIME, ...(options.role === 'ingress' && FOR_PEERS) } }],
    },
    overload_manager: overload(options.maxConnections ?? 10000),
  };
}

/** The listener that is scraped asks the admin interface, so it needs one. */
function staticResources(options: BootstrapOptions): NonNullable<Bootstrap['static_resources']> {
  const { admin, metrics } = options;
  const clusters = [controlPlane(options)];
  if (metrics === undefined) return { clusters };
  if (admin === undefined) throw new Error('metrics without an admin port');
  return { listeners: [metricsListener(metrics)], clusters: [...clusters, metricsCluster(admin)] };
}

/** A gateway is back within two seconds of its control plane; Envoy's own back-off grows to 30 seconds. */
const RECONNECT: Message<'envoy.config.core.v3.RetryPolicy'> = {
  retry_back_off: { base_interval: '0.2s', max_interval: '1s' },
};
/** A control plane that comes back may have another address. Not among the vendored protos, so not typed. */
const BY_NAME: object = {
  cluster_type: {
    name: 'envoy.clusters.dns',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster',
      dns_lookup_family: 'V4_PREFERRED',
      dns_refresh_rate: '1s',
      dns_failure_refresh_rate: { base_interval: '0.5s', max_interval: '1s' },
    },
  },
};

const RUNTIME = {
  re2: { max_program_size: { error_level: 1000 } },
  // A thousand requests at once on one connection do not keep other connections waiting.
  http: { max_requests_per_io_cycle: 100 },
} as const;

/**
 * Envoy ends a connection when half of its first 500 streams were given up within a second: a limit that is meant for one
 * client. The clients of an ingress are gateways, and a gateway's connection carries many callers; each egress keeps the
 * limit for its own callers. SECURITY.md says what bounds a hostile peer.
 */
const FOR_PEERS = { overload: { premature_reset_total_stream_count: 1_000_000_000 } } as const;

function controlPlane({ xds, controlPlaneId, certsDir }: BootstrapOptions): Cluster {
  const literal = isIP(xds.host) !== 0;
  const http = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return {
    name: CONTROL_PLANE_CLUSTER,
    ...(literal ? { type: 'STATIC' } : BY_NAME),
    connect_timeout: '2s',
    per_connection_buffer_limit_bytes: BUFFER_BYTES,
    load_assignment: {
      cluster_name: CONTROL_PLANE_CLUSTER,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: addressOf(xds) } }] }],
    },
    typed_extension_protocol_options: {
      [http]: any(http, {
        explicit_http_config: {
          http2_protocol_options: { connection_keepalive: { interval: '10s', timeout: '5s' } },
        },
      }),
    },
    transport_socket: extension(
      'envoy.transport_sockets.tls',
      'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      {
        ...(literal ? {} : { sni: xds.host }),
        max_session_keys: 0,
        common_tls_context: {
          tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
          alpn_protocols: ['h2'],
          tls_certificate_sds_secret_configs: [fromFile(CLIENT_SECRET, certsDir, SDS_FILES.client)],
          combined_validation_context: {
            default_validation_context: {
              match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: controlPlaneId } }],
            },
            validation_context_sds_secret_config: fromFile(CA_SECRET, certsDir, SDS_FILES.ca),
          },
        },
      },
    ),
  };
}

function fromFile(name: string, folder: string, file: string): SdsSecretConfig {
  return {
    name,
    sds_config: {
      path_config_source: { path: join(folder, file), watched_directory: { path: folder } },
      resource_api_version: 'V3',
      initial_fetch_timeout: '0s',
    },
  };
}

function addressOf({ host, port }: HostPort): Message<'envoy.config.core.v3.Address'> {
  return { socket_address: { address: host, port_value: port } };
}

/** Read-only paths, and on loopback those that `postern drain` uses. Nobody changes log levels or ends a gateway there. */
function adminPaths({ host }: HostPort): typeof READING {
  return isLoopback(host) ? [...READING, ...DRAINING] : READING;
}

function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

const DRAINING = [{ exact: '/healthcheck/fail' }, { exact: '/drain_listeners?graceful' }] as const;

const READING: readonly Message<'envoy.type.matcher.v3.StringMatcher'>[] = [
  ...['/ready', '/server_info', '/certs', '/listeners', '/memory', '/init_dump'].map((exact) => ({ exact })),
  ...['/stats', '/config_dump', '/clusters'].map((prefix) => ({ prefix })),
];

/**
 * Connections pass listeners inside the gateway: to peers (tunnel.ts), and from peers over TCP (gate.ts). Not among the vendored
 * protos, so not typed.
 */
const INTERNAL_LISTENERS = {
  bootstrap_extensions: [
    {
      name: 'envoy.bootstrap.internal_listener',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
      },
    },
  ],
};

/**
 * Otherwise a name whose name servers do not answer would delay the start of the whole gateway for as long as c-ares tries.
 * Not among the vendored protos, so not typed.
 */
const BOUNDED_DNS = {
  typed_dns_resolver_config: {
    name: 'envoy.network.dns_resolver.cares',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
      query_timeout_seconds: 1,
      query_tries: 2,
    },
  },
};
