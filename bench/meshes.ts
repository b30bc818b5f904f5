// Writes a mesh of any size, as YAML with its CAs, to measure the way from a file to the wire.
// Must not: be an example for anybody.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCa } from '../src/trust/issuing/issue.ts';
import type { TrustDomain } from '../src/trust/spiffe.ts';

export interface BenchMesh {
  readonly file: string;
  /** The text, with one grant of one export as it is in its `revision`-th edition. */
  readonly text: (revision: number) => string;
}

export function makeMesh(folder: string, peers: number, exports: number): BenchMesh {
  for (const name of ['ours', ...names(peers)]) makeCa(join(folder, 'pki', name), `${name}.example` as TrustDomain);
  const head = [
    'apiVersion: postern/v1',
    'mesh: {name: ours, trustDomain: ours.example}',
    'identity:',
    '  issuer: {certificate: pki/ours/ca.pem, privateKey: pki/ours/ca-key.pem, lifetime: 24h}',
    'gateways:',
    '  ingress: {address: "127.0.0.1:15443"}',
    'peers:',
    ...names(peers).flatMap((name) => [
      `  ${name}:`,
      `    trustDomain: ${name}.example`,
      `    trustBundle: pki/${name}/ca.pem`,
      '    gatewayIdentities: [gateway/egress]',
    ]),
    'exports:',
  ];
  const one = (index: number, methods: string): readonly string[] => [
    `- name: s${index}.svc`,
    `  backend: 127.0.0.1:${8000 + (index % 1000)}`,
    '  consumers:',
    `  - peer: p${index % peers}`,
    `    methods: [${methods}]`,
    '    paths: [/v1/things, /v1/orders/*]',
  ];
  const rest = Array.from({ length: exports - 1 }, (_, index) => one(index + 1, 'GET, POST')).flat();
  const text = (revision: number): string =>
    [...head, ...one(0, revision % 2 === 0 ? 'GET' : 'GET, PUT'), ...rest, ''].join('\n');
  const file = join(folder, 'mesh.yaml');
  writeFileSync(file, text(0));
  return { file, text };
}

function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `p${index}`);
}

function makeCa(folder: string, trustDomain: TrustDomain): void {
  const made = createCa({ trustDomain, commonName: trustDomain, now: Date.now(), lifetimeSeconds: 30 * 24 * 3600 });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'ca.pem'), made.certificate);
  writeFileSync(join(folder, 'ca-key.pem'), made.privateKey.reveal(), { mode: 0o600 });
}
