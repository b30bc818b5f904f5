// The CA that signs for us: which pairs of files belong together, and the code and the file of every fault.
// The pairs are made by the openssl command.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { issueLeaf } from '../../../src/trust/issuing/issue.ts';
import { parseIssuer } from '../../../src/trust/issuing/issuer.ts';
import type { Purpose } from '../../../src/trust/issuing/issuer-chain.ts';
import { spiffeId, type TrustDomain } from '../../../src/trust/spiffe.ts';
import { pemOf } from '../../../src/trust/x509/certificate.ts';
import { CA_EXTENSIONS, LEAF_EXTENSIONS, Openssl, WHILE_VALID } from '../../support/programs/openssl.ts';
import { GOOD, policyVariants, TRUST_DOMAIN as VARIANT_DOMAIN } from '../x509/der-variants.ts';

const openssl = new Openssl();
after(() => openssl.close());

const DOMAIN = 'a.example' as TrustDomain;
const NOW = WHILE_VALID;

const root = openssl.ca(DOMAIN, { commonName: 'root' });
const ca = openssl.ca(DOMAIN);
const other = openssl.ca(DOMAIN, { commonName: 'other' });

const parse = (certificate: string, key: string, now = NOW) =>
  parseIssuer(Buffer.from(certificate), Buffer.from(key), DOMAIN, now);

function refuses(certificate: string, key: string, expected: readonly string[], now = NOW): void {
  const { issuer, findings } = parse(certificate, key, now);
  assert.equal(issuer, undefined);
  assert.deepEqual(
    findings.map(({ about, code, severity }) => `${about} ${code} ${severity}`),
    expected.map((one) => `${one} error`),
  );
}

/** The same key in the other forms that PEM has for it. */
function forms(keyFile: string): readonly string[] {
  const printed = [openssl.run('pkcs8', '-topk8', '-nocrypt', '-in', keyFile)];
  // Ed25519 has no older form.
  if (openssl.ask('pkey', '-in', keyFile, '-traditional'))
    printed.push(openssl.run('pkey', '-in', keyFile, '-traditional'));
  return [...printed, ...printed.map((pem) => pem.replaceAll('\n', '\r\n')), `a comment\n${printed[0]}`];
}

describe('an issuer', () => {
  for (const kind of ['p256', 'p384', 'p521', 'rsa2048', 'ed25519'] as const) {
    test(`An issuer is a CA and its key of the kind ${kind}, in each form that PEM has for it`, () => {
      const made = openssl.ca(DOMAIN, { key: kind });
      for (const form of forms(made.keyFile)) {
        const { issuer, findings } = parse(made.pem, form);
        assert.deepEqual(findings, []);
        assert.deepEqual(issuer?.certificate.der, made.der);
        assert.deepEqual(issuer?.intermediates, []);
        assert.ok(issuer && new X509Certificate(made.pem).checkPrivateKey(issuer.privateKey));
      }
    });
  }

  test('An intermediate issuer is sent with the CAs between it and the root, in order and without the root', () => {
    const first = openssl.ca(DOMAIN, { signer: root, commonName: 'first' });
    const second = openssl.ca(DOMAIN, { signer: first, commonName: 'second' });
    for (const file of [second.pem + first.pem + root.pem, second.pem + first.pem]) {
      const { issuer, findings } = parse(file, second.keyPem);
      assert.deepEqual(findings, []);
      assert.deepEqual(issuer?.certificate.der, second.der);
      assert.deepEqual(
        issuer?.intermediates.map(({ der }) => der),
        [second.der, first.der],
      );
    }
  });

  test('An issuer is refused when a value in its certificate policies is written in BER, however deep it is', () => {
    const keyPem = GOOD.signer.export({ type: 'pkcs8', format: 'pem' }) as string;
    const codesOf = (der: Buffer): readonly string[] =>
      parseIssuer(Buffer.from(pemOf(der)), Buffer.from(keyPem), VARIANT_DOMAIN as TrustDomain, NOW).findings.map(
        ({ code }) => code,
      );
    const [good, ...variants] = policyVariants();
    assert.ok(good);
    assert.deepEqual(codesOf(good.der), []);
    const ber = variants.filter(({ name }) => / with (a longer length|a length of|an indef|a tag in)/.test(name));
    assert.ok(ber.length > 40);
    assert.deepEqual(
      ber.filter(({ der }) => !codesOf(der).includes('ISSUER_UNPARSABLE')).map(({ name }) => name),
      [],
    );
  });

  test('An issuer may be allowed to sign leaves only, and need not speak of SPIFFE or usages', () => {
    const [, usage = ''] = CA_EXTENSIONS;
    for (const extensions of [
      ['basicConstraints = critical,CA:TRUE,pathlen:0', usage],
      ['basicConstraints = CA:TRUE'],
      [...CA_EXTENSIONS, 'subjectAltName = DNS:ca.a.example,URI:https://ca.a.example'],
    ]) {
      const made = openssl.certificate({ extensions });
      assert.deepEqual(parse(made.pem, made.keyPem).findings, []);
    }
  });
});

