// The health check of `postern check peer` against a gateway that pushes what nobody asked for.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { healthOf } from '../../../src/cli/peer-check/health.ts';
import { PrivateKeyPem } from '../../../src/trust/keys/private-key.ts';
import { leaf, rsaCa } from '../../support/leaf.ts';

/** A frame of HTTP/2 (RFC 9113, 4.1). */
function frame(type: number, flags: number, stream: number, payload: readonly number[] = []): Buffer {
  const head = Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]);
  return Buffer.concat([head, Buffer.from(payload)]);
}

const SETTINGS = frame(4, 0, 0);
const SETTINGS_ACK = frame(4, 1, 0);
/** Status 200 on the stream of the request, with nothing after it (HPACK's static table). */
const ANSWER = frame(1, 5, 1, [0x88]);
/** The gateway promises stream 2 (GET https://x/), begins it, and resets it with an error. */
const PUSHED = [
  frame(5, 4, 1, [0, 0, 0, 2, 0x82, 0x87, 0x41, 1, 'x'.charCodeAt(0), 0x84]),
  frame(1, 4, 2, [0x88]),
  frame(3, 0, 2, [0, 0, 0, 2]),
];

describe('the health check of a peer', () => {
  let ca: string;
  before(() => {
    ca = mkdtempSync(join(tmpdir(), 'postern-health-'));
    rsaCa(ca, 'bank.example');
  });
  after(() => rmSync(ca, { recursive: true }));

  /** What the check makes of a gateway that sends these frames once it has seen the request. */
  async function healthFrom(frames: readonly Buffer[]): Promise<number | undefined> {
    const shown = leaf({ ca, caTrustDomain: 'bank.example', uris: ['spiffe://bank.example/gateway/ingress'] });
    const server = createServer({ ...shown, ALPNProtocols: ['h2'] }, (socket: TLSSocket) => {
      socket.on('error', () => undefined);
      let bytes = Buffer.alloc(0);
      socket.on('data', (data: Buffer) => {
        bytes = Buffer.concat([bytes, data]);
        // A frame HEADERS of stream 1.
        if (bytes.includes(Buffer.from([1, 5, 0, 0, 0, 1]))) socket.write(Buffer.concat([SETTINGS_ACK, ...frames]));
      });
      socket.write(SETTINGS);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const wanted = {
        ...{ ip: '127.0.0.1', port: (server.address() as AddressInfo).port, serverName: 'name', alpn: 'h2' },
        ...{ bundle: shown.cert, signatureAlgorithms: ['ECDSA+SHA256'], firstBytes: Buffer.alloc(0) },
        ours: { certificateChain: shown.cert, privateKey: new PrivateKeyPem(shown.key) },
      };
      return await healthOf(wanted, 'gateway-health.bank.example', '/healthz');
    } finally {
      server.close();
    }
  }

  test('An answer is its status, and a gateway that pushes a stream has none and ends no process', async () => {
    assert.equal(await healthFrom([ANSWER]), 200);
    assert.equal(await healthFrom([...PUSHED, ANSWER]), undefined);
  });
});
