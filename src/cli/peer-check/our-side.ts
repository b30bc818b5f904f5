// What our egress gateway refuses in the certificate that a peer's gateway shows, in the words of our own file.
// Must not: accept what Envoy would refuse: no name counts that is not listed, and no chain that does not lead to the bundle.

import { verifyShown } from '../../trust/issuing/shown-chain.ts';
import { type Certificate, parseCertificate } from '../../trust/x509/certificate.ts';
import { type CertificateFacts, factsOf } from './certificate-facts.ts';
import type { Shown } from './dial.ts';
import { type Context, ourKey, type Verdict } from './verdict.ts';

/** Empty: our gateway goes on. */
export function whatWeRefuse(shown: Shown, context: Context): readonly Verdict[] {
  const [leaf, ...above] = shown.chain.map(factsOf);
  if (leaf === undefined)
    return [weRefuse('NO_CERTIFICATE', 'it shows no certificate', 'ask the peer which gateway listens there')];
  const chain =
    shown.chainError === undefined
      ? beyondOpenssl(shown.chain, context)
      : [chainVerdict(shown.chainError, leaf, above, context)];
  return [
    ...unreadableVerdicts([leaf, ...above]),
    ...chain,
    ...identityVerdicts(leaf, context),
    ...alpnVerdicts(shown, context),
  ];
}

/** Of what cannot be read, nothing is taken to be right. */
function unreadableVerdicts(chain: readonly CertificateFacts[]): readonly Verdict[] {
  const parts = new Set(chain.flatMap(({ unreadableParts = [] }) => unreadableParts));
  if (parts.size === 0) return [];
  const text = `a part of its chain cannot be read (${[...parts].join(', ')})`;
  return [weRefuse('WE_REFUSED_PEER', text, 'the peer issues its gateway a well-formed certificate (RFC 5280)')];
}

function weRefuse(reason: Verdict['reason'], text: string, remedy: string): Verdict {
  return { refusedBy: 'us', reason, text: `our gateway refuses the peer's certificate: ${text}`, remedy };
}

function chainVerdict(
  code: string,
  leaf: CertificateFacts,
  above: readonly CertificateFacts[],
  context: Context,
): Verdict {
  const { peer, now } = context;
  const time = new Date(now).toISOString();
  const chain = [leaf, ...above];
  switch (code) {
    case 'CERT_HAS_EXPIRED': {
      const ended = chain.find(({ notAfter }) => Date.parse(notAfter) <= now);
      const what = ended === undefined ? 'a CA of its chain' : ended === leaf ? 'it' : `the CA ${ended.subject}`;
      const when = ended === undefined ? '' : ` on ${ended.notAfter}`;
      return weRefuse(
        'CERTIFICATE_EXPIRED',
        `${what} has expired${when}, and it is ${time} here`,
        `the peer renews it (its Postern, or what writes identity.files); check the clock of this machine as well`,
      );
    }
    case 'CERT_NOT_YET_VALID': {
      const early = chain.find(({ notBefore }) => Date.parse(notBefore) > now) ?? leaf;
      return weRefuse(
        'CERTIFICATE_NOT_YET_VALID',
        `it is valid from ${early.notBefore}, and it is ${time} here`,
        `correct the clock of this machine, or the peer that of its machine`,
      );
    }
    case 'INVALID_PURPOSE':
      return weRefuse(
        'WRONG_PURPOSE',
        'it may not be used by a server (its extended key usage lacks serverAuth)',
        'the peer issues its gateway a certificate with serverAuth and clientAuth',
      );
    default: {
      const cas = peer.bundle.certificates.map(({ fingerprint }) => fingerprint).join(', ');
      const top = above.at(-1) ?? leaf;
      return weRefuse(
        'WRONG_CA',
        `no CA of our bundle signed it (${code}); its issuer is ${top.issuer}, and the bundle has SHA-256 ${cas}`,
        `write the CA that signs the peer's gateways into the file of ${ourKey(context, 'trustBundle')} (the peer prints it with postern peer show --ours -o pem)`,
      );
    }
  }
}

/** What OpenSSL, which has verified the chain, does not ask for and Envoy's library does. */
function beyondOpenssl(shown: readonly Buffer[], { peer, now }: Context): readonly Verdict[] {
  const [leaf, ...above] = shown.flatMap((der) => readable(der) ?? []);
  // What cannot be read has a verdict of its own.
  if (leaf === undefined || above.length + 1 < shown.length) return [];
  if (leaf.keyUsage?.digitalSignature === false)
    return [
      weRefuse(
        'WRONG_PURPOSE',
        'its key usage lacks digitalSignature, and TLS 1.3 signs with this key',
        'the peer issues its gateway a certificate with digitalSignature',
      ),
    ];
  const verdict = verifyShown([leaf, ...above], peer.bundle.certificates, { purpose: 'server', at: now });
  if (!('fault' in verdict) || verdict.fault.kind === 'unknown') return [];
  const { kind, text } = verdict.fault;
  return [weRefuse(REASONS[kind], text, 'the peer issues its gateway another certificate')];
}

const REASONS = {
  untrusted: 'WRONG_CA',
  purpose: 'WRONG_PURPOSE',
  expired: 'CERTIFICATE_EXPIRED',
  early: 'CERTIFICATE_NOT_YET_VALID',
} as const satisfies Readonly<Record<string, Verdict['reason']>>;

function readable(der: Buffer): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch {
    return undefined;
  }
}

function identityVerdicts({ uris }: CertificateFacts, context: Context): readonly Verdict[] {
  const { peer } = context;
  const accepted: readonly string[] = peer.gatewayIdentities;
  if (uris.some((uri) => accepted.includes(uri))) return [];
  const isForeign = uris.length > 0 && !uris.some((uri) => uri.startsWith(`spiffe://${peer.trustDomain}/`));
  const named = uris.length === 0 ? 'no SPIFFE ID' : uris.join(' and ');
  const listed = accepted.join(', ');
  return [
    isForeign
      ? weRefuse(
          'WRONG_IDENTITY',
          `it is ${named}, which is not of the trust domain ${peer.trustDomain}`,
          `correct ${ourKey(context, 'trustDomain')}, or its addresses: another mesh answers here`,
        )
      : weRefuse(
          'WRONG_IDENTITY',
          `it is ${named}, and our file accepts ${listed}`,
          `correct ${ourKey(context, 'gatewayIdentities')}, or its addresses: this may not be the peer's ingress gateway`,
        ),
  ];
}

function alpnVerdicts({ alpn }: Shown, { alpn: asked }: Context): readonly Verdict[] {
  if (alpn === asked) return [];
  const text = `the gateway agrees to ${alpn ?? 'no protocol'} where our gateway asks for ${asked} (ALPN)`;
  const remedy = 'dial the peer’s gateway itself: something before it that ends TLS cannot be passed';
  return [{ refusedBy: 'us', reason: 'NO_ALPN', text, remedy }];
}
