// Trust bundles: what a PEM file must hold to be the CAs of one trust domain, and the code of each fault.
// The files consist of certificates that the openssl command made.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { parseTrustBundle } from '../../src/trust/bundle.ts';
import type { TrustDomain } from '../../src/trust/spiffe.ts';
import { pemOf } from '../../src/trust/x509/certificate.ts';
import { CA_EXTENSIONS, LEAF_EXTENSIONS, type Made, Openssl, WHILE_VALID } from '../support/programs/openssl.ts';

const openssl = new Openssl();
after(() => openssl.close());

const DOMAIN = 'a.example' as TrustDomain;
const DAY = 24 * 60 * 60 * 1000;
const NOW = WHILE_VALID;

const ca = openssl.ca(DOMAIN);
const next = openssl.ca(DOMAIN, { commonName: 'next' });
const leaf = openssl.certificate({
  signer: ca,
  extensions: [...LEAF_EXTENSIONS, `subjectAltName = URI:spiffe://${DOMAIN}/x`],
});

const parse = (text: string, now = NOW) => parseTrustBundle(Buffer.from(text), DOMAIN, now);
/** `CODE`, or `warning CODE`, of each problem. */
const codes = (text: string, now = NOW): readonly string[] =>
  parse(text, now).findings.map(({ code, severity }) => (severity === 'error' ? code : `${severity} ${code}`));

function accepts(text: string, ...expected: readonly Made[]): void {
  const { bundle, findings } = parse(text);
  assert.deepEqual(findings, []);
  assert.deepEqual(
    bundle?.certificates.map(({ der }) => der),
    expected.map(({ der }) => der),
  );
}

/** The bundle is `kept` alone, and the rest of the file is what is found. */
function leavesOut(text: string, kept: Made, ...expected: readonly string[]): void {
  const { bundle } = parse(text);
  assert.equal(bundle?.pem, kept.pem);
  assert.deepEqual(codes(text), expected);
}

function refuses(text: string, ...expected: readonly string[]): void {
  assert.equal(parse(text).bundle, undefined);
  assert.deepEqual(codes(text), expected);
}

describe('a trust bundle', () => {
  for (const key of ['p256', 'p384', 'p521', 'rsa2048', 'ed25519'] as const)
    test(`A trust bundle takes a CA with a key of the kind ${key}`, () => {
      const made = openssl.ca(DOMAIN, { key });
      accepts(made.pem, made);
    });

  test('A trust bundle takes several CAs, in the order of the file', () => {
    accepts(ca.pem + next.pem, ca, next);
    accepts(next.pem + ca.pem, next, ca);
  });

  test('A trust bundle takes a CA that an unlisted one signed: an intermediate may be the anchor', () => {
    const intermediate = openssl.ca(DOMAIN, { signer: ca, commonName: 'intermediate' });
    accepts(intermediate.pem, intermediate);
  });

  test('A trust bundle takes a CA that says nothing of SPIFFE, or has no key usage', () => {
    const bare = openssl.certificate({ extensions: ['basicConstraints = CA:TRUE'] });
    accepts(bare.pem, bare);
    const web = openssl.certificate({ extensions: [...CA_EXTENSIONS, 'subjectAltName = URI:https://ca.example'] });
    accepts(web.pem, web);
  });

  test('A trust bundle is the certificates alone: comments, byte order marks and line ends are not part of it', () => {
    const printed = openssl.run('x509', '-in', ca.certificateFile, '-text');
    const plain = parse(ca.pem + next.pem).bundle;
    assert.ok(plain);
    const variants = [
      `\ufeff${ca.pem}${next.pem}`,
      (ca.pem + next.pem).replaceAll('\n', '\r\n'),
      (ca.pem + next.pem).replaceAll('\n', '\n \t'),
      `the CA of a.example\n\n${printed}and the next\n${next.pem}\n\nthe end`,
      ca.pem.trimEnd() + next.pem,
    ];
    for (const variant of variants) {
      const { bundle } = parse(variant);
      assert.deepEqual([bundle?.pem, bundle?.fingerprint], [plain.pem, plain.fingerprint], variant);
    }
    assert.equal(plain.pem, ca.pem + next.pem);
    assert.equal(plain.fingerprint, createHash('sha256').update(plain.pem).digest('hex'));
    assert.equal(plain.trustDomain, DOMAIN);
  });

  test('A trust bundle has another fingerprint with another CA', () => {
    assert.notEqual(parse(ca.pem).bundle?.fingerprint, parse(next.pem).bundle?.fingerprint);
  });

  test('A trust bundle holds a certificate once, with a warning where it occurs again', () => {
    const text = ca.pem + next.pem + ca.pem.replaceAll('\n', '\r\n');
    assert.deepEqual(codes(text), ['warning BUNDLE_DUPLICATE']);
    assert.equal(parse(text).bundle?.pem, ca.pem + next.pem);
  });

  test('A trust bundle reports a certificate that cannot be read once, however often it is listed', () => {
    const broken = pemOf(Buffer.concat([ca.der, Buffer.of(0)]));
    const text = broken + next.pem + broken;
    assert.deepEqual(codes(text), ['BUNDLE_UNPARSABLE', 'warning BUNDLE_DUPLICATE']);
    assert.equal(parse(text).bundle?.pem, next.pem);
  });

  test('A trust bundle holds at most 32 certificates', () => {
    refuses(ca.pem.repeat(33), 'BUNDLE_TOO_LARGE');
    assert.equal(parse(ca.pem.repeat(32)).bundle?.certificates.length, 1);
  });
});

