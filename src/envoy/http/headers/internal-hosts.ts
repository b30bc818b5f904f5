// The filter that keeps internal host names out of responses: redirects, links, cookie domains, realms, policies.
// Must not: touch bodies, fail open (a value that it cannot read is removed), or spend more than linear time on a value.

import type { HostPort } from '../../../federation/model.ts';
import { extension, type Message } from '../../draft.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type Predicate = Message<'xds.type.matcher.v3.Matcher.MatcherList.Predicate'>;

const NAME = 'envoy.filters.http.lua';

/** The namespace of the route's metadata that `handle:metadata()` reads. */
export const LUA_METADATA = NAME;

/** The function of the script that changes the values of a header. */
export type Change = 'relative' | 'refresh' | 'link' | 'cookie' | 'hide';

/** Response headers that hold URLs or host names. */
export const WITH_HOSTS: Readonly<Record<string, Change>> = {
  location: 'relative',
  'content-location': 'relative',
  'operation-location': 'relative',
  'azure-asyncoperation': 'relative',
  sourcemap: 'relative',
  'x-sourcemap': 'relative',
  'hx-redirect': 'relative',
  'hx-push-url': 'relative',
  'hx-replace-url': 'relative',
  'hx-location': 'hide',
  refresh: 'refresh',
  link: 'link',
  'set-cookie': 'cookie',
  'www-authenticate': 'hide',
  'authentication-info': 'hide',
  'content-security-policy': 'hide',
  'content-security-policy-report-only': 'hide',
  'report-to': 'hide',
  'reporting-endpoints': 'hide',
  nel: 'hide',
  'expect-ct': 'hide',
  'x-xss-protection': 'hide',
  'x-debug-token-link': 'relative',
  'x-inertia-location': 'relative',
  'x-pingback': 'relative',
  warning: 'hide',
};

/** A longer value is removed, a longer host counts as internal, and a header with more values is removed. */
export const MAX_VALUE = 8192;
const MAX_HOST = 255;
const MAX_VALUES = 64;

/**
 * How much longer all values of a response may become. A host of one letter becomes a name of twelve, and the next gateway
 * would end the connection, with all its callers, over a header block that is far too large.
 */
const MAX_GROWTH = 4096;

/**
 * A URL whose host is internal becomes a path of the same service. Internal: no dot, an IP address in any spelling,
 * `.local`, `.svc` and other suffixes that mean nothing outside, what is no host name, and the backend's own names.
 * Backslashes, missing slashes and control characters count as browsers read them; leading slashes of the rest are
 * folded, since `//host` would again name a host. Where a path is impossible (realms, policies, reports) the name becomes
 * `name.invalid` (RFC 2606). A cookie's Domain names a host of this mesh or is useless elsewhere: it is always removed.
 * Envoy passes a response on unchanged when a script fails, so the script removes a header whose change fails.
 *
 * Every pattern is anchored, or begins with a character that the rest of it cannot run over: matching it is linear
 * (test/envoy/http/headers/lua-patterns.test.ts counts the steps). Values are bounded before any pattern sees them.
 */
