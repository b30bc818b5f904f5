// Every boundary rule has at least one mutation of good resources that the boundary check finds.

import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { BOUNDARY_RULES } from '../../../src/envoy/boundary/boundary-rules.ts';
import { checkBoundary } from '../../../src/envoy/boundary/checks/boundary-check.ts';
import { decodeResource, encodeResource } from '../../../src/envoy/proto/codec.ts';
import { PosternError } from '../../../src/errors.ts';
import { Copy, leaf, mesh } from './mutations/mutation.ts';
import { BACKEND_MUTATIONS } from './mutations/mutations-backends.ts';
import { CALLER_MUTATIONS, proven } from './mutations/mutations-callers.ts';
import { TCP_CALLER_MUTATIONS } from './mutations/mutations-callers-tcp.ts';
import { COUNTER_MUTATIONS } from './mutations/mutations-counters.ts';
import { FIELD_MUTATIONS } from './mutations/mutations-fields.ts';
import { HTTP_MUTATIONS } from './mutations/mutations-http.ts';
import { LIMIT_MUTATIONS } from './mutations/mutations-limits.ts';
import { SECRETS_MUTATIONS } from './mutations/mutations-secrets.ts';
import { TCP_MUTATIONS } from './mutations/mutations-tcp.ts';
import { TLS_MUTATIONS } from './mutations/mutations-tls.ts';
import { WORKLOAD_MUTATIONS } from './mutations/mutations-workloads.ts';

const GROUPED = Object.entries({ ...TLS_MUTATIONS, ...HTTP_MUTATIONS, ...SECRETS_MUTATIONS, ...LIMIT_MUTATIONS });
const MUTATIONS = [
  ...GROUPED.flatMap(([rule, mutations]) => mutations.map((mutation) => [rule, ...mutation] as const)),
  ...FIELD_MUTATIONS,
  ...TCP_MUTATIONS,
  ...WORKLOAD_MUTATIONS,
  ...BACKEND_MUTATIONS,
  ...COUNTER_MUTATIONS,
];

const ALL_CALLER_MUTATIONS = [
  ...CALLER_MUTATIONS,
  ...TCP_CALLER_MUTATIONS.map(([rule, what, mutate]) => [rule, `of TCP: ${what}`, mutate] as const),
];

describe('the boundary check', () => {
  for (const role of ['ingress', 'egress'] as const) {
    test(`The resources of the builders for ${role} keep every rule, before and after encoding`, () => {
      const resources = mesh.resources(role, ['gone']);
      const expected = mesh.expectation(role, ['gone']);
      checkBoundary(resources, expected);
      const decoded = resources.map((resource) => decodeResource(resource['@type'], encodeResource(resource).body));
      checkBoundary(decoded, expected);
    });
  }

  test('Every boundary rule has a mutation that breaks it', () => {
    const broken = new Set([...MUTATIONS, ...ALL_CALLER_MUTATIONS].map(([rule]) => rule));
    assert.deepEqual([...broken].sort(), Object.keys(BOUNDARY_RULES).sort());
  });

  for (const [rule, what, role, mutate] of MUTATIONS) {
    test(`${rule} is found broken by this mutation: ${what}`, () => {
      const copy = new Copy(role);
      mutate(copy);
      assert.throws(
        () => copy.check(),
        (error) =>
          error instanceof PosternError &&
          error.code === 'BOUNDARY_VIOLATED' &&
          error.message.includes(` breaks ${rule};`),
      );
    });
  }

  test('The resources of a mesh whose callers prove who they are keep every rule, before and after encoding', () => {
    const resources = proven.resources('egress');
    checkBoundary(resources, proven.expectation('egress'));
    const decoded = resources.map((resource) => decodeResource(resource['@type'], encodeResource(resource).body));
    checkBoundary(decoded, proven.expectation('egress'));
  });

  for (const [rule, what, mutate] of ALL_CALLER_MUTATIONS) {
    test(`${rule} is found broken by this mutation of proven callers: ${what}`, () => {
      const copy = new Copy('egress', proven);
      mutate(copy);
      assert.throws(
        () => copy.check(),
        (error) => error instanceof PosternError && error.message.includes(` breaks ${rule};`),
      );
    });
  }

  test('A violation is found again by the next check', () => {
    const copy = new Copy('ingress');
    copy.check();
    copy.remove('Secret', 'bundle/shop');
    for (let time = 0; time < 2; time++) assert.throws(() => copy.check());
  });

  test('The message of a violation holds no key material', () => {
    const copy = new Copy('ingress');
    copy.named('Secret', 'bundle/shop').validation_context.trusted_ca.inline_string += leaf.key;
    assert.throws(
      () => copy.check(),
      (error) => !String(error).includes('-----'),
    );
  });
});

test('Each gateway has a key of its own for each peer, and for its own mesh', () => {
  const chains = (['ingress', 'egress'] as const).flatMap((role) => {
    const secrets = new Copy(role).resources.filter((resource) => resource.name.startsWith('cert/'));
    return secrets.map((secret) => secret.tls_certificate.certificate_chain.inline_string as string);
  });
  const keys = chains.map((pem) =>
    createPublicKey(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'pem' })),
  );
  // Two peers at each gateway, and our own mesh at the ingress.
  assert.equal(new Set(keys.map((key) => key.export({ type: 'spki', format: 'pem' }))).size, 5);
});
