// Key material that cannot be printed by accident.
// In: PEM of a private key. Out: a box that shows `[redacted]` wherever a value is turned into text.
// Must not: offer any way to the content but `reveal`.

import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** A private key's PEM. */
export class Private {
  readonly #pem: string;

  constructor(pem: string) {
    this.#pem = pem;
  }

  /** The PEM itself, for the two places that need it: signing, and the secret of the gateway that owns the key. */
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
