// The form of each kind of listener: ingress, egress port, tunnel.
// Must not: repeat what listener-rules.ts says of their values.

import { EGRESS_MANAGER, INGRESS_MANAGER } from '../http/filter-shapes.ts';
import { CONNECTIONS } from '../http/limit-shapes.ts';
import {
  CALLERS_GATE_LOG,
  EGRESS_CONNECTION_LOG,
  GATE_LOG,
  INGRESS_CONNECTION_LOG,
  TCP_PORT_LOG,
  TUNNEL_LOG,
} from '../http/log-shapes.ts';
import {
  CHAIN_METADATA,
  CLOSED_CHAIN,
  GATE,
  PEER_ONLY,
  TCP_CHAIN,
  TCP_IMPORT_CHAIN,
  TUNNEL_METADATA,
  tcpProxy,
} from '../network-shapes.ts';
import { REPORT_ALIVE } from '../report-shapes.ts';
import {
  chosen,
  either,
  extension,
  is,
  listOf,
  matching,
  message,
  number,
  once,
  sequence,
  text,
  typed,
  under,
} from '../shape.ts';
import { DOWNSTREAM_TLS } from '../tls-shapes.ts';
import { CALLERS_CHAIN, CALLERS_GATE, TCP_CALLERS_CHAIN } from './caller-shapes.ts';

const LISTENER = 'envoy.config.listener.v3.Listener';
const MANAGER = 'envoy.filters.network.http_connection_manager';

/** `::` is every address, of IPv4 too; no other address is more than it says. Which one it is, the model says. */
const ADDRESS = message({
  socket_address: either(
    message({ address: matching(/^[0:]*:[0:]*$/), port_value: number, ipv4_compat: is(true) }),
    message({ address: text, port_value: number }),
  ),
});

const ADMIT = under('NETWORK_RBAC', PEER_ONLY);
const HTTP = extension(MANAGER, INGRESS_MANAGER);
const FILTERS = sequence(ADMIT, HTTP);
const LIMITED_FILTERS = sequence(ADMIT, CONNECTIONS, HTTP);

const PEER_CHAIN = message({
  name: text,
  metadata: CHAIN_METADATA,
  filter_chain_match: under(
    'CHAIN_MATCH',
    message({
      server_names: sequence(text),
      transport_protocol: is('tls'),
      application_protocols: sequence(is('h2')),
    }),
  ),
  transport_socket_connect_timeout: under('HANDSHAKE_TIMEOUT', is('5s')),
  transport_socket: DOWNSTREAM_TLS,
  filters: (value) => (Array.isArray(value) && value.length > 2 ? LIMITED_FILTERS : FILTERS)(value),
});

const COMMON = { name: text, stat_prefix: text };
/** One connection between gateways is many callers; one of a caller is one. */
const HOP = { ...COMMON, per_connection_buffer_limit_bytes: is(262144) };

export const INGRESS_LISTENER = typed(LISTENER, {
  ...HOP,
  address: ADDRESS,
  enable_reuse_port: is(false),
  listener_filters: sequence(
    extension(
      'envoy.filters.listener.tls_inspector',
      typed('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector'),
    ),
  ),
  listener_filters_timeout: is('5s'),
  continue_on_listener_filters_timeout: is(false),
  access_log: INGRESS_CONNECTION_LOG,
  filter_chains: listOf(once(chosen(({ name }) => (String(name).startsWith('tcp/') ? TCP_CHAIN : PEER_CHAIN)))),
});

const PORT = {
  ...COMMON,
  per_connection_buffer_limit_bytes: is(32768),
  address: ADDRESS,
  enable_reuse_port: is(false),
};
const HTTP_PORT = typed(LISTENER, {
  ...PORT,
  filter_chains: sequence(message({ name: text, filters: sequence(extension(MANAGER, EGRESS_MANAGER)) })),
});
const TCP_PORT = typed(LISTENER, {
  ...PORT,
  access_log: TCP_PORT_LOG,
  filter_chains: sequence(either(CLOSED_CHAIN, TCP_IMPORT_CHAIN)),
});

/** Of callers that prove who they are. */
const CALLERS_PORT = typed(LISTENER, {
  ...PORT,
  access_log: EGRESS_CONNECTION_LOG,
  filter_chains: sequence(
    chosen(({ filters }) => (Array.isArray(filters) && filters.length > 2 ? TCP_CALLERS_CHAIN : CALLERS_CHAIN)),
  ),
});

/** Only callers of TCP, and those that prove who they are, have a line for each connection. Which of them it is, the model says. */
export const EGRESS_LISTENER = chosen(({ access_log: log, filter_chains: chains }) => {
  const isTls = Array.isArray(chains) && chains.some((chain) => chain?.transport_socket !== undefined);
  return isTls ? CALLERS_PORT : log === undefined ? HTTP_PORT : TCP_PORT;
});

export const TUNNEL_LISTENER = under(
  'TUNNEL',
  typed(LISTENER, {
    ...HOP,
    internal_listener: message({}),
    filter_chains: sequence(
      message({
        name: text,
        metadata: TUNNEL_METADATA,
        filters: sequence(
          tcpProxy('0s', '3700s', {
            max_connect_attempts: number,
            access_log: TUNNEL_LOG,
            access_log_options: REPORT_ALIVE,
          }),
        ),
      }),
    ),
  }),
);

export const GATE_LISTENER = under(
  'GATE',
  typed(LISTENER, { ...HOP, internal_listener: message({}), access_log: GATE_LOG, ...GATE }),
);

export const CALLERS_GATE_LISTENER = under(
  'CALLERS_GATE',
  typed(LISTENER, { ...HOP, internal_listener: message({}), access_log: CALLERS_GATE_LOG, ...CALLERS_GATE }),
);
