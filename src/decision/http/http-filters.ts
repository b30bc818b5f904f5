// What each HTTP filter of a gateway does with a request.
// Must not: pass over a filter, a script or a field that it does not know.

import { createHash } from 'node:crypto';
import type { Any, Message } from '../../envoy/draft.ts';
import { internalHosts } from '../../envoy/http/headers/internal-hosts.ts';
import { within } from '../matching/text-match.ts';
import { only, present, unjudged } from '../matching/unjudged.ts';
import { actionOf, type Inputs } from '../matching/xds-matcher.ts';
import { accessControl, effectiveRbac } from './access-control.ts';
import { type Hop, type Outcome, requestInput } from './http-hop.ts';

type Matcher = Message<'xds.type.matcher.v3.Matcher'>;

/** Undefined: the request goes on. */
export function passFilter(name: string, config: Any, hop: Hop): Outcome | undefined {
  const override = hop.perFilter.find((one) => Object.hasOwn(one, name))?.[name];
  switch (config['@type']) {
    case 'type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher': {
      only(config, name, 'extension_config', 'xds_matcher');
      const matcher = present(config.xds_matcher, name);
      // Also a script that this request does not get to.
      kindOf(config.extension_config?.typed_config, name);
      if (isDisabled(override) || isSkipped(matcher, name, hop)) return undefined;
      return passFilter(name, present(config.extension_config?.typed_config, name), hop);
    }
    case 'type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config':
      only(config, name, 'on_request_headers');
      for (const kept of config.on_request_headers ?? []) keepState(kept, hop);
      return undefined;
    case 'type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config':
      return readMetadata(config, hop);
    case 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation':
      only(config, name, 'mutations');
      hop.view.mutate(config.mutations?.request_mutations ?? []);
      return undefined;
    case 'type.googleapis.com/envoy.extensions.filters.http.filter_chain.v3.FilterChainConfig':
      only(config, name);
      return nameLimits(name, override, hop);
    case 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer':
      only(config, name, 'max_request_bytes');
      return isDisabled(override) ? undefined : buffer(present(config.max_request_bytes, name), hop);
    case 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua':
      return runScript(kindOf(config, name), override, hop);
    case 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC':
      return accessControl(name, effectiveRbac(config, override, name), hop);
    case 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router':
      only(config, name, 'suppress_envoy_headers');
      return { isLast: true };
    default:
      throw unjudged(`the HTTP filter ${name} (${config['@type']})`);
  }
}

/** Of an entry for a virtual host. Errors: UNJUDGED for one of another kind. */
function isDisabled(override: Any | undefined): boolean {
  if (override === undefined) return false;
  switch (override['@type']) {
    case 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute':
    case 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute':
      only(override, 'an entry for a virtual host', 'disabled');
      return present(override.disabled, 'an entry for a virtual host');
    default:
      throw unjudged(`the entry ${override['@type']} for a virtual host`);
  }
}

function isSkipped(matcher: Matcher, name: string, { view }: Hop): boolean {
  const inputs: Inputs = (input) => requestInput(input, view);
  // What looks at the response decides nothing about the request; only filters of responses have that.
  if (looksAtResponse(matcher)) return false;
  const action = actionOf(matcher, inputs)?.typed_config;
  if (action === undefined) return false;
  if (!action['@type'].endsWith('.SkipFilter')) throw unjudged(`an action of ${name}`);
  return true;
}

function looksAtResponse(matcher: Matcher): boolean {
  return JSON.stringify(matcher).includes('envoy.type.matcher.v3.HttpResponseHeaderMatchInput');
}

function readMetadata(
  config: Message<'envoy.extensions.filters.http.header_to_metadata.v3.Config'>,
  { view }: Hop,
): undefined {
  only(config, 'header_to_metadata', 'request_rules');
  for (const rule of config.request_rules ?? []) {
    only(rule, 'header_to_metadata', 'header', 'on_header_present');
    const {
      metadata_namespace: namespace = '',
      key = '',
      regex_value_rewrite: rewrite,
      ...rest
    } = present(rule.on_header_present, 'header_to_metadata');
    only(rest, 'header_to_metadata');
    const value = view.header(present(rule.header, 'header_to_metadata'));
    if (value === undefined) continue;
    const { pattern, substitution = '' } = present(rewrite, 'header_to_metadata');
    const text = value.replace(
      within(present(pattern, 'header_to_metadata')),
      substitution.replaceAll(/\\(\d)/g, '$$$1'),
    );
    if (text !== '') view.setMetadata(namespace, key, text);
  }
  return undefined;
}

