// Certificates of every kind for the peers of an ingress gateway: chains with one thing that matters in a CA, leaves with one in
// themselves, and chains with too little, too much or another order. The openssl command makes them.
// Must not: say what a gateway makes of them; a gateway does.

import type { TrustDomain } from '../../../src/trust/spiffe.ts';
import {
  CA_EXTENSIONS,
  type KeyKind,
  LEAF_EXTENSIONS,
  type Made,
  type Openssl,
  type Wanted,
} from '../../support/programs/openssl.ts';
import { ISSUER_CASES, makeCase } from '../../trust/issuing/issuer-cases.ts';
import type { ShownPeer } from './shown-scene.ts';

export interface ShownCase {
  readonly name: string;
  readonly peer: ShownPeer;
  /** The leaf first. */
  readonly cert: string;
  readonly key: string;
}

const DOMAIN = 'leaf.example';
const ID = `spiffe://${DOMAIN}/gateway/ingress`;
const URI = `subjectAltName = URI:${ID}`;
const BASIC = 'basicConstraints = critical,CA:FALSE';

/** One thing each that is not as in the leaf of a gateway. */
const LEAVES: Readonly<Record<string, Partial<Wanted>>> = {
  'nothing unusual': {},
  'no usage at all': { extensions: [URI] },
  'no extended key usage': { extensions: [BASIC, 'keyUsage = critical,digitalSignature', URI] },
  'serverAuth alone': { extensions: ['extendedKeyUsage = serverAuth', URI] },
  'clientAuth alone': { extensions: ['extendedKeyUsage = clientAuth', URI] },
  'any usage, without naming one': { extensions: ['extendedKeyUsage = anyExtendedKeyUsage', URI] },
  'another usage, critical': { extensions: ['extendedKeyUsage = critical,codeSigning', URI] },
  'a key for encipherment alone': {
    extensions: ['keyUsage = critical,keyEncipherment', 'extendedKeyUsage = clientAuth', URI],
  },
  'a key for agreement alone': { extensions: ['keyUsage = critical,keyAgreement', URI] },
  'a key that signs certificates alone': { extensions: ['keyUsage = critical,keyCertSign', URI] },
  'a CA that also signs': {
    extensions: ['basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,digitalSignature', URI],
  },
  'an unknown critical extension': { extensions: [...LEAF_EXTENSIONS, URI, '1.2.3.4 = critical,DER:0500'] },
  'an unknown extension': { extensions: [...LEAF_EXTENSIONS, URI, '1.2.3.4 = DER:0500'] },
  'critical distribution points': {
    extensions: [...LEAF_EXTENSIONS, URI, 'crlDistributionPoints = critical,URI:http://a.test/'],
  },
  'distribution points that cannot be read': { extensions: [...LEAF_EXTENSIONS, URI, '2.5.29.31 = DER:0500'] },
  'policies that cannot be read': { extensions: [...LEAF_EXTENSIONS, URI, '2.5.29.32 = DER:0500'] },
  'critical policies': { extensions: [...LEAF_EXTENSIONS, URI, 'certificatePolicies = critical,1.2.3.4'] },
  'another key identifier of its CA': {
    extensions: [...LEAF_EXTENSIONS, URI, `2.5.29.35 = DER:30168014${'11'.repeat(20)}`],
  },
  'no name': { extensions: LEAF_EXTENSIONS },
  'a DNS name alone': { extensions: [...LEAF_EXTENSIONS, 'subjectAltName = DNS:gateway.test'] },
  'a DNS name besides': { extensions: [...LEAF_EXTENSIONS, `${URI},DNS:gateway.test`] },
  'a critical name': { extensions: [...LEAF_EXTENSIONS, URI.replace('= ', '= critical,')] },
  'two URI names': { extensions: [...LEAF_EXTENSIONS, `${URI},URI:spiffe://${DOMAIN}/other`] },
  'two URI names, the other first': {
    extensions: [...LEAF_EXTENSIONS, `subjectAltName = URI:spiffe://${DOMAIN}/other,URI:${ID}`],
  },
  'one URI name twice': { extensions: [...LEAF_EXTENSIONS, `${URI},URI:${ID}`] },
  'another path': { extensions: [...LEAF_EXTENSIONS, `subjectAltName = URI:spiffe://${DOMAIN}/gateway/egress`] },
  'another trust domain': {
    extensions: [...LEAF_EXTENSIONS, 'subjectAltName = URI:spiffe://other.example/gateway/ingress'],
  },
  'a trust domain in capitals': {
    extensions: [...LEAF_EXTENSIONS, `subjectAltName = URI:${ID.replace('leaf', 'LEAF')}`],
  },
  'a name with a slash behind it': { extensions: [...LEAF_EXTENSIONS, `subjectAltName = URI:${ID}/`] },
  'a signature with SHA-1': { digest: 'sha1' },
  'a signature with SHA-512': { digest: 'sha512' },
  'the name of its CA': { commonName: `CA of ${DOMAIN}` },
  'P-384': { key: 'p384' },
  'P-521': { key: 'p521' },
  Ed25519: { key: 'ed25519' },
  RSA: { key: 'rsa2048' },
  'RSA for PSS alone': { key: 'rsaPss' },
  'P-224': { key: 'p224' },
  secp256k1: { key: 'secp256k1' },
  Brainpool: { key: 'brainpool' },
  Ed448: { key: 'ed448' },
};

