// Lists what keeps a gateway out of sync; `postern status --check` fails with these problems.
// Must not: decide how a status is shown.

import { isInSync } from '../xds/stream-status.ts';
import type { GatewayStream, Status } from './status-view.ts';

/** Why a gateway does not run with the configuration in the file; empty when it does. */
export function outOfSync(status: Status): readonly string[] {
  const { rejected } = status.config;
  const nodes = status.gateways.flatMap(({ gateway, nodes }) =>
    nodes.length === 0 ? [`no ${gateway} gateway is connected`] : nodes.flatMap((node) => nodeProblem(gateway, node)),
  );
  return [
    ...(rejected === undefined
      ? []
      : [`${rejected.partly ? 'a part of the file' : 'the file'} was rejected (${rejected.reason})`]),
    ...nodes,
    ...workerProblems(status),
  ];
}

function nodeProblem(gateway: string, { nodeId, types }: GatewayStream): readonly string[] {
  if (types.length === 0) return [`${gateway} ${nodeId} has not subscribed yet`];
  if (isInSync({ types })) return [];
  const states = types.filter(({ state }) => state !== 'SYNCED').map(({ type, state }) => `${type} ${state}`);
  return [`${gateway} ${nodeId} is not in sync: ${states.join(', ')}`];
}

/** What is wrong with the workers, if anything. */
export function workerProblems({ workers }: Status): readonly string[] {
  if (workers === undefined) return [];
  const { expected, serving, silent } = workers;
  return [
    ...(serving < expected ? [`${serving} of ${expected} workers serve; the others are being started`] : []),
    ...(silent > 0 ? [`${silent} of ${serving} workers did not answer: their gateways are missing here`] : []),
  ];
}
