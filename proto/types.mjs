// Writes src/envoy/proto/types.gen.ts: the ProtoJSON types of the messages that Postern builds, by reflection over the vendored protos.
// Deprecated fields are left out, so that they cannot be used; a nested Any is a union over PAYLOADS, so that a typo inside one does not compile.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { loadProtos } from './bundle.mjs';

/** The xDS resources. */
const RESOURCES = [
  'envoy.config.cluster.v3.Cluster',
  'envoy.config.endpoint.v3.ClusterLoadAssignment',
  'envoy.config.listener.v3.Listener',
  'envoy.config.route.v3.RouteConfiguration',
  'envoy.extensions.transport_sockets.tls.v3.Secret',
];
/** Everything that stands in a `typed_config`. */
const PAYLOADS = [
  'envoy.config.rbac.v3.Action',
  'envoy.config.route.v3.FilterConfig',
  'envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
  'envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig',
  'envoy.extensions.access_loggers.stats.v3.Config',
  'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
  'envoy.extensions.common.matching.v3.ExtensionWithMatcher',
  'envoy.extensions.filters.common.matcher.action.v3.SkipFilter',
  'envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency',
  'envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit',
  'envoy.extensions.filters.http.buffer.v3.Buffer',
  'envoy.extensions.filters.http.buffer.v3.BufferPerRoute',
  'envoy.extensions.filters.http.filter_chain.v3.FilterChainConfig',
  'envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute',
  'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
  'envoy.extensions.filters.http.header_to_metadata.v3.Config',
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
  'envoy.extensions.filters.http.lua.v3.Lua',
  'envoy.extensions.filters.http.lua.v3.LuaPerRoute',
  'envoy.extensions.filters.http.rbac.v3.RBAC',
  'envoy.extensions.filters.http.rbac.v3.RBACPerRoute',
  'envoy.extensions.filters.http.router.v3.Router',
  'envoy.extensions.filters.http.set_filter_state.v3.Config',
  'envoy.extensions.filters.http.set_metadata.v3.Config',
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit',
  'envoy.extensions.filters.network.direct_response.v3.Config',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  'envoy.extensions.filters.network.rbac.v3.RBAC',
  'envoy.extensions.filters.network.set_filter_state.v3.Config',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
  'envoy.extensions.matching.common_inputs.network.v3.FilterStateInput',
  'envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput',
  'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
  'envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig',
  'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
  'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
  'envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport',
  'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
  'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
  'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  'envoy.type.matcher.v3.HttpRequestHeaderMatchInput',
  'envoy.type.matcher.v3.HttpResponseHeaderMatchInput',
];
const OTHER = ['envoy.config.bootstrap.v3.Bootstrap', 'envoy.service.discovery.v3.DiscoveryResponse'];

const WELL_KNOWN = {
  'google.protobuf.Any': 'Any',
  'google.protobuf.Duration': 'string',
  'google.protobuf.Timestamp': 'string',
  'google.protobuf.Struct': '{ readonly [key: string]: unknown }',
  'google.protobuf.Value': 'unknown',
  'google.protobuf.ListValue': 'readonly unknown[]',
  'google.protobuf.Empty': 'Record<string, never>',
  'google.protobuf.BoolValue': 'boolean',
  'google.protobuf.StringValue': 'string',
  'google.protobuf.BytesValue': 'string',
};
const NUMBER = /^google\.protobuf\.(U?Int(32|64)|Float|Double)Value$/;
const SCALARS = { bool: 'boolean', string: 'string', bytes: 'string' };

export function generateTypes() {
  const root = loadProtos();
  const seen = new Map();
  const queue = [...RESOURCES, ...PAYLOADS, ...OTHER].map((name) => root.lookupType(name));
  for (let type = queue.shift(); type !== undefined; type = queue.shift()) {
    const name = nameOf(type);
    if (seen.has(name)) continue;
    seen.set(
      name,
      render(type, (next) => queue.push(next)),
    );
  }
  const names = [...seen.keys()].sort();
  const union = (list) => list.map((name) => `  | '${name}'`).join('\n');
  return `// Written by proto/types.mjs from the vendored protos. Do not edit.
// ProtoJSON as Envoy's documentation writes it: snake_case names, durations as '5s', wrappers as plain values.

export interface Messages {
${names.map((name) => seen.get(name)).join('\n')}
}

/** The message types that are xDS resources. */
export type ResourceType =
${union(RESOURCES)};

/** The message types that stand in an Any. */
export type PayloadType =
${union(PAYLOADS)};

type Typed<N extends keyof Messages> = { readonly '@type': \`type.googleapis.com/\${N}\` } & Messages[N];

/** A text in an Any: the name of a filter chain, as the action of a matcher. */
export type TextAny = { readonly '@type': 'type.googleapis.com/google.protobuf.StringValue'; readonly value?: string };

/** An Any of a known payload. */
export type Any = { [N in PayloadType]: Typed<N> }[PayloadType] | TextAny;

/** One xDS resource in ProtoJSON. */
export type ResourceJson = { [N in ResourceType]: Typed<N> }[ResourceType];
`;
}

const nameOf = (object) => object.fullName.slice(1);

function render(type, enqueue) {
  const fields = type.fieldsArray
    .filter((field) => !field.options?.deprecated)
    .map((field) => `    readonly ${field.name}?: ${fieldType(field.resolve(), enqueue)};`);
  return `  '${nameOf(type)}': {\n${fields.join('\n')}${fields.length > 0 ? '\n' : ''}  };`;
}

function fieldType(field, enqueue) {
  const one = valueType(field, enqueue);
  if (field instanceof protobuf.MapField) return `{ readonly [key: string]: ${one} }`;
  return field.repeated ? `readonly (${one})[]` : one;
}

function valueType(field, enqueue) {
  const type = field.resolvedType;
  if (type === null) return SCALARS[field.type] ?? 'number';
  if (type instanceof protobuf.Enum)
    return Object.keys(type.values)
      .filter((name) => !name.startsWith('DEPRECATED'))
      .map((name) => `'${name}'`)
      .join(' | ');
  const name = nameOf(type);
  if (WELL_KNOWN[name] !== undefined) return WELL_KNOWN[name];
  if (NUMBER.test(name)) return 'number';
  enqueue(type);
  return `Messages['${name}']`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(
    join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'envoy', 'proto', 'types.gen.ts'),
    generateTypes(),
  );
}