describe('an issuer whose key and certificates stand in one file', () => {
  const below = openssl.ca(DOMAIN, { signer: root, commonName: 'below' });

  test('An issuer can have its key and its certificates in one file, in any order, and its key is in nothing that is sent', () => {
    const parameters = openssl.run('ecparam', '-name', 'prime256v1');
    for (const parts of [
      [below.pem, root.pem, below.keyPem],
      [below.keyPem, below.pem, root.pem],
      [below.pem, parameters, below.keyPem],
    ]) {
      const { issuer, findings } = parse(parts.join(''), parts.join(''));
      assert.deepEqual(findings, []);
      assert.ok(issuer && new X509Certificate(below.pem).checkPrivateKey(issuer.privateKey));
      const issued = issueLeaf({ issuer, id: spiffeId(DOMAIN, 'gateway/ingress'), now: NOW, lifetimeSeconds: 3600 });
      assert.doesNotMatch(issued.certificateChain, /PRIVATE|PARAMETERS/);
      assert.equal(issued.certificateChain.match(/BEGIN CERTIFICATE/g)?.length, 2);
    }
  });

  test('An issuer with its key and its certificates in one file is refused when privateKey names another file, or when there is more than one key', () => {
    refuses(below.pem + below.keyPem, below.keyPem, ['certificate ISSUER_UNPARSABLE']);
    refuses(below.pem, other.keyPem + below.keyPem, ['privateKey ISSUER_UNPARSABLE']);
    refuses(below.pem, below.pem + root.pem, ['privateKey ISSUER_UNPARSABLE']);
    const request = '-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n';
    refuses(below.pem + request, below.keyPem, ['certificate ISSUER_UNPARSABLE']);
  });
});

describe('an issuing chain', () => {
  test('An issuing chain is the whole file; everything but the root is sent, also a CA that only has the name of its issuer', () => {
    const renewed = openssl.ca(DOMAIN, { signer: root, commonName: 'root' });
    const below = openssl.ca(DOMAIN, { signer: renewed, commonName: 'below' });
    const { issuer, findings } = parse(below.pem + renewed.pem + root.pem, below.keyPem);
    assert.deepEqual(findings, []);
    const fingerprints = (made: readonly { readonly der: Buffer }[]) => made.map(({ der }) => der.toString('hex'));
    assert.deepEqual(fingerprints(issuer?.chain ?? []), fingerprints([below, renewed, root]));
    assert.deepEqual(fingerprints(issuer?.intermediates ?? []), fingerprints([below, renewed]));
  });

  test('A root that restricts what Envoy ignores in roots is a warning', () => {
    const extensions = [...CA_EXTENSIONS, 'extendedKeyUsage = clientAuth'];
    const restricted = openssl.ca(DOMAIN, { extensions });
    const { issuer, findings } = parse(restricted.pem, restricted.keyPem);
    assert.deepEqual(
      findings.map(({ code, severity }) => `${code} ${severity}`),
      ['ISSUER_ROOT_RESTRICTED warning'],
    );
    assert.ok(issuer);
  });

  test('An issuing chain is only checked for the roles of its gateways', () => {
    const below = openssl.ca(DOMAIN, { signer: root, extensions: [...CA_EXTENSIONS, 'extendedKeyUsage = clientAuth'] });
    const codesFor = (...purposes: readonly Purpose[]) =>
      parseIssuer(Buffer.from(below.pem), Buffer.from(below.keyPem), DOMAIN, NOW, {
        samples: [{ id: spiffeId(DOMAIN, 'gateway/egress'), purposes }],
      }).findings.map(({ code }) => code);
    assert.deepEqual(codesFor('client'), []);
    assert.deepEqual(codesFor('server', 'client'), ['ISSUER_CONSTRAINED']);
  });
});

describe('an issuer that has ended', () => {
  test('An issuer that has ended is an error; for a process that runs with it a warning, and still an issuer', () => {
    const { validTo } = new X509Certificate(ca.pem);
    const end = Date.parse(validTo);
    refuses(ca.pem, ca.keyPem, ['certificate ISSUER_EXPIRED'], end);
    const { issuer, findings } = parseIssuer(Buffer.from(ca.pem), Buffer.from(ca.keyPem), DOMAIN, end, {
      tolerateEnd: true,
    });
    assert.deepEqual(
      findings.map(({ code, severity }) => `${code} ${severity}`),
      ['ISSUER_EXPIRED warning'],
    );
    assert.ok(issuer);
  });

  test('An issuer that has ended excuses nothing else that is wrong with it', () => {
    const end = Date.parse(new X509Certificate(ca.pem).validTo);
    const { issuer } = parseIssuer(Buffer.from(ca.pem), Buffer.from(other.keyPem), DOMAIN, end, { tolerateEnd: true });
    assert.equal(issuer, undefined);
  });
});

