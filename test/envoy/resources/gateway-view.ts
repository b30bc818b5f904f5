// What a gateway admits, read from the resources that it has: a small evaluator for the property of updates.
// It knows Envoy's behaviour that matters: a connection lives on when its secrets or routes change, and until the end of
// the drain time when its filter chain does; requests on it are judged by the routes and clusters of the moment.

import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';

// biome-ignore lint/suspicious/noExplicitAny: resources are read as plain data here
type Data = any;

/** By type and name. */
export type View = ReadonlyMap<string, Data>;

export function viewOf(resources: readonly ResourceJson[]): View {
  return new Map(resources.map((resource) => [keyOf(resource), resource]));
}

const keyOf = (resource: Data): string => `${kindOf(resource)} ${resource.name}`;
const kindOf = (resource: Data): string => resource['@type'].split('.').at(-1);

/** The order of pushes; what is gone is removed after the last. */
const KINDS = ['Cluster', 'Secret', 'RouteConfiguration', 'Listener'] as const;

/** What the gateway has after each push of an update, and at last without what is gone. */
export function prefixes(before: View, next: View): readonly View[] {
  const views: View[] = [before];
  for (const kind of KINDS) {
    const pushed = [...next].filter(([, resource]) => kindOf(resource) === kind);
    // A listener is not made before break: what is gone of its chains is gone with the update.
    const kept = [...(views.at(-1) ?? before)].filter(
      ([key, resource]) => kind !== 'Listener' || kindOf(resource) !== kind || next.has(key),
    );
    views.push(new Map([...kept, ...pushed]));
  }
  return [...views, next];
}

/** An open connection: the chain that it came through, whose routes or cluster it uses, and what was proven when it began. */
export interface Connection {
  readonly chain: string;
  readonly peer: string;
  readonly root: string;
  readonly identity: string;
  /** Of the chain: at the ingress its routes, at the egress the tunnel that it belongs to. */
  readonly uses: string;
}

const chainsOf = (view: View): readonly { readonly listener: Data; readonly chain: Data }[] =>
  [...view.values()]
    .filter((resource) => kindOf(resource) === 'Listener')
    .flatMap((listener) => listener.filter_chains.map((chain: Data) => ({ listener, chain })));

/** Every connection that can begin now, but for a root that nobody holds. */
export function begin(view: View, throwawayRoot = ''): readonly Connection[] {
  return chainsOf(view).flatMap(({ listener, chain }) => {
    const filter = chain.filters.at(-1).typed_config;
    const socket =
      filter.cluster === undefined ? chain.transport_socket : view.get(`Cluster ${filter.cluster}`)?.transport_socket;
    if (socket === undefined) return [];
    const { default_validation_context: own, validation_context_sds_secret_config: bundle } =
      socket.typed_config.common_tls_context.combined_validation_context;
    const pem = view.get(`Secret ${bundle.name}`)?.validation_context.trusted_ca.inline_string ?? '';
    const roots = pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
    if (pem === throwawayRoot) return [];
    return roots.flatMap((root: string) =>
      own.match_typed_subject_alt_names.map(({ matcher }: Data) => ({
        chain: JSON.stringify(chain),
        peer: chain.metadata.filter_metadata.postern.peer,
        root,
        identity: matcher.exact,
        uses: filter.cluster === undefined ? filter.rds.route_config_name : listener.name,
      })),
    );
  });
}

/** The connections that outlive the drain time of an update. */
export function surviving(view: View, connections: Iterable<Connection>): readonly Connection[] {
  const chains = new Set(chainsOf(view).map(({ chain }) => JSON.stringify(chain)));
  return [...connections].filter(({ chain }) => chains.has(chain));
}

/** What a connection may be used for now, one text for each: with whom, for what, and where that leads. */
export function admits(view: View, connections: Iterable<Connection>): ReadonlySet<string> {
  const admitted = new Set<string>();
  const tunnels = new Map<string, Data[]>();
  for (const routes of view.values()) {
    if (kindOf(routes) !== 'RouteConfiguration' || !routes.name.startsWith('egress/')) continue;
    for (const host of routes.virtual_hosts)
      for (const { route } of host.routes) {
        if (route === undefined) continue;
        const cluster = view.get(`Cluster ${route.cluster}`);
        const endpoint = cluster?.load_assignment.endpoints[0].lb_endpoints[0].endpoint;
        const tunnel = endpoint?.address.envoy_internal_address.server_listener_name;
        tunnels.set(tunnel, [
          ...(tunnels.get(tunnel) ?? []),
          { local: host.domains[0], authority: route.host_rewrite_literal },
        ]);
      }
  }
  for (const { root, identity, uses } of connections) {
    for (const call of tunnels.get(uses) ?? []) admitted.add(JSON.stringify(['out', root, identity, call]));
    for (const host of view.get(`RouteConfiguration ${uses}`)?.virtual_hosts ?? []) {
      const policies = host.typed_per_filter_config?.['envoy.filters.http.rbac'].rbac.rules.policies ?? {};
      for (const { permissions, principals } of Object.values<Data>(policies)) {
        if (!principals.some((one: Data) => one.authenticated.principal_name.exact === identity)) continue;
        for (const { route } of host.routes) {
          if (route === undefined) continue;
          const cluster = view.get(`Cluster ${route.cluster}`);
          if (cluster === undefined) continue;
          const backend = [cluster.load_assignment.endpoints, cluster.typed_extension_protocol_options];
          const peer = view.get(`RouteConfiguration ${uses}`).request_headers_to_add[0].header.value;
          for (const { and_rules: rule } of permissions)
            admitted.add(JSON.stringify(['in', root, identity, peer, host.domains, rule, backend]));
        }
      }
    }
  }
  return admitted;
}
