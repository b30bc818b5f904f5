// Certificates of every kind at a real ingress gateway: what the evaluator says of a file with one is what the gateway does when it is
// shown.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { judge } from '../../../src/decision/connection.ts';
import { peerHello } from '../../../src/decision/tls/honest-client.ts';
import { shownBy } from '../../../src/decision/tls/shown-certificate.ts';
import { parseCertificate } from '../../../src/trust/x509/certificate.ts';
import { readPem } from '../../../src/trust/x509/pem.ts';
import { Openssl } from '../../support/programs/openssl.ts';
import { type ShownCase, shownCases } from './shown-cases.ts';
import { ShownScene } from './shown-scene.ts';
import { HOUR, timedCases } from './timed-cases.ts';

const openssl = new Openssl();
after(() => openssl.close());

/** TLS libraries show no certificate when the server takes no signature of its key. */
const LOGGED: Readonly<Record<string, string>> = { WRONG_KEY_KIND: 'NO_CERTIFICATE' };

compare('in its shape', shownCases(openssl), 0);
compare('in its time', timedCases(), HOUR);

/** `since`: how long ago the gateway was configured. */
function compare(what: string, cases: readonly ShownCase[], since: number): void {
  describe(`a certificate that is shown, unusual ${what}`, () => {
    let scene: ShownScene;
    before(async () => {
      const peers = new Map(cases.map(({ peer }) => [peer.name, peer]));
      scene = await ShownScene.start([...peers.values()], Date.now() - since);
    });
    after(() => scene.stop());

    function reasonOf({ peer, cert }: ShownCase): string {
      const [leaf, ...above] = (readPem(cert).blocks ?? []).map(({ body }) => parseCertificate(body));
      assert.ok(leaf);
      const at = Date.now();
      const hello = peerHello(scene.resources, peer.name, at);
      assert.ok(hello);
      const certificate = shownBy([leaf, ...above]);
      return judge(scene.resources, { hello: { ...hello, certificate }, at, isConnectionAlone: true }).reason;
    }

    for (const one of cases)
      test(`A gateway and the evaluator say the same of ${one.name}`, async () => {
        const line = await scene.lineOf(one);
        const reason = reasonOf(one);
        assert.equal(LOGGED[reason] ?? reason, line['reason'], String(line['tls_fail']));
      });
  });
}
