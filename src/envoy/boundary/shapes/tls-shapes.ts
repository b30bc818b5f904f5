// The form of TLS contexts and of the places from which a gateway gets secrets and routes.
// Must not: repeat what tls-rules.ts says of their values.

import { duration, extension, is, listOf, message, type Shape, sequence, text, typed, under } from './shape.ts';

/** The one stream to the control plane. */
export const ADS = message({
  ads: message({}),
  resource_api_version: is('V3'),
  initial_fetch_timeout: duration,
});

const SECRET = message({ name: text, sds_config: ADS });

type Alpn = 'h2' | 'postern-tcp';

function context(alpn: readonly string[], names: Shape): Shape {
  return message({
    tls_params: message({
      tls_minimum_protocol_version: is('TLSv1_3'),
      tls_maximum_protocol_version: is('TLSv1_3'),
      signature_algorithms: listOf(text),
    }),
    alpn_protocols: sequence(...alpn.map((protocol) => is(protocol))),
    tls_certificate_sds_secret_configs: sequence(SECRET),
    combined_validation_context: message({
      default_validation_context: message({ match_typed_subject_alt_names: names }),
      validation_context_sds_secret_config: SECRET,
    }),
  });
}

const common = (alpn: Alpn): Shape =>
  context([alpn], listOf(message({ san_type: is('URI'), matcher: message({ exact: text }) })));
const CALLERS = context(
  ['h2', 'http/1.1'],
  sequence(message({ san_type: is('URI'), matcher: message({ prefix: text }) })),
);

function tls(context: Shape): Shape {
  return under('TLS', extension('envoy.transport_sockets.tls', context));
}

function downstream(tlsContext: Shape): Shape {
  return tls(
    typed('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
      require_client_certificate: is(true),
      common_tls_context: tlsContext,
      disable_stateless_session_resumption: is(true),
      disable_stateful_session_resumption: is(true),
    }),
  );
}

const upstream = (alpn: Alpn): Shape =>
  tls(
    typed('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
      sni: text,
      max_session_keys: is(0),
      common_tls_context: common(alpn),
    }),
  );

/** Of our own callers. */
export const CALLERS_TLS = downstream(CALLERS);

export const DOWNSTREAM_TLS = downstream(common('h2'));
export const UPSTREAM_TLS = upstream('h2');
export const TCP_DOWNSTREAM_TLS = downstream(common('postern-tcp'));
export const TCP_UPSTREAM_TLS = upstream('postern-tcp');
