// What the resources of a gateway are compared with beyond themselves: values of the configuration that no name carries.
// Must not: hold a value that a builder made; the caller takes each from the model.

import { type Claims, enforce, type Subject } from '../boundary-rules.ts';
import { domainOfServerName } from './tls/tls-rules.ts';

export interface Expectation {
  /** Of our own mesh. */
  readonly trustDomain: string;
  /** Where the gateway listens. */
  readonly address: string;
  /** Of an ingress gateway. */
  readonly port?: number;
  /** The PEM of the roots that each bundle holds, by `<peer>@<key>`. */
  readonly bundles: ReadonlyMap<string, string>;
  /** Of our own workloads; absent: nobody is one of them. */
  readonly meshBundle?: { readonly key: string; readonly pem: string };
  /** The PEM of the CAs of backends, by their digest. */
  readonly backendCas: ReadonlyMap<string, string>;
  /** What backendText makes of each export, by `<export>@<key>`. */
  readonly backends: ReadonlyMap<string, string>;
  /** By `<peer>@<key>` and authority: what admissionText makes of the grant. */
  readonly admits: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** The authority of each import, by `<port> <local name>`. */
  readonly imports: ReadonlyMap<string, string>;
  /** `<peer>@<key> <authority>` of each grant, `<port> <local name>` of each import, that says `upgrades: [websocket]`. */
  readonly upgradable: ReadonlySet<string>;
  /** In the same form, of each that says `underscoreHeaders: drop`. */
  readonly dropping: ReadonlySet<string>;
  /** `<peer>@<key>`, and `<port> <local name>` of each import, of a peer that has `traceContext: forward`. */
  readonly traced: ReadonlySet<string>;
  /** The TCP exports of each peer by server name, as `<name>@<key>`; by `<peer>@<key>`. */
  readonly tcpExports: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** The cluster of each TCP import by port; undefined where the peer is denied. */
  readonly tcpPorts: ReadonlyMap<string, string | undefined>;
  /** The server name that the cluster of each TCP import asks for. */
  readonly tcpServerNames: ReadonlyMap<string, string>;
  /** The text of each limit, by what it belongs to (limit-rules.ts). Where there is none, the gateways' own apply. */
  readonly limits: ReadonlyMap<string, string>;
  /** Who may use each import, by `<port> <local name>`, of TCP by the port: what clientsText makes of it. Absent: callers prove nothing. */
  readonly clients?: ReadonlyMap<string, string>;
  /** The gateways of each peer as `host port`, by `<peer>@<key>`. */
  readonly gateways: ReadonlyMap<string, readonly string[]>;
}

/** Errors: BOUNDARY_VIOLATED. */
export function checkClaims(claims: Claims, expected: Expectation, subject: Subject): void {
  const { listensAt, bundle, meshBundle, backendCa, dials, serves, admits, leads } = claims;
  const { upgradable = [], limits = [], clients, callers } = claims;
  if (listensAt !== undefined) {
    const [host, port] = listensAt.split(' ');
    const samePort = expected.port === undefined || String(expected.port) === port;
    enforce(host === expected.address && samePort, 'LISTEN_ADDRESS', subject);
  }
  if (bundle !== undefined) enforce(expected.bundles.get(bundle.label) === bundle.pem, 'OWN_BUNDLE', subject);
  if (meshBundle !== undefined) {
    const { key, pem } = expected.meshBundle ?? {};
    enforce(key === meshBundle.key && pem === meshBundle.pem, 'OWN_BUNDLE', subject);
  }
  if (backendCa !== undefined)
    enforce(expected.backendCas.get(backendCa.key) === backendCa.pem, 'BACKEND_TRUST', subject);
  if (dials !== undefined)
    enforce(expected.gateways.get(dials.label)?.join() === dials.hosts.join(), 'FIXED_DESTINATION', subject);
  const granted = expected.admits.get(admits?.label ?? '');
  for (const { authority, text } of admits?.hosts ?? []) enforce(granted?.get(authority) === text, 'POLICY', subject);
  for (const [local, authority] of leads ?? [])
    enforce(expected.imports.get(local) === authority, 'OWN_EXPORT', subject);
  for (const host of upgradable) enforce(expected.upgradable.has(host), 'UPGRADES', subject);
  for (const host of claims.dropping ?? []) enforce(expected.dropping.has(host), 'UNDERSCORES', subject);
  for (const one of claims.traced ?? []) enforce(expected.traced.has(one), 'TRACE_CONTEXT', subject);
  for (const [label, serverName, exported] of claims.tcpExports ?? [])
    enforce(expected.tcpExports.get(label)?.get(serverName) === exported, 'TCP_GRANT', subject);
  const { tcpPort, asks } = claims;
  if (tcpPort !== undefined) {
    const isImported = expected.tcpPorts.has(tcpPort.port);
    enforce(isImported && expected.tcpPorts.get(tcpPort.port) === tcpPort.cluster, 'TCP_GRANT', subject);
  }
  if (asks !== undefined) enforce(expected.tcpServerNames.get(asks.cluster) === asks.serverName, 'TCP_GRANT', subject);
  for (const [of, text] of limits) enforce((expected.limits.get(of) ?? '') === text, 'LIMITS', subject);
  for (const [local, text] of clients ?? []) enforce(expected.clients?.get(local) === text, 'CLIENTS', subject);
  if (callers !== undefined)
    enforce(callers === (expected.clients === undefined ? null : expected.trustDomain), 'CALLERS', subject);
  const names = serves ?? [];
  enforce(new Set(names).size === names.length, 'CHAIN_MATCH', subject);
  for (const name of names) enforce(domainOfServerName(name) === expected.trustDomain, 'SERVER_NAME', subject);
}

/** After the claims of all resources, which say more precisely what leads where it must not. Errors: BOUNDARY_VIOLATED. */
export function checkBackendClaim({ backend }: Claims, expected: Expectation, subject: Subject): void {
  if (backend !== undefined) enforce(expected.backends.get(backend.label) === backend.text, 'BACKEND_TLS', subject);
}