/** The limits are named and not judged. */
function nameLimits(name: string, override: Any | undefined, { trail }: Hop): undefined {
  if (override === undefined) return undefined;
  if (
    override['@type'] !== 'type.googleapis.com/envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute'
  )
    throw unjudged(`the entry ${override['@type']} for ${name}`);
  for (const { typed_config: limit } of override.filter_chain?.filters ?? []) {
    switch (limit?.['@type']) {
      case 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit':
        trail.limits.push(`${limit.token_bucket?.max_tokens} requests per second`);
        break;
      case 'type.googleapis.com/envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency': {
        const { gradient_controller_config: gradient } = limit;
        trail.limits.push(`${gradient?.concurrency_limit_params?.max_concurrency_limit} requests at a time`);
        break;
      }
      case 'type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit':
        trail.limits.push(`${limit.max_request_bytes} bytes of a request body`);
        break;
      case 'type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config':
        break;
      default:
        throw unjudged(`a filter in ${name}`);
    }
  }
  return undefined;
}

/** The filter waits for the end of the request, and writes down how long a body was that did not say so. */
function buffer(most: number, { view, trail, source }: Hop): Outcome | undefined {
  const { body } = view.request;
  if (body === undefined) return undefined;
  if (body.bytes > most) {
    const compared = `${view.request.method} defines no body, and this one has ${body.bytes} bytes`;
    return { refusal: trail.no('UNEXPECTED_BODY', 'request', view.request.method, compared, source) };
  }
  if (!body.hasLength) view.set('content-length', String(body.bytes));
  return undefined;
}

const INTERNAL_HOSTS = scriptOf(internalHosts().typed_config);

function scriptOf(config: Any | undefined): string {
  if (config?.['@type'] === 'type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher')
    return scriptOf(config.extension_config?.typed_config);
  if (config?.['@type'] !== 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua')
    throw new Error('not a script');
  return config.default_source_code?.inline_string ?? '';
}

/** SHA-256 of scripts that refuse requests: of those with an underscore in a header's name, or of all that get there. */
const REFUSES = {
  underscores: 'b9cef92566e3d324a7256b442ed42b93f1a1b795c305c6e2c6190872302be5a2',
  all: 'a4132982592c3501261831d3cf93dbc65f0bb5b3e2a9d7502316ce461ffaec73',
};

type ScriptKind = keyof typeof REFUSES | 'response';

/** What a script does is known of its bytes. Undefined for another filter. */
function kindOf(config: Any | undefined, name: string): ScriptKind | undefined {
  if (config?.['@type'] !== 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua') return undefined;
  only(config, name, 'default_source_code');
  const script = config.default_source_code?.inline_string ?? '';
  if (script === INTERNAL_HOSTS) return 'response';
  const digest = createHash('sha256').update(script).digest('hex');
  if (digest === REFUSES.underscores) return 'underscores';
  if (digest === REFUSES.all) return 'all';
  throw unjudged(`the script of ${name}`);
}

function runScript(kind: ScriptKind | undefined, override: Any | undefined, hop: Hop): Outcome | undefined {
  const { view, trail, source } = hop;
  if (isDisabled(override) || kind === 'response') return undefined;
  if (kind === 'underscores' && !view.headerNames().some((header) => header.includes('_'))) return undefined;
  const [found = '(none)'] = view.request.headers.find(([header]) => header.includes('_')) ?? [];
  const compared = 'a header name with an underscore is refused';
  return { refusal: trail.no('UNDERSCORE_HEADER', 'request', found, compared, source) };
}

/** The builders keep headers, the size of all headers, and whether two sizes are the same. */
function keepState(
  kept: Message<'envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue'>,
  { view }: Hop,
): void {
  only(kept, 'set_filter_state', 'object_key', 'factory_key', 'format_string', 'skip_if_empty');
  const { object_key: key = '', format_string: format } = kept;
  const text = format?.text_format_source?.inline_string ?? '';
  const header = /^%REQ\(([\w:-]+)\)%$/.exec(text)?.[1];
  const [, one, other] = /^%CEL\(filter_state\['([\w.]+)'\] == filter_state\['([\w.]+)'\]\)%$/.exec(text) ?? [];
  if (header !== undefined) view.keep(key, view.header(header) ?? '');
  else if (text === '%REQUEST_HEADERS_BYTES%') view.keep(key, String(view.size()));
  else if (one !== undefined && other !== undefined) view.keep(key, String(view.kept(one) === view.kept(other)));
  else throw unjudged(`the filter state ${key}`);
}
