// What an egress gateway tells the control plane of its connections to peers: how each one ended, and which are alive, over the
// access log service of the xDS port. It is one stream for each worker thread, whatever it has to tell.
// Must not: hold up a connection (Envoy drops reports that it cannot send), or tell anything of a request.

import { extension, type Message } from '../draft.ts';
import { CONTROL_PLANE_CLUSTER } from '../resource-names.ts';

type AccessLog = Message<'envoy.config.accesslog.v3.AccessLog'>;
type LogType = NonNullable<NonNullable<NonNullable<AccessLog['filter']>['log_type_filter']>['types']>[number];

const ENDED: readonly LogType[] = ['TcpConnectionEnd'];
const ALIVE_OR_ENDED: readonly LogType[] = ['TcpPeriodic', ...ENDED];

/** How often an open connection is told of. */
export const REPORT_ALIVE = { access_log_flush_interval: '5s' } as const;

export function peerReport(): AccessLog {
  return {
    ...extension('envoy.access_loggers.tcp_grpc', 'envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig', {
      common_config: {
        log_name: 'peers',
        transport_api_version: 'V3',
        grpc_service: { envoy_grpc: { cluster_name: CONTROL_PLANE_CLUSTER } },
        buffer_flush_interval: '1s',
        buffer_size_bytes: 16384,
      },
    }),
    filter: { log_type_filter: { types: ALIVE_OR_ENDED } },
  };
}

/** The same log, of ended connections alone: one line for each. */
export function atEnd(log: AccessLog): AccessLog {
  const ended = { log_type_filter: { types: ENDED } };
  return { ...log, filter: log.filter === undefined ? ended : { and_filter: { filters: [ended, log.filter] } } };
}
