// Issuing chains, each with one thing that matters, and the codes that Postern finds for server and for client certificates.
// The openssl command makes the chain with its key, the root that peers have, and a leaf.
// `openssl` and `envoy` are set where that verdict differs from ours: Envoy does not look at the extensions of a trust anchor,
// except name constraints, which is why the extensions of roots are warnings.

import { createPrivateKey } from 'node:crypto';
import { issueLeaf } from '../../../src/trust/issuing/issue.ts';
import type { Issuer } from '../../../src/trust/issuing/issuer.ts';
import { type SpiffeId, spiffeId, type TrustDomain } from '../../../src/trust/spiffe.ts';
import { parseCertificate, pemOf } from '../../../src/trust/x509/certificate.ts';
import { signCertificate } from '../../../src/trust/x509/certificate-writer.ts';
import { CA_EXTENSIONS, LEAF_EXTENSIONS, type Made, type Openssl } from '../../support/programs/openssl.ts';

export interface IssuerCase {
  readonly name: string;
  /** The codes for a server's and for a client's certificate; one list when both have the same. */
  readonly expected: readonly string[] | { readonly server: readonly string[]; readonly client: readonly string[] };
  readonly openssl?: 'accepts' | 'refuses';
  readonly envoy?: 'accepts';
  /** Chains that verifiers mend or do not look at, although Postern demands order. */
  readonly stricter?: true;
  readonly build: (openssl: Openssl, domain: string) => Built;
}

interface Built {
  /** The issuing CA first. */
  readonly chain: readonly { readonly pem: string }[];
  readonly issuing: Made;
  readonly root: Made;
}

type Lines = readonly string[];
type Names = Readonly<Record<'root' | 'middle' | 'issuing', Lines>>;

/** root → middle → issuing, with further lines in their extensions; `dir` is a section for directory names. */
function three(
  lines: (domain: string) => Partial<Names>,
  dir: (domain: string) => Lines = () => [],
): IssuerCase['build'] {
  return (openssl, domain) => {
    const { root = [], middle = [], issuing = [] } = lines(domain);
    const sections = [`[dir]\n${dir(domain).join('\n')}`];
    const ca = (commonName: string, more: Lines, signer?: Made): Made =>
      openssl.ca(domain, {
        commonName: `${commonName} of ${domain}`,
        sections,
        ...(signer !== undefined && { signer }),
        // What a case says of an extension takes the place of the usual line.
        extensions: [...CA_EXTENSIONS.filter((line) => !more.some((own) => keyOf(own) === keyOf(line))), ...more],
      });
    const [top] = [ca('root', root)];
    const between = ca('middle', middle, top);
    const last = ca('issuing', issuing, between);
    return { chain: [last, between], issuing: last, root: top };
  };
}

const keyOf = (line: string): string | undefined => line.split(/\s*=/, 1)[0];
const constraints = (text: string): string => `nameConstraints = critical,${text}`;
const CONSTRAINED = ['ISSUER_CONSTRAINED'];
const RESTRICTED = ['ISSUER_ROOT_RESTRICTED'];
const CHAIN = ['ISSUER_CHAIN'];
const UNPARSABLE = ['ISSUER_UNPARSABLE'];
const LEAF_CN = 'gateway gateway/ingress';

