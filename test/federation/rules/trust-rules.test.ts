// Rules across trust bundles: no CA vouches for two meshes, whether it is in both bundles or signed a CA in one of them.
// The openssl command makes the CAs; each case lists the codes with the peer at whose bundle they are found.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { trustRules } from '../../../src/federation/rules/trust-rules.ts';
import { parseTrustBundle } from '../../../src/trust/bundle.ts';
import { parseIssuer } from '../../../src/trust/issuing/issuer.ts';
import type { TrustDomain } from '../../../src/trust/spiffe.ts';
import { parseCertificate } from '../../../src/trust/x509/certificate.ts';
import { CA_EXTENSIONS, LEAF_EXTENSIONS, type Made, Openssl, WHILE_VALID } from '../../support/programs/openssl.ts';
import { BANK, changed, namelessCa, OURS, resolveText, SHOP, shown, YAML } from '../two-peers.ts';

const openssl = new Openssl();
after(() => openssl.close());

/** A CA that does not say whose it is, so that no bundle refuses it. */
const newCa = (wanted: Partial<Parameters<Openssl['certificate']>[0]> = {}): Made =>
  openssl.certificate({ extensions: CA_EXTENSIONS, commonName: 'CA', ...wanted });

/** The bundle of a peer that lists these. */
function parsed(peer: string, ...made: readonly Made[]) {
  const pem = Buffer.from(made.map((one) => one.pem).join(''));
  const { bundle, findings } = parseTrustBundle(pem, `${peer}.example` as TrustDomain, WHILE_VALID);
  assert.ok(bundle, JSON.stringify(findings));
  return { mesh: peer, bundle };
}

/** `CODE peer` of each finding about these bundles. */
function findings(bundles: Readonly<Record<string, readonly Made[]>>, issuer?: Made): readonly string[] {
  const ours =
    issuer && parseIssuer(Buffer.from(issuer.pem), Buffer.from(issuer.keyPem), 'o' as TrustDomain, WHILE_VALID);
  const { certificate, intermediates = [] } = ours?.issuer ?? {};
  const chain = certificate === undefined ? [] : [certificate, ...intermediates];
  const held = Object.entries(bundles).map(([peer, made]) => parsed(peer, ...made));
  return trustRules(held, chain).map(({ finding: { code, severity, path, concernsPeer, concernsMesh } }) => {
    assert.equal(severity, 'error');
    if (concernsMesh) return `${code} ${path.join('.')}`;
    assert.equal(concernsPeer, path[1]);
    assert.deepEqual([path[0], path[2]], ['peers', 'trustBundle']);
    return `${code} ${path[1]}`;
  });
}

describe('CA_SHARED is found', () => {
  test('CA_SHARED is found at each bundle that holds one certificate: nothing tells which peer owns it', () => {
    const ca = newCa();
    const shared = ['CA_SHARED a', 'CA_SHARED b'];
    assert.deepEqual(findings({ a: [ca], b: [ca] }), shared);
    assert.deepEqual(findings({ a: [ca], b: [newCa(), ca], c: [ca, newCa()] }), [...shared, 'CA_SHARED c']);
  });

  test('CA_SHARED is found when one key is in two bundles under other names, dates or usages', () => {
    const ca = newCa();
    const others = [
      newCa({ key: ca, commonName: 'renewed' }),
      newCa({ key: ca, days: 60 }),
      newCa({ key: ca, signer: newCa() }),
    ];
    for (const other of others) assert.deepEqual(findings({ a: [ca], b: [other] }), ['CA_SHARED a', 'CA_SHARED b']);
  });

  test('CA_SHARED is found when a CA is signed by one in another bundle, whichever comes first, and it could mint its identities', () => {
    const root = newCa({ commonName: 'root of both' });
    const below = newCa({ signer: root });
    assert.deepEqual(findings({ a: [root], b: [below] }), ['CA_SHARED b', 'CA_SHARED a']);
    assert.deepEqual(findings({ b: [below], a: [root] }), ['CA_SHARED b', 'CA_SHARED a']);
    // What the finding is for: b speaks as a, and whoever has only a's bundle believes it.
    const minted = openssl.certificate({
      signer: below,
      extensions: [...LEAF_EXTENSIONS, 'subjectAltName = URI:spiffe://a.example/gateway'],
    });
    const chain = ['-CAfile', root.certificateFile, '-untrusted', below.certificateFile, minted.certificateFile];
    assert.ok(openssl.ask('verify', '-x509_strict', '-no-CApath', '-purpose', 'sslclient', ...chain));
  });
});

test('CA_SHARED is found whatever the names and their encodings are: the key that signed decides', () => {
  const root = newCa({ commonName: 'Root of both' });
  const shared = ['CA_SHARED b', 'CA_SHARED a'];
  const renamed = [
    { commonName: 'root  OF both' },
    { commonName: 'somebody else' },
    { commonName: 'Root of both', stringMask: 'MASK:0x2' },
    { commonName: 'Root of both', stringMask: 'MASK:0x800' },
    { commonName: 'Root of both', stringMask: 'MASK:0x4' },
  ];
  for (const other of renamed) {
    const signer = newCa({ key: root, ...other });
    assert.deepEqual(findings({ b: [newCa({ signer })], a: [root] }), shared, JSON.stringify(other));
  }
});

