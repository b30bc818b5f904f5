// What we sign, verified by OpenSSL: chains, names, usages, times; and its DER, by the rules of X.690.
// The issuers have keys of every kind.

import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { createCa, createThrowawayRoot, type Issued, issueLeaf } from '../../../src/trust/issuing/issue.ts';
import { type Issuer, parseIssuer } from '../../../src/trust/issuing/issuer.ts';
import { spiffeId, type TrustDomain } from '../../../src/trust/spiffe.ts';
import { parseCertificate } from '../../../src/trust/x509/certificate.ts';
import { keyIdentifier } from '../../../src/trust/x509/certificate-writer.ts';
import { commonNameDer } from '../../../src/trust/x509/distinguished-name.ts';
import { CA_EXTENSIONS, type Made, Openssl, WHILE_VALID } from '../../support/programs/openssl.ts';
import { derFaults } from '../x509/der-faults.ts';

const openssl = new Openssl();
after(() => openssl.close());

const DOMAIN = 'a.example' as TrustDomain;
const ID = spiffeId(DOMAIN, 'gateway/egress');
const NOW = WHILE_VALID;
const HOUR = 60 * 60;
const DAY = 24 * HOUR;

function issuerOf(certificate: string, key: string, now = NOW): Issuer {
  const { issuer, findings } = parseIssuer(Buffer.from(certificate), Buffer.from(key), DOMAIN, now);
  assert.ok(issuer, JSON.stringify(findings));
  return issuer;
}

const ofMade = (made: Made, above = ''): Issuer => issuerOf(made.pem + above, made.keyPem);
const issue = (issuer: Issuer, lifetimeSeconds = HOUR, now = NOW): Issued =>
  issueLeaf({ issuer, id: ID, now, lifetimeSeconds });

const leafOf = ({ certificateChain }: Issued): X509Certificate => new X509Certificate(certificateChain);
const seconds = (time: number): string => String(Math.floor(time / 1000));

/** Whether OpenSSL takes the leaf, and what is sent with it, for both sides of a TLS connection. */
function verifies(anchors: string, { certificateChain }: Issued, at = NOW): boolean {
  const [chain, roots] = [openssl.file(certificateChain), openssl.file(anchors)];
  const options = ['-x509_strict', '-no-CApath', '-attime', seconds(at), '-CAfile', roots, '-untrusted', chain];
  return ['sslclient', 'sslserver'].every((purpose) => openssl.ask('verify', '-purpose', purpose, ...options, chain));
}

/** Lines that OpenSSL prints for an extension, `critical` included. */
function printed(pem: string, extension: string): readonly string[] {
  const lines = openssl.run('x509', '-in', openssl.file(pem), '-noout', '-ext', extension).split('\n');
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}

const ca = openssl.ca(DOMAIN, { days: 100 });
const issuer = ofMade(ca);

