// Resources of types that the client does not subscribe to yet, to send again when it does (rules 54 to 56).
// Must not: collect names without limit.

import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import { NO_NAMES } from '../subscription/subscription.ts';

/** Names to send again once the client subscribes to their type: one that reconnects asks for CDS first. */
export class LaterResends {
  private readonly names = new Map<string, ReadonlySet<string>>();

  of(typeUrl: string): ReadonlySet<string> {
    return this.names.get(typeUrl) ?? NO_NAMES;
  }

  /** Keeps only names that exist, so that types which a long stream never asks for do not collect names without limit. */
  add(typeUrl: string, names: ReadonlySet<string>, current: TypeSnapshot | undefined): void {
    const existing = [...this.of(typeUrl), ...names].filter((name) => current?.resources.has(name));
    this.names.set(typeUrl, new Set(existing));
  }
}
