// What of an entry of reach is printed as JSON: who, method, path, service and rule.
// Must not: print the conditions of the gateway, which are several KB of Envoy's expressions for each entry.

import type { Reach } from '../../decision/reach-set.ts';

/** Each entry once: two that differ in their conditions alone look the same. */
export function shownReach<Entry extends Reach>(entries: readonly Entry[]): readonly Omit<Entry, 'conditions'>[] {
  const shown = entries.map(({ conditions: _, ...entry }) => [JSON.stringify(entry), entry] as const);
  return [...new Map(shown).values()];
}
