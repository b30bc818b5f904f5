// The resource types that are served, and what the protocol says of each.
// In: nothing. Out: type URLs, the push order, who refers to whom. Must not: hold state.

const PREFIX = 'type.googleapis.com/';

export const TYPE = {
  cluster: `${PREFIX}envoy.config.cluster.v3.Cluster`,
  endpoint: `${PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment`,
  secret: `${PREFIX}envoy.extensions.transport_sockets.tls.v3.Secret`,
  route: `${PREFIX}envoy.config.route.v3.RouteConfiguration`,
  listener: `${PREFIX}envoy.config.listener.v3.Listener`,
} as const;

/**
 * The order of pushes within one change: what is referred to goes before what refers to it, so that nothing warms
 * longer than it must; secrets and routes go before listeners, so that a removed peer is denied before it is cut.
 */
export const PUSH_ORDER: readonly string[] = [TYPE.cluster, TYPE.endpoint, TYPE.secret, TYPE.route, TYPE.listener];

/** Which types may still refer to a resource of this type: its removal waits until they have acknowledged. */
export const REFERRERS: ReadonlyMap<string, readonly string[]> = new Map([
  [TYPE.cluster, [TYPE.route, TYPE.listener]],
  [TYPE.endpoint, [TYPE.cluster]],
  [TYPE.secret, [TYPE.cluster, TYPE.listener]],
  [TYPE.route, [TYPE.listener]],
  [TYPE.listener, []],
]);

/** SotW responses of these carry the full state, and what is absent is deleted (xDS protocol, "Deleting Resources"). */
export function isFullState(typeUrl: string): boolean {
  return typeUrl === TYPE.cluster || typeUrl === TYPE.listener;
}

const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  [TYPE.cluster, 'CDS'],
  [TYPE.endpoint, 'EDS'],
  [TYPE.secret, 'SDS'],
  [TYPE.route, 'RDS'],
  [TYPE.listener, 'LDS'],
]);

/** The short name that people know: CDS, EDS, SDS, RDS, LDS. */
export function shortName(typeUrl: string): string {
  return SHORT_NAMES.get(typeUrl) ?? typeUrl;
}
