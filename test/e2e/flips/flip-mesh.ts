// The mesh whose configuration the flip tests edit, with its backends and the gateways of its peers.
// Must not: know which configuration is served.

import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, createSecureServer, type IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Credentials } from '../../../deploy/demo/calls.ts';
import type { HostPort } from '../../../src/host-port.ts';
import { newCa } from '../../envoy/pipeline.ts';
import { leaf } from '../../support/leaf.ts';
import type { Testbed } from '../../support/mesh.ts';
import { bundleFile, DOMAINS, EVERYBODY, labelOf, type Places, ROOTS, type Who } from './flip-configs.ts';

const DAY = 24 * 60 * 60 * 1000;

/** Something arrived: where, and the number that its caller gave it. */
export type Arrived = (at: string, id: string) => void;

export interface FlipMesh {
  readonly places: Places;
  credentials(who: Who): Credentials;
  close(): void;
}

export async function startFlipMesh(bed: Testbed, arrived: Arrived): Promise<FlipMesh> {
  await bed.ca('ours.example');
  const folder = (domain: string, root: number): string => join(bed.folder, 'pki', `${domain}-ca-${root}`);
  for (const domain of DOMAINS) {
    // The oldest first.
    const made = ROOTS.map((root) => newCa(domain, Date.now() - (3 - root) * DAY));
    for (const [root, { certificate, privateKey }] of made.entries()) {
      mkdirSync(folder(domain, root));
      writeFileSync(join(folder(domain, root), 'ca.pem'), certificate);
      writeFileSync(join(folder(domain, root), 'ca-key.pem'), privateKey, { mode: 0o600 });
    }
    for (const roots of [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]])
      writeFileSync(
        join(bed.folder, bundleFile(domain, roots)),
        roots.map((root) => made[root]?.certificate ?? '').join(''),
      );
  }
  const credentials = new Map(
    EVERYBODY.map((who) => {
      const { domain, root, identity } = who;
      const made = leaf({ ca: folder(domain, root), caTrustDomain: domain, uris: [`spiffe://${domain}/${identity}`] });
      return [labelOf(who), made] as const;
    }),
  );
  const of = (who: Who): Credentials => credentials.get(labelOf(who)) ?? { cert: '', key: '' };
  const ingress = [await bed.address(), await bed.address()];
  const host = ingress[0]?.host ?? '127.0.0.1';
  const egressPorts = [await bed.port(), await bed.port()];
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const listen = async (server: Server): Promise<HostPort> => {
    servers.push(server);
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    });
    server.listen(0, host);
    await once(server, 'listening');
    return { host, port: (server.address() as AddressInfo).port };
  };
  const backends = [];
  for (const index of [0, 1, 2]) backends.push(await listen(backend(index, arrived)));
  const gateways = new Map<string, HostPort>();
  for (const who of EVERYBODY) gateways.set(labelOf(who), await listen(gateway(who, of(who), arrived)));
  return {
    places: { ingress, egressHost: host, egressPorts, backends, gateways },
    credentials: of,
    close: () => {
      for (const server of servers) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function idOf(headers: IncomingHttpHeaders): string {
  return String(headers['x-asked']);
}

/** HTTP/1.1 and HTTP/2 on one port: the protocol of an export changes, and its backend stays where it is. */
function backend(index: number, arrived: Arrived): Server {
  const seen = (headers: IncomingHttpHeaders): void =>
    arrived(`backend ${index} as ${String(headers['x-postern-peer'])}`, idOf(headers));
  const http1 = createHttpServer((asked, answer) => {
    seen(asked.headers);
    asked.resume().on('end', () => answer.end('1'));
  });
  const http2 = createHttp2Server((asked, answer) => {
    seen(asked.headers);
    asked.resume().on('end', () => answer.end('2'));
  });
  http2.on('sessionError', () => undefined);
  return createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      socket.pause();
      socket.unshift(data);
      (data.toString('latin1', 0, 3) === 'PRI' ? http2 : http1).emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  });
}

/** An ingress gateway of a peer. */
function gateway(who: Who, credentials: Credentials, arrived: Arrived): Server {
  const server = createSecureServer({ ...credentials, requestCert: true, rejectUnauthorized: false });
  server.on('sessionError', () => undefined).on('tlsClientError', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (headers[':path'] !== '/healthz') {
      const socket = stream.session?.socket as { readonly servername?: string } | undefined;
      arrived(`${labelOf(who)} ${headers[':authority']} ${socket?.servername}`, idOf(headers));
    }
    stream.respond({ ':status': 200 });
    stream.end('3');
  });
  return server as unknown as Server;
}
