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

/**
 * Has the messages of a call come here rather than through grpc-js, which reads no more from it; `onEnd` when the client
 * has said all. A call whose messages may be compressed is read by grpc-js, which knows how.
 */
export function readRequests(
  call: RawCall,
  maxBytes: number,
  onMessage: (message: Buffer) => void,
  onEnd: () => void,
  onError: (error: unknown) => void,
): void {
  const stream = http2StreamOf(call);
  const { incomingEncoding } = (call as unknown as Below).call ?? {};
  if (incomingEncoding !== 'identity') {
    call.on('data', onMessage);
    call.on('end', onEnd);
    return;
  }
  const frames = new RequestFrames(maxBytes);
  stream.removeAllListeners('data');
  stream.on('data', (chunk: Buffer) => {
    try {
      frames.push(chunk, onMessage);
    } catch (error) {
      onError(error);
    }
  });
  stream.on('end', onEnd);
  stream.resume();
}

/** grpc-js sends the response headers with the first message, which here goes past it. */
export function sendHeaders(call: RawCall): void {
  call.sendMetadata(new Metadata());
}
