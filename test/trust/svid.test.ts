// X509-SVID leaf certificates: each rule broken one at a time (X509-SVID 2, 3, 4, 5.2).
// The certificates are made by the openssl command; each proves one SPIFFE ID, or none.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { readSvid } from '../../src/trust/svid.ts';
import { CA_EXTENSIONS, LEAF_EXTENSIONS, Openssl, WHILE_VALID } from '../support/programs/openssl.ts';

const openssl = new Openssl();
after(() => openssl.close());

const ID = 'spiffe://a.example/gateway/egress';
const NAME = `subjectAltName = URI:${ID}`;
const NOW = WHILE_VALID;
const ca = openssl.ca('a.example');

interface Parts {
  readonly constraints?: string;
  readonly usage?: string;
  readonly extended?: string;
  readonly name?: string;
  readonly sections?: readonly string[];
}

/** A good leaf with one part replaced, or left out when that part is empty. */
function made(parts: Parts): Buffer {
  const [constraints = '', usage = '', extended = ''] = LEAF_EXTENSIONS;
  const lines = { constraints, usage, extended, name: NAME, ...parts };
  const extensions = [lines.constraints, lines.usage, lines.extended, lines.name].filter((line) => line !== '');
  return openssl.certificate({ signer: ca, extensions, ...(parts.sections && { sections: parts.sections }) }).der;
}

const names = (...lines: readonly string[]): Parts => ({
  name: 'subjectAltName = @names',
  sections: [`[names]\n${lines.join('\n')}`],
});

const GOOD: Readonly<Record<string, Parts>> = {
  'the usual parts': {},
  'other names beside its one URI name': names(`URI.1 = ${ID}`, 'DNS.1 = gw.a.example', 'IP.1 = 192.0.2.1'),
  'more usages than it needs': { usage: 'keyUsage = critical,digitalSignature,keyEncipherment,keyAgreement' },
  'more extended usages than it needs': { extended: 'extendedKeyUsage = clientAuth,serverAuth,emailProtection' },
  'no extended usage, which allows all': { extended: '' },
  'no basic constraints, which is no CA': { constraints: '' },
  'a DNS name that prints as another ID': names(`URI.1 = ${ID}`, 'DNS.1 = URI:spiffe://b.example/x'),
};

const BAD: Readonly<Record<string, Parts>> = {
  'no name': { name: '' },
  'a DNS name only': { name: 'subjectAltName = DNS:gw.a.example' },
  'its ID in a DNS name': names(`DNS.1 = ${ID}`),
  'its ID in a DNS name that prints as a URI': names(`DNS.1 = URI:${ID}`),
  'its ID in a mail address': names(`email.1 = ${ID}`),
  'its ID in another name': names(`otherName.1 = 1.3.6.1.5.5.7.8.6;UTF8:${ID}`),
  'two IDs': names(`URI.1 = ${ID}`, 'URI.2 = spiffe://a.example/gateway/ingress'),
  'one ID twice': names(`URI.1 = ${ID}`, `URI.2 = ${ID}`),
  'an ID and a web address': names(`URI.1 = ${ID}`, 'URI.2 = https://a.example'),
  'a web address and an ID': names('URI.1 = https://a.example', `URI.2 = ${ID}`),
  'a name that prints as two': names(`URI.1 = spiffe://a.example/evil, URI:${ID}`),
  'the ID of a trust domain': { name: 'subjectAltName = URI:spiffe://a.example' },
  'a trailing slash': { name: `subjectAltName = URI:${ID}/` },
  'dot segments': { name: 'subjectAltName = URI:spiffe://a.example/x/../gateway/egress' },
  'an encoded character': { name: 'subjectAltName = URI:spiffe://a.example/gateway%2fegress' },
  'upper case': { name: 'subjectAltName = URI:SPIFFE://A.example/gateway/egress' },
  'a NUL byte': {
    name: '2.5.29.17 = ASN1:SEQUENCE:names',
    sections: [`[names]\none = IMPLICIT:6C,FORMAT:HEX,OCTETSTRING:${Buffer.from(`${ID}\0x`).toString('hex')}`],
  },
  'the CA flag': {
    constraints: 'basicConstraints = critical,CA:TRUE',
    usage: 'keyUsage = digitalSignature,keyCertSign',
  },
  'the CA flag and no usages': { constraints: 'basicConstraints = critical,CA:TRUE', usage: '' },
  keyCertSign: { usage: 'keyUsage = critical,digitalSignature,keyCertSign' },
  cRLSign: { usage: 'keyUsage = critical,digitalSignature,cRLSign' },
  'no digitalSignature': { usage: 'keyUsage = critical,keyEncipherment' },
  'server authentication only': { extended: 'extendedKeyUsage = serverAuth' },
  'client authentication only': { extended: 'extendedKeyUsage = clientAuth' },
  'mail protection only': { extended: 'extendedKeyUsage = emailProtection' },
  'any extended usage, which names neither': { extended: 'extendedKeyUsage = anyExtendedKeyUsage' },
};

describe('a certificate proves its SPIFFE ID', () => {
  for (const [what, parts] of Object.entries(GOOD)) {
    test(`A certificate proves its SPIFFE ID with ${what}`, () => {
      const der = made(parts);
      const node = new X509Certificate(der);
      assert.deepEqual(readSvid(der, NOW), {
        ok: true,
        id: ID,
        notAfter: Date.parse(node.validTo),
        fingerprint: node.fingerprint256.replaceAll(':', '').toLowerCase(),
      });
    });
  }
});

describe('a certificate proves nothing', () => {
  for (const [what, parts] of Object.entries(BAD))
    test(`A certificate proves nothing with ${what}`, () => assert.equal(readSvid(made(parts), NOW).ok, false));

  test('A certificate proves nothing as the CA itself', () => {
    assert.equal(readSvid(ca.der, NOW).ok, false);
    const withPath = openssl.certificate({ extensions: [...CA_EXTENSIONS, NAME] });
    assert.equal(readSvid(withPath.der, NOW).ok, false);
  });

  test('A certificate proves nothing before its begin, at its end and after it', () => {
    const der = made({});
    const [from, to] = [Date.parse(new X509Certificate(der).validFrom), Date.parse(new X509Certificate(der).validTo)];
    const proves = (now: number): boolean => readSvid(der, now).ok;
    assert.deepEqual([from - 1, from, to - 1, to, to + 1].map(proves), [false, true, true, false, false]);
  });

  test('A certificate proves nothing when it cannot be read', () => {
    for (const der of [Buffer.alloc(0), Buffer.from('certificate'), made({}).subarray(1), made({}).subarray(0, -1)])
      assert.deepEqual(readSvid(der, NOW), { ok: false, reason: 'unreadable certificate' });
  });

  test('A certificate proves nothing and the reason repeats nothing of what it says', () => {
    for (const parts of Object.values(BAD)) {
      const result = readSvid(made(parts), NOW);
      assert.ok(!result.ok && !/spiffe:|example|egress/i.test(result.reason));
    }
  });
});
