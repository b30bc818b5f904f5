// I/O: the admin port, plain HTTP, read-only, on loopback unless asked otherwise.
// In: an address and the views. Out: a listening server. Must not: decide an answer (routes.ts does).

import { createServer, type Server } from 'node:http';
import type { HostPort } from '../config/host-port.ts';
import { PosternError } from '../errors.ts';
import { type AdminViews, answer } from './routes.ts';

export interface AdminServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Errors: LISTEN_FAILED. */
export async function startAdminServer(address: HostPort, views: AdminViews): Promise<AdminServer> {
  const server = createServer(
    { requestTimeout: 5000, headersTimeout: 5000, connectionsCheckingInterval: 1000 },
    (request, response) => {
      const { method = '', url: path = '' } = request;
      answer({ method, path, host: request.headers.host ?? '' }, views).then(
        (reply) => {
          const headers = {
            'content-type': reply.type,
            'cache-control': 'no-store',
            'x-content-type-options': 'nosniff',
            ...(reply.allow !== undefined && { allow: reply.allow }),
          };
          response.writeHead(reply.status, headers).end(method === 'HEAD' ? undefined : reply.body);
        },
        () => response.writeHead(500).end(),
      );
    },
  );
  server.maxConnections = 100;
  // Who asks a thousand things and reads no answer loses the connection, not everybody else theirs.
  server.maxRequestsPerSocket = 100;
  server.timeout = 5000;
  await new Promise<void>((fulfil, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new PosternError(
          'LISTEN_FAILED',
          `cannot listen on ${address.host}:${address.port} for admin: ${error.code ?? error.message}`,
          { cause: error },
        ),
      ),
    );
    server.listen(address.port, address.host, fulfil);
  });
  const bound = server.address();
  return { port: typeof bound === 'object' && bound !== null ? bound.port : address.port, stop: () => stop(server) };
}

function stop(server: Server): Promise<void> {
  return new Promise((fulfil) => {
    server.close(() => fulfil());
    server.closeAllConnections();
  });
}
