// Golden cases: a configuration in, the resources of both gateways out, compared with what stands in test/golden.
// Each is also checked with Envoy's own rules, with the boundary rules, and by `envoy --mode validate`.
// UPDATE_GOLDEN=1 (npm run golden) writes them anew: read the difference before it is committed.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkBoundary } from '../src/envoy/boundary/checks/boundary-check.ts';
import { decodeResource, encodeResource } from '../src/envoy/proto/codec.ts';
import { checkResource } from '../src/envoy/proto/pgv.ts';
import type { ResourceJson } from '../src/envoy/proto/types.gen.ts';
import type { GatewayRole } from '../src/federation/model.ts';
import { certify, issuerOf } from './envoy/callers.ts';
import { MeshUnderTest, NOW, newCa } from './envoy/pipeline.ts';
import { validate } from './envoy/real-envoy.ts';
import { staticBootstrap } from './envoy/static-bootstrap.ts';

// Compiled tests run from dist/test; the cases stay where they are written.
const folder = fileURLToPath(new URL('../../test/golden/', import.meta.url));
const update = process.env['UPDATE_GOLDEN'] === '1';

for (const name of readdirSync(folder)) {
  describe(`golden case ${name}`, () => {
    const yaml = readFileSync(`${folder}${name}/config.yaml`, 'utf8');
    const named = (what: string): readonly string[] =>
      new RegExp(`^# ${what}: \\[(.*)\\]$`, 'm').exec(yaml)?.[1]?.split(/,\s*/) ?? [];
    const retired = named('retired');
    const mesh = new MeshUnderTest(yaml, undefined, undefined, named('denied'));

    for (const role of ['ingress', 'egress'] as const) {
      if (mesh.federation[role] === undefined) continue;
      const resources = mesh.resources(role, retired);

      test(`The resources of the ${role} are the golden ones`, () => {
        const file = `${folder}${name}/${role}.json`;
        const shown = JSON.parse(JSON.stringify(resources, placeholders(mesh))) as unknown;
        if (update) writeFileSync(file, `${JSON.stringify(shown, null, 2)}\n`);
        assert.deepEqual(shown, JSON.parse(readFileSync(file, 'utf8')));
      });

      test(`The resources of the ${role} keep Envoy’s rules and the boundary rules, and decode to the same`, () => {
        checkBoundary(resources, mesh.expectation(role, retired));
        for (const resource of resources) {
          const encoded = encodeResource(resource);
          checkResource(encoded);
          const again = encodeResource(decodeResource(encoded.typeUrl, encoded.body));
          assert.ok(again.body.equals(encoded.body), encoded.name);
        }
      });

      test(`Envoy accepts the resources of the ${role}`, async () => {
        assert.equal(await validate(staticBootstrap(resources.map((resource) => withFiles(resource, role)))), '');
      });
    }
  });
}

/** Certificates and keys are made anew each time, and digests of them: a golden file says whose they are. */
function placeholders(mesh: MeshUnderTest): (key: string, value: unknown) => unknown {
  const known = [...mesh.cas].map(([trustDomain, ca]) => [ca.certificate.trim(), `CA of ${trustDomain}`] as const);
  const labels = new Map([...known, [mesh.throwawayRootPem.trim(), 'a root that nobody holds']]);
  const { peers, exports, backendCas, mesh: own } = mesh.federation;
  const keys = [
    ...peers.map(({ name, key }) => [`${name}@${key}`, `${name}@<key of ${name}>`] as const),
    // Of exports without TLS, the digest is of the configuration alone.
    ...exports
      .filter(({ tls }) => tls !== undefined)
      .map(({ name, key }) => [`${name}@${key}`, `${name}@<key of ${name}>`] as const),
    ...backendCas.map(({ key }) => [`backend-ca/${key}`, 'backend-ca/<key>'] as const),
    ...(own.bundle === undefined ? [] : [[own.bundle.key, '<key of the mesh>'] as const]),
  ];
  return (key, value) => {
    // It depends on the keys above.
    if (key === 'version') return '<digest of this host>';
    if (key === 'private_key') return hasText(value) ? '[redacted]' : value;
    if (key === 'certificate_chain') return hasText(value) ? '[certificate for this peer]' : value;
    if (typeof value !== 'string') return value;
    if (key === 'inline_string' && /^[0-9a-f]{12}$/.test(value)) return '<digest of this host>';
    if (value.startsWith('-----')) return `[${labels.get(value.trim()) ?? 'unknown'}]`;
    return keys.reduce((text, [keyed, shown]) => text.replaceAll(keyed, shown), value);
  };
}

function hasText(source: unknown): boolean {
  return typeof source === 'object' && source !== null && 'inline_string' in source;
}

/** Files of a gateway's disk, which this machine has not: their content in place. */
function withFiles(resource: ResourceJson, role: GatewayRole): ResourceJson {
  if (!('tls_certificate' in resource) || resource.tls_certificate?.certificate_chain?.filename === undefined)
    return resource;
  const own = certify(
    issuerOf(newCa('bank.example'), 'bank.example', NOW),
    [`spiffe://bank.example/gateway/${role}`],
    NOW,
  );
  const certificate = { certificate_chain: { inline_string: own.cert }, private_key: { inline_string: own.key } };
  return { ...resource, tls_certificate: certificate };
}