test('A bundle file that cannot be read says nothing about trust; one that is empty, or lists what cannot be used, does', () => {
  const silent = (text: string): boolean => parse(text).isUnreadable === true;
  for (const text of ['nothing here', ca.pem.slice(0, 300), ca.pem + ca.keyPem, ca.pem.repeat(33)])
    assert.equal(silent(text), true);
  for (const text of ['', leaf.pem, openssl.ca('b.example').pem, ca.pem.replace(/\n.{64}\n/, '\n')])
    assert.equal(silent(text), false);
});

describe('text between the certificates', () => {
  test('Text between the certificates is comment, also when it speaks of boundaries or holds a certificate that is commented out', () => {
    const commented = next.pem.replace(/^/gm, '# ');
    for (const comment of ['see -----BEGIN CERTIFICATE----- below', '# -----BEGIN', commented, '----- old -----'])
      accepts(`${comment}\n${ca.pem}${comment}\n`, ca);
  });

  test('Text between the certificates is a fault with its line when a line of it starts like a boundary, and a private key is one anywhere', () => {
    for (const [line, text] of [
      [1, `-----BEGIN of the bundle\n${ca.pem}`],
      [1, `-----END CERTIFICATE-----\n${ca.pem}`],
      [2, `\n-----BEGIN CERTIFICATE----- \n${ca.pem}`],
    ] as const) {
      refuses(text, 'BUNDLE_UNPARSABLE');
      assert.match(parse(text).findings[0]?.message ?? '', new RegExp(`line ${line}\\b`));
    }
    refuses(`${ca.pem}# ${'-----BEGIN'} PRIVATE KEY-----\n`, 'BUNDLE_HOLDS_KEY');
  });
});

test('A bundle file of a megabyte that is made to be slow is read at once', () => {
  const size = 1024 * 1024;
  const slow = [
    `x${' '.repeat(size)}x`,
    `-----BEGIN ${'A '.repeat(size / 2)}`,
    `-----BEGIN ${'PRIVATE KEY'.repeat(size / 11)}`,
    `-----BEGIN CERTIFICATE-----\n${'A'.repeat(size)}=\n-----END CERTIFICATE-----\n`,
    `${'-----BEGIN '.repeat(size / 11)}`,
    'BEGIN '.repeat(size / 6),
    '30 81 '.repeat(size / 6),
    `"d"${' '.repeat(size)}`,
    pemOf(Buffer.alloc(size / 2, 0x30)),
  ];
  // What is quadratic takes minutes here, and the run's limit ends it.
  for (const text of slow) assert.equal(parse(text).bundle, undefined);
});

test('A finding says what is wrong with the encoding of a certificate', () => {
  const indefinite = Buffer.concat([Buffer.of(0x30, 0x80), ca.der.subarray(4), Buffer.alloc(2)]);
  const { findings } = parse(pemOf(indefinite));
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['BUNDLE_UNPARSABLE'],
  );
  assert.match(findings[0]?.message ?? '', /certificate 1 .* indefinite length/);
});