export const ISSUER_CASES: readonly IssuerCase[] = [
  { name: 'nothing but CAs', expected: [], build: three(() => ({})) },
  {
    name: 'a URI constraint with our host',
    expected: [],
    build: three((domain) => ({ issuing: [constraints(`permitted;URI:${domain}`)] })),
  },
  {
    name: 'a URI constraint with our host in capitals, above',
    expected: [],
    build: three((domain) => ({ middle: [constraints(`permitted;URI:${domain.toUpperCase()}`)] })),
  },
  {
    name: 'a URI constraint for everything below our parent',
    expected: [],
    build: three(() => ({ root: [constraints('permitted;URI:.example')] })),
  },
  {
    name: 'two URI constraints, the second of which is ours',
    expected: [],
    build: three((domain) => ({ issuing: [constraints(`permitted;URI:.corp.test,permitted;URI:${domain}`)] })),
  },
  {
    name: 'URI constraints that exclude others, and what is below us',
    expected: [],
    build: three((domain) => ({ issuing: [constraints(`excluded;URI:other.test,excluded;URI:.${domain}`)] })),
  },
  {
    name: 'constraints for DNS, e-mail and IP alone',
    expected: [],
    build: three(() => ({
      issuing: [constraints('permitted;DNS:corp.test,permitted;email:corp.test,permitted;IP:10.0.0.0/255.0.0.0')],
    })),
  },
  {
    name: 'a directory name constraint that our subject keeps, in capitals and with more spaces',
    expected: [],
    build: three(
      () => ({ issuing: [constraints('permitted;dirName:dir')] }),
      () => [`CN = "GATEWAY   ${LEAF_CN.slice(8)}"`],
    ),
  },
  {
    name: 'a directory name constraint that excludes others',
    expected: [],
    build: three(
      () => ({ issuing: [constraints('excluded;dirName:dir')] }),
      () => ['CN = somebody'],
    ),
  },
  {
    name: 'both usages, and any besides',
    expected: [],
    build: three(() => ({ middle: ['extendedKeyUsage = anyExtendedKeyUsage,serverAuth,clientAuth'] })),
  },
  {
    name: 'path lengths that are just enough',
    expected: [],
    build: three(() => ({
      middle: ['basicConstraints = critical,CA:TRUE,pathlen:1'],
      issuing: ['basicConstraints = critical,CA:TRUE,pathlen:0'],
    })),
  },
  {
    name: 'critical certificate policies',
    expected: [],
    build: three(() => ({ issuing: ['certificatePolicies = critical,1.2.3.4'] })),
  },
  {
    name: 'an unknown extension that is not critical',
    expected: [],
    build: three(() => ({ issuing: ['1.2.3.4 = DER:0500'] })),
  },
  {
    name: 'a middle CA with the name of the root, which no path length counts',
    expected: [],
    build: (openssl, domain) => renamed(openssl, domain, 1),
  },
  {
    name: 'a URI constraint with another host',
    expected: CONSTRAINED,
    build: three(() => ({ issuing: [constraints('permitted;URI:.corp.test')] })),
  },
  {
    name: 'a URI constraint for what is below our host alone',
    expected: CONSTRAINED,
    build: three((domain) => ({ issuing: [constraints(`permitted;URI:.${domain}`)] })),
  },
  {
    name: 'a URI constraint that is a URI',
    expected: CONSTRAINED,
    build: three((domain) => ({ issuing: [constraints(`permitted;URI:spiffe://${domain}`)] })),
  },
  {
    name: 'a URI constraint that excludes us, above',
    expected: CONSTRAINED,
    build: three((domain) => ({ middle: [constraints(`excluded;URI:${domain}`)] })),
  },
  {
    name: 'a URI constraint that excludes all of our parent, in the root',
    expected: CONSTRAINED,
    build: three(() => ({ root: [constraints('excluded;URI:.example')] })),
  },
  {
    name: 'a directory name constraint of an organisation',
    expected: CONSTRAINED,
    build: three(
      () => ({ issuing: [constraints('permitted;dirName:dir')] }),
      () => ['O = Bank'],
    ),
  },
  {
    name: 'a directory name constraint that excludes our subject by another spelling',
    expected: CONSTRAINED,
    build: three(
      () => ({ issuing: [constraints('excluded;dirName:dir')] }),
      () => [`CN = ${LEAF_CN.toUpperCase()}`],
    ),
  },
  {
    name: 'a directory name constraint above that the issuing CA itself breaks',
    expected: CONSTRAINED,
    build: three(
      () => ({ middle: [constraints('excluded;dirName:dir')] }),
      (domain) => [`CN = issuing of ${domain}`],
    ),
  },
  {
    name: 'a DNS constraint above that the issuing CA itself breaks',
    expected: CONSTRAINED,
    build: three(() => ({
      middle: [constraints('permitted;DNS:corp.test')],
      issuing: ['subjectAltName = DNS:ca.other.test'],
    })),
  },
  {
    name: 'a DNS constraint above that the issuing CA keeps',
    expected: [],
    build: three(() => ({
      middle: [constraints('permitted;DNS:corp.test,excluded;DNS:ca')],
      issuing: ['subjectAltName = DNS:ca.corp.test,DNS:CORP.test'],
    })),
  },
  {
    name: 'an IP constraint above, and an issuing CA with an IP address',
    expected: CONSTRAINED,
    openssl: 'accepts',
    build: three(() => ({
      middle: [constraints('permitted;IP:10.0.0.0/255.0.0.0')],
      issuing: ['subjectAltName = IP:10.1.2.3'],
    })),
  },
  {
    name: 'clientAuth alone',
    expected: { server: CONSTRAINED, client: [] },
    build: three(() => ({ issuing: ['extendedKeyUsage = clientAuth'] })),
  },
  {
    name: 'serverAuth alone, above',
    expected: { server: [], client: CONSTRAINED },
    build: three(() => ({ middle: ['extendedKeyUsage = serverAuth'] })),
  },
  {
    name: 'serverAuth alone, in the root',
    expected: { server: [], client: RESTRICTED },
    envoy: 'accepts',
    build: three(() => ({ root: ['extendedKeyUsage = serverAuth'] })),
  },
  {
    name: 'any usage, without naming one',
    expected: CONSTRAINED,
    build: three(() => ({ issuing: ['extendedKeyUsage = anyExtendedKeyUsage'] })),
  },
  {
    name: 'another usage, critical',
    expected: CONSTRAINED,
    build: three(() => ({ issuing: ['extendedKeyUsage = critical,codeSigning'] })),
  },
  {
    name: 'a path length of 0 above the issuing CA',
    expected: CONSTRAINED,
    build: three(() => ({ middle: ['basicConstraints = critical,CA:TRUE,pathlen:0'] })),
  },
  {
    name: 'a path length of 1 in a root with two CAs below it',
    expected: RESTRICTED,
    envoy: 'accepts',
    build: three(() => ({ root: ['basicConstraints = critical,CA:TRUE,pathlen:1'] })),
  },
  {
    name: 'a middle CA with the name of the root, and a path length of 0 in the root',
    expected: RESTRICTED,
    envoy: 'accepts',
    build: (openssl, domain) => renamed(openssl, domain, 0),
  },
  {
    name: 'an unknown critical extension',
    expected: CONSTRAINED,
    build: three(() => ({ issuing: ['1.2.3.4 = critical,DER:0500'] })),
  },
  {
    name: 'an unknown critical extension in the root',
    expected: RESTRICTED,
    envoy: 'accepts',
    build: three(() => ({ root: ['1.2.3.4 = critical,DER:0500'] })),
  },
  {
    name: 'critical CRL distribution points',
    expected: CONSTRAINED,
    openssl: 'accepts',
    build: three(() => ({ issuing: ['crlDistributionPoints = critical,URI:http://crl.corp.test/'] })),
  },
  {
    name: 'a policy that has to be explicit',
    expected: CONSTRAINED,
    openssl: 'accepts',
    build: three(() => ({
      issuing: ['certificatePolicies = 1.2.3.4', 'policyConstraints = critical,requireExplicitPolicy:0'],
    })),
  },
  {
    name: 'a policy that has to be explicit, in the root',
    expected: RESTRICTED,
    openssl: 'accepts',
    envoy: 'accepts',
    build: three(() => ({ root: ['policyConstraints = critical,requireExplicitPolicy:0'] })),
  },
  {
    name: 'critical CRL distribution points above',
    expected: CONSTRAINED,
    openssl: 'accepts',
    build: three(() => ({ middle: ['crlDistributionPoints = critical,URI:http://crl.corp.test/'] })),
  },
  {
    name: 'a critical Netscape certificate type',
    expected: CONSTRAINED,
    openssl: 'accepts',
    build: three(() => ({ issuing: ['nsCertType = critical,sslCA'] })),
  },
  {
    name: 'CRL distribution points that cannot be read',
    // node:crypto takes no certificate for a CA that has such an extension.
    expected: ['ISSUER_NOT_A_CA', ...UNPARSABLE],
    build: three(() => ({ issuing: ['2.5.29.31 = DER:0500'] })),
  },
  {
    name: 'a distribution point that is none',
    // node:crypto takes no certificate for a CA that has such an extension.
    expected: ['ISSUER_NOT_A_CA', ...UNPARSABLE],
    build: three(() => ({ issuing: ['2.5.29.31 = DER:3003020101'] })),
  },
  {
    name: 'certificate policies that cannot be read',
    expected: UNPARSABLE,
    openssl: 'accepts',
    build: three(() => ({ issuing: ['2.5.29.32 = DER:0500'] })),
  },
  {
    name: 'no certificate policy in the list',
    expected: UNPARSABLE,
    openssl: 'accepts',
    build: three(() => ({ issuing: ['2.5.29.32 = DER:3000'] })),
  },
  {
    name: 'one certificate policy twice',
    expected: UNPARSABLE,
    openssl: 'accepts',
    build: three(() => ({ issuing: ['2.5.29.32 = DER:300e3005060329030430050603290304'] })),
  },
  {
    name: 'policy mappings that cannot be read',
    expected: UNPARSABLE,
    openssl: 'accepts',
    build: three(() => ({ issuing: ['2.5.29.33 = DER:0500'] })),
  },
  {
    name: 'policy constraints without one',
    expected: UNPARSABLE,
    openssl: 'accepts',
    build: three(() => ({ issuing: ['2.5.29.36 = DER:3000'] })),
  },
  {
    name: 'an inhibition of any policy that is no number',
    expected: UNPARSABLE,
    openssl: 'accepts',
    build: three(() => ({ issuing: ['2.5.29.54 = DER:0500'] })),
  },
  {
    name: 'a bounded subtree',
    expected: CONSTRAINED,
    build: three(() => ({
      issuing: [boundedSubtree()],
    })),
  },
  {
    name: 'an issuing CA that is signed with SHA-1',
    expected: ['ISSUER_WEAK_KEY'],
    // Node does not load such a chain, so that it cannot be shown to Envoy.
    stricter: true,
    build: (openssl, domain) => {
      const root = openssl.ca(domain, { commonName: `root of ${domain}` });
      const issuing = openssl.ca(domain, { commonName: `issuing of ${domain}`, signer: root, digest: 'sha1' });
      return { chain: [issuing], issuing, root };
    },
  },
  {
    name: 'a middle CA that has ended',
    expected: ['ISSUER_EXPIRED'],
    build: ended,
  },
  {
    name: 'a stranger behind it',
    expected: CHAIN,
    stricter: true,
    build: (openssl, domain) => {
      const built = three(() => ({}))(openssl, domain);
      return { ...built, chain: [...built.chain, openssl.ca(domain, { commonName: 'stranger' })] };
    },
  },
  {
    name: 'a leaf behind it',
    expected: CHAIN,
    stricter: true,
    build: (openssl, domain) => {
      const built = three(() => ({}))(openssl, domain);
      const leaf = openssl.certificate({
        signer: built.root,
        extensions: LEAF_EXTENSIONS,
        commonName: 'db-1.internal',
      });
      return { ...built, chain: [...built.chain, leaf] };
    },
  },
  {
    name: 'the right certificates in the wrong order',
    expected: CHAIN,
    stricter: true,
    build: (openssl, domain) => {
      const { chain, ...built } = three(() => ({}))(openssl, domain);
      return { ...built, chain: [chain[0] ?? built.root, built.root, chain[1] ?? built.root] };
    },
  },
  {
    name: 'a middle CA that is none',
    expected: CHAIN,
    build: three(() => ({ middle: ['basicConstraints = critical,CA:FALSE'] })),
  },
  {
    name: 'a middle CA that may not sign certificates',
    expected: CHAIN,
    build: three(() => ({ middle: ['keyUsage = critical,cRLSign'] })),
  },
  {
    name: 'a middle CA with the right name and another key',
    expected: CHAIN,
    build: (openssl, domain) => {
      const built = three(() => ({}))(openssl, domain);
      const other = openssl.ca(domain, { commonName: `middle of ${domain}`, signer: built.root });
      return { ...built, chain: [built.issuing, other] };
    },
  },
];

