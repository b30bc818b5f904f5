// Gauges of the gateways that are connected, and of those that have not accepted what is served.
// Must not: count a gateway twice that has several streams on one connection.

import { byConnection, isInSync, type StreamStatus } from '../xds/stream-status.ts';
import type { Metrics } from './metrics-registry.ts';

/** `roles` are the gateways of the configuration; `streams` those of all processes that serve. */
export type GatewayGauges = (roles: Iterable<string>, streams: readonly StreamStatus[]) => void;

/** `bootstraps`: by gateway, the digest of the bootstrap that this version writes. */
export function gatewayGauges(metrics: Metrics, bootstraps: ReadonlyMap<string, string>): GatewayGauges {
  const connected = metrics.gauge('postern_gateways_connected', 'Envoys that are connected.');
  const notInSync = metrics.gauge(
    'postern_gateways_not_in_sync',
    'Connected Envoys that have not accepted all that is served to them.',
  );
  const oldBootstrap = metrics.gauge(
    'postern_gateways_old_bootstrap',
    'Connected Envoys whose bootstrap is another than the one that this version writes.',
  );
  return (roles, streams) => {
    connected.clear();
    notInSync.clear();
    oldBootstrap.clear();
    for (const gateway of roles) {
      const own = streams.filter((stream) => stream.gateway === gateway);
      connected.set({ gateway }, byConnection(own).length);
      notInSync.set({ gateway }, byConnection(own.filter((stream) => !isInSync(stream))).length);
      const old = own.filter(({ bootstrap }) => bootstrap !== bootstraps.get(gateway));
      oldBootstrap.set({ gateway }, byConnection(old).length);
    }
  };
}
