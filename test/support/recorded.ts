// Connections that keep every byte of what they receive, and what HTTP/2 and TLS make of these bytes.
// Must not: check a gateway's certificate, or leave a received byte out.

import { spawn } from 'node:child_process';
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Credentials } from '../../deploy/demo/calls.ts';
import { LIMIT_MS } from '../../deploy/demo/limit.ts';

export interface Dialled {
  readonly host?: string;
  readonly port: number;
  /** Absent: no TLS. */
  readonly tls?: {
    readonly servername?: string;
    readonly alpn?: readonly string[];
    readonly client?: Credentials;
  };
}

export interface AskedHttp2 {
  readonly method?: string;
  readonly path: string;
  readonly authority: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Sends no end, as a stream does that goes on. */
  readonly open?: boolean;
}

/** One connection, everything that came on it, and how it ended. */
export class Recorded {
  readonly socket: Socket | TLSSocket;
  readonly closed: Promise<void>;
  isClosed = false;
  private readonly pieces: Buffer[] = [];
  private readonly notes: string[] = [];
  private readonly waiting = new Set<() => void>();

  constructor({ host = '127.0.0.1', port, tls }: Dialled) {
    if (tls === undefined) this.socket = connectTcp(port, host);
    else {
      const { servername, alpn = ['h2'], client } = tls;
      this.socket = connectTls({
        host,
        port,
        rejectUnauthorized: false,
        ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
        ...(servername !== undefined && { servername }),
        ...client,
      });
      this.socket.on('secureConnect', () => this.noteTls());
    }
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.note(`error ${error.code}`));
    this.closed = new Promise((done) =>
      this.socket.on('close', () => {
        this.isClosed = true;
        this.wake();
        done();
      }),
    );
  }

  /** Keeps what comes, for protocols that nothing here reads. */
  listen(): this {
    this.socket.on('data', (data: Buffer) => this.take(data));
    return this;
  }

  take(data: Buffer): void {
    this.pieces.push(data);
    this.wake();
  }

  note(text: string): void {
    this.notes.push(text);
  }

  private noteTls(): void {
    const socket = this.socket as TLSSocket;
    const { raw, subject, issuer, subjectaltname } = socket.getPeerCertificate();
    this.note(`alpn ${socket.alpnProtocol}`);
    this.note(JSON.stringify({ subject, issuer, subjectaltname }));
    // Names stand apart from the bytes of DER around them.
    const names = (subjectaltname ?? '').split(', ').map((name) => name.replace(/^\w+:/, ''));
    this.note(names.reduce((text, name) => text.replaceAll(name, `\n${name}\n`), raw.toString('latin1')));
  }

  private wake(): void {
    for (const done of this.waiting) done();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  get text(): string {
    return [this.bytes.toString('latin1'), ...this.notes].join('\n');
  }

  /** Until the received bytes are enough, or the other side has ended. Errors: neither happens. */
  async until(isEnough: (bytes: Buffer) => boolean): Promise<this> {
    const end = Date.now() + LIMIT_MS;
    while (!this.isClosed && !isEnough(this.bytes)) {
      if (Date.now() > end) throw new Error(`nothing more came after ${JSON.stringify(this.text.slice(-300))}`);
      await new Promise<void>((done) => {
        const finish = (): void => {
          clearTimeout(timer);
          this.waiting.delete(finish);
          done();
        };
        const timer = setTimeout(finish, 100);
        this.waiting.add(finish);
      });
    }
    return this;
  }

  end(): void {
    this.socket.destroy();
  }
}

/** Sends bytes, and keeps what comes until the other side ends it, or until this has come. */
export async function recordUntilClosed(dialled: Dialled, sent: string | Buffer, enough?: RegExp): Promise<string> {
  const recorded = new Recorded(dialled).listen();
  recorded.socket.write(Buffer.from(sent as string, 'latin1'));
  await recorded.until((bytes) => enough?.test(bytes.toString('latin1')) === true);
  recorded.end();
  return recorded.text;
}

/** A stream over a recorded socket, for a client that would otherwise read past us. */
function through(recorded: Recorded): Duplex {
  const { socket } = recorded;
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (data: Buffer, _, done) => void socket.write(data, () => done()),
    final: (done) => void socket.end(() => done()),
    destroy: (_, done) => {
      socket.destroy();
      done(null);
    },
  });
  socket.on('data', (data: Buffer) => {
    recorded.take(data);
    stream.push(data);
  });
  socket.on('end', () => stream.push(null));
  socket.on('close', () => stream.destroy());
  return stream;
}

