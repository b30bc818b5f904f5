// What the table of reason codes (reasons.ts) has for each code.
// Must not: hold a code.

export type LoggedVerdict = 'allowed' | 'refused' | 'failed';

export interface Reason {
  /** `failed`: it was admitted, and something else went wrong. */
  readonly verdict: LoggedVerdict;
  /** Whose log has it; `command`: no log, only a command or the status. */
  readonly at: 'ingress' | 'egress' | 'both' | 'command';
  readonly meaning: string;
  readonly cause: string;
  readonly cure: string;
}

export type Row = readonly [
  verdict: LoggedVerdict,
  at: Reason['at'],
  meaning: string,
  cause: string,
  cure: string,
  /** What a connection of our egress to a peer failed of, as a phrase; absent where none does. */
  ofPeer?: string,
];

/** Who ended a connection to a peer, as a phrase. */
export const REFUSED_BY = {
  us: 'our gateway refuses the peer',
  peer: 'the peer refuses us',
  nobody: 'no connection',
} as const;
