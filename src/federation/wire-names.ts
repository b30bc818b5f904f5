// The names that gateways of two meshes use between them (docs/design.md, "Wire contract"): SNI, authority, local names.
// Must not: know Envoy's resource names (envoy/resource-names.ts has them).

import type { TrustDomain } from '../trust/spiffe.ts';

/** RFC 1035, in the textual form without the trailing dot. */
export const MAX_HOST_NAME = 253;

const CLUSTER_SUFFIX = '.svc.cluster.local';

/** The server name that the callee's ingress gateway picks the caller's filter chain by. */
export function serverName(label: string, callee: TrustDomain): string {
  return `${label}.peers.${callee}`;
}

/** The server name of one TCP export, before the one that the same two gateways use for HTTP (`serverName`). */
export function tcpServerName(name: string, httpServerName: string): string {
  return `${name}.tcp.${httpServerName}`;
}

/** The `:authority` of an export at the boundary. */
export function exportAuthority(name: string, callee: TrustDomain): string {
  return `${name}.exports.${callee}`;
}

/**
 * Every host name by which local callers ask for an import. A Kubernetes service name has three usual spellings
 * (`reviews.default.svc.cluster.local`, `reviews.default.svc`, `reviews.default`); any other name has one.
 */
export function localNames(as: string): readonly string[] {
  if (!as.endsWith(CLUSTER_SUFFIX)) return [as];
  const service = as.slice(0, -CLUSTER_SUFFIX.length);
  return service.split('.').length === 2 ? [as, `${service}.svc`, service] : [as];
}