test('CA_SHARED is found at the peer that a key does not name, also when that peer was served with it first', () => {
  const named = openssl.ca('a.example');
  const root = newCa();
  const b = parsed('b', root, newCa({ key: named, signer: root }));
  for (const before of [undefined, b.bundle]) {
    const conflicts = trustRules([{ ...b, ...(before && { before }) }, parsed('a', named)], []);
    const stolen = b.bundle.certificates[1]?.fingerprint;
    assert.deepEqual(
      conflicts.map(({ mesh, fingerprint }) => [mesh, fingerprint]),
      [['b', stolen]],
    );
  }
});

describe('a peer that lists a CA below the root of another, which joins later,', () => {
  /** Who loses a CA: `a` lists the CA, `b` the root that signed it. */
  const losers = (root: Made, below: Made, { isServed, own = [] }: Listing): readonly string[] => {
    const a = parsed('a', ...own, below);
    const b = parsed('b', root);
    const before = isServed ? { before: a.bundle } : {};
    const lost = trustRules([{ ...a, ...before }, b], []).map(({ mesh, fingerprint }) => [mesh, fingerprint]);
    const expected = { a: parseCertificate(below.der).fingerprint, b: parseCertificate(root.der).fingerprint };
    for (const [peer, fingerprint] of lost) assert.equal(fingerprint, expected[peer as 'a' | 'b']);
    return lost.map(([peer = '']) => peer);
  };
  interface Listing {
    readonly isServed: boolean;
    readonly own?: readonly Made[];
  }
  const root = openssl.ca('b.example');
  const nameless = newCa();

  test('A peer that lists a CA below the root of another, which joins later, loses it, also when it is served with it, if the root names the trust domain of the other', () => {
    for (const isServed of [true, false])
      for (const own of [[], [newCa()]])
        assert.deepEqual(losers(root, newCa({ signer: root }), { isServed, own }), ['a']);
  });

  test('A peer that lists a CA below the root of another, which joins later, keeps it while it is served with it, if the root has no name: nothing tells which peer owns the CA', () => {
    assert.deepEqual(losers(nameless, newCa({ signer: nameless }), { isServed: true }), ['b']);
    assert.deepEqual(losers(nameless, newCa({ signer: nameless }), { isServed: false }), ['a', 'b']);
  });

  test('A peer that lists a CA below the root of another, which joins later, keeps it while it is served with it, if the root itself signed that the CA is its own', () => {
    const given = openssl.ca('a.example', { signer: root });
    assert.deepEqual(losers(root, given, { isServed: true }), ['b']);
    assert.deepEqual(losers(root, given, { isServed: false }), ['a']);
  });

  test('A peer that lists a CA below the root of another, which joins later, keeps it if the other only lists a certificate of the root that another key has signed', () => {
    const listed = openssl.ca('b.example', { key: nameless, signer: newCa() });
    assert.deepEqual(losers(listed, newCa({ signer: nameless }), { isServed: true }), ['b']);
  });

  test('A peer that lists a CA below the root of another, which joins later, does not stop the root from being served once the CA is removed', () => {
    const own = newCa();
    const a = parsed('a', own);
    assert.deepEqual(trustRules([{ ...a, before: a.bundle }, parsed('b', root)], []), []);
  });
});

test('Of two bundles where a key in one signed a CA in the other, one loses its side, whatever their claims are', () => {
  const roots = [newCa(), openssl.ca('b.example')];
  for (const root of roots)
    for (const below of [newCa({ signer: root }), openssl.ca('a.example', { signer: root })])
      for (const servedA of [true, false])
        for (const servedB of [true, false]) {
          const [a, b] = [parsed('a', below), parsed('b', root)];
          const held = [
            { ...a, ...(servedA && { before: a.bundle }) },
            { ...b, ...(servedB && { before: b.bundle }) },
          ];
          assert.notDeepEqual(trustRules(held, []), []);
        }
});

describe('CA_SHARED is not found', () => {
  test('CA_SHARED is not found when each bundle has its own CAs, even with one name', () => {
    assert.deepEqual(findings({ a: [newCa(), newCa()], b: [newCa(), newCa()] }), []);
  });

  test('CA_SHARED is not found when one bundle has one CA in two versions, or a CA and what it signed', () => {
    const ca = newCa();
    assert.deepEqual(findings({ a: [ca, newCa({ key: ca, days: 60 }), newCa({ signer: ca })], b: [newCa()] }), []);
  });

  test('CA_SHARED is not found when two bundles have CAs below one root that is in neither', () => {
    const root = newCa();
    assert.deepEqual(findings({ a: [newCa({ signer: root })], b: [newCa({ signer: root })] }), []);
  });

  test('CA_SHARED is not found when a CA only has the name of the one that signed the other', () => {
    const root = newCa({ commonName: 'root' });
    assert.deepEqual(findings({ a: [newCa({ commonName: 'root' })], b: [newCa({ signer: root })] }), []);
  });
});

