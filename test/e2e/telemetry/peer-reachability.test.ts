// What the control plane learns from its egress gateways: whether each peer can be reached, and if not, which side refuses what.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { PeerReachability } from '../../../src/admin/status-view.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { type Ended, postern } from '../../cli/postern.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { type Pair, startPair, statusOf } from '../pair.ts';

for (const workers of [1, 2])
  describe(`the reachability of a peer, as ${workers} process${workers === 1 ? '' : 'es'} hear${workers === 1 ? 's' : ''} of it`, () => {
    let bed: Testbed;
    let pair: Pair;
    let target: HostPort;
    let ingress: HostPort;

    before(async () => {
      bed = await Testbed.create();
      await Promise.all(['bank.example', 'shop.example'].map((name) => bed.caInto(bed.pki(`other-${name}`), name)));
      const backend = await bed.backend('accounts');
      target = backend.address;
      ingress = await bed.address();
      pair = await startPair(bed, ingress, target, { workers });
    });

    after(() => bed.close());

    const heard = async (): Promise<readonly PeerReachability[]> => {
      const { peers } = await pair.shop.status();
      return peers.find(({ name }) => name === 'bank')?.reachability ?? [];
    };

    /** A caller asks again and again, as callers do. */
    const becomes = (state: readonly unknown[]): Promise<void> =>
      eventually(`reachability ${state.join(' ')}`, async () => {
        await statusOf(pair.egress, 'GET', '/');
        const [first] = await heard();
        assert.deepEqual([first?.gateway, first?.node, first?.reachable, first?.refusedBy, first?.reason], state);
        return true;
      });

    const reachable = ['egress', 'shop-egress-1', true, undefined, undefined];
    const unreachable = (refusedBy: string, reason: string): readonly unknown[] => [
      ...['egress', 'shop-egress-1', false],
      ...[refusedBy, reason],
    ];
    const status = (...args: readonly string[]): Promise<Ended> =>
      postern(['status', '--admin', formatHostPort(pair.shop.place.admin), ...args]);
    const metrics = async (): Promise<string> =>
      (await fetch(`http://${formatHostPort(pair.shop.place.admin)}/metrics`)).text();

    test('A peer that answers is reachable in status and metrics, and status --check is fine', async () => {
      await becomes(reachable);
      assert.match(await metrics(), /^postern_peer_reachable\{peer="bank",gateway="egress"\} 1$/m);
      assert.equal((await status('--check')).status, 0);
    });

    test('Traffic goes on while reports cannot be sent, and the control plane knows again when it is back', async () => {
      await pair.shop.control?.stop('SIGKILL');
      const written = async (): Promise<number> => {
        const stats = await pair.shop.envoyAdmin('egress', '/stats?filter=grpc_entries_flushed');
        return Number(/: (\d+)/.exec(stats)?.[1]);
      };
      const before = await written();
      // An open connection reports every five seconds.
      await eventually('reports that nobody takes', async () => {
        assert.equal(await statusOf(pair.egress, 'GET', '/'), 200);
        return (await written()) >= before + 2;
      });
      await pair.shop.startControl('--workers', String(workers));
      await becomes(reachable);
    });

    test('A TCP import that the peer no longer grants has a state of its own beside HTTP', async () => {
      const grant = `- {name: ledger, protocol: tcp, backend: "${formatHostPort(target)}", consumers: [{peer: shop}]}\n`;
      const port = await bed.port();
      const { yaml } = pair.shop;
      pair.bank.edit((yaml) => yaml + grant);
      pair.shop.edit((yaml) => `${yaml}- {peer: bank, name: ledger, as: ledger.bank, port: ${port}, protocol: tcp}\n`);
      const ledger = async (reachable: boolean, reason?: string): Promise<void> =>
        eventually(`ledger ${reachable}`, async () => {
          await touch({ host: pair.egress.host, port });
          await statusOf(pair.egress, 'GET', '/');
          const states = await heard();
          assert.deepEqual(
            states.map(({ tcpImport, reachable: ok, reason: why }) => [tcpImport, ok, why]).sort(),
            [
              ['ledger', reachable, reason],
              [undefined, true, undefined],
            ].sort(),
          );
          return true;
        });
      await ledger(true);
      pair.bank.edit((yaml) => yaml.replace(grant, ''));
      await ledger(false, 'UNKNOWN_SERVER_NAME');
      assert.match((await status()).stdout, /^bank \(TCP ledger\): the peer refuses us: /m);
      assert.match(
        (await status('--check')).stderr,
        /bank cannot be reached for the TCP import ledger from shop-egress-1/,
      );
      pair.bank.edit((yaml) => yaml + grant);
      await eventually('one answer', () => touch({ host: pair.egress.host, port }));
      // Nobody calls again.
      await eventually('the ledger is reachable', async () => (await heard()).every(({ reachable }) => reachable));
      pair.bank.edit((yaml) => yaml.replace(grant, ''));
      pair.shop.write(yaml);
      await eventually('the import is forgotten', async () => (await heard()).length === 1);
    });

    const faults: Readonly<Record<string, readonly [mesh: 'bank' | 'shop', (yaml: string) => string, string, string]>> =
      {
        'a CA that our bundle lacks': [
          'shop',
          (yaml) => yaml.replace('pki/bank.example/ca.pem', 'pki/other-bank.example/ca.pem'),
          'us',
          'WRONG_CA',
        ],
        'an identity that we do not list': [
          'shop',
          (yaml) => yaml.replace('[gateway/ingress]', '[gateway/other]'),
          'us',
          'WRONG_IDENTITY',
        ],
        'a server name that the peer does not know': [
          'shop',
          (yaml) => yaml.replace('[gateway/ingress]', '[gateway/ingress], sni: p-1234567890'),
          'peer',
          'UNKNOWN_SERVER_NAME',
        ],
        'two addresses, one that shows a certificate of another CA, and one where nobody listens': [
          'shop',
          (yaml) =>
            yaml
              .replace('pki/bank.example/ca.pem', 'pki/other-bank.example/ca.pem')
              .replace(/addresses: \[([^\]]*)\]/, 'addresses: [$1, "127.0.0.1:1"]'),
          'us',
          'WRONG_CA',
        ],
        'an identity of ours that the peer does not list': [
          'bank',
          (yaml) => yaml.replace('[gateway/egress]', '[gateway/other]'),
          'peer',
          'PEER_REFUSED_US',
        ],
        'an address where nobody listens': [
          'shop',
          (yaml) => yaml.replace(/addresses: \[[^\]]*\]/, 'addresses: ["127.0.0.1:1"]'),
          'nobody',
          'PEER_DOWN',
        ],
      };
    for (const [fault, [name, change, refusedBy, reason]] of Object.entries(faults).slice(0, workers === 1 ? 6 : 2))
      test(`Status, its check, metrics and the log name ${fault}, until it is corrected`, async () => {
        const { yaml } = pair[name];
        const logged = (pair.shop.control?.stdout() ?? '').length;
        const heardBefore = pair.bank.log('ingress').length;
        pair[name].edit(change);
        await becomes(unreachable(refusedBy, reason));
        const checked = await status('--check');
        if (fault.startsWith('two addresses'))
          await eventually('a reason for each address', async () => {
            await statusOf(pair.egress, 'GET', '/');
            const { stdout } = await status();
            assert.match(stdout, /^ {2}127\.0\.0\.1:1: PEER_DOWN \(/m);
            assert.match(stdout, new RegExp(`^ {2}${formatHostPort(ingress)}: WRONG_CA \\(`, 'm'));
            return true;
          });
        assert.equal(checked.status, 75);
        assert.match(checked.stderr, new RegExp(`bank cannot be reached from shop-egress-1 \\(${reason}\\)`));
        assert.match(checked.stdout, new RegExp(`^bank +shop-egress-1 +${reason} `, 'm'));
        const counted = await metrics();
        assert.match(counted, /^postern_peer_reachable\{peer="bank",gateway="egress"\} 0$/m);
        assert.match(
          counted,
          new RegExp(`^postern_peer_failures_total\\{peer="bank",reason="${reason}"\\} [1-9]`, 'm'),
        );
        const lines = (pair.shop.control?.stdout() ?? '')
          .slice(logged)
          .split('\n')
          .filter((line) => line.includes(`"${reason}"`));
        assert.equal(lines.length, 1);
        // The alert of our gateway, which refuses theirs, is all that the peer hears of it.
        if (refusedBy === 'us')
          await eventually('the log of the peer’s ingress has our alert', async () => {
            await statusOf(pair.egress, 'GET', '/');
            const refused = pair.bank
              .log('ingress')
              .slice(heardBefore)
              .filter(({ layer }) => layer === 'listener');
            return refused.some(
              ({ reason: code, verdict, tls_fail: why }) =>
                code === 'PEER_REFUSED_US' && verdict === 'failed' && /_ALERT_/.test(String(why)),
            );
          });
        // A deployment does not fail because of somebody else's outage.
        assert.equal((await status('--wait', '30s')).status, 0);
        pair[name].write(yaml);
        await becomes(reachable);
      });
  });

/** Asks over a connection of its own, and waits until that has ended; whether there was an answer. */
function touch(address: HostPort): Promise<boolean> {
  return new Promise((done) => {
    let isAnswered = false;
    const socket = connect(address, () => socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
    socket.on('error', () => undefined);
    socket.on('data', () => {
      isAnswered = true;
    });
    socket.on('close', () => done(isAnswered));
  });
}
