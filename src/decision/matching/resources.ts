// The resources of one gateway, found by type and name, as Envoy finds them.
// Must not: answer for a resource that is not there.

import type { ResourceJson } from '../../envoy/proto/types.gen.ts';
import { only, unjudged } from './unjudged.ts';

type Of<Type extends string> = Extract<ResourceJson, { readonly '@type': `type.googleapis.com/${Type}` }>;
export type Listener = Of<'envoy.config.listener.v3.Listener'>;
export type Cluster = Of<'envoy.config.cluster.v3.Cluster'>;
export type RouteConfiguration = Of<'envoy.config.route.v3.RouteConfiguration'>;
export type Secret = Of<'envoy.extensions.transport_sockets.tls.v3.Secret'>;

export class Resources {
  private readonly all = new Map<string, ResourceJson>();

  constructor(resources: readonly ResourceJson[]) {
    for (const resource of resources) {
      const key = `${resource['@type']} ${'name' in resource ? resource.name : ''}`;
      if (this.all.has(key)) throw unjudged(`two resources ${key}`);
      this.all.set(key, resource);
    }
  }

  listeners(): readonly Listener[] {
    return [...this.all.values()].filter((one): one is Listener => one['@type'].endsWith('.Listener'));
  }

  allRoutes(): readonly RouteConfiguration[] {
    return [...this.all.values()].filter((one): one is RouteConfiguration =>
      one['@type'].endsWith('.RouteConfiguration'),
    );
  }

  listener(name: string): Listener {
    return this.get<Listener>('envoy.config.listener.v3.Listener', name);
  }

  cluster(name: string): Cluster {
    return this.get<Cluster>('envoy.config.cluster.v3.Cluster', name);
  }

  routes(name: string): RouteConfiguration {
    return this.get<RouteConfiguration>('envoy.config.route.v3.RouteConfiguration', name);
  }

  secret(name: string): Secret {
    return this.get<Secret>('envoy.extensions.transport_sockets.tls.v3.Secret', name);
  }

  private get<R extends ResourceJson>(type: string, name: string): R {
    const found = this.all.get(`type.googleapis.com/${type} ${name}`);
    if (found === undefined) throw unjudged(`${name}, which is not among the resources,`);
    return found as R;
  }
}

/** A name without the digests of what it means. */
export function plainName(name: string): string {
  return name.replaceAll(/@[0-9a-f]{16}/g, '').replace(/^((?:mesh-bundle|backend-ca)\/)[0-9a-f]{16}$/, '$1');
}

/** Where a cluster leads. */
export interface Endpoints {
  readonly internal: readonly string[];
  readonly addresses: readonly string[];
}

export function endpointsOf(cluster: Cluster): Endpoints {
  only(
    cluster,
    `the cluster ${cluster.name}`,
    ...['name', 'alt_stat_name', 'type', 'dns_lookup_family', 'load_assignment', 'connect_timeout', 'metadata'],
    ...['per_connection_buffer_limit_bytes', 'typed_extension_protocol_options', 'upstream_connection_options'],
    ...['circuit_breakers', 'transport_socket', 'common_lb_config', 'outlier_detection', 'health_checks'],
    'ignore_health_on_host_removal',
  );
  const all = (cluster.load_assignment?.endpoints ?? []).flatMap(({ lb_endpoints: list = [] }) => list);
  const internal = new Set<string>();
  const addresses: string[] = [];
  for (const { endpoint } of all) {
    const { envoy_internal_address: inside, socket_address: outside } = endpoint?.address ?? {};
    if (inside?.server_listener_name !== undefined) internal.add(inside.server_listener_name);
    else if (outside?.address !== undefined && outside.port_value !== undefined) {
      const host = outside.address.includes(':') ? `[${outside.address}]` : outside.address;
      addresses.push(`${host}:${outside.port_value}`);
    } else throw unjudged(`an endpoint of the cluster ${cluster.name}`);
  }
  return { internal: [...internal], addresses };
}
