// The head of a request beside the size and the number of fields that a connection manager takes, as measured at Envoy 1.40
// (test/envoy/http/head-size.test.ts).
// Must not: count what the question does not have: of what a client adds itself, only that it may be too much is known.

import type { Message } from '../../envoy/draft.ts';
import type { Request } from '../answer/question.ts';
import { lowerCase } from '../matching/text-match.ts';

type Manager = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'>;
type Field = readonly [name: string, value: string];

/** Envoy's own, where nothing sets them. */
const DEFAULTS = { kilobytes: 60, fields: 100 };
/** From this share of a limit on, what a client adds may be too much: browsers and SDKs send a kilobyte or more. */
const NEAR = 0.75;

export interface HeadSize {
  /** Why it is refused. */
  readonly fault?: string;
  /** It is taken, as far as the question goes; said where that is near a limit. */
  readonly near?: string;
}

export function headSize(manager: Manager, request: Request): HeadSize {
  const most = {
    bytes: Number(manager.max_request_headers_kb ?? DEFAULTS.kilobytes) * 1024,
    fields: Number(manager.common_http_protocol_options?.max_headers_count ?? DEFAULTS.fields),
  };
  const fields = fieldsOf(request);
  const has = {
    bytes: request.protocol === 'h2' ? http2Bytes(fields) : http1Bytes(request, fields),
    fields: fields.length,
  };
  const says = `the head has ${has.bytes} bytes and ${has.fields} fields, and ${most.bytes} and ${most.fields} are the most`;
  if (has.bytes > most.bytes || has.fields > most.fields) return { fault: says };
  const isNear = has.bytes >= NEAR * most.bytes || has.fields >= NEAR * most.fields;
  return isNear ? { near: `${says}: what the client adds by itself counts as well (HEADERS_TOO_LARGE)` } : {};
}

/** With what every request of this kind has; HTTP/1.1 has the method and the path in its first line. */
function fieldsOf({ protocol, method, authority, path, headers, body, upgrade }: Request): readonly Field[] {
  const isHttp2 = protocol === 'h2';
  const pseudo: readonly Field[] = isHttp2
    ? [
        [':method', upgrade === undefined ? method : 'CONNECT'],
        [':scheme', 'https'],
        [':authority', authority],
        [':path', path],
        ...(upgrade === undefined ? [] : [[':protocol', upgrade] as const]),
      ]
    : [
        ['host', authority],
        ...(upgrade === undefined
          ? []
          : ([
              ['connection', 'upgrade'],
              ['upgrade', upgrade],
            ] as const)),
      ];
  return [...pseudo, ...headers, ...(body?.hasLength ? [['content-length', String(body.bytes)] as const] : [])];
}

/** Names and values. Cookies become one value, and their name does not count. */
function http2Bytes(fields: readonly Field[]): number {
  const cookies = fields.filter(([name]) => lowerCase(name) === 'cookie').map(([, value]) => value);
  const others = fields.filter(([name]) => lowerCase(name) !== 'cookie');
  return others.reduce((sum, [name, value]) => sum + bytes(name) + bytes(value), bytes(cookies.join('; ')));
}

/** As it is sent: `NAME: VALUE` in a line each, the first line, and an empty one. */
function http1Bytes({ method, path }: Request, fields: readonly Field[]): number {
  const lines = [`${method} ${path} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`), ''];
  return lines.reduce((sum, line) => sum + bytes(line) + 2, 0);
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}
