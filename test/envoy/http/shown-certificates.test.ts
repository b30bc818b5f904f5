// Certificates of every kind at real gateways: what the evaluator says of a file with one is what a gateway does when it is shown, by
// a client to an ingress gateway, and by a server to an egress gateway.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Decision } from '../../../src/decision/answer/decision.ts';
import type { ShownCertificate } from '../../../src/decision/answer/question.ts';
import { judge } from '../../../src/decision/connection.ts';
import { Resources } from '../../../src/decision/matching/resources.ts';
import { judgeTunnels } from '../../../src/decision/tls/dialled-peer.ts';
import { peerHello } from '../../../src/decision/tls/honest-client.ts';
import { shownBy } from '../../../src/decision/tls/shown-certificate.ts';
import { parseCertificate } from '../../../src/trust/x509/certificate.ts';
import { readPem } from '../../../src/trust/x509/pem.ts';
import { Openssl } from '../../support/programs/openssl.ts';
import { DialledScene } from './dialled-scene.ts';
import { type ShownCase, shownCases } from './shown-cases.ts';
import { ShownScene } from './shown-scene.ts';
import { HOUR, timedCases } from './timed-cases.ts';

const openssl = new Openssl();
after(() => openssl.close());
const shaped = shownCases(openssl);
const timed = timedCases();

const SIDES = {
  client: {
    start: ShownScene.start,
    // TLS libraries show no certificate when the server takes no signature of its key.
    logged: { WRONG_KEY_KIND: 'NO_CERTIFICATE' },
    judged: (resources: ShownScene['resources'], peer: string, certificate: ShownCertificate): Decision | undefined => {
      const at = Date.now();
      const hello = peerHello(resources, peer, at);
      return hello && judge(resources, { hello: { ...hello, certificate }, at, isConnectionAlone: true });
    },
  },
  server: {
    start: DialledScene.start,
    // A server that may show nothing ends the handshake with an alert, and the one of the test at the first byte.
    logged: { WRONG_KEY_KIND: 'PEER_REFUSED_US', ALLOWED: 'PEER_REFUSED_US' },
    judged: (resources: ShownScene['resources'], peer: string, certificate: ShownCertificate): Decision | undefined =>
      judgeTunnels(new Resources(resources), { peer, certificate, at: Date.now() })[0],
  },
} as const;

compare('client', 'shape', shaped, 0);
compare('client', 'time', timed, HOUR);
// OpenSSL's servers show nothing that is signed with what the client does not name.
const isShownByServers = ({ name }: ShownCase): boolean => !name.includes('SHA-1');
compare('server', 'shape', shaped.filter(isShownByServers), 0);
compare('server', 'time', timed, HOUR);

function certificateOf(pem: string): ShownCertificate {
  const [leaf, ...above] = (readPem(pem).blocks ?? []).map(({ body }) => parseCertificate(body));
  assert.ok(leaf);
  return shownBy([leaf, ...above]);
}

/** `since`: how long ago the gateway was configured. */
function compare(side: keyof typeof SIDES, what: string, cases: readonly ShownCase[], since: number): void {
  describe(`a certificate of unusual ${what} that a ${side} shows`, () => {
    const { start, judged, logged } = SIDES[side];
    let scene: ShownScene | DialledScene;
    before(async () => {
      const peers = new Map(cases.map(({ peer }) => [peer.name, peer]));
      scene = await start([...peers.values()], Date.now() - since);
    });
    after(() => scene.stop());

    for (const one of cases)
      test(`A gateway and the evaluator say the same of ${one.name}, which a ${side} shows`, async () => {
        const line = await scene.lineOf(one);
        const reason = judged(scene.resources, one.peer.name, certificateOf(one.cert))?.reason ?? '';
        const said: Readonly<Record<string, string>> = logged;
        assert.equal(said[reason] ?? reason, line['reason'], JSON.stringify(line));
        // The names of a gateway are in the line only when its certificate was accepted.
        if (side === 'server')
          assert.equal(reason === 'ALLOWED', line['upstream_peer_uri'] !== undefined, JSON.stringify(line));
      });
  });
}
