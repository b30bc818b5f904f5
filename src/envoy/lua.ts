// The filter that keeps internal host names out of responses: redirects, links, cookie domains.
// In: the hosts of an export's backends. Out: a Lua filter, and the route metadata that it reads.
// Must not: touch bodies, or fail open (what it cannot read, it removes).

import type { HostPort } from '../federation/model.ts';
import { extension, type Message } from './draft.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;

/** The namespace of the route's metadata that `handle:metadata()` reads. */
export const LUA_METADATA = 'envoy.filters.http.lua';

/**
 * A URL whose host is internal becomes a path of the same service. Internal: no dot, an IP address in any spelling,
 * `.local`, `.svc` and other suffixes that mean nothing outside, what is no host name, and the backend's own names.
 * Backslashes and missing slashes count as browsers read them; leading slashes of the rest are folded, since `//host`
 * would again name a host. A cookie's Domain names a host of this mesh or is useless elsewhere: it always goes.
 * Envoy passes a response on as it is when a script fails; so failing means removing.
 */
const SCRIPT = `local SUFFIXES = {}
for suffix in ("local svc internal localhost localdomain lan intranet arpa"):gmatch("%a+") do SUFFIXES[suffix] = true end

local function internal(host, own)
  host = host:lower():gsub("^.*@", ""):gsub(":%d*$", ""):gsub("%.+$", "")
  local last = host:match("%.([%w-]+)$")
  return last == nil or host:find("[^%w.-]") ~= nil or last:find("^%d") ~= nil or SUFFIXES[last] == true or own[host] == true
end

local function relative(url, own)
  local host, rest = url:match("^%s*%a[%w+.-]*:[/\\\\]*([^/\\\\?#]*)(.*)$")
  if host == nil then host, rest = url:match("^%s*[/\\\\][/\\\\]+([^/\\\\?#]*)(.*)$") end
  if host == nil or not internal(host, own) then return url end
  return "/" .. rest:gsub("^[/\\\\]+", "")
end

local REWRITES = {
  ["location"] = relative,
  ["content-location"] = relative,
  ["refresh"] = function(value, own)
    return (value:gsub("([uU][rR][lL]%s*=%s*[\\"']?)([^\\"']*)", function(key, url) return key .. relative(url, own) end))
  end,
  ["link"] = function(value, own)
    return (value:gsub("<([^>]*)>", function(url) return "<" .. relative(url, own) .. ">" end))
  end,
  ["set-cookie"] = function(value)
    return (value:gsub(";%s*[dD][oO][mM][aA][iI][nN]%s*=[^;]*", ""))
  end
}

local function rewrite(handle, headers, name, change, own)
  local values = {}
  for index = 0, headers:getNumValues(name) - 1 do
    values[#values + 1] = change(headers:getAtIndex(name, index), own)
  end
  headers:remove(name)
  for _, value in ipairs(values) do headers:add(name, value) end
end

function envoy_on_response(handle)
  local headers = handle:headers()
  for name, change in pairs(REWRITES) do
    if headers:get(name) ~= nil then
      local own = {}
      for _, host in ipairs(handle:metadata():get("hosts") or {}) do own[host] = true end
      if not pcall(rewrite, handle, headers, name, change, own) then headers:remove(name) end
    end
  end
end
`;

export function internalHosts(): HttpFilter {
  return extension('envoy.filters.http.lua', 'envoy.extensions.filters.http.lua.v3.Lua', {
    default_source_code: { inline_string: SCRIPT },
  });
}

/** Every spelling of a backend's host that it may write into a response; a Kubernetes name has short forms. */
export function ownHosts(backends: readonly HostPort[]): readonly string[] {
  const hosts = backends.map(({ host }) => host.toLowerCase());
  const short = hosts.flatMap((host) => /^([^.]+\.[^.]+)\.svc(\.|$)/.exec(host)?.[1] ?? []);
  return [...new Set([...hosts, ...short])];
}
