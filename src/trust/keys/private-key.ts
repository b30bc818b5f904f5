// Private keys: a box that cannot be printed by accident, and the search for keys in text that should hold none.
// Must not: offer any way to a key but `reveal`, or take more than linear time to search.

import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** A private key's PEM. */
export class PrivateKeyPem {
  readonly #pem: string;

  constructor(pem: string) {
    this.#pem = pem;
  }

  /** The PEM itself, for the places that need it: signing, the secret of the gateway that owns the key, and a handshake of `check peer`. */
  reveal(): string {
    return this.#pem;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** Where base64 may begin, also in a JSON string; within a certificate the same letters mean something else. */
const START = String.raw`(?<![A-Za-z0-9+/])(?:(?<=\\)[nrt])?`;
/** The length of a SEQUENCE, in one, two or three bytes, then its version (0, 1 or 3) and what follows in a key. */
const KEY_IN_BASE64 = [
  'M[A-H][AEIMQUYcgkosw048]CAQ[AEM][CEw]',
  'MI[E-H][A-Za-z0-9+/]AgE[ABD][ABM]',
  'MII[A-Za-z0-9+/]{3}IBA[ADQTz]',
].join('|');
const GAP = String.raw`[\s:,]{0,8}(?:0x|\\x)?`;
const KEY_IN_HEX = [
  '(?<![0-9a-f])30',
  '(?:[0-7][0-9a-f]|81GAP[0-9a-f]{2}|82GAP[0-9a-f]{2}GAP[0-9a-f]{2})',
  '02',
  '01',
  '0[013]',
  '(?:02|04|30)',
]
  .join('GAP')
  .replaceAll('GAP', GAP);

const MARKS: readonly RegExp[] = [
  /(?:BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY|PRIVATE KEY *-/,
  new RegExp(`${START}(?:${KEY_IN_BASE64})`),
  new RegExp(KEY_IN_HEX, 'i'),
  // PKCS #5, which encrypts a key; the begin of an OpenSSH key.
  /BgkqhkiG9w0BBQ0|GCSqGSIb3DQEFD[Q-Za-f]|b3BlbnNzaC1rZXktdjE/,
  // What `openssl pkey -text` prints, and a JSON Web Key.
  /\bPrivate-Key:/,
  /"d"\s{0,8}:\s{0,8}"[\w-]{40}/,
];

/**
 * Whether a text holds a private key: with PEM lines, whole or not, or as bare base64 or hex. What files of certificates
 * hold besides (printed certificates and dumps, certificates that are commented out) is no key.
 */
export function holdsPrivateKey(text: string): boolean {
  return MARKS.some((mark) => mark.test(text));
}