describe('an issuer is refused', () => {
  test('An issuer is refused when its key is that of another CA', () => {
    refuses(ca.pem, other.keyPem, ['privateKey ISSUER_KEY_MISMATCH']);
    refuses(ca.pem, openssl.ca(DOMAIN, { key: 'rsa2048' }).keyPem, ['privateKey ISSUER_KEY_MISMATCH']);
  });

  test('An issuer is refused when its key belongs to the second certificate of the file', () => {
    const below = openssl.ca(DOMAIN, { signer: root, commonName: 'below' });
    refuses(root.pem + below.pem, below.keyPem, ['privateKey ISSUER_KEY_MISMATCH', 'certificate ISSUER_CHAIN']);
  });

  test('An issuer is refused when its key cannot be read: none, public, encrypted, cut or of another file', () => {
    const encrypted = openssl.run('pkcs8', '-topk8', '-in', ca.keyFile, '-passout', 'pass:secret');
    const oldEncrypted = openssl.run('ec', '-in', ca.keyFile, '-aes128', '-passout', 'pass:secret');
    const publicKey = openssl.run('pkey', '-in', ca.keyFile, '-pubout');
    for (const key of [
      '',
      'nothing',
      publicKey,
      encrypted,
      oldEncrypted,
      ca.keyPem.slice(0, 120),
      ca.pem,
      ca.keyPem.replace(/^.(?=[^-]*$)/m, '!'),
    ])
      refuses(ca.pem, key, ['privateKey ISSUER_UNPARSABLE']);
  });

  test('An issuer is refused when its certificate cannot be read: none, a key, cut, or beside something else', () => {
    for (const certificate of [
      '',
      'nothing',
      ca.keyPem,
      ca.pem.slice(0, 200),
      ca.pem.replace(/\n.{64}\n/, '\n'),
      ca.pem + ca.keyPem,
      ca.pem + other.pem.replace(/\n.{64}\n/, '\n'),
    ])
      refuses(certificate, ca.keyPem, ['certificate ISSUER_UNPARSABLE']);
  });

  test('An issuer is refused when its two files were exchanged, with a finding about each', () => {
    refuses(ca.keyPem, ca.pem, ['privateKey ISSUER_UNPARSABLE', 'certificate ISSUER_UNPARSABLE']);
  });

  test('An issuer is refused when it is a leaf, or a CA that may not sign certificates', () => {
    const leaf = openssl.certificate({ signer: ca, extensions: LEAF_EXTENSIONS });
    refuses(leaf.pem, leaf.keyPem, ['certificate ISSUER_NOT_A_CA']);
    const revoker = openssl.certificate({ extensions: ['basicConstraints = CA:TRUE', 'keyUsage = cRLSign'] });
    refuses(revoker.pem, revoker.keyPem, ['certificate ISSUER_NOT_A_CA']);
  });

  test('An issuer is refused outside its validity, to the millisecond', () => {
    const { validFrom, validTo } = new X509Certificate(ca.pem);
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    assert.ok(parse(ca.pem, ca.keyPem, from).issuer);
    assert.ok(parse(ca.pem, ca.keyPem, to - 1).issuer);
    refuses(ca.pem, ca.keyPem, ['certificate ISSUER_EXPIRED'], from - 1);
    refuses(ca.pem, ca.keyPem, ['certificate ISSUER_EXPIRED'], to);
  });

  test('An issuer is refused with a weak key', () => {
    for (const key of ['rsa1024', 'rsaPss', 'secp256k1', 'ed448'] as const) {
      const made = openssl.ca(DOMAIN, { key });
      refuses(made.pem, made.keyPem, ['certificate ISSUER_WEAK_KEY']);
    }
  });

  test('An issuer is refused of another trust domain', () => {
    for (const name of ['b.example', `${DOMAIN}/ca`, `x.${DOMAIN}`]) {
      const made = openssl.ca(name);
      refuses(made.pem, made.keyPem, ['certificate ISSUER_FOREIGN']);
    }
  });

  test('A refused issuer has all its findings at once', () => {
    const leaf = openssl.certificate({ key: 'rsa1024', extensions: ['subjectAltName = URI:spiffe://b.example'] });
    const later = NOW + 40 * 24 * 60 * 60 * 1000;
    const about = ['NOT_A_CA', 'EXPIRED', 'WEAK_KEY', 'FOREIGN'].map((code) => `certificate ISSUER_${code}`);
    refuses(leaf.pem, ca.keyPem, [...about, 'privateKey ISSUER_KEY_MISMATCH'], later);
    refuses(leaf.pem, 'nothing', ['privateKey ISSUER_UNPARSABLE', ...about], later);
  });
});
