// A CA, a server certificate and a client certificate for one bench, made with the product's own issuing.
// Must not: be kept after the bench.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCa, issueLeaf } from '../src/trust/issuing/issue.ts';
import { parseIssuer } from '../src/trust/issuing/issuer.ts';
import { spiffeId, type TrustDomain } from '../src/trust/spiffe.ts';

/** Paths of PEM files. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

export interface BenchCertificates {
  readonly ca: string;
  readonly server: Credentials;
  readonly client: Credentials;
}

const TRUST_DOMAIN = 'bench.example' as TrustDomain;

export function makeCertificates(folder: string): BenchCertificates {
  const now = Date.now();
  const made = createCa({ trustDomain: TRUST_DOMAIN, commonName: 'bench CA', now, lifetimeSeconds: 24 * 3600 });
  const { issuer } = parseIssuer(
    Buffer.from(made.certificate),
    Buffer.from(made.privateKey.reveal()),
    TRUST_DOMAIN,
    now,
  );
  if (issuer === undefined) throw new Error('the CA of the bench is none');
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, made.certificate);
  const leaf = (name: string, path: string): Credentials => {
    const issued = issueLeaf({
      issuer,
      id: spiffeId(TRUST_DOMAIN, path),
      dnsNames: ['localhost'],
      now,
      lifetimeSeconds: 3600 * 12,
    });
    const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}-key.pem`) };
    writeFileSync(files.cert, issued.certificateChain);
    writeFileSync(files.key, issued.privateKey.reveal(), { mode: 0o600 });
    return files;
  };
  return { ca, server: leaf('server', 'control-plane'), client: leaf('client', 'gateway/ingress') };
}
