// What `check peer --request` makes of a peer that ends the request without an answer: gateways of this test, over real TLS.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { factsOf } from '../../../src/cli/peer-check/certificate-facts.ts';
import type { CheckedWay, CheckInput } from '../../../src/cli/peer-check/check-peer.ts';
import { checkRequest } from '../../../src/cli/peer-check/check-request.ts';
import type { AskedRequest, WantedRequest } from '../../../src/cli/peer-check/request.ts';
import { PrivateKeyPem } from '../../../src/trust/keys/private-key.ts';
import { parseCertificate } from '../../../src/trust/x509/certificate.ts';
import { LEAF_EXTENSIONS, type Made, Openssl } from '../../support/programs/openssl.ts';

const [THEIRS, OURS] = ['spiffe://bank.example/gateway/ingress', 'spiffe://shop.example/gateway/egress'];

type Answering = (stream: ServerHttp2Stream, connection: Socket) => void;

describe('the request of check peer', () => {
  const openssl = new Openssl();
  let bankCa: Made;
  let shopCa: Made;
  before(() => {
    [bankCa, shopCa] = [openssl.ca('bank.example'), openssl.ca('shop.example')];
  });
  after(() => openssl.close());

  const leaf = (signer: Made, uri: string): Made =>
    openssl.certificate({ signer, extensions: [...LEAF_EXTENSIONS, `subjectAltName = URI:${uri}`] });

  /** What comes of a request to a gateway that does this with it. */
  async function askedOf(answer: Answering): Promise<AskedRequest> {
    const [theirs, ours] = [leaf(bankCa, THEIRS), leaf(shopCa, OURS)];
    const server = createSecureServer({ cert: theirs.pem, key: theirs.keyPem, requestCert: true, ca: shopCa.pem });
    server.on('sessionError', () => undefined);
    let connection = new Socket();
    server.on('connection', (socket: Socket) => {
      connection = socket;
    });
    server.on('stream', (stream) =>
      answer(
        stream.on('error', () => undefined),
        connection,
      ),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const input = {
        peer: {
          ...{ name: 'bank', trustDomain: 'bank.example', gatewayIdentities: [THEIRS], leafKeys: ['ecdsa'] },
          bundle: { pem: bankCa.pem, certificates: [parseCertificate(bankCa.der)] },
          outboundServerName: 'shop.example.peers.bank.example',
        },
        ...{ ourDomain: 'shop.example', imports: [], source: { kind: 'issuer', key: 'ecdsa' }, addresses: [] },
        ours: { certificateChain: ours.pem, privateKey: new PrivateKeyPem(ours.keyPem), facts: factsOf(ours.der) },
      } as unknown as CheckInput;
      const { port } = server.address() as AddressInfo;
      const at = { host: '127.0.0.1', port, ip: '127.0.0.1' };
      const way: CheckedWay = { ...at, serverName: input.peer.outboundServerName, alpn: 'h2', verdicts: [] };
      const imported = { name: 'accounts', protocol: 'grpc', authority: 'accounts.exports.bank.example' };
      return await checkRequest(input, [way], { imported, method: 'POST', path: '/a.B/C' } as WantedRequest);
    } finally {
      server.close();
    }
  }

  const endings: Readonly<Record<string, Answering>> = {
    'GOAWAY with an error': (stream) => stream.session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0),
    'RST_STREAM with NO_ERROR': (stream) => stream.close(constants.NGHTTP2_NO_ERROR),
    'RST_STREAM with CANCEL': (stream) => stream.close(constants.NGHTTP2_CANCEL),
    'RST_STREAM with REFUSED_STREAM': (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
    'the end of the connection': (_, connection) => connection.destroy(),
    'the end of the session': (stream) => stream.session?.destroy(),
  };
  for (const [name, end] of Object.entries(endings))
    test(`${name} is a reset, and no silence`, async () => {
      const { reason, status } = await askedOf(end);
      assert.deepEqual({ reason, status }, { reason: 'PEER_RESET', status: undefined });
    });

  test('Silence is no reset', async () => {
    assert.equal((await askedOf(() => undefined)).reason, 'PEER_TIMEOUT');
  });

  test('A grpc-status is one number that gRPC knows, or is not said', async () => {
    const answering = (trailer: string | string[]): Promise<AskedRequest> =>
      askedOf((stream) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': trailer }));
        stream.end();
      });
    const texts = new Set<string>();
    for (const trailer of [['0', '0'], 'ok', '', '17', '00', '-1', '1e1', '9'.repeat(100)]) {
      const { reason, status, grpcStatus, text } = await answering(trailer);
      assert.deepEqual([reason, status, grpcStatus], ['ALLOWED', 200, undefined], String(trailer));
      texts.add(text);
    }
    assert.equal(texts.size, 1);
    for (const known of ['0', '9', '10', '16']) {
      const { grpcStatus, text } = await answering(known);
      assert.equal(grpcStatus, Number(known));
      assert.ok(!texts.has(text));
    }
  });
});
