// Tests how ordinary clients call through an egress gateway that verifies them, and what the peer is told of the caller.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createSecureServer, type IncomingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, credentials, status } from '@grpc/grpc-js';
import { callLocally } from '../../../deploy/demo/calls.ts';
import { formatHostPort } from '../../../src/host-port.ts';
import { leaf } from '../../support/leaf.ts';
import { Testbed } from '../../support/mesh.ts';
import { ACCOUNTS, AUDIT, type ProvenCallers, RATES, startProvenCallers, WEB } from './proven-callers.ts';

describe('curl through an egress gateway that verifies its callers', () => {
  let bed: Testbed;
  let meshes: ProvenCallers;

  before(async () => {
    bed = await Testbed.create();
    meshes = await startProvenCallers(bed);
  });

  after(() => bed.close());

  /** Its output: status and protocol, or `curl: …`. It checks the gateway's certificate and name. */
  function curl(path: string | undefined, name: string, ...flags: readonly string[]): Promise<string> {
    const files = ['--cacert', join(bed.pki('shop.example'), 'ca.pem')];
    if (path !== undefined) {
      const { cert, key } = meshes.workload(path);
      writeFileSync(join(bed.folder, 'cert.pem'), cert);
      writeFileSync(join(bed.folder, 'key.pem'), key, { mode: 0o600 });
      files.push('--cert', join(bed.folder, 'cert.pem'), '--key', join(bed.folder, 'key.pem'));
    }
    const to = ['--connect-to', `::${formatHostPort(meshes.egress)}`, `https://${name}:${meshes.egress.port}/`];
    const args = ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{http_version}', ...flags, ...files, ...to];
    return new Promise((done) => {
      execFile('curl', args, (error, stdout, stderr) => done(error === null ? stdout : stderr.trim()));
    });
  }

  test('A listed workload is answered over HTTP/1.1 and HTTP/2, by every spelling of the local name', async () => {
    assert.equal(await curl(WEB, ACCOUNTS, '--http1.1'), '200 1.1');
    assert.equal(await curl(WEB, ACCOUNTS, '--http2'), '200 2');
    assert.equal(await curl(WEB, 'accounts.bank.svc'), '200 2');
    assert.equal(await curl(AUDIT, RATES), '200 2');
  });

  test('A workload that is not listed gets 403', async () => {
    assert.equal(await curl(AUDIT, ACCOUNTS, '--http1.1'), '403 1.1');
    assert.equal(await curl(AUDIT, ACCOUNTS), '403 2');
  });

  test('Without a certificate there is no answer', async () => {
    const before = meshes.backend.seen.length;
    assert.match(await curl(undefined, ACCOUNTS), /^curl: /);
    assert.equal(meshes.backend.seen.length, before);
  });

  test('The certificate of the gateway is for the local names alone', async () => {
    assert.match(await curl(WEB, 'other.bank.svc.cluster.local'), /^curl: \(60\)/);
  });
});

describe('a gRPC client through an egress gateway that verifies its callers', () => {
  test('A listed workload is answered, and any other gets PERMISSION_DENIED', async () => {
    const bed = await Testbed.create();
    try {
      const meshes = await startProvenCallers(bed, { protocol: 'grpc' });
      const ask = async (path: string): Promise<string> => {
        const { cert, key } = meshes.workload(path);
        const ca = readFileSync(join(bed.pki('shop.example'), 'ca.pem'));
        const client = new Client(
          formatHostPort(meshes.egress),
          credentials.createSsl(ca, Buffer.from(key), Buffer.from(cert)),
          { 'grpc.ssl_target_name_override': ACCOUNTS, 'grpc.default_authority': ACCOUNTS },
        );
        const raw = (value: Buffer): Buffer => value;
        try {
          return await new Promise((done) => {
            client.makeUnaryRequest('/bank.Accounts/Get', raw, raw, Buffer.from('hello'), (error, answer) =>
              done(error === null ? String(answer) : String(status[error.code])),
            );
          });
        } finally {
          client.close();
        }
      };
      assert.equal(await ask(WEB), 'accounts: hello');
      assert.equal(await ask(AUDIT), 'PERMISSION_DENIED');
      assert.equal(meshes.backend.seen.length, 1);
    } finally {
      await bed.close();
    }
  });
});

for (const plaintext of [false, true]) {
  describe(`what a peer is told of ${plaintext ? 'a plaintext' : 'a proven'} caller`, () => {
    test(
      plaintext ? 'Nothing' : 'One element, which our egress wrote: its workload, and nothing of its certificate',
      async () => {
        const bed = await Testbed.create();
        const seen: IncomingHttpHeaders[] = [];
        try {
          const dial = await bed.address();
          const meshes = await startProvenCallers(bed, { plaintext, dial });
          const ca = bed.pki('bank.example');
          // In the place of the peer's ingress gateway, because a real one takes the claim away from its backend.
          const peer = createSecureServer(
            {
              ...leaf({ ca, caTrustDomain: 'bank.example', uris: ['spiffe://bank.example/gateway/ingress'] }),
              ca: readFileSync(join(bed.pki('shop.example'), 'ca.pem')),
              requestCert: true,
            },
            (asked, answer) => {
              seen.push(asked.headers);
              answer.end('served\n');
            },
          );
          peer.listen(dial.port, dial.host);
          await once(peer, 'listening');
          const forged = 'By=spiffe://shop.example/gateway/egress;Hash=00;URI=spiffe://shop.example/ns/admin/sa/root';
          for (const value of [forged, `${forged},${forged}`]) {
            const asked = { headers: { 'x-forwarded-client-cert': value } };
            const answer = plaintext
              ? callLocally(meshes.egress, ACCOUNTS, asked)
              : meshes.call(meshes.workload(WEB), asked);
            assert.equal((await answer).status, 200);
          }
          // Each has called with a certificate of its own.
          const claim = `By=spiffe://shop.example/gateway/egress;Hash=${'0'.repeat(64)};URI=spiffe://shop.example/${WEB}`;
          assert.deepEqual(
            seen.map((received) => received['x-forwarded-client-cert']),
            plaintext ? [undefined, undefined] : [claim, claim],
          );
          assert.doesNotMatch(JSON.stringify(seen), /admin/);
          peer.close();
        } finally {
          await bed.close();
        }
      },
    );
  });
}
