// The facts of certificates that a stranger made: whatever cannot be read is said, refused, and ends nothing.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer } from 'node:tls';
import { type CertificateFacts, factsOf } from '../../../src/cli/peer-check/certificate-facts.ts';
import { dial } from '../../../src/cli/peer-check/dial.ts';
import { whatWeRefuse } from '../../../src/cli/peer-check/our-side.ts';
import type { Context } from '../../../src/cli/peer-check/verdict.ts';
import { PrivateKeyPem } from '../../../src/trust/keys/private-key.ts';
import { parseCertificate, pemOf } from '../../../src/trust/x509/certificate.ts';
import { leaf, rsaCa } from '../../support/leaf.ts';
import { Openssl } from '../../support/programs/openssl.ts';

const DOMAIN = 'bank.example';
const URI = `spiffe://${DOMAIN}/gateway/ingress`;
/** UTCTime with 13 characters; the first of a certificate is notBefore. */
const UTC_TIME = Buffer.from([0x17, 13]);
const P256 = Buffer.from('06082a8648ce3d030107', 'hex');

describe('facts of a certificate', () => {
  let ca: string;
  before(() => {
    ca = mkdtempSync(join(tmpdir(), 'postern-facts-'));
    rsaCa(ca, DOMAIN);
  });
  after(() => rmSync(ca, { recursive: true }));

  const shownWith = (uris: readonly string[] = [URI]) => leaf({ ca, caTrustDomain: DOMAIN, uris });

  function derOf(pem: string): Buffer {
    return Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64');
  }

  /** The certificate with other bytes in the place of those that follow `mark`; its signature is wrong then. */
  function changed(pem: string, mark: Buffer, bytes: Buffer): Buffer {
    const der = derOf(pem);
    const at = der.indexOf(mark);
    assert.notEqual(at, -1);
    bytes.copy(der, at + mark.length);
    return der;
  }
  const garbageDate = (pem: string): Buffer => changed(pem, UTC_TIME, Buffer.from('hello world!!'));

  /** What is accepted: the whole of it but for what cannot be read. */
  const contextOf = (): Context =>
    ({
      peer: {
        name: 'bank',
        trustDomain: DOMAIN,
        gatewayIdentities: [URI],
        bundle: { certificates: [parseCertificate(derOf(readFileSync(join(ca, 'ca.pem'), 'utf8')))] },
      },
      ...{ ourDomain: 'shop.example', serverName: 'name', alpn: 'h2', isTcp: false, now: Date.now() },
      ours: {} as CertificateFacts,
    }) as unknown as Context;
  const reasons = (der: Buffer): readonly string[] =>
    whatWeRefuse({ chain: [der], alpn: 'h2', taken: [] }, contextOf()).map(({ reason }) => reason);

  test('A date that nobody can read is a fact, and a reason to refuse', () => {
    const der = garbageDate(shownWith().cert);
    const facts = factsOf(der);
    assert.deepEqual([facts.notBefore, facts.unreadableParts], ['unreadable', ['notBefore']]);
    assert.match(facts.notAfter, /^20/);
    assert.deepEqual([reasons(derOf(shownWith().cert)), reasons(der)], [[], ['WE_REFUSED_PEER']]);
  });

  test('What Envoy refuses is refused, also when OpenSSL lets it pass', () => {
    const openssl = new Openssl();
    const root = openssl.ca(DOMAIN);
    const refused = (usage: string, ...more: readonly string[]): readonly string[] => {
      const extensions = [`keyUsage = critical,${usage}`, `subjectAltName = URI:${URI}`, ...more];
      const { der } = openssl.certificate({ signer: root, extensions });
      const { peer, ...others } = contextOf();
      const bundle = { ...peer.bundle, certificates: [parseCertificate(root.der)] };
      const shown = { chain: [der, root.der], alpn: 'h2', taken: [] };
      return whatWeRefuse(shown, { ...others, peer: { ...peer, bundle } }).map(({ reason }) => reason);
    };
    try {
      assert.deepEqual(refused('digitalSignature'), []);
      assert.deepEqual(refused('keyAgreement'), ['WRONG_PURPOSE']);
      const points = 'crlDistributionPoints = critical,URI:http://crl.test/';
      assert.deepEqual(refused('digitalSignature', points), ['WRONG_CA']);
    } finally {
      openssl.close();
    }
  });

  test('A public key that nobody can read is a fact, and a reason to refuse', () => {
    const der = changed(shownWith().cert, P256.subarray(0, -1), Buffer.from([0x7f]));
    assert.deepEqual([factsOf(der).key, factsOf(der).unreadableParts], ['unreadable', ['public key']]);
    assert.deepEqual(reasons(der), ['WE_REFUSED_PEER']);
  });

  test('Bytes that are no certificate have a fingerprint and nothing else', () => {
    const facts = factsOf(Buffer.from('no certificate'));
    assert.deepEqual([facts.unreadableParts, facts.uris, facts.key], [['certificate'], [], 'unreadable']);
    assert.match(facts.fingerprint, /^[0-9a-f]{64}$/);
  });

  test('Names are shown up to a length and a number, and the longest SPIFFE ID is whole', () => {
    const longest = `spiffe://${DOMAIN}/${'a'.repeat(2048 - `spiffe://${DOMAIN}/`.length)}`;
    const { uris } = factsOf(derOf(shownWith([longest, `${longest}b`, ...Array<string>(100).fill(URI)]).cert));
    assert.deepEqual(
      uris.map((uri) => uri.length),
      [2048, 201, URI.length, URI.length],
    );
    assert.equal(uris[0], longest);
  });

  test('A stranger whose certificate has a garbage date is judged, and one that cannot be judged is an error of the dial', async () => {
    const shown = shownWith();
    const server = createServer({ cert: pemOf(garbageDate(shown.cert)), key: shown.key, ALPNProtocols: ['h2'] });
    server.on('tlsClientError', () => undefined);
    server.on('secureConnection', (socket) => socket.on('error', () => undefined).resume());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const ours = shownWith();
      const wanted = {
        ...{ ip: '127.0.0.1', port: (server.address() as AddressInfo).port, serverName: 'name', alpn: 'h2' },
        ...{ bundle: ours.cert, signatureAlgorithms: ['ECDSA+SHA256'], firstBytes: Buffer.from('x') },
        ours: { certificateChain: ours.cert, privateKey: new PrivateKeyPem(ours.key) },
      };
      let refused: readonly string[] = [];
      await dial(wanted, (seen) => {
        refused = whatWeRefuse(seen, contextOf()).map(({ reason }) => reason);
        return false;
      });
      assert.ok(refused.includes('WE_REFUSED_PEER'), refused.join());
      const judge = (): boolean => {
        throw new Error('cannot judge');
      };
      await assert.rejects(dial(wanted, judge), /cannot judge/);
    } finally {
      server.close();
    }
  });
});
