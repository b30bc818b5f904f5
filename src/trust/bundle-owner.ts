// Whose CA certificates a file holds (a peer's, our own workloads', a backend's), and what its findings advise then.
// Must not: decide what is accepted; every bundle is read alike.

/** Whose workloads the certificates sign for. It decides only the words of hints. */
export type BundleOwner = 'peer' | 'mesh' | 'backend';

export interface Words {
  /** What to do about a private key in the file. */
  readonly key: string;
  readonly signs: string;
  /** How another CA is had. */
  readonly obtain: string;
}

export const WORDS: Readonly<Record<BundleOwner, Words>> = {
  peer: {
    key: "a peer's key must never be here, ask it to replace that key",
    signs: "the peer's gateways",
    obtain: 'ask the peer for',
  },
  mesh: {
    key: 'the key of a CA does not belong here, replace it',
    signs: 'our own workloads',
    obtain: 'get',
  },
  backend: {
    key: 'the key of a CA does not belong here, replace it',
    signs: 'the server',
    obtain: 'get',
  },
};
