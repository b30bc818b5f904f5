// An egress gateway that listens at every address of a host, IPv6 and IPv4: whichever way a caller comes, it proves who it is.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { callGateway, callLocally } from '../../../deploy/demo/calls.ts';
import { ADS, eventually, Testbed } from '../../support/mesh.ts';
import { ACCOUNTS, AUDIT, type ProvenCallers, startProvenCallers, WEB } from '../callers/proven-callers.ts';

/** IPv4 arrives as an IPv4-mapped address: the listener has one IPv6 socket. */
const WAYS = { IPv6: '::1', 'IPv4-mapped': '127.0.0.1' } as const;

/**
 * A free port of every address. The ports of other tests are held at an IPv4 address as long as their process runs, so one of
 * those is not free here; the system's own choice is.
 */
async function portOfEveryAddress(): Promise<number> {
  const server = createServer().listen({ host: '::', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

for (const ads of ADS) {
  describe(`an egress gateway at [::] with proven callers, over ${ads} ADS`, () => {
    let bed: Testbed;
    let meshes: ProvenCallers;
    let port = 0;

    before(async () => {
      bed = await Testbed.create();
      port = await portOfEveryAddress();
      meshes = await startProvenCallers(bed, { ads, egress: { host: '::', port } });
    });

    after(() => bed.close());

    for (const [way, host] of Object.entries(WAYS)) {
      const call = (path: string): Promise<string> =>
        callGateway({ gateway: { host, port }, servername: ACCOUNTS, client: meshes.workload(path) }, ACCOUNTS).then(
          ({ status }) => String(status),
          () => 'no connection',
        );

      test(`Over ${way}, a proven client of the import is served, and another workload is not`, async () => {
        const before = meshes.backend.seen.length;
        assert.equal(await call(WEB), '200');
        assert.equal(meshes.backend.seen.length, before + 1);
        assert.equal(await call(AUDIT), '403');
        assert.equal(meshes.backend.seen.length, before + 1);
      });

      test(`Over ${way}, plaintext is refused, and so is a caller without a certificate`, async () => {
        const before = meshes.backend.seen.length;
        const refused = (): number => meshes.shop.log('egress').filter(({ tls_fail: why }) => why !== undefined).length;
        const refusedBefore = refused();
        await assert.rejects(callLocally({ host, port }, ACCOUNTS));
        await assert.rejects(callGateway({ gateway: { host, port }, servername: ACCOUNTS }, ACCOUNTS));
        // The gateway was there, and refused: nothing of this is a port on which nobody listens.
        await eventually('both are logged', () => refused() >= refusedBefore + 2);
        assert.equal(await call(WEB), '200');
        assert.equal(meshes.backend.seen.length, before + 1);
      });
    }

    test('The log has the address of each caller, of both kinds', async () => {
      const clients = (): readonly string[] =>
        meshes.shop.log('egress').flatMap(({ layer, client }) => (layer === 'http' ? [String(client)] : []));
      await eventually('both are logged', () =>
        [/^\[::1\]/, /127\.0\.0\.1/].every((form) => clients().some((one) => form.test(one))),
      );
    });
  });
}
