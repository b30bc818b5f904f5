// I/O: what the xDS server needs of grpc-js below its public interface: the HTTP/2 stream of a call, the bytes of requests,
// and every stream before it is a call. The gain of each is in docs/design.md, "Measured costs".
// Must not: leave this file. The version is pinned, and `npm run test:newest-grpc-js` runs the tests of xDS on the newest.

import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { Metadata, type Server, type ServerDuplexStream } from '@grpc/grpc-js';
import { XdsError } from '../stream-status.ts';
import { RequestFrames } from '../wire/grpc-frames.ts';

export type RawCall = ServerDuplexStream<Buffer, Buffer>;

interface Below {
  readonly call?: { readonly stream?: ServerHttp2Stream; readonly incomingEncoding?: string };
}

/** The HTTP/2 stream of a call. A grpc-js that keeps it elsewhere fails at the first call, not silently. */
export function http2StreamOf(call: RawCall): ServerHttp2Stream {
  const stream = (call as unknown as Below).call?.stream;
  if (stream === undefined || typeof stream.cork !== 'function') {
    throw new Error(
      'grpc-js keeps its HTTP/2 stream elsewhere than in 1.14.7; xds/streams/grpc-js-internals.ts has to be adapted',
    );
  }
  return stream;
}

/** Receives what a client sends. */
export interface RequestSink {
  message(bytes: Buffer): void;
  /** How many bytes of an incomplete message are in memory; 0 when it is complete. */
  partial(bytes: number): void;
  /** The client has ended its side of the stream. */
  end(): void;
  error(error: unknown): void;
}

/**
 * Takes the messages of a call in place of grpc-js, which makes a promise for each and pauses the stream, and which does not
 * say how much of an incomplete message it holds. A call that announces compression is refused, because a few bytes could
 * become gigabytes; no known client compresses its requests (Envoy, grpc-go and grpc-js do so only when configured to).
 */
export function readRequests(call: RawCall, maxBytes: number, sink: RequestSink): void {
  const stream = http2StreamOf(call);
  const { incomingEncoding = 'identity' } = (call as unknown as Below).call ?? {};
  stream.removeAllListeners('data');
  if (incomingEncoding !== 'identity') {
    stream.resume();
    sink.error(new XdsError('UNIMPLEMENTED', 'compressed requests are not supported'));
    return;
  }
  let held = 0;
  const keep = (bytes: number): void => {
    if (bytes === held) return;
    held = bytes;
    sink.partial(bytes);
  };
  const frames = new RequestFrames(maxBytes);
  const take = (message: Buffer): void => {
    keep(frames.held);
    sink.message(message);
  };
  stream.on('data', (chunk: Buffer) => {
    try {
      frames.push(chunk, take);
    } catch (error) {
      sink.error(error);
    }
    keep(frames.held);
  });
  stream.on('end', () => sink.end());
  stream.resume();
}

/** grpc-js would send the response headers with its first message, and announce the encodings that it could inflate. */
export function sendHeaders(call: RawCall): void {
  const headers = new Metadata();
  headers.set('grpc-accept-encoding', 'identity');
  call.sendMetadata(headers);
}

/**
 * Calls `isAllowed` for each new stream of each connection before grpc-js sees it; false closes the connection. That includes
 * streams that are reset at once, or name a service that does not exist.
 */
export function guardStreams(server: Server, isAllowed: (socket: Socket, path: string) => boolean): void {
  const { http2Servers } = server as unknown as { readonly http2Servers?: ReadonlyMap<Http2Server, unknown> };
  const [http2] = http2Servers?.keys() ?? [];
  const handlers = http2?.listeners('stream') ?? [];
  if (http2 === undefined || handlers.length === 0)
    throw new Error(
      'grpc-js keeps its HTTP/2 server elsewhere than in 1.14.7; xds/streams/grpc-js-internals.ts has to be adapted',
    );
  const sockets = new WeakMap<ServerHttp2Session, Socket>();
  let accepted: Socket | undefined;
  // node:http2 shows a proxy as the socket of a session; it creates the session while it announces the connection.
  http2.prependListener('connection', (socket: Socket) => {
    accepted = socket;
  });
  http2.prependListener('session', (session: ServerHttp2Session) => {
    if (accepted !== undefined) sockets.set(session, accepted);
    accepted = undefined;
  });
  http2.removeAllListeners('stream');
  http2.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => {
    const { session } = stream;
    const socket = session === undefined ? undefined : sockets.get(session as ServerHttp2Session);
    if (session === undefined || socket === undefined || !isAllowed(socket, headers[':path'] ?? '')) {
      stream.on('error', () => {});
      session?.destroy();
      return;
    }
    for (const handler of handlers) handler.call(http2, stream, headers, ...rest);
  });
}
