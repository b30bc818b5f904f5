// Issuing chains: what Postern says of each, and that the openssl command's verdict on what we would sign is the same.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { parseIssuer } from '../../../src/trust/issuing/issuer.ts';
import type { TrustDomain } from '../../../src/trust/spiffe.ts';
import { Openssl } from '../../support/programs/openssl.ts';
import { expectedCodes, ISSUER_CASES, type MadeCase, makeCase } from './issuer-cases.ts';

const openssl = new Openssl();
after(() => openssl.close());

const PURPOSES = ['server', 'client'] as const;

/** The finding codes, each once: a CA may forbid more than one thing of what it signs. */
function codesOf(made: MadeCase, purpose: (typeof PURPOSES)[number]): readonly string[] {
  const file = [...made.chain, made.root].map(({ pem }) => pem).join('');
  const { findings } = parseIssuer(Buffer.from(file), Buffer.from(made.issuing.keyPem), made.domain, Date.now(), {
    samples: [{ id: made.id, purposes: [purpose] }],
  });
  return [...new Set(findings.map(({ code }) => code))];
}

describe('an issuing chain with', () => {
  for (const one of ISSUER_CASES) {
    test(`An issuing chain with ${one.name} has the findings of its case, and openssl agrees`, () => {
      const made = makeCase(openssl, one, 'c.example' as TrustDomain);
      const files = {
        root: made.root.certificateFile,
        chain: openssl.file(made.chain.map(({ pem }) => pem).join('')),
        leaf: openssl.file(made.leaf.cert),
      };
      for (const purpose of PURPOSES) {
        assert.deepEqual(codesOf(made, purpose), expectedCodes(one, purpose), purpose);
        if (one.stricter) continue;
        const accepted = openssl.ask(
          ...['verify', '-CAfile', files.root, '-untrusted', files.chain, '-purpose', `ssl${purpose}`, files.leaf],
        );
        assert.equal(
          accepted,
          one.openssl === undefined ? expectedCodes(one, purpose).length === 0 : one.openssl === 'accepts',
          `openssl, ${purpose}`,
        );
      }
    });
  }
});
