// Two files that do not fit together, on running gateways: an export of TCP that is imported as HTTP.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { formatHostPort } from '../../../src/host-port.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { LOCAL_NAME, type Pair, startPair, statusOf } from '../pair.ts';

describe('an export of TCP that the peer imports as HTTP', () => {
  let bed: Testbed;
  let pair: Pair;
  let connections = 0;
  const backend = createServer((socket) => {
    connections += 1;
    socket.on('error', () => 0).end('banner\n');
  });

  before(async () => {
    bed = await Testbed.create();
    const [ingress, at] = [await bed.address(), await bed.address()];
    backend.listen(at.port, at.host);
    await once(backend, 'listening');
    pair = await startPair(bed, ingress, at);
    pair.bank.edit((yaml) =>
      yaml.replace(
        /^- \{name: accounts.*$/m,
        `- {name: accounts, protocol: tcp, backend: "${formatHostPort(at)}", consumers: [{peer: shop}]}`,
      ),
    );
    await pair.bank.settled();
  });

  after(async () => {
    backend.close();
    await bed.close();
  });

  test('Its callers are refused, its backend sees nothing, and the log of both gateways has the refusal', async () => {
    await eventually('the caller is refused', async () => (await statusOf(pair.egress, 'GET', '/')) === 403);
    const before = connections;
    assert.equal(await statusOf(pair.egress, 'GET', '/'), 403);
    assert.equal(connections, before);
    await eventually('both logs have it', () => {
      const lines = [pair.bank.log('ingress'), pair.shop.log('egress')].map((log) =>
        log.findLast((line) => JSON.stringify(line).includes('"code":403')),
      );
      return (
        JSON.stringify(lines[0] ?? '').includes('accounts.exports.bank.example') &&
        JSON.stringify(lines[1] ?? '').includes(LOCAL_NAME)
      );
    });
  });
});
