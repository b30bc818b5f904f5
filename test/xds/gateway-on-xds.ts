// A real Envoy as the gateway of an XdsServer in this process: snapshots are set below every validation.
// Must not: use a fixed port, or leave a process behind.

import { freePorts } from '../../deploy/demo/ports.ts';
import { encodeResource } from '../../src/envoy/proto/codec.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import { referencesOf } from '../../src/pipeline/references.ts';
import { SnapshotCache } from '../../src/snapshot/cache.ts';
import { createResource, type Resource } from '../../src/snapshot/resource.ts';
import { createSnapshot } from '../../src/snapshot/snapshot.ts';
import type { TypeStatus } from '../../src/xds/stream-status.ts';
import { XdsServer } from '../../src/xds/transport/xds-server.ts';
import { RealEnvoy } from '../envoy/real-envoy.ts';
import type { Ads } from '../support/mesh.ts';

const GATEWAY = 'ingress';

/** A resource as the pipeline makes it, without its checks. */
export function unchecked(json: ResourceJson): Resource {
  const { typeUrl, name, body } = encodeResource(json);
  return createResource(typeUrl, name, body, referencesOf(json));
}

export class GatewayOnXds {
  readonly answers: string[] = [];
  envoy: RealEnvoy | undefined;
  private readonly cache = new SnapshotCache();
  private server: XdsServer;
  private readonly ads: Ads;
  private xdsPort = 0;

  constructor(ads: Ads) {
    this.ads = ads;
    this.server = this.newServer();
  }

  private newServer(): XdsServer {
    return new XdsServer({
      address: { host: '127.0.0.1', port: this.xdsPort },
      tls: undefined,
      cache: this.cache,
      observer: {
        opened: () => undefined,
        closed: () => undefined,
        pushed: () => undefined,
        answered: (_gateway, _node, type, answer, message) =>
          void this.answers.push(`${answer} ${type} ${message ?? ''}`.trim()),
        refused: () => undefined,
        ended: () => undefined,
        dropped: () => undefined,
        failed: (error) => void this.answers.push(`failed ${String(error)}`),
      },
      admission: () => ({ identify: () => ({ ok: true, gateway: GATEWAY, notAfter: Number.POSITIVE_INFINITY }) }),
      controlPlane: 'spiffe://bank.example/control-plane',
      exclusive: true,
    });
  }

  /** Replaces what the gateway is to have. */
  set(resources: readonly Resource[]): void {
    this.cache.set(GATEWAY, createSnapshot(resources, this.cache.get(GATEWAY)));
  }

  retry(): void {
    this.server.retry();
  }

  async listen(): Promise<void> {
    this.xdsPort = await this.server.listen();
  }

  /** Restarts the control plane, which knows nothing then of what its gateway said before. */
  async restartServer(): Promise<void> {
    await this.server.stop(0);
    this.answers.length = 0;
    this.server = this.newServer();
    await this.server.listen();
  }

  /** Starts the gateway, or restarts it; `isReady` judges what `/ready` says. */
  async start(isReady: (ready: string) => boolean): Promise<RealEnvoy> {
    await this.envoy?.stop();
    const [admin = 0] = await freePorts('127.0.0.1', 1);
    this.envoy = await RealEnvoy.start(bootstrap(this.ads, this.xdsPort, admin), admin, isReady);
    return this.envoy;
  }

  /** The access log so far. */
  get log(): readonly Record<string, unknown>[] {
    return this.envoy?.log ?? [];
  }

  types(): readonly TypeStatus[] {
    return this.server.status().flatMap(({ types }) => types);
  }

  /** The state of one type: CDS, EDS, SDS, RDS, LDS. */
  state(type: string): string | undefined {
    return this.types().find((one) => one.type === type)?.state;
  }

  async close(): Promise<void> {
    await this.envoy?.stop();
    await this.server.stop(0);
  }
}

function bootstrap(ads: Ads, xdsPort: number, adminPort: number): string {
  const at = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const source = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' };
  return JSON.stringify({
    node: { id: `${GATEWAY}-1`, cluster: GATEWAY },
    admin: { address: at(adminPort) },
    // As the bootstraps of `postern bootstrap` have it: the list of header names is one expression.
    layered_runtime: {
      layers: [{ name: 'static', static_layer: { re2: { max_program_size: { error_level: 1000 } } } }],
    },
    bootstrap_extensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
        },
      },
    ],
    dynamic_resources: {
      ads_config: {
        api_type: ads === 'delta' ? 'DELTA_GRPC' : 'GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds' }, timeout: '0s' }],
      },
      cds_config: source,
      lds_config: source,
    },
    static_resources: {
      clusters: [
        {
          name: 'xds',
          type: 'STATIC',
          connect_timeout: '2s',
          load_assignment: {
            cluster_name: 'xds',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: at(xdsPort) } }] }],
          },
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        },
      ],
    },
  });
}
