// Imports of a peer while the gateway is sent new clusters and internal listeners, for another peer or because the peer's
// oldest root is another one: no call is lost that both configurations allow. One control plane, one real Envoy.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { callLocally } from '../../deploy/demo/calls.ts';
import { formatHostPort, type HostPort } from '../../src/host-port.ts';
import { ADS, eventually, Testbed, type TestMesh } from '../support/mesh.ts';
import { bundleFile, type Domain, labelOf } from './flip-configs.ts';
import { type FlipMesh, startFlipMesh } from './flip-mesh.ts';

const TURNS = 2;
/** Between two calls of a caller. */
const PAUSE_MS = 5;
const X = 'x.svc.cluster.local';
const Y = 'y.svc.cluster.local';

for (const ads of ADS) {
  describe(`new tunnels over ${ads} ADS`, () => {
    let bed: Testbed;
    let around: FlipMesh;

    beforeEach(async () => {
      bed = await Testbed.create();
      around = await startFlipMesh(bed, () => undefined);
    });

    afterEach(async () => {
      await bed.close();
      around.close();
    });

    /** `identities`: one address for each. The gateways' certificates are of root 1, that of root 0 is the oldest. */
    function peer(domain: Domain, roots: readonly number[], identities: readonly string[]): string {
      const at = (identity: string): string =>
        formatHostPort(around.places.gateways.get(labelOf({ domain, root: 1, identity })) ?? { host: '', port: 0 });
      const addresses = identities.map((identity) => `"${at(identity)}"`).join(', ');
      return `  mesh-${domain[0]}: {trustDomain: ${domain}, trustBundle: ${bundleFile(domain, roots)}, gatewayIdentities: [gateway/a, gateway/b], addresses: [${addresses}]}\n`;
    }

    function ours(egress: HostPort, peers: readonly string[]): string {
      const imports = [X, Y].slice(0, peers.length);
      return `apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example}
identity: {issuer: {certificate: pki/ours.example/ca.pem, privateKey: pki/ours.example/ca-key.pem}}
gateways: {egress: {address: ${egress.host}}}
peers:
${peers.join('')}imports:
${imports.map((name) => `- {peer: mesh-${name[0]}, name: answers, as: ${name}, port: ${egress.port}}\n`).join('')}`;
    }

    async function started(yaml: string): Promise<TestMesh> {
      return await (await bed.mesh('ours', yaml, { ads })).start('egress');
    }

    /** Calls a name without a pause until it is told to end; returns every status and how often it was answered. */
    async function calls(egress: HostPort, name: string, isOver: () => boolean): Promise<Record<number, number>> {
      const counts: Record<number, number> = {};
      const caller = async (): Promise<void> => {
        while (!isOver()) {
          const { status } = await callLocally(egress, name);
          counts[status] = (counts[status] ?? 0) + 1;
          await sleep(PAUSE_MS);
        }
      };
      await Promise.all([caller(), caller(), caller()]);
      return counts;
    }

    for (const identities of [['gateway/a'], ['gateway/a', 'gateway/b']]) {
      test(`no call is lost while other imports come and go, and the oldest root of the peer changes; ${identities.length} addresses`, async () => {
        const egress = { host: around.places.egressHost, port: around.places.egressPorts[0] ?? 0 };
        const [young, old] = [peer('x.example', [1], identities), peer('x.example', [0, 1], identities)];
        const other = peer('y.example', [1], identities);
        const mesh = await started(ours(egress, [young]));
        await eventually('the import is served', async () => (await callLocally(egress, X)).status === 200);
        let isOver = false;
        const running = [X, Y].map((name) => calls(egress, name, () => isOver));
        try {
          for (let turn = 0; turn < TURNS; turn += 1) {
            for (const peers of [[young, other], [old, other], [young, other], [young]]) {
              mesh.write(ours(egress, peers));
              const expected = peers.length > 1 ? 200 : 404;
              await eventually('it is applied', async () => (await callLocally(egress, Y)).status === expected);
              await mesh.settled();
            }
          }
        } finally {
          isOver = true;
        }
        const [x = {}, y = {}] = await Promise.all(running);
        assert.deepEqual(Object.keys(x), ['200'], JSON.stringify(x));
        // Before it is imported the name is unknown; from then on it is served.
        assert.deepEqual(Object.keys(y), ['200', '404'], JSON.stringify(y));
      });
    }
  });
}
