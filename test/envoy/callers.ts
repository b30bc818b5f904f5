// Callers and backends for tests at the boundary: HTTP/2 over mutual TLS with any certificate, plain HTTP, backends that
// record what they were sent.

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { connect, createServer as createHttp2Server, type Http2Server, type Http2ServerRequest } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type Issuer, parseIssuer } from '../../src/trust/issuing/issuer.ts';
import type { TrustDomain } from '../../src/trust/spiffe.ts';
import { pemOf } from '../../src/trust/x509/certificate.ts';
import { signCertificate } from '../../src/trust/x509/certificate-writer.ts';
import type { Ca } from './pipeline.ts';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export function issuerOf(ca: Ca, trustDomain: string, now: number): Issuer {
  const { issuer } = parseIssuer(
    Buffer.from(ca.certificate),
    Buffer.from(ca.privateKey),
    trustDomain as TrustDomain,
    now,
  );
  if (issuer === undefined) throw new Error('not a CA');
  return issuer;
}

/** A certificate with exactly these URIs; its key may be of any kind. */
export function certify(
  issuer: Issuer,
  uris: readonly string[],
  now: number,
  kind: KeyKind = 'ecdsa',
  dnsNames: readonly string[] = [],
): Certificate {
  const { publicKey, privateKey } = keyPair(kind);
  const der = signCertificate({
    serial: '01ab',
    commonName: 'a gateway',
    notBefore: now - 60_000,
    notAfter: now + 3_600_000,
    publicKey,
    isCa: false,
    uris,
    ...(dnsNames.length > 0 && { dnsNames }),
    signer: {
      privateKey: issuer.privateKey,
      subject: issuer.certificate.subject,
      subjectKeyId: issuer.certificate.subjectKeyId,
    },
  });
  return { cert: pemOf(der), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}

export type KeyKind = 'ecdsa' | 'p384' | 'p521' | 'rsa' | 'ed25519';

export function keyPair(kind: KeyKind): {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
} {
  switch (kind) {
    case 'ecdsa':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    case 'p521':
      return generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
  }
}

export interface Call {
  readonly port: number;
  readonly servername: string;
  /** Absent: no client certificate. */
  readonly client?: Certificate;
  readonly authority?: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly trailers?: Readonly<Record<string, unknown>>;
}

/** One request over a connection of its own; rejects when TLS or the stream fails. The gateway's certificate is not checked. */
export function call(wanted: Call): Promise<Answer> {
  return new Promise((done, failed) => {
    const session = connect(`https://127.0.0.1:${wanted.port}`, {
      servername: wanted.servername,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      ...wanted.client,
    });
    const fail = (error: Error) => {
      session.destroy();
      failed(error);
    };
    session.on('error', fail);
    session.on('goaway', (code: number) => fail(new Error(`GOAWAY ${code}`)));
    session.on('close', () => failed(new Error('closed')));
    const stream = session.request(
      {
        ':method': wanted.method ?? 'GET',
        ':path': wanted.path ?? '/',
        ':scheme': 'https',
        ':authority': wanted.authority ?? 'nobody',
        ...wanted.headers,
      },
      { endStream: false, waitForTrailers: wanted.trailers !== undefined },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ ...wanted.trailers }));
    let head: Record<string, unknown> = {};
    let trailers: Record<string, unknown> = {};
    let body = '';
    stream.on('response', (headers) => (head = { ...headers }));
    stream.on('trailers', (headers) => (trailers = { ...headers }));
    stream.on('data', (data: Buffer) => (body += data.toString()));
    stream.on('error', fail);
    stream.on('end', () => {
      const { ':status': status, ...headers } = head;
      if (status === undefined) fail(new Error('no answer'));
      else done({ status: Number(status), headers, body, trailers });
      session.destroy();
    });
    stream.end(wanted.body);
  });
}

/** One HTTP/1.1 request to an egress port, as a local caller sends it. */
export function callLocally(
  port: number,
  host: string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((done, failed) => {
    const sent = request(
      { host: '127.0.0.1', port, path, method, headers: { host, ...headers }, agent: false },
      (response) => {
        let body = '';
        response.on('data', (data: Buffer) => (body += data.toString()));
        response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, body }));
      },
    );
    sent.on('error', failed);
    sent.end();
  });
}

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: Readonly<Record<string, unknown>>;
}

interface Answering {
  setHeader(name: string, value: string): void;
  addTrailers(trailers: Record<string, string>): void;
  end(body: Buffer): void;
}

/** `%%e9` stands for one byte, so that a header can hold what is no UTF-8. */
function withBytes(text: string): string {
  return text.replace(/%%([0-9a-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** `~` stands for an underscore, which no request has. */
function wantedName(name: string, prefix: string): string {
  return name.slice(prefix.length).replaceAll('~', '_');
}

/** A backend that writes down what it is asked, and answers with the headers and trailers of the request's `want-…`, `trailer-…`. */
export class Backend {
  readonly seen: Seen[] = [];
  private readonly server: Server | Http2Server;

  constructor(protocol: 'http' | 'h2c' = 'http') {
    const read = async (asked: IncomingMessage | Http2ServerRequest, response: Answering): Promise<void> => {
      for await (const _ of asked);
      const { method = '', url: path = '', headers, trailers } = asked;
      this.seen.push({ method, path, headers, trailers });
      for (const [name, value] of Object.entries(headers)) {
        if (name.startsWith('want-')) response.setHeader(wantedName(name, 'want-'), withBytes(String(value)));
      }
      for (const [name, value] of Object.entries(headers)) {
        if (name.startsWith('trailer-')) response.addTrailers({ [wantedName(name, 'trailer-')]: String(value) });
      }
      // A string would have its encoding imposed on the headers.
      response.end(Buffer.from('served\n'));
    };
    // A request that is cut short has no answer.
    const answer: typeof read = (asked, response) => read(asked, response).catch(() => undefined);
    this.server = protocol === 'http' ? createServer({ maxHeaderSize: 65536 }, answer) : createHttp2Server({}, answer);
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  get last(): Seen | undefined {
    return this.seen.at(-1);
  }

  close(): void {
    this.server.close();
    if ('closeAllConnections' in this.server) this.server.closeAllConnections();
  }
}
