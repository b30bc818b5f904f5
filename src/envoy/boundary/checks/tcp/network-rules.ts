// Boundary rules for network filters: the one that admits exactly the peer, and proxies of TCP.
// Must not: look at another filter, or at the chain around it.

import type { Messages } from '../../../proto/types.gen.ts';
import { enforce, type Subject } from '../../boundary-rules.ts';
import { actionOf, NETWORK_RBAC } from '../http/client-rules.ts';

type Filter = Messages['envoy.config.listener.v3.Filter'];
type TcpProxy = Messages['envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'];

export const TCP_PROXY = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
/** The longest lifetime of a connection with a peer: Envoy does not verify a certificate again that expires meanwhile. */
const MAX_CONNECTION_SECONDS = 3700;

/** The filter admits exactly these identities, each alone. */
export function checkNetworkRbac(filter: Filter | undefined, identities: readonly string[], subject: Subject): void {
  const config = filter?.typed_config;
  enforce(config?.['@type'] === NETWORK_RBAC, 'NETWORK_RBAC', subject);
  const { matcher_tree: tree, on_no_match: otherwise } = config.matcher ?? {};
  const allowed = tree?.exact_match_map?.map ?? {};
  const admitsExactly =
    config.rules === undefined &&
    config.shadow_rules === undefined &&
    tree?.input?.typed_config?.['@type'] ===
      'type.googleapis.com/envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput' &&
    sameSet(Object.keys(allowed), identities) &&
    Object.values(allowed).every(({ action }) => actionOf(action?.typed_config) !== undefined) &&
    actionOf(otherwise?.action?.typed_config) === 'DENY';
  enforce(admitsExactly, 'NETWORK_RBAC', subject);
}

/** Whether a proxy leads to the one cluster that it names, as it is. */
export function isFixed(proxy: TcpProxy): boolean {
  const { weighted_clusters: weighted, tunneling_config: tunneling, on_demand: onDemand } = proxy;
  return weighted === undefined && tunneling === undefined && onDemand === undefined;
}

export function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}

/** Whether a connection with a peer ends before it outlasts a certificate by long. */
export function isBounded(duration: string | undefined): boolean {
  return seconds(duration) > 0 && seconds(duration) <= MAX_CONNECTION_SECONDS;
}

export function seconds(duration: string | undefined): number {
  return Number.parseFloat(duration ?? '0');
}
