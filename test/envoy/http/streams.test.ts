// What streams through both gateways: large bodies in constant memory, event streams, trailers, and every form of gRPC call.
// Must not: hold a large body in memory; it is made and hashed on the way. POSTERN_STREAM_MIB sets its size (1024: 1 GiB).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { freePorts } from '../../../deploy/demo/ports.ts';
import { eventually } from '../../support/mesh.ts';
import { type Ca, MeshUnderTest } from '../pipeline.ts';
import { RealEnvoy } from '../real-envoy.ts';
import { staticBootstrap } from '../static-bootstrap.ts';

const MIB = 1024 * 1024;
const SIZE = Number(process.env['POSTERN_STREAM_MIB'] ?? 96) * MIB;
/** How much a gateway may grow while one stream of any length passes: windows and buffers, far less than the stream. */
const MOST_GROWTH = 64 * MIB;

/** Bytes that differ from place to place, so that a lost or repeated piece changes the digest. */
function* generated(size: number): Generator<Buffer> {
  const piece = Buffer.alloc(64 * 1024);
  for (let at = 0; at < size; at += piece.length) {
    for (let index = 0; index < piece.length; index += 4096) piece.writeUInt32LE(at + index, index);
    yield Buffer.from(piece);
  }
}

async function digestOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const data of stream) hash.update(data);
  return hash.digest('hex');
}

const METHOD = { requestSerialize: (text: Buffer) => text, requestDeserialize: (text: Buffer) => text };
const definition = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${path}`,
  requestStream,
  responseStream,
  ...METHOD,
  responseSerialize: METHOD.requestSerialize,
  responseDeserialize: METHOD.requestDeserialize,
});
const ECHO = {
  unary: definition('Unary', false, false),
  upload: definition('Upload', true, false),
  download: definition('Download', false, true),
  both: definition('Both', true, true),
};

describe('streams through both gateways', () => {
  const running: RealEnvoy[] = [];
  const cancelled: string[] = [];
  let answer: (asked: IncomingMessage, response: ServerResponse) => void = (_, response) => void response.end();
  const backend = createServer((asked, response) => answer(asked, response));
  const h2c = createHttp2Server();
  const server = new grpc.Server();
  let local = 0;

  before(async () => {
    backend.listen(0, '127.0.0.1');
    h2c.listen(0, '127.0.0.1');
    await Promise.all([once(backend, 'listening'), once(h2c, 'listening')]);
    const never = (call: { on(event: 'cancelled', listener: () => void): unknown }, name: string) =>
      call.on('cancelled', () => cancelled.push(name));
    server.addService(ECHO, {
      unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
        if (call.request.toString() === 'never') return void never(call, 'unary');
        const trailers = new grpc.Metadata();
        trailers.set('x-trailer', 'said');
        if (call.request.toString() === 'fail') return done({ code: grpc.status.NOT_FOUND, details: 'no such rate' });
        done(null, call.request, trailers);
      },
      upload: (call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
        let count = 0;
        call.on('data', () => (count += 1));
        call.on('end', () => done(null, Buffer.from(String(count))));
      },
      download: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
        const count = Number(call.request.toString());
        for (let at = 0; at < count; at += 1) call.write(Buffer.from(String(at)));
        if (count === 1) never(call, 'download');
        else call.end();
      },
      both: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (data: Buffer) => call.write(data));
        call.on('end', () => call.end());
      },
    });
    const rates = await new Promise<number>((done, failed) =>
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
        error === null ? done(port) : failed(error),
      ),
    );
    const [port = 0, egress = 0, adminA = 0, adminB = 0] = await freePorts('127.0.0.1', 4);
    local = egress;
    const at = (one: { address(): unknown }): string => `127.0.0.1:${(one.address() as AddressInfo).port}`;
    const cas = new Map<string, Ca>();
    const all = 'methods: [GET, HEAD, POST, PUT], paths: [/*]';
    const bank = `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: files, backend: "${at(backend)}", consumers: [{peer: shop, ${all}}]}
