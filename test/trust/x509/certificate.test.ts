// What is read from a certificate's DER, compared with what OpenSSL and node:crypto read; and names that look like SPIFFE IDs.
// The certificates are made by the openssl command.

import assert from 'node:assert/strict';
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { isSignedBy, parseCertificate, pemOf } from '../../../src/trust/x509/certificate.ts';
import { DerError } from '../../../src/trust/x509/der.ts';
import { parsePem } from '../../../src/trust/x509/pem.ts';
import { CA_EXTENSIONS, type KeyKind, LEAF_EXTENSIONS, Openssl } from '../../support/programs/openssl.ts';

const openssl = new Openssl();
after(() => openssl.close());

const ID = 'spiffe://a.example/gateway/egress';
const OTHER = 'spiffe://b.example/gateway/egress';

function urisOf(extensions: readonly string[], sections: readonly string[] = []): readonly string[] {
  return parseCertificate(openssl.certificate({ extensions, sections }).der).uris;
}

describe('the facts of a certificate', () => {
  const signatures: Readonly<Partial<Record<KeyKind, string>>> = {
    rsa2048: '1.2.840.113549.1.1.11',
    p256: '1.2.840.10045.4.3.2',
    ed25519: '1.3.101.112',
  };
  for (const key of ['rsa2048', 'p256', 'p384', 'p521', 'ed25519'] as const) {
    test(`The facts of a certificate with a key of the kind ${key} are those that OpenSSL reads`, () => {
      const ca = openssl.ca('a.example', { key });
      const leaf = openssl.certificate({
        signer: ca,
        key,
        extensions: [...LEAF_EXTENSIONS, `subjectAltName = URI:${ID}`, 'subjectKeyIdentifier = hash'],
      });
      for (const made of [ca, leaf]) {
        const facts = parseCertificate(made.der);
        const node = new X509Certificate(made.pem);
        assert.equal(facts.isCa, made === ca);
        assert.equal(facts.notBefore, Date.parse(node.validFrom));
        assert.equal(facts.notAfter, Date.parse(node.validTo));
        assert.equal(facts.fingerprint, node.fingerprint256.replaceAll(':', '').toLowerCase());
        assert.ok(facts.publicKey.equals(node.publicKey));
        const publicKey = createPublicKey(readFileSync(made.keyFile)).export({ type: 'spki', format: 'der' });
        assert.equal(facts.publicKeyFingerprint, createHash('sha256').update(publicKey).digest('hex'));
        const printed = openssl.run('x509', '-in', made.certificateFile, '-noout', '-ext', 'subjectKeyIdentifier');
        assert.equal(facts.subjectKeyId, printed.split('\n')[1]?.trim().replaceAll(':', '').toLowerCase());
        assert.equal(facts.signatureAlgorithm, signatures[key] ?? facts.signatureAlgorithm);
      }
      const [issuer, subject] = [parseCertificate(ca.der), parseCertificate(leaf.der)];
      assert.deepEqual(issuer.keyUsage, { digitalSignature: false, keyCertSign: true, crlSign: true });
      assert.equal(issuer.extendedKeyUsage, undefined);
      assert.deepEqual(issuer.uris, ['spiffe://a.example']);
      assert.deepEqual(subject.keyUsage, { digitalSignature: true, keyCertSign: false, crlSign: false });
      assert.deepEqual(subject.extendedKeyUsage, new X509Certificate(leaf.pem).keyUsage);
      assert.deepEqual(subject.uris, [ID]);
      assert.equal(subject.issuer, issuer.subject);
      assert.notEqual(subject.subject, issuer.subject);
    });
  }

  test('The facts of a certificate say nothing about usages and names that it does not have', () => {
    const facts = parseCertificate(openssl.certificate({ extensions: ['basicConstraints = CA:FALSE'] }).der);
    assert.equal(facts.keyUsage, undefined);
    assert.equal(facts.extendedKeyUsage, undefined);
    assert.deepEqual(facts.uris, []);
  });

  test('The facts of a certificate hold of each key usage bit what OpenSSL wrote', () => {
    const usages = ['digitalSignature', 'keyCertSign', 'cRLSign', 'decipherOnly', 'encipherOnly', 'keyAgreement'];
    fc.assert(
      fc.property(fc.subarray(usages, { minLength: 1 }), (chosen) => {
        const { der } = openssl.certificate({ extensions: [`keyUsage = ${chosen.join(',')}`] });
        assert.deepEqual(parseCertificate(der).keyUsage, {
          digitalSignature: chosen.includes('digitalSignature'),
          keyCertSign: chosen.includes('keyCertSign'),
          crlSign: chosen.includes('cRLSign'),
        });
      }),
      { numRuns: 15 },
    );
  });

  test('The facts of a certificate include dates after 2049, which are written in another type', () => {
    const made = openssl.certificate({ extensions: CA_EXTENSIONS, days: 12_000 });
    const facts = parseCertificate(made.der);
    assert.ok(facts.notAfter > Date.UTC(2050));
    assert.equal(facts.notAfter, Date.parse(new X509Certificate(made.pem).validTo));
  });

  test('The facts of a certificate do not exist for a version 1 certificate: it cannot say that it is a CA', () => {
    const { keyFile } = openssl.ca('a.example');
    const request = openssl.file('');
    openssl.run('req', '-new', '-key', keyFile, '-subj', '/CN=version 1', '-out', request);
    const pem = openssl.run('x509', '-req', '-in', request, '-signkey', keyFile, '-days', '9');
    const [block] = parsePem(pem) ?? [];
    assert.ok(block);
    assert.throws(() => parseCertificate(block.body), DerError);
  });
});