/** Of a peer that may have RSA keys. */
const RSA_LEAVES: Readonly<Record<string, Partial<Wanted>>> = {
  'RSA, where it is accepted': { key: 'rsa2048' },
  'RSA of 2047 bits': { key: 'rsa2047' },
  'RSA of 1024 bits': { key: 'rsa1024' },
  'P-256, where RSA is accepted': {},
};

/** Keys of a CA between the leaf and the bundle. */
const MIDDLES: readonly KeyKind[] = [
  'p384',
  'p521',
  'rsa2048',
  'rsa2047',
  'rsa1024',
  'ed25519',
  'p224',
  'secp256k1',
  'brainpool',
  'rsaPss',
  'ed448',
];

export function shownCases(openssl: Openssl): readonly ShownCase[] {
  return [...constrainedChains(openssl), ...leaves(openssl), ...rsaLeaves(openssl), ...orders(openssl)];
}

/** A peer with a CA of its own: two peers never have the same. */
function peerOf(openssl: Openssl, name: string, more: Partial<ShownPeer> = {}): { root: Made; peer: ShownPeer } {
  const trustDomain = `${name}.example`;
  const root = openssl.ca(trustDomain);
  return { root, peer: { name, trustDomain, bundle: root.pem, ...more } };
}

function leafOf(openssl: Openssl, signer: Made | undefined, wanted: Partial<Wanted> = {}): Made {
  const extensions = [...LEAF_EXTENSIONS, URI];
  return openssl.certificate({ commonName: 'gateway', extensions, ...(signer && { signer }), ...wanted });
}

function shown(name: string, peer: ShownPeer, leaf: Made, ...above: readonly { readonly pem: string }[]): ShownCase {
  return { name, peer, cert: [leaf, ...above].map(({ pem }) => pem).join(''), key: leaf.keyPem };
}

function constrainedChains(openssl: Openssl): readonly ShownCase[] {
  return ISSUER_CASES.map((one, number) => {
    const { domain, root, leaf } = makeCase(openssl, one, `c${number}.example` as TrustDomain);
    const peer = { name: `c${number}`, trustDomain: domain, bundle: root.pem };
    return { name: `a chain with ${one.name}`, peer, ...leaf };
  });
}

function leaves(openssl: Openssl): readonly ShownCase[] {
  const { root, peer } = peerOf(openssl, 'leaf');
  return Object.entries(LEAVES).map(([name, wanted]) => shown(name, peer, leafOf(openssl, root, wanted)));
}

function rsaLeaves(openssl: Openssl): readonly ShownCase[] {
  const { root, peer } = peerOf(openssl, 'rsa', { leafKeys: ['rsa'] });
  const extensions = [...LEAF_EXTENSIONS, URI.replace('leaf', 'rsa')];
  return Object.entries(RSA_LEAVES).map(([name, wanted]) =>
    shown(name, peer, leafOf(openssl, root, { extensions, ...wanted })),
  );
}

