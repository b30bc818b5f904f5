// A server-first TCP backend that counts its connections, and clients that show any certificate or none.
// Must not: check the gateway's certificate; the tests ask what the gateway lets through.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { LIMIT_MS } from '../../deploy/demo/limit.ts';
import type { Certificate } from './callers.ts';

export const BANNER = 'LEDGER 1.0\n';

/**
 * Greets, reads to the end, and answers with what it heard. After the line `close-first` it ends its own direction and reads on.
 */
export class LedgerBackend {
  connections = 0;
  /** What each connection sent, in the order of their ends. */
  readonly heard: string[] = [];
  private readonly server: Server;
  private readonly open = new Set<Socket>();

  constructor() {
    this.server = createServer({ allowHalfOpen: true }, (socket) => this.serve(socket));
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections that are open now. */
  get held(): number {
    return this.open.size;
  }

  private serve(socket: Socket): void {
    this.connections += 1;
    this.open.add(socket);
    let heard = '';
    socket.write(BANNER);
    socket.on('data', (data) => {
      heard += data.toString('latin1');
      if (heard === 'close-first\n') socket.end('bye');
    });
    socket.on('end', () => {
      this.heard.push(heard);
      if (!socket.writableEnded) socket.end(`heard: ${heard}`);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.open.delete(socket));
  }

  close(): void {
    this.server.close();
    for (const socket of this.open) socket.destroy();
  }
}

/** What a socket receives: `bytes` of it, or all to its end. A reset is an end. Errors: it takes too long. */
export function readAll(socket: Socket, bytes = Number.POSITIVE_INFINITY): Promise<string> {
  return new Promise((done, failed) => {
    let received = '';
    const finish = (): void => {
      clearTimeout(timer);
      socket.off('data', take).off('end', finish).off('close', finish).off('error', finish);
      socket.on('error', () => undefined);
      socket.pause();
      done(received);
    };
    const take = (data: Buffer): void => {
      received += data.toString('latin1');
      if (received.length >= bytes) finish();
    };
    const timer = setTimeout(
      () => failed(new Error(`read ${JSON.stringify(received.slice(0, 80))} and no end`)),
      LIMIT_MS,
    );
    socket.on('data', take).on('end', finish).on('close', finish).on('error', finish);
    // It may have ended before.
    if (socket.destroyed || socket.readableEnded) finish();
    else socket.resume();
  });
}

export interface Stranger {
  readonly port: number;
  readonly servername: string;
  readonly client?: Certificate;
  readonly alpn?: readonly string[];
  readonly maxVersion?: 'TLSv1.2';
}

/**
 * One connection that says nothing after the handshake, as a client of a server-first protocol does: what it gets until the
 * gateway closes it, or until the banner has come.
 */
export async function strangerSees({ port, servername, client, alpn = ['postern-tcp'], maxVersion }: Stranger) {
  const options: ConnectionOptions = {
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ...(servername !== '' && { servername }),
    ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
    ...client,
    ...(maxVersion && { maxVersion, minVersion: maxVersion }),
  };
  const socket = connect(options);
  const received = await readAll(socket, BANNER.length);
  socket.destroy();
  return { received };
}
