// The table of boundary rules, and the facts that the checks of single resources report to the rules between resources.
// Must not: put any content of a resource into a message (it may be a private key).

import { PosternError } from '../../errors.ts';
import type { GatewayRole } from '../../federation/model.ts';
import type { Label } from './name-rules.ts';

/** Every boundary rule: its identifier and what it requires. A snapshot that breaks one is not published. */
export const BOUNDARY_RULES = {
  // names: nothing is published that no rule here looks at
  KNOWN_NAME: 'is of a kind and has a name that these rules know',
  KNOWN_FIELDS: 'has the fields, extensions and fixed values that these rules know, and no others',
  ONE_GATEWAY: 'belongs to the same gateway as the rest of its snapshot',
  // TLS, both directions
  TLS: 'speaks TLS to peers, and only through a context that these rules look at',
  CLIENT_CERTIFICATE: 'requires a client certificate',
  TLS_1_3: 'speaks TLS 1.3 and nothing else',
  NO_RESUMPTION: 'never resumes a TLS session',
  SIGNATURES: 'lists its signature algorithms, none of them SHA-1 or PKCS#1',
  HTTP2_ONLY: 'agrees on h2 alone',
  TCP_ONLY: 'agrees on postern-tcp alone, where it carries TCP',
  HANDSHAKE_TIMEOUT: 'limits the time of a handshake',
  CONNECTION_AGE:
    'takes nothing new on a connection with a peer after 3,700 seconds, and ends each request after as long at the latest',
  COMBINED_VALIDATION: 'validates by a combined context: SAN matchers in place, the CA by secret',
  EXACT_SAN: 'matches URI SANs exactly, at least one',
  ONE_KEY: 'is the only one of its peer: two keys would be two meanings of one name',
  ONE_TRUST_DOMAIN: 'accepts identities of one trust domain, which no other peer shares',
  OWN_BUNDLE: 'trusts the bundle of its own peer alone, and that bundle has the roots of the model',
  OWN_CERTIFICATE: 'shows the certificate of its own gateway, made for this peer',
  SERVER_NAME: 'has a server name of the form <label>.peers.<trust domain of the mesh that is called>',
  SECRET_PRESENT: 'finds its secrets in the snapshot',
  // our own callers
  OUR_WORKLOADS: 'admits callers with exactly one URI SAN, a whole SPIFFE ID of our own trust domain',
  CALLERS_ALPN: 'agrees on h2 or HTTP/1.1 with our own callers, and where it carries TCP on postgresql alone',
  CLIENTS: 'lets exactly the clients of the model use an import, by their URI SANs',
  CALLERS_GATE:
    'is inside the gateway, and admits to the one peer of its import exactly the callers that its port has verified, each by a chain of its own',
  CALLERS: 'asks callers for the proof that the configuration asks for, no other',
  // chains
  NO_DEFAULT_CHAIN: 'has no default filter chain',
  CHAIN_MATCH: 'is chosen by a server name of its own, TLS and ALPN, never before these are known',
  LISTEN_ADDRESS: 'listens at the address and port of the configuration alone',
  NETWORK_RBAC: 'begins with a network RBAC that allows exactly its identities and denies the rest',
  ROUTES_PRESENT: 'finds its routes in the snapshot',
  // tunnels
  TUNNEL: 'is inside the gateway, and carries the connections of one peer to that peer alone',
  TUNNEL_PRESENT: 'finds its tunnel in the snapshot',
  // TCP
  AFTER_HANDSHAKE: 'dials nothing before the TLS handshake has succeeded, and keeps no byte from before',
  GATE: 'is inside the gateway, and admits exactly the identities of its peer to the backends of its own export',
  GATE_PRESENT: 'finds its gate in the snapshot',
  TCP_GRANT: 'carries TCP of a grant or an import of the configuration, under the server name of that alone',
  // HTTP
  HTTP_FILTERS: 'runs exactly the HTTP filters of its gateway, in their order and with their configuration',
  HTTP_RBAC: 'denies every request that has no policy of its own',
  UNEXPECTED_BODY: 'refuses a body on methods that define none, whether its length is declared or not',
  HARMLESS_PATHS: 'refuses paths that a backend might read as others, on every export and below every prefix',
  CLEAN_REQUESTS:
    'normalizes paths and refuses what it cannot, trusts no header of the caller, and passes on none of Envoy’s own',
  CLEAN_RESPONSES: 'removes from responses and trailers what names infrastructure, and rewrites internal hosts',
  NO_INTERNAL_ADDRESSES: 'never sets internal_address_config',
  ACCESS_LOG:
    'logs as JSON, with exactly the keys and operators of its gateway, counts verdicts under names of the file and codes alone, and reports connections to peers to the control plane alone',
  REFUSALS_ALIKE: 'answers every refusal in the same words',
  // routes
  POLICY:
    'has ALLOW policies for its one authority, each named after a rule of its grant, with explicit principals and the conditions of the rule',
  POLICY_NOT_OVERRIDDEN: 'has its policy at the virtual host and nowhere else',
  PRINCIPALS: 'admits only identities that its filter chain accepts',
  DENY_ALL: 'ends in a virtual host that denies everything else',
  OWN_EXPORT: 'routes an authority to its own export, and a local name to its own import',
  LOGGED_REQUEST:
    'logs the authority that was asked for, of a peer’s request id only what has the form of one, and a refusal for its workload as such',
  PEER_HEADER: 'tells the backend which peer called, whatever the caller said, and the workload of a claim that counts',
  WORKLOAD_CLAIM:
    'takes as a workload only what the proven gateway says in exactly one element, in its own trust domain, and by whole segments',
  SAFE_RETRY: 'sends a request again only when no application has seen it, or when it is GET or HEAD',
  SILENCE: 'ends a request or stream that is silent for more than an hour',
  UPGRADES: 'upgrades a connection to WebSocket alone, and only where the configuration says so',
  UNDERSCORES: 'refuses headers with an underscore unless they are to be dropped, and passes none on',
  TRACE_CONTEXT: 'passes trace context and request ids on only where the configuration says so',
  OWN_MESH: 'leads where its own peer and that peer’s mesh may go, by the digest of the trust domain',
  CLUSTER_PRESENT: 'finds its clusters in the snapshot',
  LIMITS: 'has the limits of the configuration, and the gateways’ own where that has none',
  // backends
  BACKEND_TLS: 'dials its backends as the model says: without TLS, or by TLS to the one name of the configuration',
  BACKEND_TRUST: 'knows a backend by the CAs of our own mesh or of the configuration, never by those of a peer',
  // clusters
  NO_STRAY_CLUSTER: 'is asked for by a route or a tunnel',
  MEANING: 'has a name with the digest of where it leads',
  FIXED_DESTINATION: 'has the destinations of the configuration, not what a request names',
  // secrets
  BUNDLE_ONLY_CA: 'holds CA certificates, at least one, and nothing else',
  KEY_ONLY_IN_CERTIFICATES: 'holds no private key',
  DISTINCT_KEYS: 'has a key that no other certificate has',
} as const;