describe('the URI names of a certificate', () => {
  test('The URI names of a certificate are all of them, in order, and a second one is not lost', () => {
    const section = `[names]\nURI.1 = ${ID}\nDNS.1 = a.example\nURI.2 = ${OTHER}`;
    assert.deepEqual(urisOf(['subjectAltName = @names'], [section]), [ID, OTHER]);
  });

  test('The URI names of a certificate do not come from the common name, in any string type', () => {
    for (const stringMask of ['utf8only', 'MASK:0x800', 'MASK:0x4', 'MASK:0x2']) {
      const { der, pem } = openssl.certificate({ commonName: `URI:${ID}`, stringMask, extensions: CA_EXTENSIONS });
      assert.ok(new X509Certificate(pem).subject.includes(ID), stringMask);
      assert.deepEqual(parseCertificate(der).uris, []);
    }
  });

  test('The URI names of a certificate do not come from names of other types, whatever these print as', () => {
    const tricks = [
      `DNS.1 = URI:${ID}`,
      `DNS.1 = a.example, URI:${ID}`,
      `email.1 = URI:${ID}`,
      `otherName.1 = 1.3.6.1.5.5.7.8.6;UTF8:URI:${ID}`,
      `otherName.1 = 2.5.29.17;BMP:${ID}`,
      `RID.1 = 1.2.3.4`,
      'IP.1 = 192.0.2.1',
      'dirName.1 = directory',
    ];
    for (const trick of tricks) {
      const sections = [`[names]\n${trick}`, `[directory]\nCN = URI:${ID}`];
      assert.deepEqual(urisOf(['subjectAltName = @names'], sections), [], trick);
    }
  });

  test('The URI names of a certificate do not come from other extensions', () => {
    const extensions = [
      `issuerAltName = URI:${ID}`,
      `crlDistributionPoints = URI:${ID}`,
      `authorityInfoAccess = OCSP;URI:${ID}`,
      `nsComment = "URI:${ID}"`,
    ];
    assert.deepEqual(urisOf(extensions), []);
  });

  test('The URI names of a certificate stay one name when it holds what prints as a second', () => {
    const name = `${ID}, URI:${OTHER}`;
    const made = openssl.certificate({
      extensions: ['subjectAltName = @names'],
      sections: [`[names]\nURI.1 = ${name}`],
    });
    assert.ok(new X509Certificate(made.pem).subjectAltName?.includes(OTHER));
    assert.deepEqual(parseCertificate(made.der).uris, [name]);
  });

  test('The URI names of a certificate keep every byte, NUL and non-ASCII bytes as well', () => {
    const name = `${ID}\0.b.example/\xe9\n`;
    const hex = Buffer.from(name, 'latin1').toString('hex');
    const sections = [`[names]\none = IMPLICIT:6C,FORMAT:HEX,OCTETSTRING:${hex}`];
    assert.deepEqual(urisOf(['2.5.29.17 = ASN1:SEQUENCE:names'], sections), [name]);
  });

  test('The URI names of a certificate are refused with a name that is not even text', () => {
    const sections = ['[names]\none = IMPLICIT:6C,SEQUENCE:inner', '[inner]\nnumber = INTEGER:1'];
    assert.throws(() => urisOf(['2.5.29.17 = ASN1:SEQUENCE:names'], sections), DerError);
  });
});

