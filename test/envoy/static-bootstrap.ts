// A whole gateway as one static Envoy configuration (JSON), to try resources on a real Envoy without a control plane: what
// would come over ADS is in place.

import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';

type Json = Record<string, unknown>;

/** Secrets are looked up by name when no source is given; routes take the place of their subscription. */
export function staticBootstrap(resources: readonly ResourceJson[], adminPort?: number): string {
  const ofType = (type: string): Json[] =>
    resources
      .filter((resource) => resource['@type'].endsWith(`.${type}`))
      .map(({ '@type': _, ...rest }) => rest as Json);
  const routes = new Map(ofType('RouteConfiguration').map((route) => [route['name'], route]));
  const inline = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inline);
    if (typeof value !== 'object' || value === null) return value;
    const { sds_config: _, rds, ...rest } = value as Json;
    const routeName = (rds as Json | undefined)?.['route_config_name'];
    return {
      ...Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, inline(item)])),
      ...(routeName === undefined ? {} : { route_config: routes.get(routeName) }),
    };
  };
  return JSON.stringify({
    ...(adminPort && { admin: { address: { socket_address: { address: '127.0.0.1', port_value: adminPort } } } }),
    // As in the product's bootstrap: the expressions for header names are larger than Envoy's default limit.
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
    static_resources: {
      listeners: inline(ofType('Listener')),
      clusters: inline(ofType('Cluster')),
      secrets: ofType('Secret'),
    },
  });
}
