// Makes the client certificates that a peer's team, or somebody who stole or made a CA, could make.
// Must not: write anything.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueLeaf } from '../../src/trust/issuing/issue.ts';
import { parseIssuer } from '../../src/trust/issuing/issuer.ts';
import { parseTrustDomain, spiffeId } from '../../src/trust/spiffe.ts';
import type { Credentials } from './calls.ts';

/**
 * A certificate of the CA in `folder` for a SPIFFE ID of `trustDomain`; the CA may well be another trust domain's.
 * Errors: the folder holds no usable CA.
 */
export function certify(folder: string, caTrustDomain: string, trustDomain: string, path: string): Credentials {
  const now = Date.now();
  const [ours, named] = [parseTrustDomain(caTrustDomain), parseTrustDomain(trustDomain)];
  if (ours === undefined || named === undefined)
    throw new Error(`not a trust domain: ${caTrustDomain}, ${trustDomain}`);
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  const { issuer, findings } = parseIssuer(read('ca.pem'), read('ca-key.pem'), ours, now);
  if (issuer === undefined) throw new Error(`no CA in ${folder}: ${findings.map(({ message }) => message).join('; ')}`);
  const issued = issueLeaf({ issuer, id: spiffeId(named, path), now, lifetimeSeconds: 3600 });
  return { cert: issued.certificateChain, key: issued.privateKey.reveal() };
}