describe('bytes that are no certificate', () => {
  const made = openssl.certificate({ extensions: [...LEAF_EXTENSIONS, `subjectAltName = URI:${ID}`] });
  const readsNot = (der: Buffer): void => assert.throws(() => parseCertificate(der), Error);

  test('Bytes that are not one certificate are refused: nothing, text, a key, a part, and more than one', () => {
    const key = createPublicKey(readFileSync(made.keyFile)).export({ type: 'spki', format: 'der' });
    for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), key, Buffer.from(made.pem)]) readsNot(bytes);
    for (let length = 0; length < made.der.length; length += 7) readsNot(made.der.subarray(0, length));
    readsNot(Buffer.concat([made.der, Buffer.alloc(1)]));
    readsNot(Buffer.concat([made.der, made.der]));
  });

  test('Bytes that hold a PEM are refused: node:crypto would read that instead', () => {
    const hidden = openssl.ca('a.example').pem;
    const hex = Buffer.from(`\n${hidden}`).toString('hex');
    const { der } = openssl.certificate({
      extensions: [...LEAF_EXTENSIONS, `1.2.3.4 = ASN1:FORMAT:HEX,OCT:${hex}`],
    });
    // What is judged would be a CA, and what is sent a leaf.
    assert.equal(new X509Certificate(der).ca, true);
    assert.throws(() => parseCertificate(der), DerError);
  });

  test('A private extension that holds no ASN.1 is accepted: it may hold anything', () => {
    const { der } = openssl.certificate({ extensions: [...CA_EXTENSIONS, '1.2.3.4 = DER:ffff68656c6c6f'] });
    assert.equal(parseCertificate(der).isCa, true);
  });

  test('A certificate with an invalid date is refused: it would never expire', () => {
    const second = made.der.indexOf(Buffer.from([0x17, 13]), made.der.indexOf(Buffer.from([0x17, 13])) + 15);
    assert.ok(second > 0);
    const der = Buffer.from(made.der);
    der.write('no moment  at', second + 2);
    assert.doesNotThrow(() => new X509Certificate(der));
    readsNot(der);
  });

  test('Bytes with one extension twice are refused: verifiers differ in which of two names counts', () => {
    const first = `subjectAltName = URI:${ID}`;
    const again = '2.5.29.17 = ASN1:SEQUENCE:names';
    const both = openssl.certificate({
      // The octets of the second stand in an extension of another number, which is then made the same.
      extensions: [first, again.replace('2.5.29.17', '2.5.29.99')],
      sections: [`[names]\none = IMPLICIT:6C,IA5STRING:${OTHER}`],
    });
    const place = both.der.indexOf(Buffer.from([0x55, 0x1d, 99]));
    assert.ok(place > 0);
    assert.deepEqual(parseCertificate(both.der).uris, [ID]);
    const der = Buffer.from(both.der);
    der[place + 2] = 17;
    assert.doesNotThrow(() => new X509Certificate(der));
    readsNot(der);
  });

  test('A certificate with any byte changed is read or refused with an Error', () => {
    fc.assert(
      fc.property(fc.nat(made.der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const der = Buffer.from(made.der);
        der[at] = (der[at] ?? 0) ^ change;
        try {
          const facts = parseCertificate(der);
          assert.ok(Number.isFinite(facts.notBefore) && Number.isFinite(facts.notAfter));
        } catch (error) {
          assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('who signed a certificate', () => {
  const ca = openssl.ca('a.example');
  const sameName = openssl.ca('a.example');
  const leaf = openssl.certificate({ signer: ca, extensions: LEAF_EXTENSIONS });

  test('The signer of a certificate is the CA with the key, and no other CA of the same name', () => {
    assert.equal(isSignedBy(parseCertificate(leaf.der), parseCertificate(ca.der)), true);
    assert.equal(isSignedBy(parseCertificate(leaf.der), parseCertificate(sameName.der)), false);
    assert.equal(isSignedBy(parseCertificate(ca.der), parseCertificate(ca.der)), true);
    assert.equal(isSignedBy(parseCertificate(leaf.der), parseCertificate(leaf.der)), false);
  });

  test('The signer of a certificate is not a CA with that key and another name', () => {
    const renamed = openssl.ca('a.example', { key: ca, commonName: 'renamed' });
    assert.equal(isSignedBy(parseCertificate(leaf.der), parseCertificate(renamed.der)), false);
  });
});

test('The PEM of a certificate is the one that OpenSSL writes', () => {
  const { pem, der } = openssl.ca('a.example');
  assert.equal(pemOf(der), pem);
});
