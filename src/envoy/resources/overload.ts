// What a gateway's Envoy does when its memory or its connections run out; part of its bootstrap.
// Must not: know one peer or caller from another.

import { extension, type Message } from '../draft.ts';

type OverloadManager = Message<'envoy.config.overload.v3.OverloadManager'>;

const HEAP = 'envoy.resource_monitors.fixed_heap';
const CONNECTIONS = 'envoy.resource_monitors.global_downstream_max_connections';

/** Under memory pressure: give memory back, reset the streams that hold the most, refuse requests, refuse connections. */
export function overload(connections: number): OverloadManager {
  const above = (value: number) => [{ name: HEAP, threshold: { value } }];
  return {
    refresh_interval: '0.25s',
    // From 64 KiB on, so that Envoy's eight classes reach the whole window of a stream between gateways.
    buffer_factory_config: { minimum_account_to_track_power_of_two: 16 },
    resource_monitors: [
      extension(HEAP, 'envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig', {
        max_heap_size_bytes: 536870912,
      }),
      extension(
        CONNECTIONS,
        'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
        { max_active_downstream_connections: connections },
      ),
    ],
    actions: [
      { name: 'envoy.overload_actions.shrink_heap', triggers: above(0.9) },
      {
        name: 'envoy.overload_actions.reset_high_memory_stream',
        triggers: [{ name: HEAP, scaled: { scaling_threshold: 0.85, saturation_threshold: 0.95 } }],
      },
      { name: 'envoy.overload_actions.stop_accepting_requests', triggers: above(0.95) },
      { name: 'envoy.overload_actions.reject_incoming_connections', triggers: above(0.97) },
    ],
  };
}
