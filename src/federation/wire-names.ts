// The names of the wire contract between gateways (spec section 3): SNI, authority, local names.
// In: names and trust domains. Out: strings. Must not: know Envoy's resource names; those are in envoy/resource-names.ts.

import type { TrustDomain } from '../trust/spiffe.ts';

const CLUSTER_SUFFIX = '.svc.cluster.local';

/** The server name that the callee's ingress gateway picks the caller's filter chain by. */
export function serverName(label: string, callee: TrustDomain): string {
  return `${label}.peers.${callee}`;
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
