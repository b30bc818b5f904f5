// What Envoy's codecs refuse before anything else looks at a request, measured byte by byte at Envoy 1.40 for each protocol.
// Must not: let through what a codec refuses, for then the answer is yes to what never gets to a filter.

import type { Request } from '../answer/question.ts';
import { lowerCase } from './text-match.ts';

/** Envoy's parser of HTTP/1.1 knows these and no other, unless it is told to (allow_custom_methods). */
const HTTP1_METHODS: ReadonlySet<string> = new Set(
  [
    'ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE MSEARCH NOTIFY',
    'OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK',
    'UNSUBSCRIBE',
  ]
    .join(' ')
    .split(' '),
);

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Of a path with its query: HTTP/2 also takes bytes beyond ASCII. */
const PATH = { 'http/1.1': /^\/[!-~]*$/, h2: /^\/[!-~\u0080-\u{10ffff}]*$/u };
/** What a registered name, an address, and a port may hold; HTTP/1.1 also takes user information. */
const AUTHORITY = { 'http/1.1': /^[\w!$%&'()*+,\-.:;=@[\]~]+$/, h2: /^[\w!$%&'()*+,\-.:;=[\]~]+$/ };
const VALUE = /^[\t -~\u0080-\u{10ffff}]*$/u;
/** What HTTP/1.1 says about one connection, and HTTP/2 forbids (RFC 9113, 8.2.2). */
const OF_CONNECTIONS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Why a codec refuses the request; undefined when it takes it. */
export function codecFault({ method, path, authority, protocol, headers }: Request): string | undefined {
  if (!TOKEN.test(method)) return `${method} is no method`;
  if (method === 'CONNECT') return 'CONNECT has no path, and no gateway takes it';
  if (protocol === 'http/1.1' && !HTTP1_METHODS.has(method)) return `${method} is no method of HTTP/1.1`;
  if (!path.startsWith('/')) return `the path ${path} does not begin with a slash`;
  if (!PATH[protocol].test(path)) return `the path ${path} holds what has to be percent-encoded`;
  if (authority === '') return 'a request needs a host';
  if (!AUTHORITY[protocol].test(authority)) return `${authority} is no host`;
  for (const [name, value] of headers) {
    if (!TOKEN.test(lowerCase(name))) return `${name} is no name of a header`;
    if (protocol === 'h2' && isOfConnection(lowerCase(name), value)) return `HTTP/2 has no header ${name}: ${value}`;
    if (!VALUE.test(value)) return `the header ${name} has a control character`;
  }
  return undefined;
}

function isOfConnection(name: string, value: string): boolean {
  return name === 'te' ? lowerCase(value) !== 'trailers' : OF_CONNECTIONS.has(name);
}

/** The first line of HTTP/1.1 is cut at blanks: a tab after the path is none of it. */
export function codecPath({ path, protocol }: Request): string {
  return protocol === 'http/1.1' ? path.replace(/[\t ]+$/, '') : path;
}

/** HTTP/1.1 drops blanks around the value of a header, which its host is. */
export function codecAuthority({ authority, protocol }: Request): string {
  return protocol === 'http/1.1' ? authority.replace(/^[\t ]+|[\t ]+$/g, '') : authority;
}
