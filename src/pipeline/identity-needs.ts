// Parts of a turn of the pipeline that the running process and the one-shot commands share.
// In: a model. Out: who needs an identity; the error of a configuration that cannot be served. Must not: do I/O.

import { type Diagnostic, formatDiagnostic, PosternError } from '../errors.ts';
import type { Federation, Gateway, Peer } from '../federation/model.ts';
import type { IdentityNeed } from '../trust/issuing/identities.ts';

/** A configuration that cannot be served, with its places. */
export class RejectedConfig extends PosternError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super('CONFIG_INVALID', diagnostics.map(formatDiagnostic).join('\n'));
    this.diagnostics = diagnostics;
  }
}

/** One identity for each gateway and peer that meet: R10, distinct keys. */
export function identityNeeds({ peers, imports, ingress, egress }: Federation): readonly IdentityNeed[] {
  const imported = new Set(imports.filter(({ denied }) => !denied).map(({ peer }) => peer));
  return [
    ...(ingress === undefined ? [] : peers.map((peer) => needOf(ingress, peer))),
    ...(egress === undefined
      ? []
      : peers.filter((peer) => imported.has(peer.name)).map((peer) => needOf(egress, peer))),
  ];
}

function needOf({ role, identity }: Gateway, { name, trustDomain }: Peer): IdentityNeed {
  return { role, peer: name, trustDomain, id: identity };
}
