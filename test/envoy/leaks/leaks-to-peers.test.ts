// What our egress gateways show to the gateways of a peer that keeps everything it is sent: requests, health checks, handshakes.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { freePorts } from '../../../deploy/demo/ports.ts';
import { leaksIn } from '../../support/leaks.ts';
import { eventually } from '../../support/mesh.ts';
import { recordHttp2, recordUntilClosed } from '../../support/recorded.ts';
import { LeakScene } from './leak-scene.ts';

const WORKLOAD = 'ns/web/sa/front';

/** A peer's two ingress gateways: one set of notes of all that they see. */
class CuriousPeer {
  readonly notes: string[] = [];
  private readonly servers: Http2SecureServer[] = [];

  async listen(port: number, certificate: { readonly cert: string; readonly key: string }): Promise<void> {
    const server = createSecureServer({
      ...certificate,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      const { subject, issuer, subjectaltname } = socket.getPeerCertificate();
      this.notes.push(
        JSON.stringify({
          servername: (socket as { servername?: unknown }).servername,
          subject,
          issuer,
          subjectaltname,
        }),
      );
    });
    server.on('session', (session) => {
      session.on('error', () => 0);
      session.on('goaway', (code, _, data) => this.notes.push(`goaway ${code} ${data?.toString('latin1') ?? ''}`));
    });
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      this.notes.push(JSON.stringify(headers));
      stream.on('trailers', (trailers) => this.notes.push(JSON.stringify(trailers)));
      stream.on('data', (data: Buffer) => this.notes.push(data.toString('latin1')));
      stream.on('error', () => 0);
      if (headers[':path'] === '/v1/reset') return stream.close(2);
      if (headers[':path'] !== '/v1/no-answer')
        stream.on('end', () => {
          stream.respond({ ':status': 200 });
          stream.end('served');
        });
    });
    server.on('tlsClientError', () => 0);
    server.listen(port, '127.0.0.1');
    this.servers.push(server);
    await once(server, 'listening');
  }

  close(): void {
    for (const server of this.servers) server.close();
  }
}

describe('what a peer’s gateways see of ours', () => {
  const peer = new CuriousPeer();
  let scene: LeakScene;

  before(async () => {
    const [first = 0, second = 0] = await freePorts('127.0.0.1', 2);
    scene = await LeakScene.start([first, second]);
    const certificate = scene.certificate('seen', 'gateway/ingress');
    await peer.listen(first, certificate);
    await peer.listen(second, certificate);
  });
  after(async () => {
    await scene.stop();
    peer.close();
  });

  test('Requests, their trailers and health checks have no address, name, product or id of ours', async () => {
    const said = [
      'via: 1.1 squid',
      'x-request-id: mine',
      'x-envoy-retry-on: 5xx',
      'x-forwarded-for: 10.0.0.1',
      'x-b3-traceid: 463ac35c9f6413ad',
      'forwarded: for=10.0.0.1',
    ];
    const more = said.map((line) => `${line}\r\n`).join('');
    const post = `POST /v1/ok HTTP/1.1\r\nHost: core.seen\r\nConnection: close\r\n${more}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-b3-traceid: 1\r\n\r\n`;
    await eventually('it answers', async () =>
      (await recordUntilClosed({ port: scene.shop.port }, post)).includes('served'),
    );
    const client = scene.certificate('proven', WORKLOAD);
    const headers = Object.fromEntries(said.map((line) => line.split(': ') as [string, string]));
    const asked = ['/v1/ok', '/v1/reset'].map((path) => ({ path, authority: 'core.seen', headers }));
    const proven = { port: scene.proven.port, tls: { servername: 'core.seen', client } };
    await eventually('it answers a proven caller', async () => (await recordHttp2(proven, asked)).includes('served'));
    await eventually(
      'both check the health of both',
      () => peer.notes.filter((note) => note.includes('health.gateway.seen.example')).length >= 4,
    );
    const text = peer.notes.join('\n');
    assert.match(text, /\nabc\n/);
    assert.match(text, /x-forwarded-client-cert/);
    const seen = { ...scene.inside, contract: [...scene.inside.contract, `spiffe://proven.example/${WORKLOAD}`] };
    // Of the contract: the claim of a proven caller, and the id that joins the logs of both sides.
    const others = text.replaceAll(/"x-forwarded-client-cert"|"x-request-id":"[0-9a-f-]{36}"/g, '');
    assert.deepEqual(leaksIn(others, seen), [], text);
  });
});
