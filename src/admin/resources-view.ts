// The body of /resources/GATEWAY: what a gateway is served, and where its rules stand in the file. For `can` and `who`.
// Must not: hold key material.

export interface ServedResources {
  readonly gateway: string;
  readonly file: string;
  readonly trustDomain: string;
  readonly names: ServedNames;
  /** The line of each rule, by its name. */
  readonly places: Readonly<Record<string, number>>;
  /** Envoy's resources as ProtoJSON, as `postern translate` prints them. */
  readonly resources: readonly unknown[];
}

/** What the configuration names, so that a wrong name is told from a refusal. */
export interface ServedNames {
  readonly peers: readonly { readonly name: string; readonly trustDomain: string }[];
  readonly exports: readonly { readonly name: string; readonly protocol: string }[];
  readonly imports: readonly {
    readonly peer: string;
    readonly name: string;
    readonly as: string;
    readonly port: number;
    readonly protocol: string;
  }[];
}
