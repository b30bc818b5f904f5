// Tests an egress gateway that verifies its callers, on real Envoys: each import is usable by its clients alone, and nobody else
// gets a request to the peer.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Credentials } from '../../../deploy/demo/calls.ts';
import { rawTls } from '../../support/clients/raw-tls.ts';
import { type Leaf, leaf } from '../../support/leaf.ts';
import { ADS, eventually, Testbed } from '../../support/mesh.ts';
import { LEAF_EXTENSIONS, Openssl } from '../../support/programs/openssl.ts';
import { ACCOUNTS, AUDIT, BATCH, type ProvenCallers, RATES, startProvenCallers, WEB } from './proven-callers.ts';

for (const ads of ADS) {
  describe(`callers that prove who they are, over ${ads} ADS`, () => {
    let bed: Testbed;
    let meshes: ProvenCallers;
    const openssl = new Openssl();

    before(async () => {
      bed = await Testbed.create();
      meshes = await startProvenCallers(bed, { ads });
    });

    after(async () => {
      openssl.close();
      await bed.close();
    });

    test('A client of an import reaches it, by its exact path or below a prefix', async () => {
      for (const path of [WEB, BATCH, 'ns/batch/deep/er']) {
        assert.equal((await meshes.call(meshes.workload(path))).status, 200, path);
      }
    });

    test('A workload that is no client of an import is refused, although another import of the port has it as one', async () => {
      const before = meshes.backend.seen.length;
      assert.equal((await meshes.call(meshes.workload(AUDIT))).status, 403);
      assert.equal((await meshes.call(meshes.workload(WEB), { host: RATES })).status, 403);
      assert.equal(meshes.backend.seen.length, before);
      assert.equal((await meshes.call(meshes.workload(AUDIT), { host: RATES })).status, 200);
    });

    test('A caller learns nothing from a refusal: an unknown name is the same answer as an import of others', async () => {
      const comparable = async (host: string): Promise<unknown> => {
        const { headers, ...answer } = await meshes.call(meshes.workload(WEB), { host });
        return { ...answer, headers: { ...headers, date: undefined } };
      };
      assert.deepEqual(await comparable('nobody.svc.cluster.local'), await comparable(RATES));
    });

    test('The log has the verified caller, and the reason of a refusal', async () => {
      const path = `/logged-${ads}`;
      await meshes.call(meshes.workload(AUDIT), { path });
      await meshes.call(meshes.workload(WEB), { path });
      await meshes.call(meshes.workload(WEB), { path, host: 'nobody.svc.cluster.local' });
      const lines = () => meshes.shop.log('egress').filter((line) => line['path'] === path);
      await eventually('the requests are logged', () => lines().length === 3);
      const audit = `spiffe://shop.example/${AUDIT}`;
      const web = `spiffe://shop.example/${WEB}`;
      assert.deepEqual(
        lines().map(({ peer_uri: caller, code, rule, reason }) => [caller, code, rule, reason]),
        [
          [audit, 403, 'imports.accounts.clients', 'CLIENT'],
          [web, 200, 'imports.accounts.clients', 'ALLOWED'],
          [web, 403, undefined, 'UNKNOWN_NAME'],
        ],
      );
    });

    const ours = (path: string): string => `spiffe://shop.example/${path}`;
    const workload = (wanted: Partial<Leaf>) => (): Credentials => meshes.workload(WEB, wanted);
    const ofCa = (ca: string, caTrustDomain: string, uri: string) => (): Credentials =>
      leaf({ ca: bed.pki(ca), caTrustDomain, uris: [uri] });
    const strangers: Record<string, () => Credentials | undefined> = {
      'no certificate': () => undefined,
      'the right name from the peer’s CA': ofCa('bank.example', 'bank.example', ours(WEB)),
      'the peer’s own certificate': ofCa('bank.example', 'bank.example', 'spiffe://bank.example/gateway/ingress'),
      'the right name from the CA of our gateways, which is not that of our workloads': ofCa(
        'shop.example',
        'shop.example',
        ours(WEB),
      ),
      'the gateway’s own identity': workload({ uris: [ours('gateway/egress')] }),
      'the gateway’s own certificate': ofCa('shop.example', 'shop.example', ours('gateway/egress')),
      'an expired certificate': workload({ expiresIn: -60_000 }),
      'two IDs, the right one first': workload({ uris: [ours(WEB), ours(AUDIT)] }),
      'two IDs, the right one last': workload({ uris: [ours(AUDIT), ours(WEB)] }),
      'two IDs below the prefix': workload({ uris: [ours(BATCH), ours(`${BATCH}2`)] }),
      'two IDs, one of another trust domain': workload({ uris: [ours(WEB), 'spiffe://bank.example/x'] }),
      'one ID that holds a comma and another': workload({ uris: [`${ours(BATCH)},${ours(WEB)}`] }),
      'the ID as a DNS name alone': workload({ uris: [], dnsNames: [ours(WEB)] }),
      'the ID as a DNS name beside another ID of ours': workload({ uris: [ours(AUDIT)], dnsNames: [ours(WEB)] }),
      'a DNS name alone': workload({ uris: [], dnsNames: ['front.web'] }),
      'no name at all': workload({ uris: [] }),
      'another trust domain': workload({ uris: [`spiffe://other.example/${WEB}`] }),
      'the trust domain of the peer': workload({ uris: [`spiffe://bank.example/${WEB}`] }),
      'a longer trust domain': workload({ uris: [`spiffe://shop.example.evil/${WEB}`] }),
      'a shorter trust domain': workload({ uris: [`spiffe://shop.exampl/${WEB}`] }),
      'a trust domain before ours': workload({ uris: [`spiffe://x.shop.example/${WEB}`] }),
      'an upper-case trust domain': workload({ uris: [`spiffe://SHOP.example/${WEB}`] }),
      'an upper-case scheme': workload({ uris: [`SPIFFE://shop.example/${WEB}`] }),
      'a user before the trust domain': workload({ uris: [`spiffe://u@shop.example/${WEB}`] }),
      'an upper-case path': workload({ uris: [ours(WEB.toUpperCase())] }),
      'the trust domain alone': workload({ uris: ['spiffe://shop.example'] }),
      'an empty path': workload({ uris: ['spiffe://shop.example/'] }),
      'dot segments': workload({ uris: [ours('ns/batch/../web/sa/front')] }),
      'dot segments below the prefix': workload({ uris: [ours('ns/batch/..')] }),
      'a single dot': workload({ uris: [ours('ns/batch/./x')] }),
      'an encoded slash': workload({ uris: [ours('ns/batch%2fnightly')] }),
      'an encoded character below the prefix': workload({ uris: [ours('ns/batch/%2e%2e')] }),
      'an empty segment': workload({ uris: [ours('ns/batch//nightly')] }),
      'a trailing slash': workload({ uris: [ours(`${WEB}/`)] }),
      'a query': workload({ uris: [ours(`${BATCH}?x`)] }),
      'a longer path than the client’s': workload({ uris: [ours(`${WEB}/2`)] }),
      'the prefix itself': workload({ uris: [ours('ns/batch')] }),
      'the prefix with a slash': workload({ uris: [ours('ns/batch/')] }),
      'a longer name than the prefix': workload({ uris: [ours('ns/batches/sa/x')] }),
      'a certificate for servers alone': () => withExtensions(['extendedKeyUsage = serverAuth']),
      'the CA of our workloads itself': () => files(bed.pki('workloads')),
      'a self-signed certificate': () => {
        const made = openssl.certificate({ extensions: [...LEAF_EXTENSIONS, `subjectAltName = URI:${ours(WEB)}`] });
        return { cert: made.pem, key: made.keyPem };
      },
    };

    function withExtensions(lines: readonly string[]): Credentials {
      const made = openssl.certificate({
        extensions: [...LEAF_EXTENSIONS.filter((line) => !line.startsWith('extended')), ...lines].concat(
          `subjectAltName = URI:${ours(WEB)}`,
        ),
        signer: signer(),
      });
      return { cert: made.pem, key: made.keyPem };
    }

    function signer() {
      const folder = bed.pki('workloads');
      const [certificateFile, keyFile] = [`${folder}/ca.pem`, `${folder}/ca-key.pem`];
      return { certificateFile, keyFile, pem: '', keyPem: '', der: Buffer.alloc(0) };
    }

    test('The certificates that openssl makes for this suite are accepted where nothing is wrong with them', async () => {
      const answer = await meshes.call(withExtensions(['extendedKeyUsage = serverAuth,clientAuth']));
      assert.equal(answer.status, 200);
    });

    for (const [who, certificate] of Object.entries(strangers)) {
      test(`A caller with ${who} is refused, and nothing reaches the peer`, async () => {
        const before = meshes.backend.seen.length;
        const outcome = await meshes.call(certificate()).then(
          ({ status }) => status,
          () => 'no answer',
        );
        assert.ok(outcome === 403 || outcome === 'no answer', String(outcome));
        assert.equal(meshes.backend.seen.length, before);
      });
    }

    for (const key of ['p256', 'p384', 'ed25519', 'rsa2048'] as const) {
      test(`A client with a ${key} key is answered`, async () => {
        assert.equal((await meshes.call(meshes.workload(WEB, { key }))).status, 200);
      });
    }

    test('TLS 1.2 is refused, and TLS 1.3 offers h2 and HTTP/1.1', async () => {
      const caller = { gateway: meshes.egress, servername: ACCOUNTS, client: meshes.workload(WEB) };
      assert.equal((await rawTls({ ...caller, maxVersion: 'TLSv1.2' })).handshake, false);
      const facts = [await rawTls(caller), await rawTls({ ...caller, alpn: ['http/1.1'] })];
      assert.deepEqual(
        facts.map(({ protocol, alpn }) => [protocol, alpn]),
        [
          ['TLSv1.3', 'h2'],
          ['TLSv1.3', 'http/1.1'],
        ],
      );
    });

    test('The gateway issues no session ticket, so nothing is resumed after a certificate ends', async () => {
      const caller = { gateway: meshes.egress, servername: ACCOUNTS, client: meshes.workload(WEB), alpn: ['http/1.1'] };
      const { received, tickets } = await rawTls({ ...caller, send: `GET / HTTP/1.1\r\nhost: ${ACCOUNTS}\r\n\r\n` });
      assert.match(received, /^HTTP\/1\.1 200 /);
      assert.deepEqual(tickets, []);
    });

    test('The certificate of the listener has our egress identity and the local names of the imports', async () => {
      const { certificate } = await rawTls({ gateway: meshes.egress, client: meshes.workload(WEB) });
      const names = [ACCOUNTS, RATES].flatMap((name) => [
        name,
        name.replace('.cluster.local', ''),
        name.replace(/\.svc.*/, ''),
      ]);
      assert.deepEqual(
        certificate?.subjectaltname?.split(', ').sort(),
        [...names.map((name) => `DNS:${name}`), `URI:${ours('gateway/egress')}`].sort(),
      );
    });

    test('A refused handshake is logged with its reason and the certificate’s claim', async () => {
      const uri = ours('ns/refused/sa/logged');
      await assert.rejects(
        meshes.call(leaf({ ca: bed.pki('bank.example'), caTrustDomain: 'bank.example', uris: [uri] })),
      );
      const line = () => meshes.shop.log('egress').find(({ claimed_uri: claimed }) => claimed === uri);
      await eventually('the handshake is logged', () => line() !== undefined);
      assert.equal(line()?.['layer'], 'listener');
      assert.match(String(line()?.['tls_fail']), /CERTIFICATE_VERIFY_FAILED/);
    });
  });
}

function files(folder: string): Credentials {
  return {
    cert: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    key: readFileSync(join(folder, 'ca-key.pem'), 'utf8'),
  };
}
