// Messages of Envoy's access log service, encoded by protobufjs as Envoy would.
// Must not: know how the server reads them.

import { reflectedType } from '../../envoy/proto/reflected-types.ts';

export interface LoggedConnection {
  readonly upstream_cluster?: string;
  readonly upstream_remote_address?: object;
  readonly upstream_transport_failure_reason?: string;
  readonly start_time?: { readonly seconds: number; readonly nanos: number };
  readonly upstream_wire_bytes_received?: number;
  readonly access_log_type?: 'TcpPeriodic' | 'TcpConnectionEnd';
  readonly response_flags?: Readonly<Record<string, boolean>>;
}

/** `node` absent: as all messages but the first. */
export function logMessage(connections: readonly LoggedConnection[], node?: object): Buffer {
  const type = reflectedType('envoy.service.accesslog.v3.StreamAccessLogsMessage');
  const entries = connections.map((common) => ({
    common_properties: { sample_rate: 1, duration: { seconds: 3 }, ...common },
    connection_properties: { received_bytes: 7 },
  }));
  const message = type.fromObject({
    ...(node && { identifier: { node, log_name: 'peers' } }),
    tcp_logs: { log_entry: entries },
  });
  return Buffer.from(type.encode(message).finish());
}
