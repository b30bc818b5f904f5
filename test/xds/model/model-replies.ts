// Checks one response of one type, in one or more parts, against what is due.
// Must not: change the ledger, or decide when a response may be sent (model-stream.ts does).

import assert from 'node:assert/strict';
import type { Resource } from '../../../src/snapshot/resource.ts';
import type { TypeSnapshot } from '../../../src/snapshot/type-snapshot.ts';
import type { Outgoing } from '../../../src/xds/wire/messages.ts';
import type { Due, Ledger } from './model-ledger.ts';

/** Each name once, in its newest version, and only subscribed names. Returns whether the removals were sent as well. */
export function checkReplies(
  { kind, isFull, rejected }: Ledger,
  replies: readonly Outgoing[],
  { send, missing, gone, isDue }: Due,
  current: TypeSnapshot,
): boolean {
  for (const reply of replies) {
    const isAlone = kind === 'secret' || (!isFull && reply.resources.some(({ name }) => rejected.has(name)));
    assert.ok(reply.resources.length <= 1 || !isAlone, `${kind}: more than one in a response that must hold one`);
  }
  const resources = replies.flatMap((reply) => reply.resources);
  const removed = replies.flatMap((reply) => reply.removed);
  const told = [...resources.map(({ name }) => name), ...removed];
  assert.equal(new Set(told).size, told.length, `${kind}: a name twice: ${told}`);
  const removesGone = isFull
    ? gone.size > 0 && !resources.some(({ name }) => gone.has(name))
    : removed.length > missing.size;
  assert.ok(isDue || removesGone, `${kind}: sent without a reason: ${told}`);
  const pendingRemovals = isFull && !removesGone ? gone : new Map<string, Resource>();
  const wanted = [...send].map((name) => `${name} ${current.resources.get(name)?.version}`);
  const kept = [...pendingRemovals.values()].map((resource) => `${resource?.name} ${resource?.version}`);
  const got = resources.map(({ name, version }) => `${name} ${version}`);
  assert.deepEqual(got.sort(), [...wanted, ...kept].sort(), `${kind}: not what is due`);
  const removable = isFull ? [] : removesGone ? [...missing, ...gone.keys()] : [...missing];
  assert.deepEqual([...removed].sort(), removable.sort(), `${kind}: not the removals that are due`);
  const version = replies.at(-1)?.version;
  // Rule 15: only all of a state has the version of the state.
  if (!isFull || (kept.length === 0 && send.size === current.resources.size)) assert.equal(version, current.version);
  else assert.notEqual(version, current.version, 'a version for two contents');
  return removesGone;
}