describe('a leaf', () => {
  for (const key of ['p256', 'p384', 'p521', 'rsa2048', 'ed25519'] as const) {
    test(`A leaf of a CA with a key of the kind ${key} verifies strictly, and is strict DER`, () => {
      const made = openssl.ca(DOMAIN, { key });
      const issued = issue(ofMade(made));
      assert.ok(verifies(made.pem, issued));
      assert.ok(!verifies(ca.pem, issued));
      assert.deepEqual(derFaults(leafOf(issued).raw), []);
    });
  }

  test('A leaf has its SPIFFE ID, its usages and nothing more', () => {
    const { certificateChain } = issue(issuer);
    assert.deepEqual(printed(certificateChain, 'subjectAltName'), ['X509v3 Subject Alternative Name:', `URI:${ID}`]);
    assert.deepEqual(printed(certificateChain, 'keyUsage'), ['X509v3 Key Usage: critical', 'Digital Signature']);
    assert.deepEqual(printed(certificateChain, 'basicConstraints'), ['X509v3 Basic Constraints: critical', 'CA:FALSE']);
    assert.deepEqual(printed(certificateChain, 'extendedKeyUsage'), [
      'X509v3 Extended Key Usage:',
      'TLS Web Server Authentication, TLS Web Client Authentication',
    ]);
    const text = openssl.run('x509', '-in', openssl.file(certificateChain), '-noout', '-text');
    assert.equal(text.match(/^ {12}X509v3 /gm)?.length, 6);
    assert.match(text, /Version: 3 /);
  });

  test('A leaf has the key identifiers of its own key and of its CA', () => {
    const { certificateChain, privateKey } = issue(issuer);
    const [, own] = printed(certificateChain, 'subjectKeyIdentifier');
    const [, of] = printed(certificateChain, 'authorityKeyIdentifier');
    const [, signer] = printed(ca.pem, 'subjectKeyIdentifier');
    assert.equal(of?.replace('keyid:', ''), signer);
    const hashed = (pem: string): string | undefined => {
      const key = { keyFile: openssl.file(pem) };
      const { pem: certificate } = openssl.certificate({ key, extensions: ['subjectKeyIdentifier = hash'] });
      return printed(certificate, 'subjectKeyIdentifier')[1];
    };
    assert.equal(own, hashed(privateKey.reveal()));
    for (const key of ['rsa2048', 'ed25519'] as const) {
      const made = openssl.ca(DOMAIN, { key });
      const id = keyIdentifier(createPrivateKey(made.keyPem)).toUpperCase();
      assert.equal(id, hashed(made.keyPem)?.replaceAll(':', ''));
    }
  });

  test('A leaf carries its other names where they are asked for', () => {
    const issued = issueLeaf({
      ...{ issuer, id: ID, now: NOW, lifetimeSeconds: HOUR },
      dnsNames: ['localhost', 'xds.a.example'],
      ipAddresses: ['127.0.0.1', '10.255.0.1'],
    });
    const names = printed(issued.certificateChain, 'subjectAltName')[1];
    const expected = [
      `URI:${ID}`,
      'DNS:localhost',
      'DNS:xds.a.example',
      'IP Address:127.0.0.1',
      'IP Address:10.255.0.1',
    ];
    assert.equal(names, expected.join(', '));
    assert.equal(leafOf(issued).checkHost('xds.a.example'), 'xds.a.example');
    assert.equal(leafOf(issued).checkIP('10.255.0.1'), '10.255.0.1');
    assert.ok(verifies(ca.pem, issued));
  });

  test('A leaf has a key of its own: P-256, and another one each time', () => {
    const all = Array.from({ length: 20 }, () => issue(issuer));
    for (const issued of all) {
      const key = createPrivateKey(issued.privateKey.reveal());
      assert.equal(key.asymmetricKeyDetails?.namedCurve, 'prime256v1');
      assert.ok(leafOf(issued).checkPrivateKey(key));
    }
    assert.equal(new Set(all.map(({ privateKey }) => privateKey.reveal())).size, all.length);
    assert.equal(new Set(all.map(({ fingerprint }) => fingerprint)).size, all.length);
  });

  test('A leaf has a serial number that is positive, unguessable, never again the same and at most 20 bytes', () => {
    const serials = Array.from({ length: 50 }, () => leafOf(issue(issuer)).serialNumber);
    assert.equal(new Set(serials).size, serials.length);
    for (const serial of serials) {
      assert.match(serial, /^[0-9A-F]{32}$/);
      assert.ok(Number.parseInt(serial.slice(0, 2), 16) < 0x80);
    }
  });

  test('A leaf has a subject that is neither empty, nor the name of its CA, nor longer than a common name may be', () => {
    const long = spiffeId(DOMAIN, `${'p'.repeat(100)}/${'q'.repeat(100)}`);
    const issued = issueLeaf({ issuer, id: long, now: NOW, lifetimeSeconds: HOUR });
    const [subject = ''] = /(?<=^CN=).*/.exec(leafOf(issued).subject) ?? [];
    assert.ok(subject.length > 0 && subject.length <= 64);
    assert.notEqual(leafOf(issued).subject, leafOf(issued).issuer);
    assert.ok(verifies(ca.pem, issued));
  });

  test('A leaf tells its fingerprint as OpenSSL does', () => {
    const issued = issue(issuer);
    const line = openssl.run('x509', '-in', openssl.file(issued.certificateChain), '-noout', '-fingerprint', '-sha256');
    assert.equal(issued.fingerprint, line.split('=')[1]?.trim().replaceAll(':', '').toLowerCase());
  });
});

describe('the validity of a leaf', () => {
  test('The validity of a leaf is its lifetime, and a little before, for the clocks of others', () => {
    // An issuer that is old enough for that.
    const later = NOW + DAY * 1000;
    const issued = issue(issuer, HOUR, later);
    assert.equal(Date.parse(leafOf(issued).validTo), later + HOUR * 1000);
    assert.equal(Date.parse(leafOf(issued).validFrom), later - 5 * 60 * 1000);
    assert.deepEqual([issued.notBefore, issued.notAfter], [later - 5 * 60 * 1000, later + HOUR * 1000]);
    const at = (offset: number): boolean => verifies(ca.pem, issued, later + offset * 1000);
    assert.deepEqual([-301, -300, 0, HOUR - 1, HOUR + 1].map(at), [false, true, true, true, false]);
  });

  test('The validity of a leaf never leaves that of its issuer', () => {
    const { validFrom, validTo } = new X509Certificate(ca.pem);
    const issued = issue(issuer, 1000 * DAY, Date.parse(validFrom) + 1000);
    assert.equal(leafOf(issued).validFrom, validFrom);
    assert.equal(leafOf(issued).validTo, validTo);
    assert.deepEqual([issued.notBefore, issued.notAfter], [Date.parse(validFrom), Date.parse(validTo)]);
  });

  test('The validity of a leaf may end after 2049, where dates have another form', () => {
    const old = openssl.ca(DOMAIN, { days: 12_000 });
    const issued = issue(ofMade(old), 11_000 * DAY);
    assert.equal(Date.parse(leafOf(issued).validTo), NOW + 11_000 * DAY * 1000);
    assert.ok(verifies(old.pem, issued));
    assert.deepEqual(derFaults(leafOf(issued).raw), []);
  });
});

