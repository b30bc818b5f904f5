// The last snapshots of each gateway, with the file that each was made of, when it was published, and when each gateway had accepted
// all of it: `postern explain` asks for the one by which a line of the access log was decided.
// Must not: keep a parsed file, or more than its limits; a snapshot shares with the next one whatever did not change.

import type { AskedSnapshot, ServedSnapshot } from '../../admin/resources-view.ts';
import type { Publisher } from '../../pipeline/publisher.ts';
import { diff } from '../../snapshot/diff.ts';
import { MAX_REPLACED } from '../../snapshot/resource-set.ts';
import { shortName, TYPE } from '../../snapshot/resource-types.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { byConnection, type StreamStatus, type TypeStatus } from '../../xds/stream-status.ts';

export interface KeptSnapshot {
  readonly snapshot: Snapshot;
  readonly file: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
  /** By the name of the node. */
  readonly acknowledged: ReadonlyMap<string, number>;
}

export interface Found {
  readonly kept: KeptSnapshot;
  readonly foundBy: ServedSnapshot['foundBy'];
  /** The others that some gateway may have used at that time. */
  readonly alsoPossible: readonly KeptSnapshot[];
}

export interface KeptLimits {
  /** Of one gateway. */
  readonly snapshots: number;
  /** Of all gateways: resources and texts that the newest snapshot does not hold anyway. */
  readonly bytes: number;
}

/** Clocks of gateways that are kept by NTP differ by less. */
const CLOCK_MS = 500;
/** Of nodes that are no longer connected; how many are connected has a limit at the xDS port. */
const MOST_NODES = 100;
const ENTRY_BYTES = 100;
const LIMITS: KeptLimits = { snapshots: 50, bytes: 32 * 1024 * 1024 };

interface Entry extends KeptSnapshot {
  readonly acknowledged: Map<string, number>;
  /** What it holds alone; known when another one follows. */
  bytes: number;
}

export class KeptSnapshots {
  private readonly limits: KeptLimits;
  /** The oldest first. */
  private readonly entries = new Map<string, Entry[]>();
  /** The nodes of each gateway that were connected when last looked at. */
  private connected: ReadonlyMap<string, ReadonlySet<string>> = new Map();

  constructor(limits: KeptLimits = LIMITS) {
    this.limits = limits;
  }

  /** After each turn; a turn that changed nothing is not kept. */
  published({ applied, cache }: Pick<Publisher, 'applied' | 'cache'>, now: number): void {
    if (applied === undefined) return;
    const { file, text } = applied.loaded;
    for (const [gateway, snapshot] of cache.entries()) {
      const kept = this.entries.get(gateway) ?? [];
      const last = kept.at(-1);
      if (last?.snapshot === snapshot && last.text === text) continue;
      if (last !== undefined) last.bytes = bytesAlone(last, snapshot, text);
      kept.push({ snapshot, file, text, publishedAt: now, acknowledged: new Map(), bytes: 0 });
      this.entries.set(gateway, kept);
    }
    this.forget();
  }

  /**
   * What the gateways have by now. A snapshot that was replaced before its last ACK came stays without a time. Each connection
   * counts by itself: whoever else uses the name of a node, and accepts nothing, takes nothing from it.
   */
  acknowledged(streams: readonly StreamStatus[]): void {
    const connected = new Map<string, Set<string>>();
    for (const connection of byConnection(streams)) {
      const [{ gateway, nodeId }] = connection;
      connected.set(gateway, (connected.get(gateway) ?? new Set()).add(nodeId));
      const types = connection.flatMap((stream) => stream.types);
      const had = this.entries.get(gateway)?.findLast(({ snapshot }) => hasAll(types, snapshot));
      if (had === undefined || had.acknowledged.has(nodeId)) continue;
      had.acknowledged.set(nodeId, Math.max(had.publishedAt, ...types.map(({ ackedAt = 0 }) => ackedAt)));
    }
    this.connected = connected;
    for (const [gateway, kept] of this.entries)
      for (const { acknowledged } of kept) forgetNodes(acknowledged, connected.get(gateway) ?? new Set());
  }

  /** Undefined for a gateway that was never served anything. */
  find(gateway: string, { version, at, node }: AskedSnapshot): Found | undefined {
    const kept = this.entries.get(gateway) ?? [];
    const newest = kept.at(-1);
    if (newest === undefined) return undefined;
    // Of a node that has accepted nothing that is kept, no more is known than of all.
    const isKnown = node !== undefined && kept.some(({ acknowledged }) => acknowledged.has(node));
    const nodes = isKnown ? [node] : [...(this.connected.get(gateway) ?? [])];
    const inUse = at === undefined ? [] : possibleAt(kept, at, nodes, isKnown);
    if (version !== undefined) {
      const having = kept.filter((one) => has(one.snapshot, version));
      const [best] = [...having].sort((a, b) => distance(a, at, inUse) - distance(b, at, inUse));
      if (best !== undefined) return { kept: best, foundBy: 'version', alsoPossible: [] };
    }
    if (version === undefined && at === undefined) return { kept: newest, foundBy: 'newest', alsoPossible: [] };
    const [first, ...others] = [...inUse].reverse();
    if (first === undefined || version !== undefined) return { kept: newest, foundBy: 'none', alsoPossible: [] };
    return { kept: first, foundBy: 'time', alsoPossible: others };
  }

