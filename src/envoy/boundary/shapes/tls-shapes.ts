// The form of TLS contexts and of the places from which a gateway gets secrets and routes.
// Must not: repeat what tls-rules.ts says of their values.

import { either, extension, is, listOf, message, type Shape, sequence, text, typed, under } from './shape.ts';

/** The one stream to the control plane. */
export const ADS = message({
  ads: message({}),
  resource_api_version: is('V3'),
  initial_fetch_timeout: is('5s'),
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
const callers = (alpn: readonly string[]): Shape =>
  context(alpn, sequence(message({ san_type: is('URI'), matcher: message({ prefix: text }) })));

const backendCommon = (least: Shape, san: string, more: Readonly<Record<string, Shape>>): Shape =>
  message({
    tls_params: message({
      tls_minimum_protocol_version: least,
      tls_maximum_protocol_version: is('TLSv1_3'),
      signature_algorithms: listOf(text),
    }),
    ...more,
    combined_validation_context: message({
      default_validation_context: message({
        match_typed_subject_alt_names: sequence(message({ san_type: is(san), matcher: message({ exact: text }) })),
      }),
      validation_context_sds_secret_config: SECRET,
    }),
  });

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
export const CALLERS_TLS = downstream(callers(['h2', 'http/1.1']));
export const TCP_CALLERS_TLS = downstream(callers(['postgresql']));

export const DOWNSTREAM_TLS = downstream(common('h2'));
export const UPSTREAM_TLS = upstream('h2');
export const TCP_DOWNSTREAM_TLS = downstream(common('postern-tcp'));
export const TCP_UPSTREAM_TLS = upstream('postern-tcp');

const HTTP_IN_MESH = either(
  sequence(is('istio-http/1.1'), is('istio'), is('http/1.1')),
  sequence(is('istio-h2'), is('istio'), is('h2')),
);

/** To our own workloads, or to a server that is known by name. `server`: the ALPN that the latter is asked for, if it is. */
const backend = (inMesh: Shape, server: Readonly<Record<string, Shape>>): Shape => {
  const own = { tls_certificate_sds_secret_configs: sequence(SECRET) };
  const mutual = backendCommon(is('TLSv1_3'), 'URI', { alpn_protocols: inMesh, ...own });
  const simple = backendCommon(is('TLSv1_2'), 'DNS', server);
  const type = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
  const context = either(
    typed(type, { max_session_keys: is(0), common_tls_context: mutual }, { sni: text }),
    typed(type, { sni: text, max_session_keys: is(0), common_tls_context: simple }),
  );
  return under('BACKEND_TLS', extension('envoy.transport_sockets.tls', context));
};

export const BACKEND_TLS = backend(HTTP_IN_MESH, { alpn_protocols: sequence(is('h2', 'http/1.1')) });
export const TCP_BACKEND_TLS = backend(sequence(is('istio')), {});