export type BoundaryRule = keyof typeof BOUNDARY_RULES;

/** What a resource is called in a message: `Listener ingress`. */
export type Subject = string;

/** BOUNDARY_VIOLATED with the resource, the rule and what it requires. */
export function violation(rule: BoundaryRule, subject: Subject): PosternError {
  return new PosternError(
    'BOUNDARY_VIOLATED',
    `${subject} breaks ${rule}; it must be one that ${BOUNDARY_RULES[rule]}`,
  );
}

/** Errors: BOUNDARY_VIOLATED. */
export function enforce(holds: boolean, rule: BoundaryRule, subject: Subject): asserts holds {
  if (!holds) throw violation(rule, subject);
}

/** One TLS context towards a peer. */
export interface TlsUse {
  readonly subject: Subject;
  readonly peer: string;
  /** The digest in the peer's names: what the peer meant when they were made. */
  readonly key: string;
  readonly identities: readonly string[];
  /** The digest of their trust domain. */
  readonly domainKey: string;
  readonly secrets: readonly string[];
  /** The route configuration of the chain; ingress only. */
  readonly routes?: string;
  /** The gate of the chain of a TCP export. */
  readonly gate?: string;
}

export interface Target {
  readonly cluster: string;
  readonly authority?: string;
}

/** A virtual host of an ingress: the authority, and what its policy admits (admission-rules.ts). */
export interface Admission {
  readonly authority: string;
  readonly text: string;
}

