// Tests that an egress gateway is never an open proxy: whatever a local caller writes, it reaches the imports and nothing else.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { askOn } from '../../../deploy/demo/calls.ts';
import { LIMIT_MS } from '../../../deploy/demo/limit.ts';
import { formatHostPort } from '../../../src/host-port.ts';
import { Testbed } from '../../support/mesh.ts';
import { ACCOUNTS, type ProvenCallers, RATES, startProvenCallers, WEB } from '../callers/proven-callers.ts';

for (const plaintext of [true, false]) {
  describe(`an egress gateway with ${plaintext ? 'plaintext' : 'proven'} callers is no proxy`, () => {
    let bed: Testbed;
    let meshes: ProvenCallers;
    /** Where nobody may get through the gateway. */
    let decoy: Server;
    let reached = 0;

    before(async () => {
      bed = await Testbed.create();
      meshes = await startProvenCallers(bed, { plaintext });
      decoy = createServer((socket) => {
        reached += 1;
        socket.destroy();
      });
      decoy.listen(0, meshes.egress.host);
      await once(decoy, 'listening');
    });

    after(async () => {
      decoy.close();
      await bed.close();
    });

    const target = (): string => formatHostPort({ ...meshes.egress, port: (decoy.address() as AddressInfo).port });

    function dial(servername = ACCOUNTS): Socket {
      return plaintext
        ? connect(meshes.egress)
        : connectTls({
            ...meshes.egress,
            servername,
            rejectUnauthorized: false,
            ALPNProtocols: ['http/1.1'],
            ...meshes.workload(WEB),
          });
    }

    /** The status line of the first answer to these bytes, or '' when the connection ends without one. */
    async function statusOf(bytes: string, servername?: string): Promise<string> {
      const socket = dial(servername);
      let received = '';
      socket.on('error', () => undefined).on('data', (data) => (received += data.toString('latin1')));
      socket.write(bytes);
      try {
        const ended = once(socket, 'close', { signal: AbortSignal.timeout(LIMIT_MS) });
        while (!received.includes('\r\n')) {
          if (socket.closed) break;
          await Promise.race([ended, once(socket, 'data')]);
        }
      } finally {
        socket.destroy();
      }
      return received.split('\r\n', 1)[0] ?? '';
    }

    const raw: Record<string, (decoy: string) => string> = {
      'an absolute URL of another host': (to) => `GET http://${to}/ HTTP/1.1\r\nhost: ${to}\r\n\r\n`,
      'an absolute URL of another host beside the right Host': (to) =>
        `GET http://${to}/ HTTP/1.1\r\nhost: ${ACCOUNTS}\r\n\r\n`,
      'an absolute URL of an import': () => `GET http://${ACCOUNTS}/ HTTP/1.1\r\nhost: ${ACCOUNTS}\r\n\r\n`,
      'CONNECT to another host': (to) => `CONNECT ${to} HTTP/1.1\r\nhost: ${to}\r\n\r\n`,
      'CONNECT to an import': () => `CONNECT ${ACCOUNTS}:443 HTTP/1.1\r\nhost: ${ACCOUNTS}:443\r\n\r\n`,
      'the Host of another': (to) => `GET / HTTP/1.1\r\nhost: ${to}\r\n\r\n`,
      'an IP literal': () => 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n',
      'an IPv6 literal': () => 'GET / HTTP/1.1\r\nhost: [::1]\r\n\r\n',
      'the peer’s authority': () => 'GET / HTTP/1.1\r\nhost: accounts.exports.bank.example\r\n\r\n',
      'a user before another host': (to) => `GET / HTTP/1.1\r\nhost: ${ACCOUNTS}@${to}\r\n\r\n`,
      'a user before the import': (to) => `GET / HTTP/1.1\r\nhost: ${to}@${ACCOUNTS}\r\n\r\n`,
      'two Hosts': (to) => `GET / HTTP/1.1\r\nhost: ${ACCOUNTS}\r\nhost: ${to}\r\n\r\n`,
      'no Host': () => 'GET / HTTP/1.1\r\n\r\n',
      'HTTP/1.0': () => `GET / HTTP/1.0\r\nhost: ${ACCOUNTS}\r\n\r\n`,
      'a name below the import': () => `GET / HTTP/1.1\r\nhost: x.${ACCOUNTS}\r\n\r\n`,
      'a WebSocket upgrade': () =>
        `GET / HTTP/1.1\r\nhost: ${ACCOUNTS}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    };
    for (const [what, bytes] of Object.entries(raw)) {
      test(`HTTP/1.1 with ${what} is refused, and reaches nobody`, async () => {
        const [before, seen] = [reached, meshes.backend.seen.length];
        assert.match(await statusOf(bytes(target())), /^(HTTP\/1\.1 4\d\d .*)?$/);
        assert.deepEqual([reached, meshes.backend.seen.length], [before, seen]);
      });
    }

    test('An offer to upgrade to h2c is ignored, and the request is answered', async () => {
      const offer = 'connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n';
      assert.match(await statusOf(`GET / HTTP/1.1\r\nhost: ${ACCOUNTS}\r\n${offer}\r\n`), /^HTTP\/1\.1 200 /);
      assert.equal(meshes.backend.seen.at(-1)?.headers['upgrade'], undefined);
    });

    const http2: Record<string, (decoy: string) => Readonly<Record<string, string>>> = {
      'another authority': (to) => ({ ':authority': to }),
      'an authority with a user': (to) => ({ ':authority': `${ACCOUNTS}@${to}` }),
      'a user before the import': (to) => ({ ':authority': `${to}@${ACCOUNTS}` }),
      'another Host beside the authority of none': (to) => ({ ':authority': 'nobody', host: to }),
      'an absolute URL as its path': (to) => ({ ':authority': ACCOUNTS, ':path': `http://${to}/` }),
      'the scheme of another protocol': (to) => ({ ':authority': to, ':scheme': 'ftp' }),
    };
    for (const [what, headers] of Object.entries(http2)) {
      test(`HTTP/2 with ${what} is refused, and reaches nobody`, async () => {
        const [before, seen] = [reached, meshes.backend.seen.length];
        const session = connectHttp2('http://gateway', { createConnection: () => dialHttp2() });
        session.on('error', () => undefined);
        const { ':authority': authority = '', ...others } = headers(target());
        const outcome = await askOn(session, 'http', authority, { headers: others }).then(
          ({ status }) => status,
          () => 400,
        );
        session.destroy();
        assert.ok(outcome >= 400 && outcome < 500, String(outcome));
        assert.deepEqual([reached, meshes.backend.seen.length], [before, seen]);
      });
    }

    test('HTTP/2 CONNECT is refused, and reaches nobody', async () => {
      const before = reached;
      const session = connectHttp2('http://gateway', { createConnection: () => dialHttp2() });
      session.on('error', () => undefined);
      const stream = session.request({ ':method': 'CONNECT', ':authority': target() });
      stream.on('error', () => undefined);
      let status = 0;
      stream.on('response', (answer) => (status = Number(answer[':status'])));
      await Promise.race([once(stream, 'response'), once(stream, 'close')]);
      session.destroy();
      assert.ok(status === 0 || status >= 400, String(status));
      assert.equal(reached, before);
    });

    function dialHttp2(): Socket {
      return plaintext
        ? connect(meshes.egress)
        : connectTls({ ...meshes.egress, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...meshes.workload(WEB) });
    }

    if (!plaintext) {
      test('The server name of the handshake chooses nothing: the Host does, and its clients count', async () => {
        const get = (host: string): string => `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
        assert.match(await statusOf(get(ACCOUNTS), RATES), /^HTTP\/1\.1 200 /);
        assert.match(await statusOf(get(RATES), ACCOUNTS), /^HTTP\/1\.1 403 /);
        assert.match(await statusOf(get(ACCOUNTS), 'nobody.example'), /^HTTP\/1\.1 200 /);
      });

      test('Plaintext at a port whose callers have to prove who they are gets no byte', async () => {
        const socket = connect(meshes.egress);
        let received = '';
        socket.on('error', () => undefined).on('data', (data) => (received += data.toString('latin1')));
        socket.write(`GET / HTTP/1.1\r\nhost: ${ACCOUNTS}\r\n\r\n`);
        await once(socket, 'close', { signal: AbortSignal.timeout(LIMIT_MS) });
        assert.doesNotMatch(received, /HTTP/);
      });
    }
  });
}
