// A client below gRPC: it writes given bytes in given pieces, and reads or does not.
// Must not: know what the bytes mean.

import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type SecureClientSessionOptions } from 'node:http2';

export class RawClient {
  readonly stream: ClientHttp2Stream;
  /** The grpc-status of the trailers; undefined if the stream was reset. */
  readonly status: Promise<number | undefined>;
  /** The connection is over: the server closed it, or it broke. */
  readonly closed: Promise<unknown>;
  private readonly session: ClientHttp2Session;

  constructor(port: number, headers: Readonly<Record<string, string>> = {}, tls?: SecureClientSessionOptions) {
    this.session = connect(tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`, tls);
    this.session.on('error', () => undefined);
    this.closed = once(this.session, 'close');
    this.stream = this.session.request(
      {
        ':method': 'POST',
        ':path': '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      },
      { endStream: false },
    );
    this.stream.on('error', () => undefined);
    this.status = new Promise((fulfil) => {
      this.stream.once('trailers', (trailers) => fulfil(Number(trailers['grpc-status'])));
      this.stream.once('close', () => fulfil(undefined));
    });
  }

  /** Drops what comes; without it, nothing is read and the window fills. */
  read(): this {
    this.stream.resume();
    return this;
  }

  write(bytes: Buffer): void {
    if (!this.stream.destroyed) this.stream.write(bytes);
  }

  close(): void {
    this.session.destroy();
  }
}

/** gRPC's length-prefixed message. */
export function framed(message: Buffer, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}
