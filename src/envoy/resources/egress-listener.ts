// The egress listeners: one for each port that an import names, plain HTTP for callers of our own mesh.
// Must not: know where a name leads; the routes of the port do.

import type { Gateway, Import, Mesh } from '../../federation/model.ts';
import { type Draft, draft, type Message } from '../draft.ts';
import { httpConnectionManager } from '../http/http-connection-manager.ts';
import { BUFFER_BYTES } from '../limits.ts';
import * as names from '../resource-names.ts';
import { listeningAddress } from './listen-address.ts';

type Listener = Message<'envoy.config.listener.v3.Listener'>;

export function egressListeners(
  mesh: Mesh,
  gateway: Gateway,
  ports: ReadonlyMap<number, readonly Import[]>,
): readonly Draft[] {
  return [...ports.keys()].map((port) => {
    const name = names.egressPort(port);
    return draft('envoy.config.listener.v3.Listener', name, [mesh, gateway], () => listener(mesh, gateway, name, port));
  });
}

function listener(mesh: Mesh, gateway: Gateway, name: string, port: number): Listener {
  const statPrefix = `egress_${port}`;
  return {
    name,
    stat_prefix: statPrefix,
    address: listeningAddress(gateway.address, port),
    enable_reuse_port: false,
    per_connection_buffer_limit_bytes: BUFFER_BYTES,
    filter_chains: [
      { name, filters: [httpConnectionManager({ mesh, role: 'egress', statPrefix, routes: name, filters: [] })] },
    ],
  };
}
