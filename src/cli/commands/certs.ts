// `postern certs gateway` and `postern certs dev`: writes certificates as PEM files, with keys that only their owner can read.
// Must not: overwrite a CA, or print a key.

import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sdsFiles } from '../../envoy/resources/gateway-bootstrap.ts';
import { EXIT, PosternError } from '../../errors.ts';
import type { GatewayRole } from '../../federation/model.ts';
import { oneLine } from '../../one-line.ts';
import { issueGatewayCertificate, openControlPlaneCa, writeAtomically } from '../../trust/issuing/control-plane-ca.ts';
import { createCa } from '../../trust/issuing/issue.ts';
import { makeFolder } from '../../trust/issuing/make-folder.ts';
import { parseTrustDomain } from '../../trust/spiffe.ts';
import { isOn, oneOf, type Run, required } from '../command.ts';
import { namedFile, resolvedConfiguration, stateFolder } from '../configuration.ts';

export const certsGateway: Run = async (invocation) => {
  const role = oneOf<GatewayRole>(invocation.positionals[0], ['ingress', 'egress'], 'the argument');
  const file = namedFile(invocation);
  const out = resolve(required(invocation, 'out'));
  const now = Date.now();
  const { federation } = await resolvedConfiguration(file, now);
  const gateway = federation[role];
  if (gateway === undefined) throw new PosternError('USAGE', `${file} has no ${role} gateway; add gateways.${role}`);
  const state = stateFolder(invocation, file);
  const ca = openControlPlaneCa(state, federation.mesh.trustDomain, now, {
    groupKeys: isOn(invocation, 'group-keys'),
    required: isOn(invocation, 'require-state'),
  });
  const issued = issueGatewayCertificate(ca, gateway.identity, now);
  writeFiles(out, [
    ['tls-key.pem', issued.privateKey.reveal(), 0o600],
    ['tls.pem', issued.certificateChain, 0o644],
    ['ca.pem', ca.certificatePem, 0o644],
    ...Object.entries(sdsFiles(invocation.flag('mount') ?? out)).map(
      ([name, content]) => [name, content, 0o644] as const,
    ),
  ]);
  invocation.stderr(
    `${oneLine(out)}: tls.pem, tls-key.pem, ca.pem for ${gateway.identity}, valid until ${new Date(issued.notAfter).toISOString()}\n`,
  );
  if (ca.made)
    invocation.stderr(
      `${oneLine(state)}: made a control-plane CA, SHA-256 ${ca.issuer.certificate.fingerprint}; keep this folder. A control plane that is running with another CA refuses this certificate: if you lost the folder, restore it instead (--require-state makes no CA)\n`,
    );
  return EXIT.ok;
};

export const certsDev: Run = async (invocation) => {
  const trustDomain = parseTrustDomain(required(invocation, 'trust-domain'));
  if (trustDomain === undefined)
    throw new PosternError(
      'USAGE',
      `${invocation.named('trust-domain')} takes a name such as bank.example: lower-case letters, digits, dots, hyphens`,
    );
  const out = resolve(required(invocation, 'out'));
  const present = ['ca.pem', 'ca-key.pem'].some((name) => existsSync(join(out, name)));
  if (!isOn(invocation, 'force') && present) {
    throw new PosternError('USAGE', `${out} already holds a CA; choose another folder, or overwrite it with --force`);
  }
  const ca = createCa({
    commonName: `${trustDomain} throw-away CA`.slice(0, 64),
    trustDomain,
    now: Date.now(),
    lifetimeSeconds: 90 * 24 * 60 * 60,
  });
  writeFiles(out, [
    ['ca-key.pem', ca.privateKey.reveal(), 0o600],
    ['ca.pem', ca.certificate, 0o644],
  ]);
  invocation.stderr(`${oneLine(out)}: ca.pem, ca-key.pem of ${trustDomain}, a throw-away CA\n`);
  return EXIT.ok;
};

/** Names, contents and modes, in this order. Errors: STATE_UNUSABLE. */
function writeFiles(folder: string, files: readonly (readonly [string, string, number])[]): void {
  try {
    makeFolder(folder);
    if (!statSync(folder).isDirectory()) throw new Error('it is a file; give a folder');
    for (const [name, content, mode] of files) writeAtomically(join(folder, name), content, mode);
  } catch (error) {
    throw new PosternError('STATE_UNUSABLE', `cannot write to ${folder}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
