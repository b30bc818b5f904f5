// Which identities our gateways need: a certificate and key for each peer that a gateway meets, so that no key is shared
// between peers.

import type { Federation, Gateway, Peer } from '../federation/model.ts';
import type { IdentityNeed } from '../trust/issuing/identities.ts';

/** An ingress gateway meets every peer, an egress gateway those that it imports from. */
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