/** A permitted subtree with the URI of everything below `example`, and a minimum, which no verifier supports. */
function boundedSubtree(): string {
  const base = Buffer.concat([Buffer.from([0x86, 8]), Buffer.from('.example')]);
  const subtree = Buffer.concat([base, Buffer.from([0x80, 1, 1])]);
  const value = Buffer.concat([Buffer.from([0x30, subtree.length]), subtree]);
  const permitted = Buffer.concat([Buffer.from([0xa0, value.length]), value]);
  const content = Buffer.concat([Buffer.from([0x30, permitted.length]), permitted]);
  return `nameConstraints = critical,DER:${content.toString('hex')}`;
}

/** root → middle, which has the root's name → issuing; the root allows so many CAs below it. */
function renamed(openssl: Openssl, domain: string, pathLength: number): Built {
  const commonName = `root of ${domain}`;
  const [, usage = ''] = CA_EXTENSIONS;
  const extensions = [`basicConstraints = critical,CA:TRUE,pathlen:${pathLength}`, usage];
  const root = openssl.ca(domain, { commonName, extensions });
  const middle = openssl.ca(domain, { commonName, signer: root });
  const issuing = openssl.ca(domain, { commonName: `issuing of ${domain}`, signer: middle });
  return { chain: [issuing, middle], issuing, root };
}