function orders(openssl: Openssl): readonly ShownCase[] {
  const { root, peer } = peerOf(openssl, 'order');
  const leaf = (signer?: Made, commonName = 'gateway'): Made =>
    leafOf(openssl, signer, { commonName, extensions: [...LEAF_EXTENSIONS, URI.replace('leaf', 'order')] });
  const ca = (commonName: string, signer?: Made, key?: Wanted['key']): Made =>
    openssl.ca(peer.trustDomain, { commonName, ...(signer && { signer }), ...(key && { key }) });
  const namesake = ca(`CA of ${peer.trustDomain}`);
  const middle = ca('middle', root);
  const below = ca('below', middle);
  const crossed = ca(`CA of ${peer.trustDomain}`, namesake, root);
  const [self, gateway] = [leaf(), leaf(root, 'above')];
  return [
    shown('a leaf that has signed itself', peer, self),
    shown('a leaf that has signed itself, twice', peer, self, self),
    shown('the CA itself', peer, root),
    shown('a leaf of another CA with the name of the right one', peer, leaf(namesake)),
    shown('a leaf of another CA, with it', peer, leaf(namesake), namesake),
    shown('a CA between that is not shown', peer, leaf(middle)),
    shown('a CA between', peer, leaf(middle), middle),
    shown('a CA between, and the root', peer, leaf(middle), middle, root),
    shown('the root before a CA between', peer, leaf(middle), root, middle),
    shown('a stranger before a CA between', peer, leaf(middle), namesake, middle),
    shown('two CAs between', peer, leaf(below), below, middle),
    shown('two CAs between, in the other order', peer, leaf(below), middle, below),
    shown('two CAs between, of which the upper one is missing', peer, leaf(below), below),
    shown('a good leaf, and a stranger', peer, leaf(root), namesake),
    shown('a good leaf, and the root, which another CA has signed too', peer, leaf(root), crossed, namesake),
    shown('a leaf that a leaf has signed', peer, leaf(gateway), gateway),
    ...[0, 1, 2].map((after) => {
      const constraint = `policyConstraints = critical,requireExplicitPolicy:${after}`;
      const extensions = [...CA_EXTENSIONS, 'certificatePolicies = 1.2.3.4', constraint];
      const asking = openssl.ca(peer.trustDomain, { commonName: 'asking', signer: root, extensions });
      return shown(`a CA that asks for policies after ${after} certificates`, peer, leaf(asking), asking);
    }),
    ...MIDDLES.map((key) => {
      const between = ca(`middle ${key}`, root, key);
      return shown(`a CA between with a key of the kind ${key}`, peer, leaf(between), between);
    }),
    ...bundles(openssl),
  ];
}

/** What a bundle holds beside, or in the place of, a root. */
function bundles(openssl: Openssl): readonly ShownCase[] {
  const made = (
    name: string,
    bundle: (root: Made, middle: Made) => readonly Made[],
    showsMiddle: boolean,
  ): ShownCase => {
    const { root, peer } = peerOf(openssl, name);
    const middle = openssl.ca(peer.trustDomain, { commonName: 'middle', signer: root });
    const extensions = [...LEAF_EXTENSIONS, URI.replace('leaf', name)];
    const held = {
      ...peer,
      bundle: bundle(root, middle)
        .map(({ pem }) => pem)
        .join(''),
    };
    return shown(`bundle ${name}`, held, leafOf(openssl, middle, { extensions }), ...(showsMiddle ? [middle] : []));
  };
  const stranger = (name: string): Made => openssl.ca(`${name}.example`, { commonName: 'a stranger' });
  return [
    made('middle-alone', (_, middle) => [middle], false),
    made('middle-alone-shown', (_, middle) => [middle], true),
    made('middle-and-root', (root, middle) => [middle, root], false),
    made('root-and-others', (root) => [stranger('root-and-others'), root], true),
    made('without-the-root', () => [stranger('without-the-root')], true),
  ];
}
