// The long lists of names that a SotW client sends again with every acknowledgement: a list that comes in the same bytes as
// before is recognised by comparing these bytes, and is not parsed again.
// Must not: take a list for another one, or keep short lists, which are parsed as fast as they are compared.

import { createHash } from 'node:crypto';
import { PUSH_ORDER } from '../../snapshot/resource-types.ts';

/** A list as one client sent it: consecutive resource_names fields. */
export interface NameList {
  readonly bytes: Buffer;
  readonly names: readonly string[];
}

const MIN_BYTES = 4096;
/** Lists that streams sent lately. Gateways subscribe to the same names, and then share one list. */
const MAX_SHARED = 32;
const MAX_SHARED_BYTES = 256 * 1024;
const shared = new Map<string, NameList>();

/** The last long list of each type on one stream. */
export class NameLists {
  private readonly byType = new Map<string, NameList>();

  /** The list whose bytes are found at `offset`. */
  at(message: Buffer, offset: number): NameList | undefined {
    for (const list of this.byType.values()) {
      const end = offset + list.bytes.length;
      if (end <= message.length && message.compare(list.bytes, 0, list.bytes.length, offset, end) === 0) return list;
    }
    return undefined;
  }

  isLast(typeUrl: string, list: NameList): boolean {
    return this.byType.get(typeUrl) === list;
  }

  /** `list` is what the last request of this type named; undefined: nothing, or not in consecutive fields. */
  remember(typeUrl: string, list: NameList | undefined): void {
    if (list === undefined || list.bytes.length < MIN_BYTES || !PUSH_ORDER.includes(typeUrl))
      this.byType.delete(typeUrl);
    else if (!this.isLast(typeUrl, list)) this.byType.set(typeUrl, kept(list));
  }

  /** The bytes of the lists, beside the names themselves, which the subscriptions hold; shared lists count for each stream. */
  get retainedBytes(): number {
    let bytes = 0;
    for (const list of this.byType.values()) bytes += list.bytes.length;
    return bytes;
  }
}

/** A copy, because the message is part of a larger piece of memory; the same copy for all streams that sent these bytes. */
function kept({ bytes, names }: NameList): NameList {
  if (bytes.length > MAX_SHARED_BYTES) return { bytes: Buffer.from(bytes), names };
  const key = createHash('sha256').update(bytes).digest('base64');
  const earlier = shared.get(key);
  if (earlier !== undefined) return earlier;
  const list = { bytes: Buffer.from(bytes), names };
  if (shared.size >= MAX_SHARED) shared.delete(shared.keys().next().value ?? '');
  shared.set(key, list);
  return list;
}