/** What a resource says that is compared with the model (expectation.ts). */
export interface Claims {
  /** `host port`. */
  readonly listensAt?: string;
  readonly bundle?: { readonly label: string; readonly pem: string };
  readonly meshBundle?: { readonly key: string; readonly pem: string };
  readonly backendCa?: { readonly key: string; readonly pem: string };
  /** Of the cluster of a grant: `<export>@<digest>`, and what backendText makes of its TLS and hosts. */
  readonly backend?: { readonly label: string; readonly text: string };
  readonly dials?: { readonly label: string; readonly hosts: readonly string[] };
  /** What each virtual host of a peer's routes admits. */
  readonly admits?: { readonly label: string; readonly hosts: readonly Admission[] };
  /** `<port> <local name>`, and the authority that requests for it get. */
  readonly leads?: readonly (readonly [local: string, authority: string | undefined])[];
  /** The hosts that can be upgraded, as the expectation has them. */
  readonly upgradable?: readonly string[];
  /** What it limits, and by how much (limit-rules.ts). */
  readonly limits?: readonly (readonly [of: string, text: string])[];
  /** `<port> <local name>`, of TCP the port, and who may use it; undefined: every client that reaches the port. */
  readonly clients?: readonly (readonly [local: string, clients: string | undefined])[];
  /** Of an egress port: the trust domain of its callers; null: they prove nothing. */
  readonly callers?: string | null;
  /** Hosts without the guard against underscores. */
  readonly dropping?: readonly string[];
  /** Peers or hosts whose requests keep trace context or the request id. */
  readonly traced?: readonly string[];
  /** The server names by which its chains are chosen. */
  readonly serves?: readonly string[];
  /** Of each TCP chain: `<peer>@<key>`, its server name, and the export that it leads to, as `<name>@<key>`. */
  readonly tcpExports?: readonly (readonly [label: string, serverName: string, exported: string])[];
  /** Of a TCP port: the cluster that it leads to; undefined for one that is closed. */
  readonly tcpPort?: { readonly port: string; readonly cluster: string | undefined };
  /** Of the cluster of a TCP import: the server name that it asks for. */
  readonly asks?: { readonly cluster: string; readonly serverName: string };
}

/** What a listener for our own callers admits and needs. */
export interface CallersFact {
  readonly trustDomain: string;
  readonly secrets: readonly string[];
}

/** What one resource says and other resources must agree with. */
export interface Facts {
  readonly subject: Subject;
  readonly name: string;
  readonly kind: 'listener' | 'cluster' | 'routes' | 'secret';
  /** The gateway that it belongs to; absent for a bundle, which both gateways have. */
  readonly role?: GatewayRole;
  readonly tls?: readonly TlsUse[];
  /** Clusters that a route leads to, and the name that it gives the request there, if it gives one. */
  readonly targets?: readonly Target[];
  /** The peer of an ingress gateway's routes. */
  readonly peer?: string;
  /** Route configurations that a listener without TLS asks for. */
  readonly routes?: readonly string[];
  /** Secrets of a listener for our own callers, or of a cluster for backends. */
  readonly secrets?: readonly string[];
  /** Identities that a policy admits. */
  readonly principals?: readonly string[];
  /** Of a tunnel, and of the cluster of requests that leads to it: the peer, and the digest of its trust domain. */
  readonly tunnel?: Label;
  /** Of a listener: the clusters that its connections go to, other than by routes. */
  readonly dials?: readonly string[];
  /** Of a port for callers of TCP that prove who they are: the gate that it leads to. */
  readonly callersGate?: string;
  /** Of a gate, and of the cluster that leads to it: that it is one. Of the gate of a peer, also what it admits. */
  readonly gate?: { readonly admits?: readonly string[] };
  /** What the model must agree with. */
  readonly claims?: Claims;
  /** A private key that is in the resource itself. */
  readonly key?: string;
}