- {name: h2c, protocol: http2, backend: "${at(h2c)}", consumers: [{peer: shop, ${all}}]}
- {name: rates, protocol: grpc, backend: "127.0.0.1:${rates}", consumers: [{peer: shop, paths: [/*]}]}
`;
    const shop = `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers:
  bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]}
imports:
- {peer: bank, name: files, as: files.bank, port: ${local}}
- {peer: bank, name: h2c, as: h2c.bank, port: ${local}, protocol: http2}
- {peer: bank, name: rates, as: rates.bank, port: ${local}, protocol: grpc}
`;
    const meshes = [bank, shop].map((yaml) => new MeshUnderTest(yaml, cas, Date.now()));
    for (const [mesh, role, admin] of [
      [meshes[0], 'ingress', adminA],
      [meshes[1], 'egress', adminB],
    ] as const)
      running.push(await RealEnvoy.start(staticBootstrap(mesh?.resources(role) ?? [], admin), admin));
  });

  after(async () => {
    await Promise.all(running.map((envoy) => envoy.stop()));
    server.forceShutdown();
    h2c.close();
    backend.close();
    backend.closeAllConnections();
  });

  const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
    request({
      host: '127.0.0.1',
      port: local,
      method,
      path,
      agent: false,
      headers: { host: 'files.bank', ...headers },
    });

  async function responseTo(sent: ReturnType<typeof ask>): Promise<IncomingMessage> {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  }

  /** The resident memory of each gateway, in bytes. */
  const resident = (): readonly number[] =>
    running.map(({ pid }) => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]));

  /** The most that each gateway grew while this went on. */
  async function growthDuring(work: () => Promise<void>): Promise<number> {
    const start = resident();
    let most = 0;
    const timer = setInterval(() => {
      for (const [at, bytes] of resident().entries()) most = Math.max(most, bytes - (start[at] ?? 0));
    }, 20);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
    return most;
  }

  test(`A download and an upload of ${SIZE / MIB} MiB arrive whole, and the memory of the gateways stays flat`, async (t) => {
    const expected = await digestOf(Readable.from(generated(SIZE)));
    const uploads: Promise<string>[] = [];
    answer = (asked, response) => {
      if (asked.method === 'GET') return void Readable.from(generated(SIZE)).pipe(response);
      uploads.push(digestOf(asked).finally(() => response.end()));
    };
    const download = await growthDuring(async () => {
      const response = await responseTo(ask('GET', '/large').end());
      assert.equal(response.statusCode, 200);
      assert.equal(await digestOf(response), expected);
    });
    const upload = await growthDuring(async () => {
      const sent = ask('PUT', '/large');
      Readable.from(generated(SIZE)).pipe(sent);
      assert.equal((await responseTo(sent)).resume().statusCode, 200);
      assert.equal(await uploads[0], expected);
    });
    t.diagnostic(`growth: download ${download / MIB} MiB, upload ${upload / MIB} MiB`);
    assert.ok(download < MOST_GROWTH && upload < MOST_GROWTH, `${download}, ${upload}`);
  });

  test('Each event of an event stream arrives before the next is sent', async () => {
    let stream: ServerResponse | undefined;
    answer = (_, response) => {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 0\n\n');
    };
    const response = await responseTo(ask('GET', '/events').end());
    assert.equal(response.headers['content-type'], 'text/event-stream');
    const events: string[] = [];
    response.on('data', (data: Buffer) => events.push(data.toString()));
    for (let at = 0; at < 5; at += 1) {
      await eventually(`event ${at}`, () => events.length === at + 1 && events[at] === `data: ${at}\n\n`);
      stream?.write(`data: ${at + 1}\n\n`);
    }
    // The backend learns that its listener has gone.
    const closed = once(stream as ServerResponse, 'close');
    response.destroy();
    await closed;
  });

  test('A caller that waits for 100 (Continue) gets it, and its body arrives', async () => {
    answer = (asked, response) => void digestOf(asked).then((digest) => response.end(digest));
    const body = Buffer.alloc(MIB, 'b');
    const sent = ask('POST', '/expect', { expect: '100-continue', 'content-length': String(body.length) });
    sent.flushHeaders();
    await once(sent, 'continue');
    const answered = responseTo(sent);
    sent.end(body);
    const response = await answered;
    assert.equal(response.statusCode, 200);
    let digest = '';
    for await (const data of response) digest += String(data);
    assert.equal(digest, createHash('sha256').update(body).digest('hex'));
  });

  test('HEAD gets the headers of GET, with the length, and no body', async () => {
    answer = (asked, response) => {
      response.writeHead(200, { 'content-length': '12345', etag: '"a"' });
      response.end(asked.method === 'HEAD' ? undefined : Buffer.alloc(12345));
    };
    for (const method of ['GET', 'HEAD']) {
      const response = await responseTo(ask(method, '/head').end());
      assert.deepEqual(
        [response.statusCode, response.headers['content-length'], response.headers.etag],
        [200, '12345', '"a"'],
      );
      let size = 0;
      for await (const data of response) size += (data as Buffer).length;
      assert.equal(size, method === 'GET' ? 12345 : 0);
    }
  });

  test('Trailers of requests and responses pass between a caller and a backend that speak HTTP/2', async () => {
    h2c.once('stream', (stream) => {
      stream.once('trailers', (got) => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.once('wantTrailers', () => stream.sendTrailers({ 'x-answered': String(got['x-asked']) }));
        stream.end('served');
      });
      stream.resume();
    });
    const session = connectHttp2(`http://127.0.0.1:${local}`);
    try {
      const headers = { ':method': 'POST', ':path': '/', ':authority': 'h2c.bank', te: 'trailers' };
      const stream = session.request(headers, { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.sendTrailers({ 'x-asked': 'so' }));
      stream.resume().end('asked');
      const [got] = (await once(stream, 'trailers')) as [Record<string, unknown>];
      assert.equal(got['x-answered'], 'so');
    } finally {
      session.close();
    }
  });

  describe('gRPC', () => {
    const client = (): grpc.Client & Record<string, (...args: readonly unknown[]) => unknown> => {
      const Client = grpc.makeGenericClientConstructor(ECHO, 'test.Echo');
      const options = { 'grpc.default_authority': 'rates.bank' };
      return new Client(`127.0.0.1:${local}`, grpc.credentials.createInsecure(), options) as never;
    };

    const unary = (text: string, options: grpc.CallOptions = {}) => {
      const caller = client();
      let call: grpc.ClientUnaryCall | undefined;
      const result = new Promise<{ code: number; details?: string; text?: string; trailers?: grpc.Metadata }>(
        (done) => {
          let trailers: grpc.Metadata | undefined;
          call = caller.makeUnaryRequest(
            ECHO.unary.path,
            ECHO.unary.requestSerialize,
            ECHO.unary.responseDeserialize,
            Buffer.from(text),
            new grpc.Metadata(),
            options,
            (error, value) => {
              caller.close();
              if (error) return done({ code: error.code, details: error.details });
              done({ code: 0, text: String(value), ...(trailers && { trailers }) });
            },
          );
          call.on('status', (status: grpc.StatusObject) => (trailers = status.metadata));
        },
      );
      return { result, cancel: () => call?.cancel() };
    };

    test('A unary call is answered, and so is one that fails, in the backend’s words', async () => {
      assert.equal((await unary('hello').result).text, 'hello');
      const { code, details } = await unary('fail').result;
      assert.deepEqual([code, details], [grpc.status.NOT_FOUND, 'no such rate']);
    });

    test('A client’s stream, a server’s stream and both at once pass, each message when it is sent', async () => {
      const caller = client();
      const upload = new Promise<string>((done, failed) => {
        const call = caller.makeClientStreamRequest(
          ECHO.upload.path,
          ECHO.upload.requestSerialize,
          ECHO.upload.responseDeserialize,
          new grpc.Metadata(),
          (error, value) => (error ? failed(error) : done(String(value))),
        );
        for (let at = 0; at < 1000; at += 1) call.write(Buffer.alloc(1000));
        call.end();
      });
      assert.equal(await upload, '1000');
      const { download, both } = ECHO;
      const got: string[] = [];
      for await (const data of caller.makeServerStreamRequest(
        download.path,
        download.requestSerialize,
        download.responseDeserialize,
        Buffer.from('1000'),
      ))
        got.push(String(data));
      assert.deepEqual([got.length, got.at(-1)], [1000, '999']);
      const call = caller.makeBidiStreamRequest(both.path, both.requestSerialize, both.responseDeserialize);
      for (let at = 0; at < 5; at += 1) {
        call.write(Buffer.from(String(at)));
        const [data] = (await once(call, 'data')) as [Buffer];
        assert.equal(data.toString(), String(at));
      }
      call.resume().end();
      await once(call, 'end');
      caller.close();
    });

    test('A deadline ends the call at the caller and at the backend', async () => {
      cancelled.length = 0;
      assert.equal((await unary('never', { deadline: Date.now() + 500 }).result).code, grpc.status.DEADLINE_EXCEEDED);
      await eventually('the backend learns of it', () => cancelled.includes('unary'));
    });

    test('A call that its caller cancels ends at the backend, also while it streams', async () => {
      cancelled.length = 0;
      const { download } = ECHO;
      const caller = client();
      const call = caller.makeServerStreamRequest(
        download.path,
        download.requestSerialize,
        download.responseDeserialize,
        Buffer.from('1'),
      );
      call.on('error', () => undefined);
      await once(call, 'data');
      call.cancel();
      await eventually('the backend learns of it', () => cancelled.includes('download'));
      caller.close();
    });
  });
});
