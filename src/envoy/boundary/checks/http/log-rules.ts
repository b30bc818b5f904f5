// Boundary rules for what a gateway keeps of a request for its log line, and for the request id that it passes on.
// Must not: look at another resource, or accept a text that a caller chooses under another key than those of the request.

import type { Any, Messages } from '../../../proto/types.gen.ts';
import { takesFact } from './workload-rules.ts';

type Manager = Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'];
type HttpFilter = Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'];
type VirtualHost = Messages['envoy.config.route.v3.VirtualHost'];
type PerFilter = NonNullable<VirtualHost['typed_per_filter_config']>;

const STATE = 'type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config';
const STDOUT = 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog';
const TO_METADATA = 'type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config';

/** Where a gateway keeps the request id that it was given until its log takes it. */
export const GIVEN_REQUEST_ID_HEADER = 'x-postern-given-request-id';
/** The filter by which a virtual host says what its lines say. */
export const REMEMBERED = 'envoy.filters.http.set_filter_state';
/** The filter that a peer with `traceContext: forward` switches on: it takes the given request id to the next hop. */
export const PASSED_ON = 'envoy.filters.http.header_to_metadata.request-id';

/** The form of a request id; a header with another form leaves nothing. */
const REQUEST_ID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

const OF_REQUEST = [
  'postern.authority %REQ(:AUTHORITY)%',
  `postern.given_request_id %REQ(${GIVEN_REQUEST_ID_HEADER.toUpperCase()}):36%`,
];

/** Before any other filter, so that a request which a filter refuses is logged with the authority that was received. */
export function remembersRequest({ http_filters: [first, second] = [] }: Manager): boolean {
  const isFirst = first?.name === REMEMBERED && first.disabled !== true && first.is_optional !== true;
  return isFirst && stateOf(first.typed_config) === OF_REQUEST.join('\n') && isSlotOfRequestId(second);
}

/** A virtual host says of itself what its metadata says, and nothing of the request. */
export function remembersHost({ metadata, typed_per_filter_config: config = {} }: VirtualHost): boolean {
  const said = (metadata?.filter_metadata?.['postern'] ?? {}) as Readonly<Record<string, unknown>>;
  const keys = ['peer', 'service', 'rule', 'version'].filter((key) => said[key] !== undefined);
  return stateOf(config[REMEMBERED]) === keys.map((key) => `postern.${key} ${said[key]}`).join('\n');
}

/** Whether a level of routes switches the filter on. */
export function passesRequestId(config: PerFilter = {}): boolean {
  return config[PASSED_ON] !== undefined;
}

/** The lines of allowed requests have the peer as a text, because all requests of a chain are its. */
export function namesPeer({ access_log: [allowed] = [] }: Manager, peer: string): boolean {
  const config = allowed?.typed_config;
  return config?.['@type'] === STDOUT && config.log_format?.json_format?.['peer'] === peer;
}

function stateOf(config: Any | undefined): string | undefined {
  if (config?.['@type'] !== STATE || config.clear_route_cache === true) return undefined;
  return (config.on_request_headers ?? [])
    .map((value) => {
      const isText = value.factory_key === 'envoy.string' && value.format_string?.json_format === undefined;
      return isText ? `${value.object_key} ${value.format_string?.text_format_source?.inline_string}` : '';
    })
    .join('\n');
}

/** Off, unless routes switch it on. */
function isSlotOfRequestId(filter: HttpFilter | undefined): boolean {
  return filter?.name === PASSED_ON && filter.disabled === true && takesRequestId(filter.typed_config);
}

/** Takes what has the form of a request id out of the header, and nothing of another form. */
export function takesRequestId(config: Any | undefined): boolean {
  if (config?.['@type'] !== TO_METADATA || config.response_rules !== undefined) return false;
  const [rule, ...others] = config.request_rules ?? [];
  const expression = `^(?:(${REQUEST_ID})|\\C*)$`;
  return others.length === 0 && takesFact(rule, GIVEN_REQUEST_ID_HEADER, 'given_request_id', expression);
}