describe('a trust bundle is refused', () => {
  test('A trust bundle is refused when it is not a PEM file', () => {
    for (const text of [
      ca.der.toString('latin1'),
      Buffer.from(ca.pem, 'utf16le').toString('latin1'),
      ca.pem.toLowerCase(),
      ca.pem.replace('-----END', '----END'),
      ca.pem.replace(/-----END.*/, ''),
      ca.pem.replace('END CERTIFICATE', 'END TRUSTED CERTIFICATE'),
      `-----BEGIN CERTIFICATE-----\n${ca.pem}`,
      ca.pem + next.pem.slice(0, 200),
      'nothing here',
      '{"keys":[]}',
    ])
      refuses(text, 'BUNDLE_UNPARSABLE');
  });

  test('A trust bundle is refused when it is empty', () => {
    for (const text of ['', '\n', ' \r\n\t']) refuses(text, 'BUNDLE_EMPTY');
  });

  test('A trust bundle is refused when it holds something other than certificates', () => {
    const request = openssl.run('req', '-new', '-key', ca.keyFile, '-subj', '/CN=x');
    const publicKey = openssl.run('pkey', '-in', ca.keyFile, '-pubout');
    const trusted = openssl.run('x509', '-in', ca.certificateFile, '-trustout', '-addtrust', 'clientAuth');
    for (const other of [request, publicKey, trusted]) refuses(ca.pem + other, 'BUNDLE_UNPARSABLE');
  });

  test('A trust bundle is refused when a certificate is damaged, and no finding names the sound ones', () => {
    const damaged = ca.pem.replace(/\n.{64}\n/, '\n');
    refuses(damaged, 'BUNDLE_UNPARSABLE');
    leavesOut(next.pem + damaged, next, 'BUNDLE_UNPARSABLE');
    refuses('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n', 'BUNDLE_UNPARSABLE');
  });

  test('A trust bundle is refused when it holds a leaf, alone or beside its CA: Envoy would let it vouch for itself', () => {
    refuses(leaf.pem, 'BUNDLE_NOT_A_CA', 'BUNDLE_FOREIGN');
    leavesOut(ca.pem + leaf.pem, ca, 'BUNDLE_NOT_A_CA', 'warning BUNDLE_FOREIGN');
    const plain = openssl.certificate({ extensions: ['subjectAltName = DNS:gw.example'] });
    refuses(plain.pem, 'BUNDLE_NOT_A_CA');
  });

  test('A trust bundle is refused when it holds a CA which may not sign certificates', () => {
    const { pem } = openssl.certificate({ extensions: ['basicConstraints = CA:TRUE', 'keyUsage = cRLSign'] });
    refuses(pem, 'BUNDLE_NOT_A_CA');
  });

  test('A trust bundle is refused for each weak key in it', () => {
    for (const key of ['rsa1024', 'rsa2047', 'rsaPss', 'secp256k1', 'brainpool', 'p224', 'ed448'] as const)
      refuses(openssl.ca(DOMAIN, { key }).pem, 'BUNDLE_WEAK_KEY');
  });

  test('A trust bundle is refused for a broken signature of a CA above, but not for its own signature on itself', () => {
    const own = openssl.ca(DOMAIN, { digest: 'sha1' });
    accepts(own.pem, own);
    for (const digest of ['sha1', 'md5'])
      for (const key of ['rsa2048', 'p256'] as const) {
        if (digest === 'md5' && key === 'p256') continue;
        const above = openssl.ca(DOMAIN, { key, commonName: 'above' });
        refuses(openssl.ca(DOMAIN, { signer: above, digest }).pem, 'BUNDLE_WEAK_KEY');
      }
  });

  test('A trust bundle is refused when it holds the CA of another trust domain', () => {
    refuses(openssl.ca('b.example').pem, 'BUNDLE_FOREIGN');
    leavesOut(ca.pem + openssl.ca('b.example').pem, ca, 'warning BUNDLE_FOREIGN');
    leavesOut(openssl.ca('b.example').pem + ca.pem, ca, 'warning BUNDLE_FOREIGN');
    for (const name of [`${DOMAIN}.evil.example`, `${DOMAIN}/`, 'A.example', 'evil.a.example'])
      refuses(openssl.ca(name).pem, 'BUNDLE_FOREIGN');
  });

  test('A refused trust bundle has the findings of all its certificates at once', () => {
    const expired = openssl.ca('b.example', { days: 1, key: 'rsa1024' });
    const later = NOW + 2 * DAY;
    assert.deepEqual(codes(expired.pem + leaf.pem, later), [
      'BUNDLE_EXPIRED',
      'BUNDLE_WEAK_KEY',
      'BUNDLE_FOREIGN',
      'BUNDLE_NOT_A_CA',
      'BUNDLE_FOREIGN',
    ]);
  });
});