describe('the chain that is sent with a leaf', () => {
  const root = openssl.ca(DOMAIN, { commonName: 'root' });
  const middle = openssl.ca(DOMAIN, { signer: root, commonName: 'middle' });
  const [, usage = ''] = CA_EXTENSIONS;
  const below = openssl.certificate({
    signer: middle,
    commonName: 'below',
    extensions: ['basicConstraints = critical,CA:TRUE,pathlen:0', usage],
  });

  test('The chain that is sent with a leaf leads to a root that the other side has, which is not sent', () => {
    const issued = issue(ofMade(below, middle.pem + root.pem));
    const blocks = issued.certificateChain.split(/(?=-----BEGIN)/);
    assert.deepEqual(blocks.slice(1), [below.pem, middle.pem]);
    assert.ok(verifies(root.pem, issued));
  });

  test('The chain that is sent with a leaf is the leaf alone below a self-signed CA', () => {
    assert.equal(issue(issuer).certificateChain.match(/BEGIN/g)?.length, 1);
  });

  test('The chain that is sent with a leaf verifies although a CA has no key identifier to point to', () => {
    const bare = openssl.ca(DOMAIN, { extensions: [...CA_EXTENSIONS, 'subjectKeyIdentifier = none'] });
    assert.equal(ofMade(bare).certificate.subjectKeyId, undefined);
    const chain = openssl.file(issue(ofMade(bare)).certificateChain);
    const time = ['-attime', seconds(NOW)];
    assert.ok(openssl.ask('verify', '-CAfile', bare.certificateFile, '-no-CApath', ...time, chain));
  });
});

describe('a CA of ours', () => {
  const made = createCa({ commonName: 'throw-away CA', trustDomain: DOMAIN, now: NOW, lifetimeSeconds: 90 * DAY });

  test('A CA of ours is one to OpenSSL, strictly, and signs leaves that verify', () => {
    const file = openssl.file(made.certificate);
    assert.ok(openssl.ask('verify', '-x509_strict', '-attime', seconds(NOW), '-CAfile', file, '-no-CApath', file));
    assert.ok(verifies(made.certificate, issue(issuerOf(made.certificate, made.privateKey.reveal()))));
    assert.deepEqual(derFaults(new X509Certificate(made.certificate).raw), []);
  });

  test('A CA of ours may sign certificates and nothing else, and names its trust domain', () => {
    const { certificate } = made;
    assert.deepEqual(printed(certificate, 'keyUsage'), ['X509v3 Key Usage: critical', 'Certificate Sign, CRL Sign']);
    assert.deepEqual(printed(certificate, 'basicConstraints'), ['X509v3 Basic Constraints: critical', 'CA:TRUE']);
    assert.equal(printed(certificate, 'subjectAltName')[1], `URI:spiffe://${DOMAIN}`);
    assert.equal(new X509Certificate(certificate).subject, 'CN=throw-away CA');
    assert.equal(Date.parse(new X509Certificate(certificate).validTo), NOW + 90 * DAY * 1000);
  });

  test('A CA of ours has another key each time', () => {
    const again = createCa({ commonName: 'throw-away CA', trustDomain: DOMAIN, now: NOW, lifetimeSeconds: DAY });
    assert.notEqual(again.privateKey.reveal(), made.privateKey.reveal());
  });

  test('A CA of ours may be named in any script', () => {
    const named = createCa({ commonName: 'Prüfstelle 銀行', trustDomain: DOMAIN, now: NOW, lifetimeSeconds: DAY });
    assert.equal(new X509Certificate(named.certificate).subject, 'CN=Prüfstelle 銀行');
  });
});

test('The throwaway root is a CA, outlives the process, is a new one each time and comes without its key', () => {
  const [one, two] = [createThrowawayRoot(NOW), createThrowawayRoot(NOW)];
  assert.notEqual(one, two);
  assert.match(one, /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n$/);
  const { ca: isCa, validTo } = new X509Certificate(one);
  assert.ok(isCa && Date.parse(validTo) > NOW + 9 * 365 * DAY * 1000);
  assert.ok(!verifies(one, issue(issuer)));
});

test('The subject that name constraints are checked against is the one that the CA certificate carries', () => {
  for (const commonName of ['x', 'Postern control plane', 'é'.repeat(50), 'a'.repeat(64)]) {
    const { certificate } = createCa({ commonName, trustDomain: DOMAIN, now: NOW, lifetimeSeconds: DAY });
    const { subject } = parseCertificate(new X509Certificate(certificate).raw);
    assert.equal(commonNameDer(commonName).toString('hex'), subject);
  }
  assert.throws(() => commonNameDer('a'.repeat(101)));
});
