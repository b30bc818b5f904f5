// The form of what gateways report to the control plane: connections to peers, and nothing else, to nobody else.
// Must not: be made of envoy/http/peer-report.ts, which is what is checked here.

import { is, message, type Shape, sequence, typed, under } from './shape.ts';

/** A filter of access logs: these types alone. */
export function ofTypes(...types: readonly string[]): Shape {
  return message({ log_type_filter: message({ types: sequence(...types.map((type) => is(type))) }) });
}

export const PEER_REPORT = message({
  name: is('envoy.access_loggers.tcp_grpc'),
  typed_config: typed('envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig', {
    common_config: message({
      log_name: is('peers'),
      transport_api_version: is('V3'),
      grpc_service: message({ envoy_grpc: message({ cluster_name: is('control-plane') }) }),
      buffer_flush_interval: is('1s'),
      buffer_size_bytes: is(16384),
    }),
  }),
  filter: ofTypes('TcpPeriodic', 'TcpConnectionEnd'),
});

/** Of a connection of a TCP import to its peer, whose line is the listener's. */
export const TCP_IMPORT_REPORT = under('ACCESS_LOG', sequence(PEER_REPORT));
export const REPORT_ALIVE = message({ access_log_flush_interval: is('5s') });
