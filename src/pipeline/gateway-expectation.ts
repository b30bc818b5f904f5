// The values of the model that the boundary check compares a gateway's resources with.
// Must not: ask a builder for any of them.

import type { Expectation } from '../envoy/boundary/expectation.ts';
import type { Federation, GatewayRole } from '../federation/model.ts';
import { labelOf, type RetiredName } from '../federation/transition.ts';

export interface Expected {
  readonly federation: Federation;
  readonly retired: readonly RetiredName[];
  readonly throwawayRootPem: string;
}

export function expectationOf({ federation, retired, throwawayRootPem }: Expected, role: GatewayRole): Expectation {
  const { mesh, peers } = federation;
  const { address = '', port } = federation[role] ?? {};
  return {
    trustDomain: mesh.trustDomain,
    address,
    ...(port !== undefined && { port }),
    bundles: new Map([
      ...retired.map((name) => [labelOf(name), name.meet?.roots || throwawayRootPem] as const),
      // A peer that has come back under its old name and key has its own bundle again.
      ...peers.map((peer) => [labelOf(peer), peer.bundle.pem] as const),
    ]),
    gateways: new Map(
      peers.map((peer) => [labelOf(peer), peer.addresses.map(({ host, port: own }) => `${host} ${own}`)]),
    ),
  };
}
