// The admin port itself: what goes over the wire, and how it ends.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/admin-server.ts';

interface Seen {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function serving(t: TestContext): Promise<AdminServer> {
  const views = {
    ready: () => true,
    metrics: () => 'postern_peers 2\n',
    status: () => undefined,
    resources: () => undefined,
  };
  const server = await startAdminServer({ host: '127.0.0.1', port: 0 }, views);
  t.after(() => server.stop());
  return server;
}

async function ask(port: number, path: string, method = 'GET', host = '127.0.0.1'): Promise<Seen> {
  return await new Promise((fulfil, reject) => {
    request({ host: '127.0.0.1', port, path, method, headers: { host } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => fulfil({ status: response.statusCode, headers: response.headers, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the admin server', () => {
  test('The admin server answers with type and body, and forbids caching and content sniffing', async (t) => {
    const { status, headers, body } = await ask((await serving(t)).port, '/metrics');
    assert.deepEqual([status, body], [200, 'postern_peers 2\n']);
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers.allow, undefined);
  });

  test('HEAD has the headers and no body', async (t) => {
    const { status, headers, body } = await ask((await serving(t)).port, '/metrics', 'HEAD');
    assert.deepEqual([status, body], [200, '']);
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  });

  test('A 405 response names the allowed methods, as HTTP requires', async (t) => {
    const { status, headers } = await ask((await serving(t)).port, '/status', 'DELETE');
    assert.deepEqual([status, headers.allow], [405, 'GET, HEAD']);
  });

  test('The admin server refuses a foreign Host header', async (t) => {
    assert.equal((await ask((await serving(t)).port, '/metrics', 'GET', 'evil.example')).status, 403);
  });

  test('A port that is already in use fails with LISTEN_FAILED', async (t) => {
    const { port } = await serving(t);
    const views = { ready: () => true, metrics: () => '', status: () => undefined, resources: () => undefined };
    await assert.rejects(startAdminServer({ host: '127.0.0.1', port }, views), { code: 'LISTEN_FAILED' });
  });

  test('Idle connections neither keep new clients out nor cut off a client that is being answered', async (t) => {
    let release = (_: string): void => undefined;
    const slow = new Promise<string>((fulfil) => {
      release = fulfil;
    });
    const server = await startAdminServer(
      { host: '127.0.0.1', port: 0 },
      { ready: () => true, metrics: () => slow, status: () => undefined, resources: () => undefined },
    );
    t.after(() => server.stop());
    const asked = ask(server.port, '/metrics');
    // Half a request is none.
    for (const said of ['', 'GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\n']) {
      for (let count = 0; count < 130; count += 1) {
        const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
        t.after(() => socket.destroy());
        await once(socket, 'connect');
        socket.write(said);
      }
      assert.equal((await ask(server.port, '/readyz')).status, 200);
    }
    release('postern_peers 3\n');
    assert.equal((await asked).body, 'postern_peers 3\n');
  });

  test('A new connection is accepted although all others wait for answers', async (t) => {
    let asked = 0;
    let allAsked = (): void => undefined;
    const waiting = new Promise<void>((fulfil) => {
      allAsked = fulfil;
    });
    const metrics = (): Promise<string> => {
      asked += 1;
      if (asked === 100) allAsked();
      return new Promise(() => undefined);
    };
    const views = { ready: () => true, metrics, status: () => undefined, resources: () => undefined };
    const server = await startAdminServer({ host: '127.0.0.1', port: 0 }, views);
    t.after(() => server.stop());
    for (let count = 0; count < 100; count += 1) {
      const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
      t.after(() => socket.destroy());
      socket.write('GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    }
    await waiting;
    assert.equal((await ask(server.port, '/readyz')).status, 200);
  });

  test('The admin server stops although a client keeps its connection, and answers nothing after that', async (t) => {
    const server = await serving(t);
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/healthz`)).status, 200);
    await server.stop();
    await assert.rejects(ask(server.port, '/healthz'), { code: 'ECONNREFUSED' });
  });
});
