// A record of what was served, in memory: as a state folder keeps it, in the same text.
// Tests hand it from one process to the next.

import { formatRecord, parseRecord, type ServedRecord } from '../../src/federation/served-record.ts';
import type { RecordStore } from '../../src/pipeline/served-history.ts';

export class MemoryStore implements RecordStore {
  /** Undefined: there is none. */
  text: string | undefined;
  isWritable = true;
  writes = 0;
  private seen: string | undefined;

  constructor(text?: string) {
    this.text = text;
  }

  read(trustDomain: string): ServedRecord | undefined {
    this.seen = this.text;
    return this.text === undefined ? undefined : parseRecord(this.text, trustDomain);
  }

  readForeign(trustDomain: string): ServedRecord | undefined {
    return this.text === this.seen || this.text === undefined ? undefined : parseRecord(this.text, trustDomain);
  }

  write(record: ServedRecord): boolean {
    if (!this.isWritable) return false;
    this.text = formatRecord(record);
    this.seen = this.text;
    this.writes += 1;
    return true;
  }
}
