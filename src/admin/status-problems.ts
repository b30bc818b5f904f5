// Why `postern status --check` fails: gateways, workers or a file that are not in sync.
// Must not: decide how a status is shown.

import type { Diagnostic } from '../errors.ts';
import { byConnection, isInSync } from '../xds/stream-status.ts';
import type { GatewayStream, Rejected, Status } from './status-view.ts';

/** The connected Envoys of a gateway: the streams of one connection (one for each type, without ADS) are one entry. */
export function connectedEnvoys(streams: readonly GatewayStream[]): readonly GatewayStream[] {
  return byConnection(streams).map((connection) => ({
    ...connection[0],
    types: connection.flatMap(({ types }) => types),
  }));
}

/** Why a gateway does not run with the configuration in the file; empty when it does. */
export function outOfSync(status: Status): readonly string[] {
  const { rejected } = status.config;
  const gateways = status.gateways.flatMap(({ gateway, nodes }) =>
    nodes.length === 0
      ? [`no ${gateway} gateway is connected`]
      : connectedEnvoys(nodes).flatMap((envoy) => envoyProblems(gateway, envoy)),
  );
  return [
    ...(rejected === undefined
      ? []
      : [`${rejected.partly ? 'a part of the file' : 'the file'} was rejected (${whyRejected(rejected)})`]),
    ...gateways,
    ...workerProblems(status),
  ];
}

/** Each code of an error once, with the peer, mesh or export whose trust it is about: `shop BUNDLE_UNPARSABLE`, `export mail …`. */
function whyRejected({ reason, diagnostics }: Rejected): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const named = new Set(errors.map((error) => [...concerned(error), error.code].join(' ')));
  const [first, second, third, ...others] = named;
  if (first === undefined) return reason;
  const shown = [first, second, third].filter((one) => one !== undefined).join(', ');
  return others.length === 0 ? shown : `${shown} and ${others.length} more`;
}

function concerned({ concernsPeer: peer, concernsMesh, concernsExport: exported }: Diagnostic): readonly string[] {
  if (peer !== undefined) return [peer];
  if (concernsMesh !== undefined) return ['our mesh'];
  return exported === undefined ? [] : ['export', exported];
}

/** One for each peer: the first Envoy that cannot reach it. Not the fault of the configuration, so a deployment does not wait for it. */
export function unreachablePeers({ peers }: Status): readonly string[] {
  return peers.flatMap(({ name, reachability = [] }) => {
    const failing = reachability.filter(({ reachable }) => !reachable);
    const [first] = failing;
    if (first === undefined) return [];
    const more = failing.length === 1 ? '' : `, and from ${failing.length - 1} more`;
    const use = first.tcpImport === undefined ? '' : ` for the TCP import ${first.tcpImport}`;
    return [`the peer ${name} cannot be reached${use} from ${first.node}${more} (${first.reason})`];
  });
}

function envoyProblems(gateway: string, { nodeId, types }: GatewayStream): readonly string[] {
  if (types.length === 0) return [`${gateway} ${nodeId} has not subscribed yet`];
  if (isInSync({ types })) return [];
  const states = types.filter(({ state }) => state !== 'SYNCED').map(({ type, state }) => `${type} ${state}`);
  return [`${gateway} ${nodeId} is not in sync: ${states.join(', ')}`];
}

/** Problems of the workers. */
export function workerProblems({ workers }: Status): readonly string[] {
  if (workers === undefined) return [];
  const { expected, serving, silent } = workers;
  return [
    ...(serving < expected ? [`${serving} of ${expected} workers serve; the others are being started`] : []),
    ...(silent > 0 ? [`${silent} of ${serving} workers did not answer: their gateways are missing here`] : []),
  ];
}
