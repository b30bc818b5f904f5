// Requests that no client library sends: HTTP/1.1 in bytes, HTTP/2 in frames.
// Must not: contain a request that a gateway may answer like any other.

function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload as string, 'latin1');
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** Literal fields without a table (RFC 7541, 6.2.2); names and values are shorter than 127 bytes. */
function fields(...named: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    named.flatMap(([name, value]) => [
      Buffer.from([0, name.length]),
      Buffer.from(name, 'latin1'),
      Buffer.from([value.length]),
      Buffer.from(value, 'latin1'),
    ]),
  );
}

export const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)]);

const [DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION] = [
  0, 1, 3, 4, 5, 6, 7, 8, 9,
];
/** END_STREAM and END_HEADERS. */
const WHOLE = 5;

/** Each is sent after the preface. */
export function MALFORMED_HTTP2(authority: string): Readonly<Record<string, Buffer>> {
  const [method, scheme, path] = [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/v1/ok'],
  ] as const;
  const host = [':authority', authority] as const;
  const good = [method, scheme, path, host];
  const request = (...named: readonly (readonly [string, string])[]): Buffer =>
    frame(HEADERS, WHOLE, 1, fields(...named));
  return {
    'another protocol': Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4)),
    'DATA of no stream': frame(DATA, 0, 0, 'x'),
    'DATA of an idle stream': frame(DATA, 0, 1, 'x'),
    'HEADERS of an even stream': frame(HEADERS, WHOLE, 2, fields(...good)),
    'HEADERS of no stream': frame(HEADERS, WHOLE, 0, fields(...good)),
    'a field block that is none': frame(HEADERS, WHOLE, 1, '\xff\xff\xff\xff\xff\xff'),
    'a frame that is too large': frame(HEADERS, WHOLE, 1, 'x'.repeat(20_000)),
    'CONTINUATION of nothing': frame(CONTINUATION, 4, 1, fields(...good)),
    'PUSH_PROMISE of a client': frame(PUSH_PROMISE, 4, 1, '\0\0\0\x02'),
    'SETTINGS of a wrong size': frame(SETTINGS, 0, 0, 'xxx'),
    'SETTINGS with a wrong value': frame(SETTINGS, 0, 0, '\0\x02\0\0\0\x09'),
    'a window that overflows': frame(WINDOW_UPDATE, 0, 0, '\x7f\xff\xff\xff'),
    'a window of nothing': frame(WINDOW_UPDATE, 0, 0, '\0\0\0\0'),
    'PING of a wrong size': frame(PING, 0, 0, 'x'),
    'RST_STREAM of an idle stream': frame(RST_STREAM, 0, 7, '\0\0\0\0'),
    'a GOAWAY of a wrong size': frame(GOAWAY, 0, 0, 'x'),
    'no path': request(method, scheme, host),
    'no method': request(scheme, path, host),
    'an empty path': request(method, scheme, [':path', ''], host),
    'a path without a slash': request(method, scheme, [':path', 'v1'], host),
    'an upper-case name': request(...good, ['X-Upper', 'y']),
    'a connection header': request(...good, ['connection', 'close']),
    'a transfer encoding': request(...good, ['transfer-encoding', 'chunked']),
    'a line feed in a value': request(...good, ['x-y', 'a\r\nb: c']),
    'a NUL in a value': request(...good, ['x-y', 'a\0b']),
    'a pseudo header too late': request(method, scheme, path, ['x-y', 'z'], host),
    'an unknown pseudo header': request(...good, [':x', 'y']),
    'two paths': request(...good, [':path', '/v1/x']),
    'a bad length': request(...good, ['content-length', '-1']),
    'a bad scheme': request(method, [':scheme', 'x y'], path, host),
    'a bad authority': request(method, scheme, path, [':authority', 'a b@c']),
    'a length without a body': request(...good, ['content-length', '7']),
    CONNECT: request([':method', 'CONNECT'], host),
    'a bad method': request([':method', 'G T'], scheme, path, host),
  };
}

const HOST = 'Host: core.bank\r\nConnection: close\r\n';

export const MALFORMED_HTTP1: Readonly<Record<string, string>> = {
  'no protocol': 'GET /v1/ok\r\n\r\n',
  'another version': `GET /v1/ok HTTP/9.9\r\n${HOST}\r\n`,
  'another method': `G@T /v1/ok HTTP/1.1\r\n${HOST}\r\n`,
  'no host': 'GET /v1/ok HTTP/1.1\r\nConnection: close\r\n\r\n',
  'two hosts': `GET /v1/ok HTTP/1.1\r\n${HOST}Host: core.bank\r\n\r\n`,
  'a name with a blank': `GET /v1/ok HTTP/1.1\r\n${HOST}x y: z\r\n\r\n`,
  'no name': `GET /v1/ok HTTP/1.1\r\n${HOST}: z\r\n\r\n`,
  'a NUL': `GET /v1/ok HTTP/1.1\r\n${HOST}x: a\0b\r\n\r\n`,
  'two lengths': `POST /v1/ok HTTP/1.1\r\n${HOST}content-length: 1\r\ncontent-length: 2\r\n\r\nab`,
  'a bad length': `POST /v1/ok HTTP/1.1\r\n${HOST}content-length: x\r\n\r\nab`,
  'a length and chunks': `POST /v1/ok HTTP/1.1\r\n${HOST}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  'a bad encoding': `POST /v1/ok HTTP/1.1\r\n${HOST}transfer-encoding: x\r\n\r\nab`,
  'a bad chunk': `POST /v1/ok HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\n\r\nzz\r\n`,
  'a folded line': `GET /v1/ok HTTP/1.1\r\n${HOST}x: a\r\n b\r\n\r\n`,
  'a path with a fragment': `GET /v1/ok#x HTTP/1.1\r\n${HOST}\r\n`,
  'no path': `GET  HTTP/1.1\r\n${HOST}\r\n`,
  TLS: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  zeros: '\0'.repeat(100),
};