describe('the time of a trust bundle', () => {
  const { notBefore, notAfter } = parse(ca.pem).bundle?.certificates[0] ?? { notBefore: 0, notAfter: 0 };

  test('The time of a trust bundle is over at the very moment of its end', () => {
    assert.deepEqual(codes(ca.pem, notAfter - 1), ['warning BUNDLE_EXPIRES_SOON']);
    assert.ok(parse(ca.pem, notAfter - 1).bundle);
    assert.deepEqual(codes(ca.pem, notAfter), ['BUNDLE_EXPIRED']);
    assert.equal(parse(ca.pem, notAfter).bundle, undefined);
  });

  test('The time of a trust bundle has not begun a moment before its begin', () => {
    assert.deepEqual(codes(ca.pem, notBefore), []);
    assert.deepEqual(codes(ca.pem, notBefore - 1), ['BUNDLE_NOT_YET_VALID']);
    assert.equal(parse(ca.pem, notBefore - 1).bundle, undefined);
  });

  test('The time of a trust bundle is short in its last thirty days, and the bundle still counts', () => {
    assert.deepEqual(codes(ca.pem, notAfter - 30 * DAY - 1), []);
    assert.deepEqual(codes(ca.pem, notAfter - 30 * DAY), ['warning BUNDLE_EXPIRES_SOON']);
  });

  test('The time of a trust bundle counts for each certificate: one that expired or has not begun is left out beside a sound one', () => {
    const short = openssl.ca(DOMAIN, { days: 1 });
    assert.deepEqual(codes(ca.pem + short.pem, NOW + 2 * DAY), ['warning BUNDLE_EXPIRED']);
    assert.equal(parse(ca.pem + short.pem, NOW + 2 * DAY).bundle?.pem, ca.pem);
    assert.equal(parse(ca.pem + short.pem, NOW).bundle?.pem, ca.pem + short.pem);
  });

  test('The time of a trust bundle is told for every certificate, also one that is left out: the bundle changes then', () => {
    const short = openssl.ca(DOMAIN, { days: 1 });
    const { times } = parse(short.pem + ca.pem, NOW + 2 * DAY);
    assert.equal(times.length, 4);
    assert.ok(times.includes(notAfter) && times.includes(notBefore));
  });
});

test('What a certificate says of itself is repeated without what steers a terminal', () => {
  const name = Buffer.from('spiffe://b.example/\x1b[2J\n\u202e', 'utf8').toString('hex');
  const { pem } = openssl.certificate({
    extensions: [...CA_EXTENSIONS, '2.5.29.17 = ASN1:SEQUENCE:names'],
    sections: [`[names]\none = IMPLICIT:6C,FORMAT:HEX,OCTETSTRING:${name}`],
  });
  refuses(pem, 'BUNDLE_FOREIGN');
  assert.match(
    parse(pem)
      .findings.map(({ message, hint }) => message + hint)
      .join(),
    /^[\x20-\x7e]*$/,
  );
});

describe('what a peer can cause with its bundle is bounded', () => {
  const named = (count: number): Made =>
    openssl.certificate({
      extensions: [...CA_EXTENSIONS, 'subjectAltName = @names'],
      sections: [
        `[names]\n${Array.from({ length: count }, (_, index) => `URI.${index} = spiffe://x${index}`).join('\n')}`,
      ],
    });

  test('A CA that names several other trust domains is one finding, which has the first name and a count', () => {
    const { pem } = named(100);
    leavesOut(ca.pem + pem, ca, 'warning BUNDLE_FOREIGN');
    assert.match(parse(pem).findings[0]?.message ?? '', /spiffe:\/\/x0, and 99 more$/);
  });

  test('A certificate with more than 100 names, or of more than 16 KiB, is refused for its peer alone', () => {
    leavesOut(ca.pem + named(101).pem, ca, 'BUNDLE_UNPARSABLE');
    const large = openssl.certificate({
      extensions: [...CA_EXTENSIONS, `1.2.3.4 = DER:04820000${'00'.repeat(16 * 1024)}`],
    });
    leavesOut(ca.pem + large.pem, ca, 'BUNDLE_UNPARSABLE');
    assert.match(parse(large.pem).findings[0]?.message ?? '', /more than 16384/);
  });

  test('A bundle file of more than 20,000 lines is refused', () => {
    const blank = '\n'.repeat(20_001);
    assert.deepEqual(codes(ca.pem + blank), ['BUNDLE_UNPARSABLE']);
    assert.deepEqual(codes(ca.pem + blank.slice(ca.pem.split('\n').length + 1)), []);
    assert.deepEqual(codes(blank), ['BUNDLE_EMPTY']);
  });

  test('A long name of a certificate is cut in a message', () => {
    const { pem } = openssl.ca(`b.example/${'x'.repeat(2000)}`, { commonName: 'CA' });
    for (const { message } of parse(pem).findings) assert.ok(message.length < 300, message);
  });

  test('A bundle has at most ten findings, errors first, and the last one says how many are missing', () => {
    const expiring = openssl.ca(DOMAIN, { days: 1 });
    const broken = Array.from({ length: 12 }, (_, index) => pemOf(Buffer.concat([ca.der, Buffer.of(index)])));
    const { bundle, findings } = parse(ca.pem + expiring.pem + broken.join(''));
    assert.equal(bundle?.pem, ca.pem + expiring.pem);
    assert.deepEqual(
      findings.map(({ code }) => code),
      Array.from({ length: 10 }, () => 'BUNDLE_UNPARSABLE'),
    );
    const counts = findings.filter(({ message }) => message.includes('and 3 more findings'));
    assert.deepEqual(counts, [findings.at(-1)]);
  });
});

test('The files that openssl made are read as they lie on disk', () => {
  assert.ok(parseTrustBundle(readFileSync(ca.certificateFile), DOMAIN, NOW).bundle);
});
