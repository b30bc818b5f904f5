// The resource types that are served, their push order, and which type refers to which.
// Must not: hold state.

const PREFIX = 'type.googleapis.com/';

export const TYPE = {
  cluster: `${PREFIX}envoy.config.cluster.v3.Cluster`,
  endpoint: `${PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment`,
  secret: `${PREFIX}envoy.extensions.transport_sockets.tls.v3.Secret`,
  route: `${PREFIX}envoy.config.route.v3.RouteConfiguration`,
  listener: `${PREFIX}envoy.config.listener.v3.Listener`,
} as const;

/**
 * The order of pushes within one change: a resource goes before its referrers, so that nothing warms longer than it must;
 * secrets and routes go before listeners, so that a removed peer is denied before its connections are cut.
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

/** SotW responses of these types carry the full state; the client deletes what is absent (xDS protocol, "Deleting Resources"). */
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

/** CDS, EDS, SDS, RDS, LDS. */
export function shortName(typeUrl: string): string {
  return SHORT_NAMES.get(typeUrl) ?? typeUrl;
}
