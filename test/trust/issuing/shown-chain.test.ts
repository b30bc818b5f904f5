// What is not known of a chain that is shown: it is said, and neither accepted nor refused. What Envoy does with the others is compared
// with it in test/envoy/http/shown-certificates.test.ts.

import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { after, test } from 'node:test';
import { verifyShown } from '../../../src/trust/issuing/shown-chain.ts';
import { type Certificate, parseCertificate } from '../../../src/trust/x509/certificate.ts';
import { signCertificate } from '../../../src/trust/x509/certificate-writer.ts';
import { CA_EXTENSIONS, LEAF_EXTENSIONS, type Made, Openssl, WHILE_VALID } from '../../support/programs/openssl.ts';

const openssl = new Openssl();
after(() => openssl.close());

const HOUR = 3_600_000;
const of = ({ der }: Made): Certificate => parseCertificate(der);
const leafOf = (signer: Made, extensions = LEAF_EXTENSIONS): Made =>
  openssl.certificate({ signer, extensions, commonName: 'leaf' });

function kindOf(shown: readonly Certificate[], anchors: readonly Certificate[], at = WHILE_VALID): string {
  const verdict = verifyShown(shown, anchors, { purpose: 'client', at });
  return 'fault' in verdict ? verdict.fault.kind : 'trusted';
}

test('A CA that was renewed with its key leaves open which of the two is taken while only one is valid', () => {
  const root = openssl.ca('a.example');
  const { subject, uris } = of(root);
  const privateKey = createPrivateKey(root.keyPem);
  const older = parseCertificate(
    signCertificate({
      serial: '0123',
      commonName: 'CA of a.example',
      notBefore: WHILE_VALID - 9 * HOUR,
      notAfter: WHILE_VALID - HOUR,
      publicKey: of(root).publicKey,
      isCa: true,
      uris,
      signer: { privateKey },
    }),
  );
  assert.equal(older.subject, subject);
  const shown = [of(leafOf(root))];
  for (const anchors of [
    [of(root), older],
    [older, of(root)],
  ])
    assert.equal(kindOf(shown, anchors), 'unknown');
  assert.equal(kindOf(shown, [of(root)]), 'trusted');
  assert.equal(kindOf(shown, [older]), 'expired');
});

test('Policies that a CA asks for are compared with nothing: a chain without them is refused, one with them is not judged', () => {
  const root = openssl.ca('b.example');
  const extensions = [...CA_EXTENSIONS, 'certificatePolicies = 1.2.3.4'];
  const middle = (skip: number): Made =>
    openssl.ca('b.example', {
      commonName: 'middle',
      signer: root,
      extensions: [...extensions, `policyConstraints = critical,requireExplicitPolicy:${skip}`],
    });
  const [now, later] = [middle(0), middle(3)];
  const withPolicy = [...LEAF_EXTENSIONS, 'certificatePolicies = 1.2.3.4'];
  assert.equal(kindOf([of(leafOf(now)), of(now)], [of(root)]), 'untrusted');
  assert.equal(kindOf([of(leafOf(now, withPolicy)), of(now)], [of(root)]), 'unknown');
  assert.equal(kindOf([of(leafOf(later)), of(later)], [of(root)]), 'trusted');
});

test('Nothing that is shown, and nothing to compare it with, is trusted', () => {
  const root = openssl.ca('c.example');
  assert.equal(kindOf([], [of(root)]), 'untrusted');
  assert.equal(kindOf([of(leafOf(root))], []), 'untrusted');
});

test('Each certificate is read once, and each pair is compared once, whatever the order and the namesakes', (t) => {
  const [root, other] = [openssl.ca('d.example'), openssl.ca('d.example')];
  const middles: Made[] = [];
  for (let signer = root; middles.length < 5; middles.push(signer))
    signer = openssl.ca('d.example', { commonName: `middle ${middles.length}`, signer });
  const shown = [of(leafOf(middles.at(-1) ?? root)), ...middles.map(of)];
  const anchors = [of(root), of(other)];
  assert.equal(anchors[0]?.subject, anchors[1]?.subject);
  const { checkIssued } = X509Certificate.prototype;
  const read = new Set<X509Certificate>();
  const spy = t.mock.method(
    X509Certificate.prototype,
    'checkIssued',
    function (this: X509Certificate, above: X509Certificate) {
      for (const one of [this, above]) read.add(one);
      return checkIssued.call(this, above);
    },
  );
  assert.notEqual(kindOf(shown, anchors), 'untrusted');
  const all = shown.length + anchors.length;
  assert.ok(read.size > 0 && read.size <= all, `${read.size} certificates were read of ${all}`);
  assert.ok(spy.mock.callCount() <= all ** 2);
});
