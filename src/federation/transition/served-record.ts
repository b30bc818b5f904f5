// The history of what was served, as text that survives the process. It holds names, SPIFFE IDs, fingerprints and digests.
// Must not: hold key material, or be believed in parts: a record that is damaged or of another mesh is none.

import { createHash } from 'node:crypto';
import * as z from 'zod';
import { isLabel } from '../../host-port.ts';
import { parseSpiffeId, type SpiffeId } from '../../trust/spiffe.ts';
import { type History, labelOf, type ServedPeer } from './history.ts';

export interface ServedRecord {
  /** Of our own mesh. */
  readonly trustDomain: string;
  readonly history: History;
}

// Names and keys become parts of resource names, so nothing is accepted here that the boundary check would reject.
const digest = z.string().regex(/^[0-9a-f]{16}$/);
const fingerprint = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.int().nonnegative();
const served = { roots: z.array(fingerprint), grants: z.array(digest), imports: z.array(digest) };
const servedSchema = z.strictObject(served);
const stateSchema = z.strictObject({ ...served, until: time.exactOptional() });
const recordSchema = z.strictObject({
  trustDomain: z.string(),
  peers: z.array(
    z
      .strictObject({
        name: z.string().refine(isLabel),
        key: digest,
        domainKey: digest,
        ended: z.strictObject({ until: time, last: servedSchema }).exactOptional(),
        gatewayIdentities: z.array(z.custom<SpiffeId>((id) => typeof id === 'string' && parseSpiffeId(id) === id)),
        generation: z.strictObject({ id: digest, roots: z.array(fingerprint) }),
        states: z.array(stateSchema),
      })
      .refine(isWhole),
  ),
});

/** The checksum comes before what it covers, and nothing is outside of the two. */
const RECORD = /^\{"format":1,"sha256":"([0-9a-f]{64})","record":(\{.*\})\}\n$/s;

export function formatRecord({ trustDomain, history }: ServedRecord): string {
  const record = JSON.stringify({ trustDomain, peers: [...history.values()] });
  return `{"format":1,"sha256":"${checksum(record)}","record":${record}}\n`;
}

/** Undefined: damaged, of another mesh, or of a version of Postern that writes another format. */
export function parseRecord(text: string, trustDomain: string): ServedRecord | undefined {
  const [, sum, record = ''] = RECORD.exec(text) ?? [];
  if (sum !== checksum(record)) return undefined;
  const parsed = recordSchema.safeParse(jsonOf(record));
  if (!parsed.success || parsed.data.trustDomain !== trustDomain) return undefined;
  const { peers } = parsed.data;
  const history = new Map(peers.map((peer) => [labelOf(peer), peer]));
  return history.size === peers.length ? { trustDomain, history } : undefined;
}

/** Finds damage, not an attacker: who can write the file can write a checksum. */
function checksum(record: string): string {
  return createHash('sha256').update(record).digest('hex');
}

/** Only the newest state, the last, may have no end. */
function isWhole({ states, ended }: Pick<ServedPeer, 'states' | 'ended'>): boolean {
  const isOrdered = states.slice(0, -1).every(({ until }) => until !== undefined);
  return isOrdered && (states.length > 0 || ended !== undefined);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
