// `postern check peer`: dials a peer as the egress gateway would, and says which side refuses what.
// Must not: need the running process, or print or write the key that it issues for this.

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { EXIT, formatDiagnostic, PosternError, systemReason } from '../../errors.ts';
import type { Federation, Peer } from '../../federation/model.ts';
import type { Resolved } from '../../federation/resolve/resolve.ts';
import { nearestName } from '../../nearest-name.ts';
import { issueLeaf } from '../../trust/issuing/issue.ts';
import { PrivateKeyPem } from '../../trust/keys/private-key.ts';
import { addressFlag, outputFormat, type Run, required } from '../command.ts';
import { resolvedConfiguration } from '../configuration.ts';
import { type CertificateFacts, factsOf } from '../peer-check/certificate-facts.ts';
import { type CheckInput, checkPeer as check, type OurIdentity } from '../peer-check/check-peer.ts';
import { checkProtocols } from '../peer-check/check-protocols.ts';
import { checkRequest } from '../peer-check/check-request.ts';
import { type CheckReport, checkText } from '../peer-check/check-text.ts';
import { wantedRequest } from '../peer-check/wanted-request.ts';

/** Of the certificate that is issued for the check alone. */
const LIFETIME_SECONDS = 600;

export const checkPeer: Run = async (invocation) => {
  const output = outputFormat(invocation, ['text', 'json'] as const, 'text');
  const file = required(invocation, 'file');
  const now = Date.now();
  const resolved = await resolvedConfiguration(file, now);
  const { federation, diagnostics } = resolved;
  for (const finding of diagnostics.filter(({ severity }) => severity === 'error'))
    invocation.stderr(`${formatDiagnostic(finding)}\n`);
  const peer = peerNamed(federation, invocation.positionals[0] ?? '', file);
  const given = invocation.flag('address') === undefined ? undefined : addressFlag(invocation, 'address');
  const addresses = given === undefined ? peer.addresses : [given];
  if (addresses.length === 0)
    throw new PosternError(
      'USAGE',
      `${file} has no peers.${peer.name}.addresses, so nothing dials it; give an address with --address`,
    );
  const ours = identityOf(resolved, now);
  const imports = federation.imports.filter((imported) => imported.peer === peer.name);
  const { mesh, identitySource: source } = federation;
  const wanted = wantedRequest(invocation, imports, mesh.trustDomain);
  const input: CheckInput = { peer, ourDomain: mesh.trustDomain, imports, source, ours, addresses };
  const ways = await check(input);
  const request = wanted && (await checkRequest(input, ways, wanted));
  const mismatches = wanted === undefined ? await checkProtocols(input, ways) : [];
  const isReached = ways.every(({ verdicts }) => verdicts.length === 0);
  const report: CheckReport = {
    ...{ peer: peer.name, trustDomain: peer.trustDomain, mesh: mesh.name },
    ok: isReached && mismatches.length === 0 && (request === undefined || request.reason === 'ALLOWED'),
    ...{ ours: ours.facts, ways },
    ...(request === undefined ? { mismatches } : { request }),
  };
  invocation.stdout(output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : checkText(report));
  if (!isReached) {
    const reasons = [...new Set(ways.flatMap(({ verdicts }) => verdicts.map(({ reason }) => reason)))];
    throw new PosternError(
      'PEER_UNREACHABLE',
      `${peer.name} cannot be reached at every address: ${reasons.join(', ')}`,
    );
  }
  if (mismatches.length > 0) return EXIT.no;
  if (request === undefined || request.reason === 'ALLOWED') return EXIT.ok;
  if (request.reason === 'REQUEST_REFUSED' || request.reason === 'WRONG_PROTOCOL') return EXIT.no;
  throw new PosternError('PEER_UNREACHABLE', `the request was not answered by the service: ${request.reason}`);
};

function peerNamed({ peers, deniedPeers }: Federation, name: string, file: string): Peer {
  const peer = peers.find((one) => one.name === name);
  if (peer !== undefined) return peer;
  if (deniedPeers.some((one) => one.name === name))
    throw new PosternError('CONFIG_INVALID', `the peer ${name} is denied: it has no usable trust bundle (see above)`);
  const near = nearestName(
    name,
    peers.map((one) => one.name),
  );
  throw new PosternError('USAGE', `${file} has no peer ${name}${near === undefined ? '' : `; did you mean ${near}?`}`);
}

/** A certificate like the one that `run` issues for the egress gateway, or the gateway's own files. */
function identityOf({ federation, issuer }: Resolved, now: number): OurIdentity {
  const { egress, identitySource } = federation;
  if (identitySource.kind === 'files') {
    const certificateChain = readText(identitySource.certificate);
    const privateKey = new PrivateKeyPem(readText(identitySource.privateKey));
    return { certificateChain, privateKey, facts: leafFacts(certificateChain) };
  }
  if (egress === undefined)
    throw new PosternError('USAGE', 'the configuration has no egress gateway, so nothing dials a peer');
  if (issuer === undefined) throw new Error('a resolved configuration has an issuer or files');
  const { certificateChain, privateKey } = issueLeaf({
    issuer,
    id: egress.identity,
    now,
    lifetimeSeconds: LIFETIME_SECONDS,
  });
  // The last CA of the issuer's file, as `peer show` prints it.
  const anchor = factsOf((issuer.chain.at(-1) ?? issuer.certificate).der);
  return { certificateChain, privateKey, facts: leafFacts(certificateChain), anchor };
}

function leafFacts(chain: string): CertificateFacts {
  return factsOf(new X509Certificate(chain).raw);
}

/** Errors: CONFIG_UNREADABLE. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const hint = 'run this where the egress gateway has its files (identity.files)';
    throw new PosternError('CONFIG_UNREADABLE', `${path} cannot be read: ${systemReason(error)}; ${hint}`, {
      cause: error,
    });
  }
}
