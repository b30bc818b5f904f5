// The limits of the model, as the boundary check reads them from a gateway's resources.
// Must not: ask a builder for any of them.

import {
  clustersOf,
  expectedBreakers,
  expectedHealthText,
  expectedText,
  type LimitClaim,
} from '../envoy/boundary/checks/http/limit-rules.ts';
import { type Federation, type Grant, isHttpGrant, type Peer } from '../federation/model.ts';
import { labelOf } from '../federation/transition/history.ts';
import type { RetiredName } from '../federation/transition/retired-names.ts';

export function expectedLimits(
  { mesh, peers, grants, imports }: Federation,
  retired: readonly RetiredName[],
  healthAuthority: string,
): ReadonlyMap<string, string> {
  const labels = new Map(peers.map((peer) => [peer.name, labelOf(peer)]));
  const ofPeer = (label: string, limits: Peer['limits']): readonly LimitClaim[] =>
    limits === undefined
      ? []
      : [
          [label, expectedText('peer', limits)],
          [`${label} ${healthAuthority}`, expectedHealthText(limits)],
        ];
  const ofGrant = (label: string, grant: Grant): readonly LimitClaim[] =>
    isHttpGrant(grant) && grant.limits !== undefined
      ? [[`${label} ${grant.export.authority}`, expectedText('consumer', grant.limits)]]
      : [];
  const atOnce = new Map<string, number>();
  const connections = new Map<string, number>();
  for (const { peer, name, port, protocol, limits = {} } of imports) {
    const label = labels.get(peer) ?? '';
    if (protocol !== 'tcp') atOnce.set(peer, Math.max(atOnce.get(peer) ?? 0, limits.requests ?? 0));
    else if (limits.connections !== undefined) {
      const cluster = `to tcp/${label}/${name}`;
      connections.set(cluster, Math.min(connections.get(cluster) ?? limits.connections, limits.connections));
      if (mesh.bundle !== undefined) connections.set(`to callers/${port}@${mesh.bundle.key}`, limits.connections);
    }
  }
  const texts: readonly LimitClaim[] = [
    ...retired.flatMap((name) => ofPeer(labelOf(name), name.meet?.limits)),
    ...retired.flatMap((name) => (name.meet?.grants ?? []).flatMap((grant) => ofGrant(labelOf(name), grant))),
    ...peers.flatMap((peer) => ofPeer(labelOf(peer), peer.limits)),
    ...peers.map(
      (peer): LimitClaim => [`connections of peer/${labelOf(peer)}`, String(peer.limits?.connections ?? '')],
    ),
    ...peers.map(
      (peer): LimitClaim => [`to import/${labelOf(peer)}`, expectedBreakers({ requests: atOnce.get(peer.name) ?? 0 })],
    ),
    ...[...connections].map(([cluster, most]): LimitClaim => [cluster, expectedBreakers({ connections: most })]),
    ...grants.flatMap((grant): readonly LimitClaim[] => {
      const label = labels.get(grant.peer);
      if (label === undefined || grant.limits === undefined) return [];
      const breakers = expectedBreakers(grant.limits);
      const clusters = clustersOf(grant.peer, grant.export.name);
      return [...ofGrant(label, grant), ...clusters.map((cluster): LimitClaim => [cluster, breakers])];
    }),
    ...imports.flatMap(({ port, localNames, limits }): readonly LimitClaim[] =>
      limits === undefined ? [] : [[`${port} ${localNames[0]}`, expectedText('import', limits)]],
    ),
  ];
  return new Map(texts);
}
