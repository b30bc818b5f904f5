// The scan for what must not be seen from outside a gateway: kinds of leaks, and where a received text has them.
// Must not: excuse anything by where it was found; what the wire contract lets through is listed here.

import { STATUS_CODES } from 'node:http';

export interface Inside {
  /** Addresses and host names that only the inside of a mesh knows. */
  readonly hosts: readonly string[];
  /** Ports of backends, of admin interfaces, of listeners behind the one that was dialled. */
  readonly ports: readonly number[];
  /** SPIFFE IDs of the wire contract. */
  readonly contract: readonly string[];
}

export const LEAK_KINDS = [
  'host',
  'address',
  'port',
  'resource name',
  'product',
  'version',
  'server header',
  'proxy header',
  'request id',
  'trace',
  'timing',
  'reason',
  'identity',
] as const;

export type LeakKind = (typeof LEAK_KINDS)[number];

export interface Leak {
  readonly kind: LeakKind;
  readonly found: string;
}

/** The ALPN of TCP between gateways, and the one value of `server`. */
const CONTRACT = /postern-tcp|"?server"?: ?"?gateway\b/gi;

/** Of HTTP/1.1, with the phrase that the specification gives the code. */
const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) ([^\r\n]*)\r$/gm;

const IPV4 = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g;
const IPV6 = /(?<![\w:])(?:fd[0-9a-f]{2}|fe80):(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}/gi;

const PATTERNS: Readonly<Partial<Record<LeakKind, RegExp>>> = {
  'resource name':
    /(?<![\w/])(?:bundle|callers|cert|dial|export|gate|import|peer|tunnel|mesh-bundle|backend-ca)\/[a-z]|egress_\d|\begress\/\d|\b(?:virtual_host|filter_chain|route_config|vhost)|@[0-9a-f]{16}\b/gi,
  product: /envoy|postern|istio|nghttp2|oghttp2|quiche|boringssl|(?<!x-)\bnode\.?js\b|tomcat|php\//gi,
  version: /\b\d+\.\d+\.\d+\b/g,
  'server header': /"?\bserver"?: ?"?[^\s",]+/gi,
  'proxy header':
    /(?:^|[\n",{ ])"?(?:via|forwarded|x-forwarded-[\w-]+|x-envoy-[\w-]+|x-real-ip|alt-svc|proxy-[\w-]+|x-powered-by|x-served-by|x-pod-[\w-]+|x-backend[\w-]*)"?: ?/gim,
  'request id': /x-request-id|x-correlation-id/gi,
  trace: /traceparent|tracestate|x-b3-|"?\bb3"?: ?/gi,
  timing: /server-timing|service-time|x-response-time|x-runtime|\bdur=/gi,
  reason:
    /\b(?:up|down)stream\b|reset reason|disconnect|connect(?:ion)? (?:error|failure|termination|timeout)|no healthy|overflow|overload|rbac|access denied|route[ _]not[ _]found|request timeout|payload too large|protocol error|TLS_error|CERTIFICATE_VERIFY|delayed connect|invalid (?:header|frame|stream|http)|header (?:name|field|map|list)|illegal|codec|filter/gi,
};

/** Of a text that came from outside a gateway, everything that it should not say. */
export function leaksIn(text: string, { hosts, ports, contract }: Inside): readonly Leak[] {
  const said = text
    .replaceAll(CONTRACT, '')
    .replaceAll(STATUS_LINE, (line, code: string, phrase: string) => (STATUS_CODES[code] === phrase ? '' : line));
  const leaks: Leak[] = [];
  const find = (kind: LeakKind, pattern: RegExp, where = said): void => {
    for (const { index, 0: match } of where.matchAll(pattern)) {
      const around = where.slice(Math.max(0, index - 40), index + match.length + 60);
      leaks.push({ kind, found: around.replaceAll(/[^\x20-\x7e]/g, '·') });
    }
  };
  for (const host of hosts) find('host', new RegExp(host.replaceAll(/[.[\]]/g, '\\$&'), 'gi'));
  for (const port of ports) find('port', new RegExp(`(?<!\\d)${port}(?!\\d)`, 'g'));
  find('address', IPV4);
  find('address', IPV6);
  for (const [kind, pattern] of Object.entries(PATTERNS)) {
    const where = kind === 'version' ? said.replaceAll(IPV4, '') : said;
    find(kind as LeakKind, pattern, where);
  }
  const ids = said.matchAll(/spiffe:\/\/[\w./-]+/g);
  for (const [id] of ids) if (!contract.includes(id)) leaks.push({ kind: 'identity', found: id });
  return leaks;
}
