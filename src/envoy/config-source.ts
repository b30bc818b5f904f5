// Where gateways get all resources from: one aggregated stream (ADS) to the control plane.
// Must not: wait for a resource without limit.

import type { Message } from './draft.ts';

type ConfigSource = Message<'envoy.config.core.v3.ConfigSource'>;

/**
 * After five seconds without an answer Envoy goes on without the resource, and its filter chain refuses everybody. Without
 * this limit, one peer's missing secret would delay the listener of all peers.
 */
export const ADS: ConfigSource = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '5s' };
