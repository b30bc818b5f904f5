// Sends the demo's requests exactly as given: an application's (plain HTTP or gRPC to its egress) and an attacker's
// (HTTP/2 over TLS to an ingress).
// Must not: normalize a path, keep a connection, or check the gateway's certificate (an attacker would not either).

import { request } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { formatHostPort, type HostPort } from '../../src/host-port.ts';
import { LIMIT_MS } from './limit.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

export interface Request {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly timeoutMs?: number;
}

/** A request of an application to its own egress gateway, by a local name. */
export function callLocally(egress: HostPort, host: string, asked: Request = {}): Promise<Answer> {
  return new Promise((fulfil, reject) => {
    const { method = 'GET', path = '/', headers = {} } = asked;
    const sent = request(
      {
        host: egress.host,
        port: egress.port,
        method,
        path,
        headers: { host, ...headers },
        agent: false,
        timeout: LIMIT_MS,
      },
      (response) => {
        let body = '';
        response.on('data', (data: Buffer) => {
          body += data.toString();
        });
        response.on('end', () => fulfil({ status: response.statusCode ?? 0, headers: response.headers, body }));
        response.on('error', reject);
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', reject);
    sent.end(asked.body);
  });
}

/** A unary gRPC call of an application through its egress; the message is opaque. The answer's headers include trailers. */
export function callGrpc(
  egress: HostPort,
  host: string,
  path: string,
  message = Buffer.from('hello'),
): Promise<Answer> {
  const session = connect(`http://${egress.host}:${egress.port}`);
  const headers = { 'content-type': 'application/grpc', te: 'trailers' };
  return exchange(session, 'http', host, { method: 'POST', path, headers, body: frame(message) });
}

/** gRPC's length-prefixed message. */
export function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export interface Credentials {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

/** How somebody dials an ingress gateway. */
export interface Dial {
  readonly gateway: HostPort;
  readonly servername: string;
  /** Absent: no client certificate. */
  readonly client?: Credentials;
}

/** A request on a connection of its own, as a peer's gateway (or an attacker) makes it. */
export function callGateway(dial: Dial, authority: string, asked: Request = {}): Promise<Answer> {
  return exchange(dialGateway(dial), 'https', authority, asked);
}

/** A connection for several requests; the caller closes it. */
export function dialGateway({ gateway, servername, client }: Dial): ClientHttp2Session {
  return connect(`https://${formatHostPort(gateway)}`, {
    servername,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    // The gateway has to refuse weak keys itself: a newer OpenSSL would not even load one here.
    ciphers: 'DEFAULT:@SECLEVEL=0',
    ...client,
  });
}

async function exchange(
  session: ClientHttp2Session,
  scheme: string,
  authority: string,
  asked: Request,
): Promise<Answer> {
  // What comes after the answer, or after the first error, is of no interest.
  session.on('error', () => undefined);
  try {
    return await askOn(session, scheme, authority, asked);
  } finally {
    session.destroy();
  }
}

/** One request on an open connection. Errors: the connection's or the stream's end, whichever says why. */
export function askOn(session: ClientHttp2Session, scheme: string, authority: string, asked: Request): Promise<Answer> {
  return new Promise((fulfil, reject) => {
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      session.off('error', fail).off('goaway', goaway).off('close', closed);
      outcome();
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const goaway = (code: number): void => {
      // Without an error, what is in flight may still be answered.
      if (code !== 0) fail(new Error(`GOAWAY ${code}`));
    };
    // A TLS alert that follows the close is the better explanation: give it a moment.
    const closed = (): void => void setImmediate(() => fail(new Error('connection closed')));
    const timer = setTimeout(() => fail(new Error('no answer in time')), asked.timeoutMs ?? LIMIT_MS);
    session.on('error', fail).on('goaway', goaway).on('close', closed);
    const { method = 'GET', path = '/', headers = {} } = asked;
    const stream = session.request({
      ':method': method,
      ':path': path,
      ':scheme': scheme,
      ':authority': authority,
      ...headers,
    });
    let answered: Record<string, string | string[] | undefined> | undefined;
    let body = '';
    stream.on('response', (got) => {
      answered = { ...got } as Record<string, string | string[] | undefined>;
    });
    stream.on('trailers', (got) => {
      answered = { ...answered, ...(got as Record<string, string>) };
    });
    stream.on('data', (data: Buffer) => {
      body += data.toString();
    });
    stream.on('error', fail);
    stream.on('close', () => {
      if (answered === undefined) return setImmediate(() => fail(new Error('stream reset')));
      const { ':status': status, ...rest } = answered;
      return settle(() => fulfil({ status: Number(status), headers: rest, body }));
    });
    stream.end(asked.body);
  });
}

/** What ended a call, in one word or two: the TLS alert, or the socket's error. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const alert = /ALERT_([A-Z_]+)/.exec(code ?? '') ?? /alert ([a-z ]+)/.exec(message);
  if (alert?.[1] !== undefined) return `TLS alert ${alert[1].toLowerCase().replaceAll('_', ' ')}`;
  if (code === 'ECONNRESET') return 'connection reset';
  return code?.startsWith('ERR_HTTP2') ? 'stream reset' : message;
}
