// Every boundary invariant has at least one mutation of a good snapshot that turns it red.

import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { checkBoundary } from '../../src/envoy/boundary/boundary-check.ts';
import { BOUNDARY_RULES } from '../../src/envoy/boundary/boundary-rules.ts';
import { decodeResource, encodeResource } from '../../src/envoy/proto/codec.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import { PosternError } from '../../src/errors.ts';
import { Copy, leaf, mesh } from './mutation.ts';
import { HTTP_MUTATIONS } from './mutations-http.ts';
import { SECRETS_MUTATIONS } from './mutations-secrets.ts';
import { TLS_MUTATIONS } from './mutations-tls.ts';

const MUTATIONS = { ...TLS_MUTATIONS, ...HTTP_MUTATIONS, ...SECRETS_MUTATIONS };

describe('boundary invariants', () => {
  for (const role of ['ingress', 'egress'] as const) {
    test(`what the builders make for ${role} keeps every rule, before and after it was bytes`, () => {
      const resources = mesh.resources(role, ['gone']);
      checkBoundary(resources);
      checkBoundary(resources.map((resource) => decodeResource(resource['@type'], encodeResource(resource).body)));
    });
  }

  test('there is a mutation for every rule', () => {
    assert.deepEqual(Object.keys(MUTATIONS).sort(), Object.keys(BOUNDARY_RULES).sort());
  });

  for (const [rule, mutations] of Object.entries(MUTATIONS)) {
    for (const [what, role, mutate] of mutations) {
      test(`${rule}: ${what}`, () => {
        const copy = new Copy(role);
        mutate(copy);
        assert.throws(
          () => checkBoundary(copy.resources as ResourceJson[]),
          (error) =>
            error instanceof PosternError &&
            error.code === 'BOUNDARY_VIOLATED' &&
            error.message.includes(` breaks ${rule};`),
        );
      });
    }
  }

  test('a violation is found again on the next check', () => {
    const copy = new Copy('ingress');
    checkBoundary(copy.resources as ResourceJson[]);
    copy.remove('Secret', 'bundle/shop');
    for (let time = 0; time < 2; time++) assert.throws(() => checkBoundary(copy.resources as ResourceJson[]));
  });

  test('no message holds key material', () => {
    const copy = new Copy('ingress');
    copy.named('Secret', 'bundle/shop').validation_context.trusted_ca.inline_string += leaf.key;
    assert.throws(
      () => checkBoundary(copy.resources as ResourceJson[]),
      (error) => !String(error).includes('-----'),
    );
  });
});

test('each gateway has another key for each peer', () => {
  const chains = (['ingress', 'egress'] as const).flatMap((role) => {
    const secrets = new Copy(role).resources.filter((resource) => resource.name.startsWith('cert/'));
    return secrets.map((secret) => secret.tls_certificate.certificate_chain.inline_string as string);
  });
  const keys = chains.map((pem) =>
    createPublicKey(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'pem' })),
  );
  assert.equal(new Set(keys.map((key) => key.export({ type: 'spki', format: 'pem' }))).size, 4);
});