describe('CA_OURS', () => {
  const ours = newCa();

  test('CA_OURS is found when our issuing CA is in a bundle, or its key is', () => {
    assert.deepEqual(findings({ a: [ours] }, ours), ['CA_OURS a']);
    assert.deepEqual(findings({ a: [newCa()], b: [newCa(), newCa({ key: ours, days: 60 })] }, ours), ['CA_OURS b']);
  });

  test('CA_OURS is found at each bundle, instead of saying that they share it', () => {
    assert.deepEqual(findings({ a: [ours], b: [ours] }, ours), ['CA_OURS a', 'CA_OURS b']);
  });

  test('CA_OURS is found for a CA that ours signed, and for one that signed ours', () => {
    const root = newCa({ commonName: 'our root' });
    const issuing = newCa({ signer: root, commonName: 'our issuing CA' });
    assert.deepEqual(findings({ a: [newCa({ signer: issuing })] }, issuing), ['CA_OURS a']);
    assert.deepEqual(findings({ a: [newCa(), root] }, issuing), ['CA_OURS a']);
    assert.deepEqual(findings({ a: [newCa({ signer: root })] }, issuing), []);
  });

  test('CA_OURS is not found in our own trust bundle, and a CA there that is above or below our issuing CA is ours alone', () => {
    const root = newCa();
    const issuing = newCa({ signer: root });
    for (const listed of [[root], [issuing], [newCa({ signer: issuing }), root]])
      assert.deepEqual(findings({ '': listed }, issuing), []);
    // Served or not, a CA that the root has signed is not the peer's: the root has signed our issuing CA.
    assert.deepEqual(findings({ a: [newCa({ signer: root })], '': [root] }, issuing), ['CA_SHARED a']);
    assert.deepEqual(findings({ a: [newCa({ signer: root })], '': [root] }), [
      'CA_SHARED a',
      'CA_SHARED mesh.trustBundle',
    ]);
  });

  test('CA_OURS is not found for a CA that only has our name, nor when we issue nothing', () => {
    assert.deepEqual(findings({ a: [newCa()] }, ours), []);
    assert.deepEqual(findings({ a: [ours] }), []);
  });
});

describe('a configuration', () => {
  /** What is found, and who is denied. */
  const lost = (files: Readonly<Record<string, string>>): readonly string[] => {
    const { resolved, findings: found } = resolveText(YAML, { files });
    return [...shown(found, YAML), ...(resolved?.federation.deniedPeers ?? []).map(({ name }) => `${name} is denied`)];
  };

  test('A bundle with many CAs of another peer has ten findings, and each of the CAs is refused', () => {
    const cas = Array.from({ length: 12 }, () => namelessCa().certificate);
    const own = namelessCa().certificate;
    const all = { 'shop.pem': cas.join(''), 'bank.pem': cas.join('') + own };
    const { resolved, findings: found } = resolveText(YAML, { files: all });
    for (const peer of ['shop', 'bank']) {
      const ofPeer = found.filter(({ concernsPeer }) => concernsPeer === peer);
      assert.deepEqual([ofPeer.length, new Set(ofPeer.map(({ code }) => code))], [10, new Set(['CA_SHARED'])]);
      assert.match(ofPeer.at(-1)?.message ?? '', /and 2 more findings/);
    }
    assert.deepEqual(
      resolved?.federation.peers.map(({ bundle }) => bundle.pem),
      [own],
    );
  });

  test('A configuration with a shared CA denies both peers', () => {
    const text = changed(['trustBundle: bank.pem', 'trustBundle: shop.pem']);
    const found = shown(resolveText(text).findings, text);
    // The CA says whose it is, so that the bundle is refused before it is compared.
    assert.deepEqual(found, ['BUNDLE_FOREIGN at peers.bank.trustBundle: trustBundle: shop.pem']);
    const nameless = namelessCa().certificate;
    assert.deepEqual(lost({ 'shop.pem': nameless, 'bank.pem': nameless }), [
      'CA_SHARED at peers.shop.trustBundle: trustBundle: shop.pem',
      'CA_SHARED at peers.bank.trustBundle: trustBundle: bank.pem',
      'bank is denied',
      'shop is denied',
    ]);
  });

  test('A configuration with our CA as that of a peer denies that peer', () => {
    const { certificate, privateKey } = namelessCa();
    const files = { 'ca.pem': certificate, 'ca-key.pem': privateKey.reveal(), 'bank.pem': certificate };
    const expected = ['CA_OURS at peers.bank.trustBundle: trustBundle: bank.pem', 'bank is denied'];
    assert.deepEqual(lost(files), expected);
  });

  test('A configuration with the CAs of three meshes is fine', () => {
    assert.equal(new Set([OURS, SHOP, BANK].map(({ certificate }) => certificate)).size, 3);
    assert.deepEqual(resolveText(YAML).findings, []);
  });
});
