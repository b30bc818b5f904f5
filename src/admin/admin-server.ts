// I/O: the admin port, plain HTTP, read-only, on loopback by default.
// Must not: decide an answer (admin-routes.ts does).

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { cannotListen } from '../errors.ts';
import { formatHostPort, type HostPort } from '../host-port.ts';
import { type AdminResponse, type AdminViews, answer } from './admin-routes.ts';

const MAX_CONNECTIONS = 100;

export interface AdminServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Errors: LISTEN_FAILED. */
export async function startAdminServer(address: HostPort, views: AdminViews): Promise<AdminServer> {
  const connections = new Connections(MAX_CONNECTIONS);
  const server = createServer(
    { requestTimeout: 5000, headersTimeout: 5000, connectionsCheckingInterval: 1000 },
    (request, response) => {
      const { method = '', url: path = '', headers: given } = request;
      const { host = '', origin, 'sec-fetch-site': site } = given;
      const fetchSite = Array.isArray(site) ? site.join() : site;
      connections.answering(request.socket, response);
      answer({ method, path, host, origin, fetchSite }, views).then(
        (reply) => {
          const headers = {
            'content-type': reply.type,
            'cache-control': 'no-store',
            'x-content-type-options': 'nosniff',
            ...(reply.allow !== undefined && { allow: reply.allow }),
            ...(reply.retryAfter !== undefined && { 'retry-after': String(reply.retryAfter) }),
          };
          send(response.writeHead(reply.status, headers), method === 'HEAD' ? '' : reply.body);
        },
        () => response.writeHead(500).end(),
      );
    },
  );
  server.on('connection', (socket) => connections.add(socket));
  // A client that pipelines requests and reads no response loses its own connection, and does not crowd out others.
  server.maxRequestsPerSocket = 100;
  server.timeout = 5000;
  await new Promise<void>((fulfil, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(cannotListen('admin', formatHostPort(address), error)),
    );
    server.listen(address.port, address.host, fulfil);
  });
  const bound = server.address();
  return { port: typeof bound === 'object' && bound !== null ? bound.port : address.port, stop: () => stop(server) };
}

/** Parts are not joined: all clients that are sent one report share its bytes. */
function send(response: ServerResponse, body: AdminResponse['body']): void {
  if (typeof body === 'string') {
    response.end(body);
    return;
  }
  for (const part of body) response.write(part);
  response.end();
}

/**
 * The open connections. A new one is always accepted: at the limit, the connection that was idle longest is closed, and
 * only when none is idle the oldest. Otherwise a client that holds connections open could keep Prometheus and probes out.
 */
class Connections {
  private readonly most: number;
  /** Both with the oldest first. */
  private readonly open = new Set<Socket>();
  private readonly idle = new Set<Socket>();

  constructor(most: number) {
    this.most = most;
  }

  add(socket: Socket): void {
    // Before the new connection counts: when all others are being answered, it would be the only idle one.
    const [oldest] = [...this.idle, ...this.open];
    if (this.open.size >= this.most && oldest !== undefined) {
      this.forget(oldest);
      oldest.destroy();
    }
    this.open.add(socket);
    this.idle.add(socket);
    socket.once('close', () => this.forget(socket));
  }

  /** The connection is not idle until its response is sent, or it is closed. */
  answering(socket: Socket, response: NodeJS.EventEmitter): void {
    this.idle.delete(socket);
    response.once('close', () => {
      if (this.open.has(socket)) this.idle.add(socket);
    });
  }

  private forget(socket: Socket): void {
    this.open.delete(socket);
    this.idle.delete(socket);
  }
}

function stop(server: Server): Promise<void> {
  return new Promise((fulfil) => {
    server.close(() => fulfil());
    server.closeAllConnections();
  });
}
