// Two files that do not fit together, on running gateways: an export of TCP that is imported as HTTP, and the other way round.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { CheckReport } from '../../../src/cli/peer-check/check-text.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { postern } from '../../cli/postern.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { LOCAL_NAME, type Pair, startPair, statusOf } from '../pair.ts';

describe('two protocols for one export', () => {
  let bed: Testbed;
  let pair: Pair;
  let at: HostPort;
  let asHttp: string;
  let connections = 0;
  const backend = createServer((socket) => {
    connections += 1;
    socket.on('error', () => 0).end('banner\n');
  });

  before(async () => {
    bed = await Testbed.create();
    const ingress = await bed.address();
    at = await bed.address();
    backend.listen(at.port, at.host);
    await once(backend, 'listening');
    pair = await startPair(bed, ingress, at);
    asHttp = pair.bank.yaml;
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

  /** What `check peer` says: its exit status, and each code with what it is about. */
  async function checked(): Promise<readonly unknown[]> {
    const { status, stdout } = await postern(['check', 'peer', 'bank', '-f', pair.shop.place.file, '-o', 'json']);
    const { ways, mismatches = [] } = JSON.parse(stdout) as CheckReport;
    return [
      status,
      ...ways.flatMap(({ tcpImport, verdicts }) => verdicts.map(({ reason }) => [tcpImport, reason])),
      ...mismatches.map((one) => [one.import, one.reason]),
    ];
  }

  const inStatus = async (): Promise<readonly unknown[]> =>
    (await pair.shop.status()).peers
      .flatMap(({ reachability = [] }) => reachability)
      .map(({ tcpImport, reachable, reason }) => [tcpImport, reachable, reason]);

  test('Callers of an export of TCP that is imported as HTTP are refused, its backend sees nothing, and the log of both gateways has the refusal', async () => {
    await eventually('the caller is refused', async () => (await statusOf(pair.egress, 'GET', '/')) === 403);
    const before = connections;
    assert.equal(await statusOf(pair.egress, 'GET', '/'), 403);
    assert.equal(connections, before);
    await eventually('both logs have it', () => {
      const lines = [pair.bank.log('ingress'), pair.shop.log('egress')].map((log) =>
        log.findLast(({ code }) => code === 403),
      );
      return (
        JSON.stringify(lines[0] ?? '').includes('accounts.exports.bank.example') &&
        lines[0]?.['reason'] === 'NO_GRANT' &&
        JSON.stringify(lines[1] ?? '').includes(LOCAL_NAME) &&
        lines[1]?.['reason'] === 'ALLOWED'
      );
    });
  });

  test('The status has such a peer as reachable, and check peer names the import', async () => {
    await eventually('the peer is reachable', async () => {
      assert.deepEqual(await inStatus(), [[undefined, true, undefined]]);
      return true;
    });
    assert.deepEqual(await checked(), [1, ['accounts', 'WRONG_PROTOCOL']]);
  });

  test('The log, the status and check peer name an export of HTTP that is imported as TCP', async () => {
    pair.bank.write(asHttp);
    pair.shop.edit((yaml) => yaml.replace(/, protocol: http\b/, ', protocol: tcp'));
    await Promise.all([pair.bank.settled(), pair.shop.settled()]);
    const refused = [['accounts', false, 'UNKNOWN_SERVER_NAME']];
    await eventually('the status has it', async () => {
      const caller = connect(pair.egress).on('error', () => 0);
      await once(caller.resume(), 'close');
      const ofTcp = (await inStatus()).filter((one) => Array.isArray(one) && one[0] === 'accounts');
      assert.deepEqual(ofTcp, refused);
      return true;
    });
    const line = pair.shop.log('egress').findLast(({ layer }) => layer === 'tcp');
    assert.deepEqual([line?.['import'], line?.['reason']], ['accounts', 'UNKNOWN_SERVER_NAME']);
    assert.deepEqual(await checked(), [69, ['accounts', 'UNKNOWN_SERVER_NAME']]);
  });
});
