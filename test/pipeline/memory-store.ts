// A record of what was served, in memory: as a state folder keeps it, in the same text.
// Tests hand it from one process to the next.

import { formatRecord, parseRecord, type ServedRecord } from '../../src/federation/transition/served-record.ts';
import type { RecordStore } from '../../src/pipeline/served-history.ts';

export class MemoryStore implements RecordStore {
  isWritable = true;
  writes = 0;
  private readonly disk: { text: string | undefined };
  private seen: string | undefined;

  /** With another process's store, the two share a record. */
  constructor(record?: string | MemoryStore) {
    this.disk = record instanceof MemoryStore ? record.disk : { text: record };
  }

  /** Undefined: there is none. */
  get text(): string | undefined {
    return this.disk.text;
  }

  set text(text: string | undefined) {
    this.disk.text = text;
  }

  read(trustDomain: string): ServedRecord | undefined {
    this.seen = this.text;
    return this.text === undefined ? undefined : parseRecord(this.text, trustDomain);
  }

  isChanged(): boolean {
    return this.text !== this.seen;
  }

  write(record: ServedRecord): boolean {
    if (!this.isWritable) return false;
    this.text = formatRecord(record);
    this.seen = this.text;
    this.writes += 1;
    return true;
  }
}
