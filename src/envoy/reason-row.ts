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

/** A text, or one for each gateway where its line is about somebody else. */
export type Text = string | Readonly<Record<'ingress' | 'egress', string>>;

export type Row = readonly [
  verdict: LoggedVerdict,
  at: Reason['at'],
  meaning: Text,
  cause: Text,
  cure: Text,
  /** What a connection of our egress to a peer failed of, as a phrase; absent where none does. */
  ofPeer?: string,
];

/** What one gateway's line means. */
export function textAt(text: Text, role: 'ingress' | 'egress'): string {
  return typeof text === 'string' ? text : text[role];
}

/** For both gateways. */
export function textOf(text: Text): string {
  return typeof text === 'string' ? text : `At an ingress: ${text.ingress} At an egress: ${text.egress}`;
}

/** Who ended a connection to a peer, as a phrase. */
export const REFUSED_BY = {
  us: 'our gateway refuses the peer',
  peer: 'the peer refuses us',
  nobody: 'no connection',
} as const;
