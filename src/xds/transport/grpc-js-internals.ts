// I/O: the HTTP/2 stream below grpc-js, and requests from it without a promise and a pause for each (perf.md: njs2raw).
// In: a call of grpc-js. Out: its stream; its messages.
// Must not: be known elsewhere: this is the one file that reaches below the public interface of grpc-js (1.14.7, pinned).

import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { Metadata, type Server, type ServerDuplexStream } from '@grpc/grpc-js';
import { XdsError } from '../stream-status.ts';
import { RequestFrames } from '../wire/grpc-frames.ts';

export type RawCall = ServerDuplexStream<Buffer, Buffer>;

interface Below {
  readonly call?: { readonly stream?: ServerHttp2Stream; readonly incomingEncoding?: string };
}

/** The HTTP/2 stream of a call; a grpc-js that keeps it elsewhere fails at the first call, not silently. */
export function http2StreamOf(call: RawCall): ServerHttp2Stream {
  const stream = (call as unknown as Below).call?.stream;
  if (stream === undefined || typeof stream.cork !== 'function') {
    throw new Error(
      'grpc-js keeps its HTTP/2 stream elsewhere than in 1.14.7; xds/transport/grpc-js-internals.ts has to be adapted',
    );
  }
  return stream;
}

/** What becomes of what a client sends. */
export interface RequestSink {
  message(bytes: Buffer): void;
  /** How many bytes are kept of a message that has not come as a whole; again when it has, with 0. */
  partial(bytes: number): void;
  /** The client has said all. */
  end(): void;
  error(error: unknown): void;
}

/**
 * Has the messages of a call come here rather than through grpc-js, which reads no more from it. A call whose messages may be
 * compressed is refused: a few bytes could become gigabytes.
 */
export function readRequests(call: RawCall, maxBytes: number, sink: RequestSink): void {
  const stream = http2StreamOf(call);
  const { incomingEncoding = 'identity' } = (call as unknown as Below).call ?? {};
  stream.removeAllListeners('data');
  if (incomingEncoding !== 'identity') {
    stream.resume();
    sink.error(new XdsError('UNIMPLEMENTED', 'compressed requests are not taken'));
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

/** grpc-js sends the response headers with the first message, which here goes past it; and says that it takes what it would inflate. */
export function sendHeaders(call: RawCall): void {
  const headers = new Metadata();
  headers.set('grpc-accept-encoding', 'identity');
  call.sendMetadata(headers);
}

/**
 * Asks for each stream of each connection before grpc-js sees it; false ends the connection. Streams that are reset at once,
 * or that no service answers, are asked for as well.
 */
export function guardStreams(server: Server, isAllowed: (socket: Socket) => boolean): void {
  const { http2Servers } = server as unknown as { readonly http2Servers?: ReadonlyMap<Http2Server, unknown> };
  const [http2] = http2Servers?.keys() ?? [];
  const handlers = http2?.listeners('stream') ?? [];
  if (http2 === undefined || handlers.length === 0)
    throw new Error(
      'grpc-js keeps its HTTP/2 server elsewhere than in 1.14.7; xds/transport/grpc-js-internals.ts has to be adapted',
    );
  const sockets = new WeakMap<ServerHttp2Session, Socket>();
  let accepted: Socket | undefined;
  // What node:http2 shows as the socket of a session is a proxy; the session is made while the connection is announced.
  http2.prependListener('connection', (socket: Socket) => {
    accepted = socket;
  });
  http2.prependListener('session', (session: ServerHttp2Session) => {
    if (accepted !== undefined) sockets.set(session, accepted);
    accepted = undefined;
  });
  http2.removeAllListeners('stream');
  http2.on('stream', (stream: ServerHttp2Stream, ...rest: unknown[]) => {
    const { session } = stream;
    const socket = session === undefined ? undefined : sockets.get(session as ServerHttp2Session);
    if (session === undefined || socket === undefined || !isAllowed(socket)) {
      stream.on('error', () => {});
      session?.destroy();
      return;
    }
    for (const handler of handlers) handler.call(http2, stream, ...rest);
  });
}
