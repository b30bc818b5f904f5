// The mesh whose configuration the flip tests edit: its CAs, its workloads, and where its backends and its peers' gateways are.
// Must not: know which configuration is served.

import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Server, Socket } from 'node:net';
import { join } from 'node:path';
import type { Credentials } from '../../../deploy/demo/calls.ts';
import type { HostPort } from '../../../src/host-port.ts';
import { newCa } from '../../envoy/pipeline.ts';
import { leaf } from '../../support/leaf.ts';
import type { Testbed } from '../../support/mesh.ts';
import { bundleFile, ownBundleFile, serverCaFile } from './flip-configs.ts';
import { type Arrived, backend, gateway } from './flip-servers.ts';
import {
  BACKENDS,
  DOMAINS,
  EVERYBODY,
  labelOf,
  OWN_ROOTS,
  type Places,
  ROOTS,
  type Who,
  WORKLOADS,
  type Workload,
} from './flip-values.ts';

const DAY = 24 * 60 * 60 * 1000;
const [OURS, SERVERS] = ['ours.example', 'servers.internal'];

export interface FlipMesh {
  readonly places: Places;
  credentials(who: Who): Credentials;
  workload(client: Workload): Credentials;
  close(): void;
}

export async function startFlipMesh(bed: Testbed, arrived: Arrived): Promise<FlipMesh> {
  const issuer = readFileSync(join(await bed.ca(OURS), 'ca.pem'), 'utf8');
  const ca = (name: string, root: number): string => join(bed.folder, 'pki', `${name}-ca-${root}`);
  const cas = (name: string, roots: readonly number[], file: (roots: readonly number[]) => string): void => {
    // The oldest first.
    const made = roots.map((root) => newCa(name, Date.now() - (3 - root) * DAY));
    for (const [root, { certificate, privateKey }] of made.entries()) {
      mkdirSync(ca(name, root));
      writeFileSync(join(ca(name, root), 'ca.pem'), certificate);
      writeFileSync(join(ca(name, root), 'ca-key.pem'), privateKey, { mode: 0o600 });
    }
    for (const some of subsetsOf(roots))
      writeFileSync(join(bed.folder, file(some)), some.map((root) => made[root]?.certificate ?? '').join(''));
  };
  for (const domain of DOMAINS) cas(domain, ROOTS, (roots) => bundleFile(domain, roots));
  cas(OURS, OWN_ROOTS, ownBundleFile);
  cas(SERVERS, OWN_ROOTS, (roots) => serverCaFile(roots.join('')));

  const gatewayCertificates = new Map(
    EVERYBODY.map((who) => {
      const { domain, root, identity } = who;
      const uris = [`spiffe://${domain}/${identity}`];
      return [labelOf(who), leaf({ ca: ca(domain, root), caTrustDomain: domain, uris })] as const;
    }),
  );
  const ours = (root: number, path: string): Credentials =>
    leaf({ ca: ca(OURS, root), caTrustDomain: OURS, uris: [`spiffe://${OURS}/${path}`] });
  const workloads = new Map(WORKLOADS.map((one) => [JSON.stringify(one), ours(one.root, one.path)]));
  const none = { cert: '', key: '' };
  const credentials = (who: Who): Credentials => gatewayCertificates.get(labelOf(who)) ?? none;

  const ingress = [await bed.address(), await bed.address()];
  const host = ingress[0]?.host ?? '127.0.0.1';
  const egressPorts = [await bed.port(), await bed.port(), await bed.port()];
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const listen = async (server: Server): Promise<HostPort> => {
    servers.push(server);
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    });
    server.listen(0, host);
    await once(server, 'listening');
    return { host, port: (server.address() as AddressInfo).port };
  };
  const backends = [];
  for (const [index, { identity, serverName, root }] of BACKENDS.entries()) {
    const server = leaf({ ca: ca(SERVERS, root), caTrustDomain: SERVERS, uris: [], dnsNames: [serverName] });
    backends.push(await listen(backend(index, { mesh: ours(root, identity), server, callers: issuer }, arrived)));
  }
  const gateways = new Map<string, HostPort>();
  for (const who of EVERYBODY)
    gateways.set(labelOf(who), await listen(gateway(labelOf(who), credentials(who), arrived)));
  return {
    places: { ingress, egressHost: host, egressPorts, backends, gateways },
    credentials,
    workload: (client) => workloads.get(JSON.stringify(client)) ?? none,
    close: () => {
      for (const server of servers) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** All but the empty one, each in the order of the list. */
function subsetsOf(items: readonly number[]): readonly (readonly number[])[] {
  return Array.from({ length: 2 ** items.length - 1 }, (_, bits) =>
    items.filter((_, index) => ((bits + 1) >> index) % 2 === 1),
  );
}
