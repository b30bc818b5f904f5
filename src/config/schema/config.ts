// The configuration as the rest of Postern reads it: every shorthand written out, every default filled in (normalize.ts).
// Must not: hold anything of the form in which the file was written.

import type { HostPort } from '../../host-port.ts';
import type { GatewayLimits, PeerLimits, ServiceLimits } from './values/limit-values.ts';

export type LeafKey = 'ecdsa' | 'ed25519' | 'rsa';
export type HttpProtocol = 'http' | 'http2' | 'grpc';
export type RequestBodies = 'standard' | 'any-method';

export type Upgrade = 'websocket';
export type UnderscoreHeaders = 'drop' | 'reject';
export type TraceContext = 'drop' | 'forward';

/** When a gateway gives up on a request. */
export interface Timeouts {
  /** Of silence in both directions. */
  readonly idleSeconds: number;
  /** Of the whole answer; absent: no limit. */
  readonly requestSeconds?: number;
}

/** How a gateway proves that it has reached the backend of an export. */
export type BackendTlsConfig =
  | { readonly mode: 'mtls'; readonly identity: string }
  /** `ca` is the name of a file. */
  | { readonly mode: 'simple'; readonly serverName: string; readonly ca: string };

export interface AllowRuleConfig {
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  readonly workloads?: readonly string[];
}

interface ExportConfig {
  readonly name: string;
  readonly backend: readonly HostPort[];
  readonly backendTls?: BackendTlsConfig;
}

export interface HttpExportConfig extends ExportConfig {
  readonly protocol: HttpProtocol;
  readonly requestBodies: RequestBodies;
  readonly upgrades: readonly Upgrade[];
  readonly underscoreHeaders: UnderscoreHeaders;
  readonly timeouts: Timeouts;
  readonly consumers: readonly HttpConsumerConfig[];
}

export interface TcpExportConfig extends ExportConfig {
  readonly protocol: 'tcp';
  readonly consumers: readonly ConsumerConfig[];
}

interface ImportConfig {
  readonly peer: string;
  readonly name: string;
  readonly as: string;
  readonly port: number;
  readonly limits?: ServiceLimits;
  /** SPIFFE paths; one that ends in a slash and an asterisk is all below it. */
  readonly clients?: readonly string[];
}

export interface HttpImportConfig extends ImportConfig {
  readonly protocol: HttpProtocol;
  readonly upgrades: readonly Upgrade[];
  readonly underscoreHeaders: UnderscoreHeaders;
  readonly timeouts: Timeouts;
}

export interface TcpImportConfig extends ImportConfig {
  readonly protocol: 'tcp';
}

export interface ConsumerConfig {
  readonly peer: string;
  /** Those of the export where the consumer has none of its own. */
  readonly limits?: ServiceLimits;
  readonly expires?: string;
  readonly owner?: string;
  readonly reason?: string;
  readonly reviewed?: string;
}

export interface HttpConsumerConfig extends ConsumerConfig {
  readonly allow: readonly AllowRuleConfig[];
  /** The rules are written as a list, in `allow`; otherwise the consumer is the only rule. */
  readonly isList?: true;
}

/** The configuration with every shorthand written out and every default filled in. */
export interface Config {
  readonly mesh: {
    readonly name: string;
    readonly trustDomain: string;
    /** The name of a file. */
    readonly trustBundle?: string;
  };
  readonly identity:
    | {
        readonly issuer: {
          readonly certificate: string;
          readonly privateKey: string;
          readonly lifetimeSeconds: number;
        };
      }
    | { readonly files: { readonly certificate: string; readonly privateKey: string } };
  readonly gateways: {
    readonly ingress?: {
      readonly address: HostPort;
      readonly advertise: readonly HostPort[];
      readonly identity: string;
      readonly limits?: GatewayLimits;
    };
    readonly egress?: {
      readonly address: string;
      readonly identity: string;
      readonly clients?: 'plaintext' | 'mtls';
      readonly limits?: GatewayLimits;
    };
  };
  readonly peers: readonly {
    readonly name: string;
    readonly trustDomain: string;
    readonly trustBundle: { readonly file: string };
    readonly gatewayIdentities: readonly string[];
    readonly addresses: readonly HostPort[];
    readonly leafKeys: readonly LeafKey[];
    readonly sni?: string;
    readonly limits?: PeerLimits;
    readonly traceContext: TraceContext;
  }[];
  readonly exports: readonly (HttpExportConfig | TcpExportConfig)[];
  readonly imports: readonly (HttpImportConfig | TcpImportConfig)[];
}