/** An HTTP/2 connection whose bytes are kept, beside what they mean. */
export class RecordedHttp2 {
  readonly recorded: Recorded;
  readonly session: ClientHttp2Session;

  constructor(dialled: Dialled) {
    this.recorded = new Recorded(dialled);
    this.session = connectHttp2('http://gateway', {
      createConnection: () => through(this.recorded),
      maxSendHeaderBlockLength: 1_048_576,
    });
    this.session.on('error', (error: NodeJS.ErrnoException) => this.recorded.note(`session ${error.code}`));
    this.session.on('goaway', (code: number, _: number, data?: Buffer) =>
      this.recorded.note(`goaway ${code} ${data?.toString('latin1') ?? ''}`),
    );
  }

  /** Until the stream has ended in whatever way. */
  ask({ method = 'GET', path, authority, headers = {}, body, open = false }: AskedHttp2): Promise<void> {
    return new Promise((done) => {
      const { recorded, session } = this;
      if (session.destroyed || session.closed) return done();
      const head = { ':method': method, ':path': path, ':authority': authority, ':scheme': 'https', ...headers };
      const stream = session.request(head, { endStream: body === undefined && !open });
      const keep = (what: string) => (got: IncomingHttpHeaders) => recorded.note(`${what} ${JSON.stringify(got)}`);
      for (const event of ['headers', 'response', 'trailers'] as const) stream.on(event, keep(event));
      stream.on('error', (error: NodeJS.ErrnoException) => recorded.note(`stream ${error.code}`));
      const timer = setTimeout(() => {
        recorded.note('HUNG');
        stream.destroy();
      }, LIMIT_MS);
      stream.on('close', () => {
        clearTimeout(timer);
        recorded.note(`reset ${stream.rstCode}`);
        done();
      });
      stream.resume();
      if (body !== undefined) stream.end(body);
    });
  }

  async close(): Promise<string> {
    this.session.destroy();
    await this.recorded.closed;
    return this.recorded.text;
  }
}

export async function recordHttp2(dialled: Dialled, asked: readonly AskedHttp2[]): Promise<string> {
  const connection = new RecordedHttp2(dialled);
  await Promise.all(asked.map((one) => connection.ask(one)));
  return await connection.close();
}

const HEADERS = 1;
const RST_STREAM = 3;
const GOAWAY = 7;
const END_STREAM = 1;

/** Whether HTTP/2 bytes hold an answer that has ended, or the end of a stream or of the connection. */
export function holdsEnd(bytes: Buffer): boolean {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    const [type = 0, flags = 0] = bytes.subarray(at + 3, at + 5);
    if (type === RST_STREAM || type === GOAWAY) return true;
    if (type <= HEADERS && (flags & END_STREAM) !== 0) return true;
  }
  return false;
}

/** What a client reads in the bytes of an HTTP/2 server; streams are numbered as those of a client that asks one after the other. */
export async function decodeHttp2(bytes: Buffer, streams = 1): Promise<string> {
  const notes: string[] = [];
  const pipe = new Duplex({ read: () => undefined, write: (_data, _encoding, done) => done() });
  const session = connectHttp2('http://gateway', { createConnection: () => pipe });
  session.on('error', (error: NodeJS.ErrnoException) => notes.push(`session ${error.code}`));
  session.on('goaway', (code: number, _: number, data?: Buffer) =>
    notes.push(`goaway ${code} ${data?.toString('latin1') ?? ''}`),
  );
  for (let index = 0; index < streams; index += 1) {
    const stream = session.request({ ':path': '/' });
    for (const event of ['headers', 'response', 'trailers'] as const)
      stream.on(event, (got: IncomingHttpHeaders) => notes.push(`${event} ${JSON.stringify(got)}`));
    stream.on('error', () => undefined).resume();
  }
  const closed = new Promise<void>((done) => session.on('close', () => done()));
  pipe.push(bytes);
  pipe.push(null);
  await closed;
  return notes.join('\n');
}

/** All that `openssl s_client` says of a handshake: certificates, names of CAs, alerts. */
export function recordHandshake(port: number, servername: string | undefined, alpn: string): Promise<string> {
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-alpn', alpn, '-showcerts'];
  args.push(...(servername === undefined ? ['-noservername'] : ['-servername', servername]));
  const child = spawn('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data.toString('latin1')));
  child.stderr.on('data', (data: Buffer) => (text += data.toString('latin1')));
  return new Promise((done) => child.on('close', () => done(text)));
}
