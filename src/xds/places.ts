// What the streams of one gateway may take of this process together: how many, and how much for their names.
// In: gateways, limits. Out: places, each to be left once. Must not: let one gateway take what the others need.

import { XdsError } from './status.ts';

/** The place of one stream. */
export interface Place {
  /** How many bytes its names take now. Errors: XdsError when the gateway's streams take too many. */
  hold(bytes: number): void;
  leave(): void;
}

interface Taken {
  streams: number;
  bytes: number;
}

export class Places {
  private readonly maxStreams: number;
  private readonly maxBytes: number;
  private readonly taken = new Map<string, Taken>();

  constructor(maxStreams: number, maxBytes: number) {
    this.maxStreams = maxStreams;
    this.maxBytes = maxBytes;
  }

  /** Errors: XdsError RESOURCE_EXHAUSTED. */
  admit(gateway: string): Place {
    const taken = this.taken.get(gateway) ?? { streams: 0, bytes: 0 };
    if (taken.streams >= this.maxStreams) throw new XdsError('RESOURCE_EXHAUSTED', 'too many streams of this gateway');
    this.taken.set(gateway, taken);
    taken.streams += 1;
    let held = 0;
    return {
      hold: (bytes) => {
        taken.bytes += bytes - held;
        held = bytes;
        if (taken.bytes > this.maxBytes)
          throw new XdsError('RESOURCE_EXHAUSTED', 'the streams of this gateway subscribe to too many names');
      },
      leave: () => {
        taken.bytes -= held;
        taken.streams -= 1;
        if (taken.streams === 0) this.taken.delete(gateway);
      },
    };
  }
}
