// The body of /status: the configuration that is served, and the state of each gateway. All times are ISO 8601, in UTC.
// Must not: hold key material.

import type { Diagnostic } from '../errors.ts';
import type { StreamStatus, TypeStatus } from '../xds/stream-status.ts';

/** One stream of a connected gateway: an Envoy has one (ADS), or one for each type. */
export interface GatewayStream extends Omit<StreamStatus, 'since' | 'bootstrap' | 'certificateNotAfter' | 'types'> {
  readonly since: string;
  /** True when its bootstrap is another than the one that this version writes; a process of an earlier version does not say. */
  readonly oldBootstrap?: boolean;
  readonly certificateNotAfter?: string;
  readonly types: readonly GatewayStreamType[];
}

/** How one Envoy gets on with one peer. */
export interface PeerReachability {
  /** For this TCP import; absent: for HTTP and gRPC. */
  readonly tcpImport?: string;
  readonly gateway: string;
  readonly node: string;
  readonly reachable: boolean;
  /** Since when it is as it is, for this reason. */
  readonly since: string;
  readonly lastSuccess?: string;
  readonly lastFailure?: string;
  /** When it cannot be reached: the code, who refuses, the same in words, and Envoy's own words. */
  readonly reason?: string;
  readonly refusedBy?: 'us' | 'peer' | 'nobody';
  readonly text?: string;
  readonly envoy?: string;
  /** Why each address failed lately, where the peer has more than one. */
  readonly addresses?: readonly {
    readonly address: string;
    readonly reason: string;
    readonly refusedBy: 'us' | 'peer' | 'nobody';
    readonly text: string;
  }[];
}

export interface GatewayStreamType extends Omit<TypeStatus, 'nack' | 'ackedAt'> {
  readonly ackedAt?: string;
  readonly nack?: { readonly version: string; readonly message: string; readonly at: string };
}

export type Rejected = NonNullable<Status['config']['rejected']>;

export interface Status {
  readonly mesh: string;
  readonly trustDomain: string;
  readonly version: string;
  /** The CA in the state folder, which gateways and the xDS port have in common. */
  readonly controlPlaneCa: {
    /** SHA-256, hex. */
    readonly fingerprint: string;
    readonly notAfter: string;
    /** True when this process made it. */
    readonly made: boolean;
    /** Whether the state folder still holds it; without it, the next start locks all gateways out. */
    readonly onDisk?: 'same' | 'missing' | 'other';
    /** Connections that were refused because the client's certificate is from another CA. */
    readonly refusedOtherCa?: number;
    /**
     * True when this process made it, clients were refused that distrust it or whose certificate of another CA names this mesh,
     * and the gateways have not all been connected since: they have certificates of an earlier CA.
     */
    readonly replaced?: boolean;
  };
  readonly config: {
    readonly file: string;
    /** When what is served now was applied (ISO 8601), and the SHA-256 of that file's text. */
    readonly appliedAt: string;
    readonly sha256: string;
    /** Why the current file is not served, if it is not. */
    readonly rejected?: {
      readonly at: string;
      readonly reason: string;
      readonly diagnostics: readonly Diagnostic[];
      /** True when only the trust of single peers was rejected, and the rest of the file is served. */
      readonly partly?: boolean;
    };
    readonly warnings: readonly Diagnostic[];
  };
  /** Clients of the xDS port that were refused since the start, by reason. */
  readonly refused: readonly {
    readonly reason: string;
    readonly count: number;
    readonly lastAt?: string;
    readonly advice: string;
  }[];
  /** With `run --workers`: the gateways of a silent worker are missing below. */
  readonly workers?: { readonly expected: number; readonly serving: number; readonly silent: number };
  readonly gateways: readonly {
    readonly gateway: string;
    readonly snapshotVersion: string;
    readonly nodes: readonly GatewayStream[];
  }[];
  readonly peers: readonly {
    readonly name: string;
    readonly trustDomain: string;
    /** Of the bundle as a whole; changes when one of its certificates does. */
    readonly bundleFingerprint: string;
    /** SHA-256 of each CA certificate, hex: what `postern peer show` of that peer prints, and openssl -fingerprint. */
    readonly bundleCertificates: readonly string[];
    readonly bundleNotAfter: string;
    /** What connected Envoys of our egress gateway say, those that cannot reach it first; empty while none has tried. */
    readonly reachability?: readonly PeerReachability[];
  }[];
  /** Configured peers without a usable trust bundle: nobody can prove to be them, and their imports answer 503. */
  readonly deniedPeers: readonly {
    readonly name: string;
    readonly trustDomain: string;
    /** What is wrong with the bundle: `CODE message`. */
    readonly reasons: readonly string[];
  }[];
  readonly exports: readonly {
    readonly name: string;
    readonly protocol: string;
    /** The peers that have a grant now. */
    readonly peers: readonly string[];
    /** The peers whose grant is over, with its last day (`expires`); absent: none, or of a process of an earlier version. */
    readonly ended?: readonly { readonly peer: string; readonly lastDay: string }[];
  }[];
  readonly imports: readonly {
    readonly peer: string;
    readonly name: string;
    readonly as: string;
    readonly port: number;
    readonly protocol: string;
    /** Its peer is denied: it answers 503. */
    readonly denied: boolean;
    /** SPIFFE IDs of the workloads that may use it; absent when the egress gateway takes plaintext. */
    readonly clients?: readonly string[];
  }[];
  /** Without a peer: those that our own workloads are shown, callers at the egress and backends at the ingress. */
  readonly certificates: readonly { readonly gateway: string; readonly peer?: string; readonly notAfter: string }[];
  /** Every certificate that calls or the control channel depend on, the earliest expiry first. */
  readonly certificateEnds: readonly {
    readonly kind: string;
    readonly peer?: string;
    /** Of the Envoys of one gateway, the one whose certificate expires first. */
    readonly node?: string;
    readonly fingerprint?: string;
    readonly notAfter: string;
  }[];
}
