// Figures of the builders, each changed: windows, sizes of headers, times, thresholds of breakers, of ejection and of health checks.
// Must not: hold a change that the boundary check would accept.

import type { BoundaryRule } from '../../../src/envoy/boundary/boundary-rules.ts';
import type { GatewayRole } from '../../../src/federation/model.ts';

/** One constant of a builder, changed. */
export interface Change {
  /** The file below src/envoy/, without its suffix. */
  readonly file: string;
  /** A text of that file, which is there once, and what takes its place. */
  readonly from: string;
  readonly to: string;
  readonly role: GatewayRole;
  readonly rule: BoundaryRule;
}

export const change = (file: string, from: string, to: string, role: GatewayRole, rule: BoundaryRule): Change => ({
  file,
  from,
  to,
  role,
  rule,
});

export const FIGURES: readonly Change[] = [
  change('limits', 'BUFFER_BYTES = 32768', 'BUFFER_BYTES = 1048576', 'ingress', 'KNOWN_FIELDS'),
  change('limits', 'max_outbound_frames: 10000', 'max_outbound_frames: 1000000', 'egress', 'KNOWN_FIELDS'),
  change('limits', 'keepalive_time: 30', 'keepalive_time: 7200', 'egress', 'KNOWN_FIELDS'),
  change(
    'http/http-connection-manager',
    "request_headers_timeout: '10s'",
    "request_headers_timeout: '0s'",
    'ingress',
    'KNOWN_FIELDS',
  ),
  change('limits', 'MAX_CONNECTIONS = 4096', 'MAX_CONNECTIONS = 1024', 'egress', 'LIMITS'),
  change('limits', 'MAX_REQUESTS = 8192', 'MAX_REQUESTS = 1024', 'ingress', 'LIMITS'),
  change('limits', 'max_retries: 1024', 'max_retries: 3', 'egress', 'KNOWN_FIELDS'),
  change('config-source', "initial_fetch_timeout: '5s'", "initial_fetch_timeout: '0s'", 'egress', 'TLS'),
  change('limits', 'STREAMS = 100', 'STREAMS = 1000', 'ingress', 'KNOWN_FIELDS'),
  change('limits', 'windows(8 * 1024 * 1024)', 'windows(64 * 1024 * 1024)', 'ingress', 'KNOWN_FIELDS'),
  change('limits', 'windows(8 * 1024 * 1024)', 'windows(64 * 1024)', 'egress', 'KNOWN_FIELDS'),
  change('limits', 'windows(256 * 1024)', 'windows(16 * 1024 * 1024)', 'egress', 'KNOWN_FIELDS'),
  change('limits', 'windows(256 * 1024)', 'windows(16 * 1024 * 1024)', 'ingress', 'KNOWN_FIELDS'),
  change('limits', 'STREAMS * streamBytes', 'streamBytes', 'ingress', 'KNOWN_FIELDS'),
  change('limits', 'first: 100, next: 128', 'first: 1000, next: 128', 'egress', 'KNOWN_FIELDS'),
  change('limits', 'first: 100, next: 128', 'first: 100, next: 1280', 'ingress', 'KNOWN_FIELDS'),
  change('limits', 'egress: 32, ingress: 48', 'egress: 320, ingress: 48', 'egress', 'KNOWN_FIELDS'),
  change('limits', 'egress: 32, ingress: 48', 'egress: 32, ingress: 480', 'ingress', 'KNOWN_FIELDS'),
  change('limits', 'fromBackend: 60', 'fromBackend: 6000', 'ingress', 'KNOWN_FIELDS'),
  change('limits', 'fromPeer: 76', 'fromPeer: 7600', 'egress', 'KNOWN_FIELDS'),
  change(
    'limits',
    "max_headers_count: HEADER_FIELDS.first, idle_timeout: '600s'",
    "max_headers_count: HEADER_FIELDS.first, idle_timeout: '0s'",
    'egress',
    'KNOWN_FIELDS',
  ),
  change(
    'limits',
    "max_headers_count: HEADER_FIELDS.next, idle_timeout: '300s'",
    "max_headers_count: HEADER_FIELDS.next, idle_timeout: '0s'",
    'ingress',
    'KNOWN_FIELDS',
  ),
  change('limits', "idle_timeout: '60s'", "idle_timeout: '0s'", 'egress', 'KNOWN_FIELDS'),
  change('limits', "idle_timeout: '1.5s'", "idle_timeout: '15s'", 'ingress', 'KNOWN_FIELDS'),
  change(
    'limits',
    "TOWARDS_HTTP1_BACKEND, idle_timeout: '300s'",
    "TOWARDS_HTTP1_BACKEND, idle_timeout: '0s'",
    'ingress',
    'KNOWN_FIELDS',
  ),
  change('limits', 'max_requests_per_connection: 1000', 'max_requests_per_connection: 0', 'egress', 'KNOWN_FIELDS'),
  change('limits', "interval: '10s', timeout: '10s'", "interval: '10s', timeout: '600s'", 'egress', 'KNOWN_FIELDS'),
  change('limits', "idle: '1800s'", "idle: '0s'", 'ingress', 'GATE'),
  change('limits', "idle: '1900s'", "idle: '0s'", 'egress', 'KNOWN_FIELDS'),
  change(
    'http/http-connection-manager',
    "max_connection_duration: '3600s'",
    "max_connection_duration: '3700s'",
    'ingress',
    'CONNECTION_AGE',
  ),
  change(
    'resources/ingress-listener',
    "listener_filters_timeout: '5s'",
    "listener_filters_timeout: '0s'",
    'ingress',
    'KNOWN_FIELDS',
  ),
  change('resources/cluster', ' consecutive_5xx: 0', ' consecutive_5xx: 5', 'egress', 'KNOWN_FIELDS'),
  change('resources/cluster', 'enforcing_success_rate: 0', 'enforcing_success_rate: 100', 'egress', 'KNOWN_FIELDS'),
  change('resources/cluster', "base_ejection_time: '10s'", "base_ejection_time: '300s'", 'egress', 'KNOWN_FIELDS'),
  change('resources/cluster', 'max_ejection_percent: 50', 'max_ejection_percent: 100', 'egress', 'KNOWN_FIELDS'),
  change(
    'resources/cluster',
    'consecutive_local_origin_failure: 3',
    'consecutive_local_origin_failure: 1',
    'egress',
    'KNOWN_FIELDS',
  ),
  change('resources/cluster', 'unhealthy_threshold: 2', 'unhealthy_threshold: 20', 'egress', 'KNOWN_FIELDS'),
  change('resources/cluster', "no_traffic_interval: '2s'", "no_traffic_interval: '60s'", 'egress', 'KNOWN_FIELDS'),
  change('resources/cluster', 'start: 200, end: 201', 'start: 200, end: 600', 'egress', 'KNOWN_FIELDS'),
  change('http/retry', 'UNPROCESSED_RETRIES = 3', 'UNPROCESSED_RETRIES = 30', 'ingress', 'SAFE_RETRY'),
  change('limits', 'egress: 1, ingress: 3', 'egress: 3, ingress: 3', 'egress', 'SAFE_RETRY'),
  change('limits', 'egress: 1, ingress: 3', 'egress: 1, ingress: 30', 'ingress', 'SAFE_RETRY'),
];
