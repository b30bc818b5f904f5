// What random configurations are made of, and everything that can be asked of their gateways. The values are few, so that two
// configurations often share some.
// Must not: share code with src/.

import type { HostPort } from '../../../src/host-port.ts';

export const DOMAINS = ['x.example', 'y.example'] as const;
export type Domain = (typeof DOMAINS)[number];
export const ROOTS = [0, 1, 2] as const;
export const IDENTITIES = ['gateway/a', 'gateway/b'] as const;
export const EXPORTS = ['e0', 'e1', 'e2', 'e3'] as const;
export const METHODS = ['GET', 'POST'] as const;
export const PATHS = ['/S/1', '/S/2'] as const;
export const LOCAL_NAMES = ['l0.a.svc.cluster.local', 'l1.a.svc.cluster.local'] as const;
export const LABELS = ['s0', 's1', ...DOMAINS] as const;
/** Of our own workloads and of the servers behind `tls: simple`: two CAs each. */
export const OWN_ROOTS = [0, 1] as const;
export const CLIENTS = ['ns/a/sa/w0', 'ns/a/sa/w1'] as const;

/** Who a gateway of a peer is: a certificate of one root of its mesh. */
export interface Who {
  readonly domain: Domain;
  readonly root: number;
  readonly identity: string;
}

export function labelOf({ domain, root, identity }: Who): string {
  return `${domain}/${root}/${identity}`;
}

export const EVERYBODY: readonly Who[] = DOMAINS.flatMap((domain) =>
  ROOTS.flatMap((root) => IDENTITIES.map((identity) => ({ domain, root, identity }))),
);

/** A workload of our own, with a certificate of one of our two CAs. */
export interface Workload {
  readonly root: number;
  readonly path: string;
}

export const WORKLOADS: readonly Workload[] = OWN_ROOTS.flatMap((root) => CLIENTS.map((path) => ({ root, path })));

/** How a backend proves who it is; each has one certificate for our own mesh, and one as an ordinary server. */
export type Tls =
  | { readonly mode: 'mtls'; readonly identity: string }
  | { readonly mode: 'simple'; readonly serverName: string; readonly ca: number };

export interface BackendProof {
  readonly identity: string;
  readonly serverName: string;
  /** The CA that signed both certificates, of the two that there are for each. */
  readonly root: number;
}

/** Backends 0 and 2 have one name, and certificates of different CAs. */
export const BACKENDS: readonly BackendProof[] = [
  { identity: 'ns/b/sa/b0', serverName: 'b0.internal', root: 0 },
  { identity: 'ns/b/sa/b1', serverName: 'b1.internal', root: 0 },
  { identity: 'ns/b/sa/b0', serverName: 'b0.internal', root: 1 },
];

/** On a connection to the ingress gateway with that certificate and the server name of a peer: `<label>.peers.…`. */
export interface AskedInward {
  readonly at: 'ingress';
  readonly who: Who;
  readonly label: string;
  readonly exported: string;
  /** Absent: a connection of TCP. */
  readonly request?: { readonly method: string; readonly path: string };
}

/** On a connection to a port of the egress gateway. */
export interface AskedOutward {
  readonly at: 'egress';
  readonly port: number;
  /** The host of a request; absent: a connection of TCP. */
  readonly name?: string;
  /** Who calls over TLS; absent: a client without TLS. */
  readonly client?: Workload;
}

export type Asked = AskedInward | AskedOutward;

export function isTcp(asked: Asked): boolean {
  return asked.at === 'ingress' ? asked.request === undefined : asked.name === undefined;
}

export const REQUESTS = METHODS.flatMap((method) => PATHS.map((path) => ({ method, path })));

/** Everything that can be asked at the ingress gateway. */
export const INWARD: readonly AskedInward[] = EVERYBODY.flatMap((who) =>
  LABELS.flatMap((label) =>
    EXPORTS.flatMap((exported): readonly AskedInward[] => {
      const tcp = { at: 'ingress', who, label, exported } as const;
      return [tcp, ...REQUESTS.map((request) => ({ ...tcp, request }))];
    }),
  ),
);

/** The same at the egress gateway. */
export function outward({ egressPorts }: Places): readonly AskedOutward[] {
  const clients = [undefined, ...WORKLOADS];
  return egressPorts.flatMap((port) =>
    [undefined, ...LOCAL_NAMES].flatMap((name) =>
      clients.map((client) => ({ at: 'egress' as const, port, ...(name && { name }), ...(client && { client }) })),
    ),
  );
}

export function serverNameOf({ label, exported, request }: AskedInward): string {
  const server = `${label}.peers.ours.example`;
  return request === undefined ? `${exported}.tcp.${server}` : server;
}

/** Where everything listens. */
export interface Places {
  readonly ingress: readonly HostPort[];
  readonly egressHost: string;
  readonly egressPorts: readonly number[];
  readonly backends: readonly HostPort[];
  readonly gateways: ReadonlyMap<string, HostPort>;
}
