// The history of what was served, as text that survives the process. It holds names, SPIFFE IDs, fingerprints and digests.
// Must not: hold key material, or be believed in parts: a record that is damaged or of another mesh is none.

import { z } from 'zod';
import type { SpiffeId } from '../trust/spiffe.ts';
import { isSameState } from './served-state.ts';
import { type HeldState, type History, labelOf, SETTLE_MS, type ServedPeer } from './transition.ts';

export interface ServedRecord {
  /** Of our own mesh. */
  readonly trustDomain: string;
  /** Random, of the process that began the record: no generation of an earlier record has the same id. */
  readonly lineage: string;
  readonly history: History;
}

const digest = z.string().regex(/^[0-9a-f]{1,128}$/);
const served = { roots: z.array(digest), grants: z.array(digest), imports: z.array(digest) };
const servedSchema = z.strictObject(served);
const stateSchema = z.strictObject({ ...served, until: z.number().exactOptional() });
const recordSchema = z.strictObject({
  format: z.literal(1),
  trustDomain: z.string(),
  lineage: digest,
  peers: z.array(
    z.strictObject({
      name: z.string(),
      key: digest,
      domainKey: digest,
      ended: z.strictObject({ until: z.number(), last: servedSchema }).exactOptional(),
      gatewayIdentities: z.array(z.custom<SpiffeId>((value) => typeof value === 'string')),
      generation: z.strictObject({ id: digest, roots: z.array(digest) }),
      states: z.array(stateSchema),
    }),
  ),
});

export function formatRecord({ trustDomain, lineage, history }: ServedRecord): string {
  return `${JSON.stringify({ format: 1, trustDomain, lineage, peers: [...history.values()] })}\n`;
}

/** Undefined: damaged, of another mesh, or of a version of Postern that writes another format. */
export function parseRecord(text: string, trustDomain: string): ServedRecord | undefined {
  const parsed = recordSchema.safeParse(jsonOf(text));
  if (!parsed.success || parsed.data.trustDomain !== trustDomain) return undefined;
  const { lineage, peers } = parsed.data;
  const history = new Map(peers.map((peer) => [labelOf(peer), peer]));
  const isWhole = peers.every(({ states, ended }) => states.length > 0 || ended !== undefined);
  return isWhole && history.size === peers.length ? { trustDomain, lineage, history } : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Our history, and what another process that serves the same gateways has recorded since we last looked (a rolling update):
 * gateways may hold either. The next record that we write ourselves replaces it.
 */
export function mergeHistories(ours: History, theirs: History, now: number): History {
  const merged = new Map(ours);
  for (const [label, other] of theirs) {
    const own = ours.get(label);
    if (own !== undefined) merged.set(label, mergeEntries(own, other, now));
    else if (other.ended === undefined || now < other.ended.until) merged.set(label, other);
  }
  return merged;
}

function mergeEntries(own: ServedPeer, other: ServedPeer, now: number): ServedPeer {
  const foreign = other.states
    .map((state): HeldState => ({ ...state, until: state.until ?? now + SETTLE_MS }))
    .filter(({ until }) => now < (until ?? 0))
    .filter((state) => !own.states.some((one) => isSameState(one, state)));
  const { id, roots } = own.generation;
  // Connections of a generation that is not ours end in any case.
  const rests = id === other.generation.id ? [...new Set([...roots, ...other.generation.roots])].sort() : roots;
  return { ...own, generation: { id, roots: rests }, states: [...foreign, ...own.states] };
}
