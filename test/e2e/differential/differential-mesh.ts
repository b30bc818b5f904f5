// What is around the gateways of the differential test: backends, the gateways of the peers, and certificates of every kind.
// Must not: know which configuration is served.

import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import type { Credentials } from '../../../deploy/demo/calls.ts';
import { freePorts } from '../../../deploy/demo/ports.ts';
import type { KeyKind, ShownCertificate } from '../../../src/decision/answer/question.ts';
import { type Ca, newCa } from '../../envoy/pipeline.ts';
import { leaf } from '../../support/leaf.ts';
import { type DifferentialPlaces, PEERS } from './differential-configs.ts';

export interface WantedCertificate {
  /** Whose name the CA has; a stranger's CA has the name too, and is in nobody's bundle. */
  readonly domain: string;
  readonly isStranger?: boolean;
  readonly uris: readonly string[];
  readonly key?: 'p256' | 'p384' | 'ed25519' | 'rsa2048';
  readonly expiresIn?: number;
}

export interface MadeCertificate {
  readonly credentials: Credentials;
  readonly facts: ShownCertificate;
}

const KINDS: Readonly<Record<string, KeyKind>> = {
  p256: 'ecdsa-p256',
  p384: 'ecdsa-p384',
  ed25519: 'ed25519',
  rsa2048: 'rsa',
};

export class DifferentialMesh {
  readonly places: DifferentialPlaces;
  /** By trust domain: what the configurations trust. */
  readonly cas = new Map<string, Ca>();
  private readonly folder = mkdtempSync(join(tmpdir(), 'postern-differential-'));
  private readonly made = new Map<string, MadeCertificate>();
  private readonly servers: Server[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly gateways = new Map<string, TlsServer>();

  private constructor(places: DifferentialPlaces) {
    this.places = places;
    const domains = ['bank.example', ...PEERS.map((name) => `${name}.example`)];
    for (const domain of domains) {
      const ca = newCa(domain, Date.now());
      this.cas.set(domain, ca);
      this.write(domain, ca);
      this.write(`stranger-${domain}`, newCa(domain, Date.now()));
    }
  }

  static async start(): Promise<DifferentialMesh> {
    const [ingress = 0, e1 = 0, e2 = 0, e3 = 0, e4 = 0, b1 = 0, b2 = 0, p1 = 0, p2 = 0] = await freePorts(
      '127.0.0.1',
      9,
    );
    const places = { ingress, egress: [e1, e2, e3, e4], backends: [b1, b2], peers: { p1, p2 } };
    const mesh = new DifferentialMesh(places);
    for (const port of places.backends) await mesh.listen(backend(port), port);
    for (const [name, port] of Object.entries(places.peers)) {
      const gateway = peerGateway(port);
      mesh.gateways.set(name, gateway);
      await mesh.listen(gateway, port);
    }
    return mesh;
  }

  certificate(wanted: WantedCertificate): MadeCertificate {
    const text = JSON.stringify(wanted);
    const known = this.made.get(text);
    if (known !== undefined) return known;
    const { domain, isStranger = false, uris, key = 'p256', expiresIn = 3_600_000 } = wanted;
    const ca = join(this.folder, `${isStranger ? 'stranger-' : ''}${domain}`);
    const credentials = leaf({ ca, caTrustDomain: domain, uris, key, expiresIn });
    const shown = new X509Certificate(credentials.cert);
    const issuer = this.caOf(domain, isStranger);
    const facts: ShownCertificate = {
      signedBy: [createHash('sha256').update(issuer.raw).digest('hex')],
      uris,
      key: KINDS[key] ?? 'rsa',
      notBefore: Date.parse(shown.validFrom),
      notAfter: Date.parse(shown.validTo),
    };
    const made = { credentials, facts };
    this.made.set(text, made);
    return made;
  }

  /** What the gateway of a peer shows from now on; its connections end. */
  setPeerGateway(peer: string, { credentials }: MadeCertificate): void {
    this.gateways.get(peer)?.setSecureContext({ ...credentials });
    this.endConnections();
  }

  endConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    for (const server of this.servers) server.close();
    this.endConnections();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private readonly issuers = new Map<string, X509Certificate>();

  private caOf(domain: string, isStranger: boolean): X509Certificate {
    const found = this.issuers.get(`${isStranger ? 'stranger-' : ''}${domain}`);
    if (found === undefined) throw new Error(`no CA of ${domain}`);
    return found;
  }

  private write(name: string, { certificate, privateKey }: Ca): void {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'ca.pem'), certificate);
    writeFileSync(join(folder, 'ca-key.pem'), privateKey, { mode: 0o600 });
    this.issuers.set(name, new X509Certificate(certificate));
  }

  private async listen(server: Server, port: number): Promise<void> {
    this.servers.push(server);
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  }
}

/** HTTP/1.1, HTTP/2 and TCP on one port; each answer says where it comes from. */
function backend(port: number): Server {
  const at = `127.0.0.1:${port}`;
  const http1 = createHttpServer((asked, answer) => {
    asked.resume().on('end', () => answer.writeHead(200, { 'x-at': at }).end());
  });
  http1.on('upgrade', (_, socket) => {
    socket.on('error', () => undefined);
    socket.end(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nx-at: ${at}\r\n\r\n`);
  });
  // Node.js refuses some requests that Envoy forwards, such as one with bytes beyond ASCII in its query; they have come here too.
  http1.on('clientError', (_, socket) => {
    if (socket.writable) socket.end(`HTTP/1.1 400 Bad Request\r\nx-at: ${at}\r\ncontent-length: 0\r\n\r\n`);
  });
  const http2 = createHttp2Server((asked, answer) => {
    asked.resume().on('end', () => {
      answer.writeHead(200, { 'x-at': at });
      answer.end();
    });
  });
  http2.on('sessionError', () => undefined);
  return createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      const begin = data.toString('latin1', 0, 4);
      if (begin === 'TCP?') {
        socket.end(`at ${at}\n`);
        return;
      }
      socket.pause();
      socket.unshift(data);
      (begin.startsWith('PRI') ? http2 : http1).emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  });
}

/** Mutual TLS; HTTP/2 or TCP, as the client offers. */
function peerGateway(port: number): TlsServer {
  const at = `127.0.0.1:${port}`;
  const http2 = createSecureServer({ settings: { enableConnectProtocol: true } });
  http2.on('sessionError', () => undefined);
  http2.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200, 'x-at': at });
    stream.end();
  });
  const server = createTlsServer({
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'postern-tcp'],
  });
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => {
    socket.on('error', () => undefined);
    if (socket.alpnProtocol === 'h2') http2.emit('secureConnection', socket);
    else socket.once('data', () => socket.end(`at ${at}\n`));
  });
  return server;
}
