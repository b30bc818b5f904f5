// The body of /resources/GATEWAY: what a gateway is served, and where its rules stand in the file. For `can`, `who`, `plan` and `explain`.
// Must not: hold key material.

/** The parts of a ServedResources as JSON, `busy` when too many ask for others, or undefined until something is served. */
export type ResourcesAnswer = readonly Uint8Array[] | 'busy' | undefined;

export interface ServedResources {
  readonly gateway: string;
  readonly mesh: string;
  readonly file: string;
  readonly trustDomain: string;
  readonly names: ServedNames;
  readonly terms: ServedTerms;
  /** The line of each rule, by its name. */
  readonly places: Readonly<Record<string, number>>;
  /** Envoy's resources as ProtoJSON, as `postern translate` prints them. */
  readonly resources: readonly unknown[];
  readonly denied?: DeniedPeers;
  readonly snapshot: ServedSnapshot;
}

/** Why the file denies a peer now, by its name: `CODE message` of each fault of its trust bundle. */
export type DeniedPeers = Readonly<Record<string, readonly string[]>>;

/** Which snapshot of the gateway this is. Times are ISO 8601. */
export interface ServedSnapshot {
  readonly version: string;
  readonly publishedAt: string;
  /** When the nodes had accepted all of it, as far as that was seen. */
  readonly acknowledged: readonly { readonly node: string; readonly at: string }[];
  readonly isNewest: boolean;
  /** `version`: it has what was asked for. `time`: it was in use then. `none`: the newest, because nothing fits. */
  readonly foundBy: 'newest' | 'version' | 'time' | 'none';
  /** The versions of others that a gateway may have used at that time. */
  readonly alsoPossible: readonly string[];
  /** Until when it holds less than its configuration allows, because gateways may hold the one before; absent: all of it is served. */
  readonly settlesAt?: string;
  /** When the oldest snapshot was published that this process still has. */
  readonly keptSince: string;
}

/** `?version=…&at=…&node=…` */
export interface AskedSnapshot {
  /** Of a snapshot, or of a virtual host as the access log has it. */
  readonly version?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at?: number | undefined;
  /** The gateway that wrote the line: what it had accepted then counts, and not what others had. */
  readonly node?: string | undefined;
}

/** What the configuration names, so that a wrong name is told from a refusal. */
export interface ServedNames {
  readonly peers: readonly { readonly name: string; readonly trustDomain: string; readonly sni?: string }[];
  readonly exports: readonly { readonly name: string; readonly protocol: string }[];
  readonly imports: readonly {
    readonly peer: string;
    readonly name: string;
    readonly as: string;
    readonly port: number;
    readonly protocol: string;
  }[];
}

/** What no resource holds, by the name of what has it; null: there is none. */
export interface ServedTerms {
  /** The last day of each grant. */
  readonly expires: Readonly<Record<string, string | null>>;
  /** Of each gateway, as its bootstrap has it. */
  readonly connections: Readonly<Record<string, number | null>>;
  /** Who we are to others: the issuer and the files of certificates, and the SPIFFE IDs of the gateways. Absent: of an older process. */
  readonly identities?: Readonly<Record<string, string>>;
  /** The files of CAs that peers, callers and backends are trusted by, as the configuration names them. Absent: of an older process. */
  readonly trustFiles?: Readonly<Record<string, string>>;
}
