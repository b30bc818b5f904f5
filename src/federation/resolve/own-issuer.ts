// Resolves our own issuing CA from its files, with the findings about it.
// Must not: read files or the clock.

import type { ConfigOutline } from '../../config/outline.ts';
import { quote } from '../../config/schema/values/string-checks.ts';
import { type Finding, warningAt } from '../../errors.ts';
import { dayOf, expiryNotice } from '../../trust/expiry.ts';
import { type Issuer, parseIssuer } from '../../trust/issuing/issuer.ts';
import type { Sample } from '../../trust/issuing/issuer-chain.ts';
import { spiffeId, type TrustDomain } from '../../trust/spiffe.ts';
import type { Certificate } from '../../trust/x509/certificate.ts';
import { provesCallers } from '../rules/caller-rules.ts';
import { localNames } from '../wire-names.ts';

/** As CheckInput (resolve.ts) has them. */
export interface IssuerInput {
  readonly config: ConfigOutline;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly now: number;
  readonly previous?: { readonly issuer?: Issuer } | undefined;
  readonly starting?: boolean;
}

interface ResolvedIssuer {
  /** Absent when the private key is missing, which `postern validate --without-keys` allows, or when an error is found. */
  readonly issuer?: Issuer;
  readonly chain?: readonly Certificate[];
}

export function resolveIssuer(input: IssuerInput, findings: Finding[]): ResolvedIssuer {
  const { identity, mesh } = input.config;
  if (identity === null || !('issuer' in identity) || mesh.trustDomain === null) return {};
  const certificate = input.files.get(identity.issuer.certificate ?? '');
  const privateKey = input.files.get(identity.issuer.privateKey ?? '');
  if (certificate === undefined) return {};
  const ours = mesh.trustDomain as TrustDomain;
  const {
    issuer,
    chain,
    findings: issuerFindings,
  } = parseIssuer(certificate, privateKey, ours, input.now, {
    samples: issuedSamples(input.config, ours),
    tolerateEnd: true,
  });
  const served = input.previous?.issuer?.certificate.fingerprint;
  const isServed = input.previous === undefined ? input.starting : served === issuer?.certificate.fingerprint;
  for (const { about, ...finding } of issuerFindings) {
    const severity = finding.code === 'ISSUER_EXPIRED' && !isServed ? 'error' : finding.severity;
    const file = quote(identity.issuer[about] ?? '');
    findings.push({
      ...finding,
      severity,
      message: `${finding.message} (${file})`,
      path: ['identity', 'issuer', about],
    });
  }
  findings.push(...expiryFindings(chain ?? [], input.now));
  return { ...(issuer && { issuer }), ...(chain && { chain }) };
}

/** Certificates of the issuer's chain that expire soon; parseIssuer reports those that have expired. */
function expiryFindings(chain: readonly Certificate[], now: number): readonly Finding[] {
  return chain.flatMap(({ notAfter }, index) => {
    const notice = expiryNotice(notAfter, now);
    if (notice === undefined || notAfter <= now) return [];
    const what = index === 0 ? 'the issuing certificate' : `certificate ${index + 1} of the issuer's file`;
    const message = `${what} ${notice}, on ${dayOf(notAfter)}`;
    const hint = 'renew the CA, and give its certificate to the peers before it is used';
    return [warningAt('ISSUER_EXPIRES_SOON', ['identity', 'issuer', 'certificate'], message, hint)];
  });
}

/** A gateway shows its certificate to peers, and to workloads of our own mesh: an ingress as a client, an egress as a server. */
function issuedSamples(config: ConfigOutline, ours: TrustDomain): readonly Sample[] {
  const { ingress, egress } = config.gateways;
  const names = config.imports.flatMap(({ as }) => (as === null ? [] : localNames(as)));
  const shown: Pick<Sample, 'purposes' | 'dnsNames'> =
    provesCallers(config) === true ? { purposes: ['client', 'server'], dnsNames: names } : { purposes: ['client'] };
  const isClient = config.exports.some(({ backendTls }) => backendTls?.mode === 'mtls');
  const purposes: Sample['purposes'] = isClient ? ['server', 'client'] : ['server'];
  return [
    ...(ingress?.identity == null ? [] : [{ id: spiffeId(ours, ingress.identity), purposes }]),
    ...(egress?.identity == null ? [] : [{ id: spiffeId(ours, egress.identity), ...shown }]),
  ];
}
