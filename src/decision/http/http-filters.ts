// What each HTTP filter of a gateway does with a request.
// Must not: pass over a filter, a script or a field that it does not know.

import type { Any, Message } from '../../envoy/draft.ts';
import { internalHosts } from '../../envoy/http/headers/internal-hosts.ts';
import { METADATA } from '../../envoy/resource-names.ts';
import { within } from '../matching/text-match.ts';
import { only, present, unjudged } from '../matching/unjudged.ts';
import { actionOf, type Inputs } from '../matching/xds-matcher.ts';
import { accessControl, effectiveRbac } from './access-control.ts';
import { type Hop, type Outcome, requestInput } from './http-hop.ts';
import { nameLimits } from './limit-slots.ts';

type Matcher = Message<'xds.type.matcher.v3.Matcher'>;

/** Undefined: the request goes on. */
export function passFilter(name: string, config: Any, hop: Hop): Outcome | undefined {
  const override = hop.perFilter.find((one) => Object.hasOwn(one, name))?.[name];
  switch (config['@type']) {
    case 'type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher': {
      only(config, name, 'extension_config', 'xds_matcher');
      const matcher = present(config.xds_matcher, name);
      // Also a script that this request does not get to.
      checkScript(present(config.extension_config?.typed_config, name), name);
      if (isDisabled(override) || isSkipped(matcher, name, hop)) return undefined;
      return passFilter(name, present(config.extension_config?.typed_config, name), hop);
    }
    case 'type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config':
      if (override !== undefined && override['@type'] !== config['@type'])
        throw unjudged(`the entry ${override['@type']} for ${name}`);
      return readMetadata((override as typeof config | undefined) ?? config, hop);
    case 'type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config':
      for (const one of [config, override]) checkState(one, name);
      return undefined;
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
      checkScript(config, name);
      return undefined;
    case 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC':
      return isSwitchedOff(override) ? undefined : accessControl(name, effectiveRbac(config, override, name), hop);
    case 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router':
      only(config, name, 'suppress_envoy_headers');
      return { isLast: true };
    default:
      throw unjudged(`the HTTP filter ${name} (${config['@type']})`);
  }
}

/** For filters that a virtual host also configures. */
function isSwitchedOff(override: Any | undefined): boolean {
  return override?.['@type'] === 'type.googleapis.com/envoy.config.route.v3.FilterConfig' && isDisabled(override);
}

/** Of an entry for a virtual host. Errors: UNJUDGED for one of another kind. */
function isDisabled(override: Any | undefined): boolean {
  if (override === undefined) return false;
  switch (override['@type']) {
    case 'type.googleapis.com/envoy.config.route.v3.FilterConfig':
    case 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute':
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

/** Filter state under keys of ours is for the log alone; under others it changes what Envoy does. */
function checkState(config: Any | undefined, name: string): void {
  if (config === undefined) return;
  if (config['@type'] !== 'type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config')
    throw unjudged(`the entry ${config['@type']} for ${name}`);
  only(config, name, 'on_request_headers');
  for (const { object_key: key = '' } of config.on_request_headers ?? [])
    if (!key.startsWith(`${METADATA}.`)) throw unjudged(`the filter state ${key}`);
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
    const text =
      rewrite === undefined
        ? value
        : value.replace(
            within(present(rewrite.pattern, 'header_to_metadata')),
            (rewrite.substitution ?? '').replaceAll(/\\(\d)/g, '$$$1'),
          );
    if (text !== '') view.setMetadata(namespace, key, text);
  }
  return undefined;
}

/**
 * The filter waits for the end of the request, and writes down how long a body was that did not say so. What is too long for it and
 * comes in one piece passes, and access control sees the length; in several it is refused here. Either way it goes nowhere.
 */
function buffer(most: number, { view }: Hop): undefined {
  const { body, method } = view.request;
  if (body === undefined) return undefined;
  if (body.bytes > most) view.overflow = `${method} defines no body, and this one has ${body.bytes} bytes`;
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

/** What a script does is known of its bytes: there is one, which sees responses alone. */
function checkScript(config: Any, name: string): void {
  if (config['@type'] !== 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua') return;
  only(config, name, 'default_source_code');
  if (config.default_source_code?.inline_string !== INTERNAL_HOSTS) throw unjudged(`the script of ${name}`);
}