/** The command of this version cannot make what has ended. */
function ended(openssl: Openssl, domain: string): Built {
  const root = openssl.ca(domain, { commonName: `root of ${domain}` });
  const middle = openssl.ca(domain, { commonName: `middle of ${domain}`, signer: root });
  const issuing = openssl.ca(domain, { commonName: `issuing of ${domain}`, signer: middle });
  const above = parseCertificate(root.der);
  const der = signCertificate({
    serial: '0123',
    commonName: `middle of ${domain}`,
    notBefore: Date.now() - 9 * 24 * 60 * 60 * 1000,
    notAfter: Date.now() - 24 * 60 * 60 * 1000,
    publicKey: parseCertificate(middle.der).publicKey,
    isCa: true,
    uris: [],
    signer: {
      privateKey: createPrivateKey(root.keyPem),
      subject: above.subject,
      subjectKeyId: above.subjectKeyId,
    },
  });
  return { chain: [issuing, { pem: pemOf(der) }], issuing, root };
}

export interface MadeCase extends Built {
  readonly case: IssuerCase;
  readonly domain: TrustDomain;
  readonly id: SpiffeId;
  /** What Postern would send: leaf, issuing CA and those above, and the leaf's key. */
  readonly leaf: { readonly cert: string; readonly key: string };
}

export function makeCase(openssl: Openssl, one: IssuerCase, domain: TrustDomain): MadeCase {
  const built = one.build(openssl, domain);
  const chain = built.chain.map(({ pem }) => parseCertificate(derOf(pem)));
  const certificate = parseCertificate(built.issuing.der);
  const privateKey = createPrivateKey(built.issuing.keyPem);
  const issuer: Issuer = { certificate, chain, intermediates: chain, privateKey };
  const id = spiffeId(domain, 'gateway/ingress');
  const issued = issueLeaf({ issuer, id, now: Date.now(), lifetimeSeconds: 3600 });
  return {
    ...built,
    case: one,
    domain,
    id,
    leaf: { cert: issued.certificateChain, key: issued.privateKey.reveal() },
  };
}

export function expectedCodes({ expected }: IssuerCase, purpose: 'server' | 'client'): readonly string[] {
  return 'server' in expected ? expected[purpose] : expected;
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^\n]*-----|\s/g, ''), 'base64');
}
