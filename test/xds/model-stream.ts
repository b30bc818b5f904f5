// Checks one stream as its client may expect it: the content of each response, and when it is sent.
// Must not: look into the session, or tolerate what the protocol does not.

import assert from 'node:assert/strict';
import type { Resource } from '../../src/snapshot/resource.ts';
import type { Snapshot } from '../../src/snapshot/snapshot.ts';
import { TYPE } from '../../src/snapshot/types.ts';
import type { Outgoing } from '../../src/xds/wire/messages.ts';
import { type Kind, kindOf } from './fixtures.ts';
import { KINDS } from './model-histories.ts';
import type { Ledger } from './model-ledger.ts';
import { HOLD_MS, LINGER_MS, Order, REFERRERS } from './model-order.ts';
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
  /** What is needed again of kinds that are not subscribed to yet (rule 54). */
  readonly needed = new Map<Kind, ReadonlySet<string>>();
  /** Whether the client chooses its clusters as it goes: then it may lead its routes to what it has not got yet. */
  choosesClusters = false;
  private readonly has: Accepted;
  /** Secrets of which other bytes were accepted, with the number of that answer; and which was the last when a kind was sent. */
  private readonly renewed = new Map<string, number>();
  private readonly knewOf = new Map<Kind, number>();
  private answers = 0;

  constructor(has: Accepted) {
    this.has = has;
  }

  /** An answer of the client: what was rejected and refers to a secret that is another one now is sent again (rule 18). */
  answered(ledger: Ledger, nonce: string, isNack: boolean, snapshot: Snapshot | undefined): void {
    const renewed = ledger.answered(nonce, isNack);
    const replacesContent = ledger.kind === 'secret' && !isNack && renewed.length > 0;
    if (replacesContent) {
      this.answers += 1;
      for (const name of renewed) this.renewed.set(name, this.answers);
    }
    for (const other of replacesContent ? [...this.ledgers.values()] : isNack ? [ledger] : []) {
      if (other.kind !== 'cluster' && other.kind !== 'listener') continue;
      const since = replacesContent ? this.answers - 1 : (this.knewOf.get(other.kind) ?? 0);
      const { resources } = snapshot?.types.get(TYPE[other.kind]) ?? {};
      other.retried((name) =>
        (resources?.get(name)?.references ?? []).some(
          (reference) => reference.typeUrl === TYPE.secret && (this.renewed.get(reference.name) ?? 0) > since,
        ),
      );
    }
  }

  /** Checks each response at the moment at which it goes on the wire, and at the end that nothing was left out. */
  receive(all: readonly Outgoing[], { snapshot, now, wakeAt = Number.POSITIVE_INFINITY }: Moment): void {
    if (snapshot === undefined) {
      assert.deepEqual(all, [], 'said before there is a state (rule 31)');
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
    assert.ok(wakeAt > now, 'to be woken for what is over never ends');
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
    const goes = checkReplies(ledger, replies, due, current);
    if (goes) this.mayGo(ledger, due.gone, order);
    if (!ledger.isAsked) {
      this.comesAfter(kind, order, busy);
      this.leadsSomewhere(ledger, replies, due.changed, order);
    }
    const resources = replies.flatMap((reply) => reply.resources);
    const needed = order.needed(ledger, resources);
    this.knewOf.set(kind, this.answers);
    ledger.sent(replies, due, goes, current, order.now);
    for (const { kind: of, name } of needed) {
      const target = this.ledgers.get(of);
      if (target === undefined) this.needed.set(of, new Set([...(this.needed.get(of) ?? []), name]));
      else if (target.covers(name)) target.owed.add(name);
    }
  }

  /** Rule 51: what comes earlier in the order of pushes has gone already, unless it has to wait for something itself. */
  private comesAfter(kind: Kind, order: Order, busy: ReadonlySet<Ledger>): void {
    for (const earlier of KINDS.slice(0, KINDS.indexOf(kind))) {
      const other = this.ledgers.get(earlier);
      if (other === undefined || busy.has(other)) continue;
      if (order.heldUntil(other) !== undefined || order.burstUntil(other) !== undefined) continue;
      assert.deepEqual([...other.due(order.current(earlier)).changed], [], `${kind}s before ${earlier}s (rule 51)`);
    }
  }

  /** Rule 51: what goes, goes when the client has nothing that points there. */
  private mayGo(ledger: Ledger, gone: ReadonlyMap<string, unknown>, order: Order): void {
    assert.equal(order.burstUntil(ledger), undefined, 'removed before the burst is over');
    assert.deepEqual(order.pointsThere(ledger), [], `${ledger.kind}: removed before its referrers have acknowledged`);
    if (ledger.lingersSince !== undefined && order.now - ledger.lingersSince >= LINGER_MS) return;
    for (const kind of REFERRERS[ledger.kind]) {
      if (!this.ledgers.has(kind)) continue;
      for (const resource of this.has.get(kind)?.values() ?? []) {
        // On a SotW stream nothing says that a route is gone, nor that one is left from an earlier stream.
        if (ledger.variant === 'sotw' && kind === 'route' && !order.current(kind).resources.has(resource.name))
          continue;
        const points = resource.references.some(({ typeUrl, name }) => typeUrl === TYPE[ledger.kind] && gone.has(name));
        assert.ok(!points, `${ledger.kind}: removed, and ${kind} ${resource.name} points there`);
      }
    }
  }

  /** Rule 52: the client has the clusters to which what it is sent leads, unless it rejected them, or answers too slowly. */
  private leadsSomewhere(
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
        assert.ok(this.has.get('cluster')?.has(name), `${kind} ${resource.name} leads to ${name}, which is not there`);
      }
    }
  }

  /** What could be said has been said; and what waits, waits for something that ends by itself. */
  private settle(ledger: Ledger, order: Order, wakeAt: number): void {
    if (ledger.flight.length > 0) return;
    const current = order.current(ledger.kind);
    const due = ledger.due(current);
    const mayGo = due.gone.size > 0 && order.pointsThere(ledger).length === 0;
    const until = order.burstUntil(ledger) ?? order.heldUntil(ledger);
    if (until !== undefined) {
      assert.ok(wakeAt <= until || !(due.isDue || mayGo), `${ledger.kind}: waits without an end`);
      return;
    }
    assert.ok(!due.isDue, `${ledger.kind}: not sent: ${[...due.send, ...due.missing]}`);
    ledger.quiet(due, current, order.now);
    const { lingersSince } = ledger;
    assert.ok(!mayGo || order.heldUntil(ledger) !== undefined, `${ledger.kind}: not removed: ${[...due.gone.keys()]}`);
    if (lingersSince !== undefined) assert.ok(wakeAt <= lingersSince + LINGER_MS, 'a removal waits without an end');
  }
}
