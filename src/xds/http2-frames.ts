// I/O: the HTTP/2 stream below grpc-js, and requests from it without a promise and a pause for each (perf.md: njs2raw).
// In: a call of grpc-js. Out: its stream; its messages.
// Must not: be known elsewhere: this is the one file that reaches below grpc-js's public interface (1.14.7, pinned).

import type { ServerHttp2Stream } from 'node:http2';
import { Metadata, type ServerDuplexStream } from '@grpc/grpc-js';
import { RequestFrames } from './request-frames.ts';

export type RawCall = ServerDuplexStream<Buffer, Buffer>;

interface Below {
  readonly call?: { readonly stream?: ServerHttp2Stream; readonly incomingEncoding?: string };
}

/** The HTTP/2 stream of a call; a grpc-js that keeps it elsewhere fails at the first call, not silently. */
export function http2StreamOf(call: RawCall): ServerHttp2Stream {
  const stream = (call as unknown as Below).call?.stream;
  if (stream === undefined || typeof stream.cork !== 'function') {
    throw new Error('grpc-js keeps its HTTP/2 stream elsewhere than in 1.14.7; xds/http2-frames.ts has to be adapted');
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
 * compressed is read by grpc-js, which knows how.
 */
export function readRequests(call: RawCall, maxBytes: number, sink: RequestSink): void {
  const stream = http2StreamOf(call);
  const { incomingEncoding } = (call as unknown as Below).call ?? {};
  let held = 0;
  const keep = (bytes: number): void => {
    if (bytes === held) return;
    held = bytes;
    sink.partial(bytes);
  };
  if (incomingEncoding !== 'identity') {
    stream.on('data', (chunk: Buffer) => keep(held + chunk.length));
    call.on('data', (message: Buffer) => {
      keep(0);
      sink.message(message);
    });
    call.on('end', () => sink.end());
    return;
  }
  const frames = new RequestFrames(maxBytes);
  const take = (message: Buffer): void => {
    keep(frames.held);
    sink.message(message);
  };
  stream.removeAllListeners('data');
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

/** grpc-js sends the response headers with the first message, which here goes past it. */
export function sendHeaders(call: RawCall): void {
  call.sendMetadata(new Metadata());
}
