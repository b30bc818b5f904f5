// Checks one stream as its client may expect it: the content of each response, and when it is sent.
// Must not: look into the session, or tolerate what the protocol does not.

import assert from 'node:assert/strict';
import type { Resource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import type { Snapshot } from '../../../src/snapshot/snapshot.ts';
import type { Outgoing } from '../../../src/xds/wire/messages.ts';
import { type Kind, kindOf } from '../fixtures.ts';
import { KINDS } from './model-histories.ts';
import type { Ledger } from './model-ledger.ts';
import { HOLD_MS, Order, REFERRERS, REMOVAL_WAIT_MS } from './model-order.ts';
import { checkReplies } from './model-replies.ts';

/** What a client accepted, by kind and name. */
export type Accepted = ReadonlyMap<Kind, ReadonlyMap<string, Resource>>;

/** What happens at one moment. */
interface Moment {
  /** Undefined: the server has no state yet. */
  readonly snapshot: Snapshot | undefined;
  readonly now: number;
  readonly wakeAt: number | undefined;
}

export class Stream {
  readonly ledgers = new Map<Kind, Ledger>();
  readonly nonces = new Set<string>();
  /** The names that are needed again, of kinds that are not subscribed to yet (rule 54). */
  readonly needed = new Map<Kind, ReadonlySet<string>>();
  /** The client subscribes to clusters by name, so its routes may refer to clusters that it does not have yet. */
  choosesClusters = false;
  private readonly has: Accepted;
  /** Secrets whose content was replaced, with the number of the ACK; `knewOf` has the last such number when a kind was sent. */
  private readonly replacedNames = new Map<string, number>();
  private readonly knewOf = new Map<Kind, number>();
  private answers = 0;

  constructor(has: Accepted) {
    this.has = has;
  }

  /** An ACK or NACK. Returns what to do once its change of names is known: a rejected resource that refers to a replaced secret is sent again (rule 18). */
  answered(ledger: Ledger, nonce: string, isNack: boolean, snapshot: Snapshot | undefined): () => void {
    const replacedNames = ledger.answered(nonce, isNack);
    const replacesContent = ledger.kind === 'secret' && !isNack && replacedNames.length > 0;
    if (replacesContent) {
      this.answers += 1;
      for (const name of replacedNames) this.replacedNames.set(name, this.answers);
    }
    return () => this.retryReferrers(ledger, isNack, replacesContent, snapshot);
  }

  private retryReferrers(
    ledger: Ledger,
    isNack: boolean,
    replacesContent: boolean,
    snapshot: Snapshot | undefined,
  ): void {
    for (const other of replacesContent ? [...this.ledgers.values()] : isNack ? [ledger] : []) {
      if (other.kind !== 'cluster' && other.kind !== 'listener') continue;
      const since = replacesContent ? this.answers - 1 : (this.knewOf.get(other.kind) ?? 0);
      const { resources } = snapshot?.types.get(TYPE[other.kind]) ?? {};
      other.retried((name) =>
        (resources?.get(name)?.references ?? []).some(
          (reference) => reference.typeUrl === TYPE.secret && (this.replacedNames.get(reference.name) ?? 0) > since,
        ),
      );
    }
  }

  /** Checks each response at the moment when it is sent, and at the end that none is missing. */
  receive(all: readonly Outgoing[], { snapshot, now, wakeAt = Number.POSITIVE_INFINITY }: Moment): void {
    if (snapshot === undefined) {
      assert.deepEqual(all, [], 'sent before there is a state (rule 31)');
      return;
    }
    const order = new Order(this.ledgers, snapshot, now);
    const busy = new Set([...this.ledgers.values()].filter(({ flight }) => flight.length > 0));
    for (let index = 0; index < all.length; ) {
      const kind = kindOf(all[index]?.typeUrl ?? '');
      const end = all.findIndex(({ typeUrl }, at) => at > index && typeUrl !== TYPE[kind]);
      const replies = all.slice(index, end < 0 ? all.length : end);
      index += replies.length;
      this.take(kind, replies, order, busy);
    }
    for (const ledger of this.ledgers.values()) this.settle(ledger, order, wakeAt);
    assert.ok(wakeAt > now, 'the timer would fire without end');
  }

  private take(kind: Kind, replies: readonly Outgoing[], order: Order, busy: ReadonlySet<Ledger>): void {
    const ledger = this.ledgers.get(kind);
    assert.ok(ledger !== undefined, `${kind}: not subscribed to`);
    assert.deepEqual(ledger.flight, [], `${kind}: two states in flight (rule 21)`);
    for (const { nonce } of replies) {
      assert.ok(nonce !== '' && !this.nonces.has(nonce), `a nonce twice: ${nonce} (rule 14)`);
      this.nonces.add(nonce);
    }
    const current = order.current(kind);
    const due = ledger.due(current);
    assert.equal(order.heldUntil(ledger), undefined, `${kind}: did not wait for its clusters (rule 52)`);
    const removesGone = checkReplies(ledger, replies, due, current);
    if (removesGone) this.checkRemoval(ledger, due.gone, order);
    if (!ledger.isAsked) {
      this.checkOrder(kind, order, busy);
      this.checkTargets(ledger, replies, due.changed, order);
    }
    const resources = replies.flatMap((reply) => reply.resources);
    const needed = order.needed(ledger, resources);
    this.knewOf.set(kind, this.answers);
    ledger.sent(replies, due, removesGone, current, order.now);
    for (const { kind: of, name } of needed) {
      const target = this.ledgers.get(of);
      if (target === undefined) this.needed.set(of, new Set([...(this.needed.get(of) ?? []), name]));
      else if (target.covers(name)) target.forcedNames.add(name);
    }
  }

  /** Rule 51: types that come earlier in the push order have been sent already, unless they have to wait themselves. */
  private checkOrder(kind: Kind, order: Order, busy: ReadonlySet<Ledger>): void {
    for (const earlier of KINDS.slice(0, KINDS.indexOf(kind))) {
      const other = this.ledgers.get(earlier);
      if (other === undefined || busy.has(other)) continue;
      if (order.heldUntil(other) !== undefined || order.burstUntil(other) !== undefined) continue;
      assert.deepEqual([...other.due(order.current(earlier)).changed], [], `${kind}s before ${earlier}s (rule 51)`);
    }
  }

  /** Rule 51: a resource is removed only when the client has nothing that refers to it. */
  private checkRemoval(ledger: Ledger, gone: ReadonlyMap<string, unknown>, order: Order): void {
    assert.equal(order.burstUntil(ledger), undefined, 'removed before the burst is over');
    const isLate =
      ledger.removalsPendingSince !== undefined && order.now - ledger.removalsPendingSince >= REMOVAL_WAIT_MS;
    if (!isLate) assert.equal(order.keptUntil(ledger, 'must'), undefined, 'removed before the routes are sent');
    assert.deepEqual(order.openReferrers(ledger), [], `${ledger.kind}: removed before its referrers have acknowledged`);
    if (ledger.removalsPendingSince !== undefined && order.now - ledger.removalsPendingSince >= REMOVAL_WAIT_MS) return;
    for (const kind of REFERRERS[ledger.kind]) {
      if (!this.ledgers.has(kind)) continue;
      for (const resource of this.has.get(kind)?.values() ?? []) {
        // A SotW stream does not tell the client that a route is gone, or left from an earlier stream.
        if (ledger.variant === 'sotw' && kind === 'route' && !order.current(kind).resources.has(resource.name))
          continue;
        const refers = resource.references.some(({ typeUrl, name }) => typeUrl === TYPE[ledger.kind] && gone.has(name));
        assert.ok(!refers, `${ledger.kind}: removed, and ${kind} ${resource.name} refers to it`);
      }
    }
  }

  /** Rule 52: the client has the clusters of the routes and listeners that it is sent, unless it rejected them or answers too slowly. */
  private checkTargets(
    { kind }: Ledger,
    replies: readonly Outgoing[],
    changed: ReadonlySet<string>,
    order: Order,
  ): void {
    const clusters = this.ledgers.get('cluster');
    if ((kind !== 'route' && kind !== 'listener') || clusters === undefined || this.choosesClusters) return;
    if (clusters.flight.length > 0 && order.now - clusters.sentAt >= HOLD_MS) return;
    for (const resource of replies.flatMap((reply) => reply.resources)) {
      if (!changed.has(resource.name)) continue;
      for (const { typeUrl, name } of resource.references) {
        if (typeUrl !== TYPE.cluster || !clusters.covers(name) || clusters.isParked(name)) continue;
        assert.ok(
          this.has.get('cluster')?.has(name),
          `${kind} ${resource.name} refers to ${name}, which the client does not have`,
        );
      }
    }
  }

  /** No response that could be sent is missing, and every wait has an end. */
  private settle(ledger: Ledger, order: Order, wakeAt: number): void {
    if (ledger.flight.length > 0) return;
    const current = order.current(ledger.kind);
    const due = ledger.due(current);
    const kept = order.keptUntil(ledger, 'may');
    const until = order.burstUntil(ledger) ?? order.heldUntil(ledger);
    if (kept !== undefined && due.gone.size > 0)
      assert.ok(wakeAt <= Math.max(kept, until ?? kept), `${ledger.kind}: stays without an end`);
    const canRemove = due.gone.size > 0 && kept === undefined && order.openReferrers(ledger).length === 0;
    if (until !== undefined) {
      assert.ok(wakeAt <= until || !(due.isDue || canRemove), `${ledger.kind}: waits without an end`);
      return;
    }
    assert.ok(!due.isDue, `${ledger.kind}: not sent: ${[...due.send, ...due.missing]}`);
    ledger.nothingSent(due, current, order.now);
    const { removalsPendingSince } = ledger;
    assert.ok(
      !canRemove || order.heldUntil(ledger) !== undefined,
      `${ledger.kind}: not removed: ${[...due.gone.keys()]}`,
    );
    if (removalsPendingSince !== undefined)
      assert.ok(wakeAt <= removalsPendingSince + REMOVAL_WAIT_MS, 'a removal waits without an end');
  }
}