  isNewest(gateway: string, one: KeptSnapshot): boolean {
    return this.entries.get(gateway)?.at(-1) === one;
  }

  /** When the oldest snapshot was published that is still kept. */
  keptSince(gateway: string): number | undefined {
    return this.entries.get(gateway)?.[0]?.publishedAt;
  }

  private forget(): void {
    for (const kept of this.entries.values()) kept.splice(0, kept.length - this.limits.snapshots);
    for (;;) {
      const all = [...this.entries.values()];
      const total = all.flat().reduce((sum, { bytes }) => sum + bytes, 0);
      const [oldest] = all.filter((kept) => kept.length > 1).sort((a, b) => publishedFirst(a) - publishedFirst(b));
      if (total <= this.limits.bytes || oldest === undefined) return;
      oldest.shift();
    }
  }
}

function publishedFirst(kept: readonly Entry[]): number {
  return kept[0]?.publishedAt ?? 0;
}

function bytesAlone({ snapshot, text }: Entry, next: Snapshot, nextText: string): number {
  let bytes = text === nextText ? 0 : 2 * text.length;
  for (const type of snapshot.types.values()) {
    const following = next.types.get(type.typeUrl);
    if (following === undefined || following === type) continue;
    const { changed, removed } = diff(type, following);
    const replaced = changed.flatMap(({ name }) => type.resources.get(name) ?? []);
    for (const { deltaField } of [...replaced, ...removed]) bytes += deltaField.length;
    if (removed.length > 0 || changed.length > replaced.length || changed.length > MAX_REPLACED)
      bytes += ENTRY_BYTES * type.resources.size;
  }
  return bytes;
}

/** Whether a gateway has accepted all that it asks for. */
function hasAll(types: readonly TypeStatus[], snapshot: Snapshot): boolean {
  const versions = new Map([...snapshot.types.values()].map((type) => [shortName(type.typeUrl), type]));
  return (
    types.some(({ ackedVersion }) => ackedVersion !== undefined) &&
    types.every(({ type, ackedVersion }) => {
      const served = versions.get(type);
      return served !== undefined && (ackedVersion === served.version || served.resources.size === 0);
    })
  );
}

/** Of nodes that are gone, those that came last are forgotten first: whoever invents names comes after the gateways. */
function forgetNodes(acknowledged: Map<string, number>, connected: ReadonlySet<string>): void {
  if (acknowledged.size <= MOST_NODES) return;
  const gone = [...acknowledged.keys()].filter((node) => !connected.has(node));
  for (const node of gone.slice(MOST_NODES)) acknowledged.delete(node);
}

/**
 * The snapshots that a gateway may have used: the last that was published, and those before it until one that all of `nodes` had
 * accepted. `isOne`: the line is of that node, and what others have accepted does not count.
 */
function possibleAt(kept: readonly Entry[], at: number, nodes: readonly string[], isOne: boolean): readonly Entry[] {
  const last = kept.findLastIndex(({ publishedAt }) => publishedAt <= at + CLOCK_MS);
  for (let first = last; first >= 0; first -= 1)
    if (isSettledAt(kept, first, at, nodes, isOne)) return kept.slice(first, last + 1);
  return kept.slice(0, last + 1);
}

/** A node that had an older snapshot, and no time of this one before `at`, may have used the older one. */
function isSettledAt(
  kept: readonly Entry[],
  index: number,
  at: number,
  nodes: readonly string[],
  isOne: boolean,
): boolean {
  const hasBy = (node: string): boolean =>
    (kept[index]?.acknowledged.get(node) ?? Number.POSITIVE_INFINITY) <= at - CLOCK_MS;
  const hadOlder = (node: string): boolean => kept.slice(0, index).some(({ acknowledged }) => acknowledged.has(node));
  // What a node accepts first is the oldest that it can have had.
  if (isOne) return nodes.some((node) => hasBy(node) || (kept[index]?.acknowledged.has(node) && !hadOlder(node)));
  return (
    [...(kept[index]?.acknowledged.keys() ?? [])].some(hasBy) && nodes.every((node) => hasBy(node) || !hadOlder(node))
  );
}

/** Of snapshots that have the same part: one that was in use, or the one that was published nearest to the time. */
function distance(one: Entry, at: number | undefined, inUse: readonly Entry[]): number {
  if (at === undefined) return -one.publishedAt;
  return inUse.includes(one) ? -inUse.indexOf(one) : 1 + Math.abs(at - one.publishedAt);
}

/** The version of a virtual host, or of a filter chain, is part of its own content (envoy/resources/route.ts, tcp/chain-version.ts). */
function has({ version, types }: Snapshot, asked: string): boolean {
  if (version === asked) return true;
  return [TYPE.route, TYPE.listener].some((type) =>
    [...(types.get(type)?.resources.values() ?? [])].some(({ any }) => any.includes(asked, 0, 'latin1')),
  );
}
