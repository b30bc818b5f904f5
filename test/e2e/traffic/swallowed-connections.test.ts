// A peer with addresses that swallow connections or show an expired certificate: callers are served by the one that is good, and while
// there is none, they have their 503 after a few attempts.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createServer, type Server } from 'node:tls';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { BlackHole } from '../../support/black-hole.ts';
import { leaf } from '../../support/leaf.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { type Pair, startPairBefore, statusOf } from '../pair.ts';

const HOUR = 60 * 60 * 1000;

describe('a peer with addresses of which some are bad', () => {
  let bed: Testbed;
  let pair: Pair & { readonly ingress: HostPort; close(): void };
  let hole: BlackHole;
  let expired: Server;
  let expiredAt: HostPort;
  /** Of the TCP import. */
  let ledger: HostPort;

  before(async () => {
    bed = await Testbed.create();
    hole = await BlackHole.open(await bed.address());
    // No connection to the good address is open before a test dials it: a change of addresses ends none.
    pair = await startPairBefore(bed, (_, response) => void response.end('served'), { front: hole.address });
    expiredAt = await bed.address();
    const ca = bed.pki('bank.example');
    const uris = ['spiffe://bank.example/gateway/ingress'];
    const shown = leaf({ ca, caTrustDomain: 'bank.example', uris, expiresIn: -HOUR });
    expired = createServer({ ...shown, ALPNProtocols: ['h2', 'postern-tcp'], requestCert: true });
    expired.on('tlsClientError', () => undefined).listen(expiredAt.port, expiredAt.host);
    await once(expired, 'listening');
    ledger = { host: pair.egress.host, port: await bed.port() };
  });

  after(async () => {
    pair.close();
    expired.close();
    await hole.close();
    await bed.close();
  });

  /** Until the egress dials these and no others. */
  async function dial(...addresses: readonly HostPort[]): Promise<void> {
    const wanted = addresses.map(formatHostPort);
    const listed = wanted.map((address) => `"${address}"`).join(', ');
    pair.shop.write(pair.shop.yaml.replace(/addresses: \[[^\]]*\]/, `addresses: [${listed}]`));
    await eventually('the egress has the addresses', async () => {
      const clusters = await pair.shop.envoyAdmin('egress', '/clusters');
      const known = clusters.matchAll(/^dial\/bank@[^:]*::(\d[\d.]*:\d+)::cx_active/gm);
      assert.deepEqual([...known].map(([, address]) => address).sort(), wanted.sort());
      return true;
    });
  }

  /** What the tunnel's lines have: attempts of all, and each reason of each address. */
  function dialled(from: number): { readonly attempts: number; readonly reasons: ReadonlySet<string> } {
    const lines = pair.shop
      .log('egress')
      .slice(from)
      .filter(({ layer }) => layer === 'tunnel');
    return {
      attempts: lines.reduce((sum, { attempts = 1 }) => sum + Number(attempts), 0),
      reasons: new Set(lines.map(({ upstream, reason }) => `${upstream} ${reason}`)),
    };
  }

  const attempts = { POST: 2, GET: 4 } as const;
  for (const [method, expected] of Object.entries(attempts))
    for (const what of ['swallows connections', 'refuses them at once'])
      test(`A ${method} to a peer whose only address ${what} has its 503 after ${expected} attempts`, async () => {
        const address = what.startsWith('swallows') ? hole.address : { host: '127.0.0.1', port: 1 };
        await dial(address);
        const from = pair.shop.log('egress').length;
        assert.equal(await statusOf(pair.egress, method, '/'), 503);
        await eventually('the lines of its connections', () => dialled(from).attempts >= expected);
        assert.equal(dialled(from).attempts, expected);
        assert.deepEqual(dialled(from).reasons, new Set([`${formatHostPort(address)} PEER_DOWN`]));
      });

  test('While no address is good, the status and the log have the reason of each', async () => {
    await dial(hole.address, expiredAt);
    const from = pair.shop.log('egress').length;
    await eventually('a reason for each address', async () => {
      assert.equal(await statusOf(pair.egress, 'POST', '/'), 503);
      const [first] = await reachability();
      assert.deepEqual(
        // The addresses of the tests before have failed within the last minute, too.
        first?.addresses
          ?.filter(({ address }) => [hole.address, expiredAt].map(formatHostPort).includes(address))
          .map(({ address, reason, refusedBy }) => [address, reason, refusedBy]),
        [
          [formatHostPort(hole.address), 'PEER_DOWN', 'nobody'],
          [formatHostPort(expiredAt), 'CERTIFICATE_EXPIRED', 'us'],
        ].sort(),
      );
      // What somebody has to correct stands for the peer.
      assert.equal(first?.reason, 'CERTIFICATE_EXPIRED');
      assert.deepEqual(
        dialled(from).reasons,
        new Set([`${formatHostPort(hole.address)} PEER_DOWN`, `${formatHostPort(expiredAt)} CERTIFICATE_EXPIRED`]),
      );
      return true;
    });
  });

  test('Every request, and every connection of TCP, is served by the good one of three addresses', async () => {
    pair.bank.edit((yaml) =>
      yaml.concat(`- {name: ledger, protocol: tcp, backend: "${backend(yaml)}", consumers: [{peer: shop}]}\n`),
    );
    pair.shop.edit((yaml) =>
      yaml.concat(`- {peer: bank, name: ledger, as: ledger.bank, port: ${ledger.port}, protocol: tcp}\n`),
    );
    await dial(hole.address, expiredAt, pair.ingress);
    const asked = Array.from({ length: 20 }, (_, index) =>
      statusOf(pair.egress, index % 2 === 0 ? 'GET' : 'POST', '/'),
    );
    assert.deepEqual(new Set(await Promise.all(asked)), new Set([200]));
    await eventually('the TCP import is there', () => touch(ledger));
    const connected = await Promise.all(Array.from({ length: 4 }, () => touch(ledger)));
    assert.deepEqual(connected, [true, true, true, true]);
    await eventually('the peer is reachable', async () => (await reachability())[0]?.reachable === true);
  });

  async function reachability() {
    const { peers } = await pair.shop.status();
    return (peers[0]?.reachability ?? []).filter(({ tcpImport }) => tcpImport === undefined);
  }
});

function backend(yaml: string): string {
  return /backend: "([^"]*)"/.exec(yaml)?.[1] ?? '';
}

/** Whether a connection of TCP is answered. */
function touch(address: HostPort): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(address, () => socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
    let isAnswered = false;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      isAnswered = true;
    });
    socket.on('close', () => done(isAnswered));
  });
}