export const SCRIPT = compact(`local SUFFIXES = {}
for suffix in ("local svc internal localhost localdomain lan home corp intranet private arpa consul cluster docker k8s mesh nomad test"):gmatch("%w+") do SUFFIXES[suffix] = true end

local function internal(host, own)
  if #host > ${MAX_HOST} then return true end
  host = host:lower():gsub("^.*@", ""):gsub(":%d*$", ""):match("^(.*[^.])") or ""
  local last = host:match("%.([%w-]+)$")
  return last == nil or host:find("[^%w.-]") ~= nil or last:find("^%d") ~= nil or SUFFIXES[last] == true or own[host] == true
end

local function relative(value, own)
  local url = value:gsub("%c", "")
  local host, rest = url:match("^%s*%a[%w+.-]*:[/\\\\]*([^/\\\\?#]*)(.*)$")
  if host == nil then host, rest = url:match("^%s*[/\\\\][/\\\\]+([^/\\\\?#]*)(.*)$") end
  if host == nil or not internal(host, own) then return value end
  -- A URL in a URL (view-source:http://host): what looks like the path is a host.
  if host:find(":$") and rest:find("^[/\\\\][/\\\\]") then return "/" end
  return "/" .. rest:gsub("^[/\\\\]+", "")
end

local function hide(text, own)
  text = text:gsub("%[([%x:.]*)%]", function(address) if address:find(":", 1, true) then return "name.invalid" end end)
  return (text:gsub("()([%w_.-]+)", function(from, word)
    local host = word:lower():match("^(.*[^.])") or ""
    local before = from - 1
    while text:byte(before) == 47 or text:byte(before) == 92 do before = before - 1 end
    -- Slashes after a letter are no URL's: those of base64 in a token.
    local url = before < from - 2 and text:sub(before, before):find("^[%w+]") == nil or text:byte(from - 1) == 64
    local named = own[host] or SUFFIXES[host:match("%.([%w-]+)$") or ""] or host == "localhost" or host:find("^%d+%.%d+%.%d+%.%d+$")
    if named or (url and internal(word, own)) then return "name.invalid" end
  end))
end

local function refresh(value, own)
  local head, url = value:match("^(%s*[%d.]*%s*[;,]?%s*)(.*)$")
  local key, named = url:match("^([uU][rR][lL]%s*=%s*)(.*)$")
  if key ~= nil then head, url = head .. key, named end
  local quote, quoted = url:match("^([\\"'])([^\\"']*)")
  if quote == nil then return head .. relative(url, own) end
  return head .. quote .. relative(quoted, own) .. quote
end

local function link(value, own)
  local parts, at = {}, 1
  while true do
    local open = value:find("<", at, true)
    parts[#parts + 1] = hide(value:sub(at, (open or 0) - 1), own)
    local close = open and value:find(">", open, true)
    if open ~= nil and close == nil then return table.concat(parts):match("^(.*[^%s,])") or "" end
    if close == nil then return table.concat(parts) end
    parts[#parts + 1] = "<" .. relative(value:sub(open + 1, close - 1), own) .. ">"
    at = close + 1
  end
end

local function cookie(value)
  return (value:gsub(";%s*[dD][oO][mM][aA][iI][nN]%s*=[^;]*", ""))
end

local CHANGES = {${changes()}}

local function rewrite(headers, name, change, own, growth)
  local count, values = headers:getNumValues(name), {}
  if count > ${MAX_VALUES} then count = 0 end
  for index = 0, count - 1 do
    local value = headers:getAtIndex(name, index)
    local changed = #value <= ${MAX_VALUE} and change(value, own) or ""
    local longer = math.max(0, #changed - #value)
    if changed ~= "" and longer <= growth.left then
      growth.left = growth.left - longer
      values[#values + 1] = changed
    end
  end
  headers:remove(name)
  for _, value in ipairs(values) do headers:add(name, value) end
end

function envoy_on_response(handle)
  local headers, own, growth = handle:headers(), {}, { left = ${MAX_GROWTH} }
  for _, host in ipairs(handle:metadata():get("hosts") or {}) do own[host] = true end
  for name, change in pairs(CHANGES) do
    if headers:get(name) ~= nil and not pcall(rewrite, headers, name, change, own, growth) then headers:remove(name) end
  end
end
`);

/** Without indentation and comments: the script is in each peer's filter chain, and all chains are in one listener. */
function compact(script: string): string {
  return script.replace(/^ *(?:--.*\n)?/gm, '');
}

function changes(): string {
  return Object.entries(WITH_HOSTS)
    .map(([name, change]) => `["${name}"] = ${change}`)
    .join(', ');
}

/** Runs only on responses that have one of these headers: most have none. */
export function internalHosts(): HttpFilter {
  const isPresent = (name: string): Predicate => ({
    single_predicate: {
      input: extension('header', 'envoy.type.matcher.v3.HttpResponseHeaderMatchInput', { header_name: name }),
      // Matches any bytes, while a dot would require UTF-8.
      value_match: { safe_regex: { google_re2: {}, regex: '\\C*' } },
    },
  });
  const skip = extension('skip', 'envoy.extensions.filters.common.matcher.action.v3.SkipFilter', {});
  return extension(NAME, 'envoy.extensions.common.matching.v3.ExtensionWithMatcher', {
    extension_config: extension(NAME, 'envoy.extensions.filters.http.lua.v3.Lua', {
      default_source_code: { inline_string: SCRIPT },
    }),
    xds_matcher: {
      matcher_list: {
        matchers: [
          {
            predicate: { not_matcher: { or_matcher: { predicate: Object.keys(WITH_HOSTS).map(isPresent) } } },
            on_match: { action: skip },
          },
        ],
      },
    },
  });
}

/** The spellings of a backend's host that it may write into a response; a Kubernetes name has short forms. */
export function ownHosts(backends: readonly HostPort[]): readonly string[] {
  const hosts = backends.map(({ host }) => host.toLowerCase());
  const short = hosts.flatMap((host) => /^([^.]+\.[^.]+)\.svc(\.|$)/.exec(host)?.[1] ?? []);
  return [...new Set([...hosts, ...short])];
}
