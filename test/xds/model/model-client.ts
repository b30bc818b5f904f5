// A client of the model test, which sends any valid request and keeps what it accepts; model-stream.ts checks the responses.
// Must not: look into the session, or send what no client sends.

import type { Resource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import type { Snapshot } from '../../../src/snapshot/snapshot.ts';
import { Session } from '../../../src/xds/protocol/session.ts';
import type { Outgoing, Variant } from '../../../src/xds/wire/messages.ts';
import { type Kind, request } from '../fixtures.ts';
import { type Change, KINDS, type Memory, type OtherNonce } from './model-histories.ts';
import { Ledger } from './model-ledger.ts';
import { Stream } from './model-stream.ts';

const NEVER: ReadonlySet<string> = new Set();
const LIMITS = { names: 1000 };

interface Wanted {
  readonly names: readonly string[];
  readonly wildcard: boolean;
}

export class Client {
  readonly variant: Variant;
  snapshot: Snapshot | undefined;
  /** The snapshot that the session was told of. */
  private known: Snapshot | undefined;
  session: Session;
  stream: Stream;
  now = 0;
  readonly has = new Map(KINDS.map((kind) => [kind, new Map<string, Resource>()]));
  /** The version that it accepted last (SotW). */
  private readonly accepted = new Map<Kind, string>();
  /** What it subscribes to on its next stream. */
  private readonly wanted = new Map<Kind, Wanted>();
  private memory: Memory = 'right';

  constructor(variant: Variant, snapshot: Snapshot | undefined) {
    this.variant = variant;
    this.snapshot = snapshot;
    this.known = snapshot;
    this.session = new Session(variant, snapshot, LIMITS);
    this.stream = new Stream(this.has);
  }

  reconnect(order: readonly Kind[], memory: Memory, knowsState: boolean): void {
    for (const [kind, { names, wildcard }] of this.stream.ledgers)
      this.wanted.set(kind, { names: [...names], wildcard });
    this.known = knowsState ? this.snapshot : undefined;
    this.session = new Session(this.variant, this.known, LIMITS);
    this.stream = new Stream(this.has);
    this.memory = memory;
    // A client that says nothing of an earlier stream has nothing: it is new.
    if (memory === 'nothing') {
      for (const known of this.has.values()) known.clear();
      this.accepted.clear();
    }
    for (const kind of order) this.ask(kind, { subscribe: [], unsubscribe: [] }, 'none', false);
  }

  update(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    this.known = snapshot;
    this.receive(this.session.update(snapshot, this.now));
  }

  /** An operator has what was rejected sent once more. */
  retry(): void {
    for (const ledger of this.stream.ledgers.values()) ledger.retried();
    this.receive(this.session.retry(this.now));
  }

  /** Undefined: until there is something to do. */
  wait(milliseconds: number | undefined): void {
    this.now = Math.max(this.now, milliseconds === undefined ? (this.session.wakeAt() ?? 0) : this.now + milliseconds);
    this.receive(this.session.tick(this.now));
  }

  /** A request that is neither ACK nor NACK; the first one of a kind on a stream brings what the client has. */
  ask(kind: Kind, change: Change, other: OtherNonce, error: boolean): void {
    const ledger = this.stream.ledgers.get(kind);
    if (ledger === undefined) {
      this.open(kind, change);
      return;
    }
    const stale = [...this.stream.nonces].filter(
      (nonce) => nonce !== ledger.lastNonce && !ledger.flight.some(({ reply }) => reply.nonce === nonce),
    );
    const nonce = other === 'none' ? '' : other === 'unknown' ? 'of another stream' : (stale.at(-1) ?? '');
    this.say(ledger, nonce, error && nonce !== '', change);
  }

  /** Rule 22: the same request once more. On a delta stream: rule 40, of all names. */
  askAgain(kind: Kind): void {
    const ledger = this.stream.ledgers.get(kind);
    if (ledger === undefined || ledger.flight.length > 0) return;
    const names = this.variant === 'delta' ? [...ledger.names] : [];
    this.say(ledger, this.variant === 'sotw' ? ledger.lastNonce : '', false, { subscribe: names, unsubscribe: [] });
  }

  /** Answers one of the responses in flight; false: there is none. */
  answer(which: number, reject: boolean, change: Change): boolean {
    const flights = [...this.stream.ledgers.values()].flatMap((ledger) =>
      ledger.flight.map(({ reply }) => ({ ledger, reply })),
    );
    const chosen = flights[which % Math.max(flights.length, 1)];
    if (chosen === undefined) return false;
    const { ledger, reply } = chosen;
    // In the order in which they came: an answer to a later part says that the earlier ones were taken.
    const earlier = ledger.flight.slice(
      0,
      ledger.flight.findIndex((flight) => flight.reply === reply),
    );
    if (this.variant === 'sotw') for (const { reply: taken } of earlier) this.accept(ledger, taken);
    if (!reject) this.accept(ledger, reply);
    const retryReferrers = this.stream.answered(ledger, reply.nonce, reject, this.known);
    this.say(ledger, reply.nonce, reject, change, retryReferrers);
    return true;
  }

  private accept(ledger: Ledger, reply: Outgoing): void {
    const known = this.has.get(ledger.kind) ?? new Map<string, Resource>();
    if (ledger.isFull) known.clear();
    for (const resource of reply.resources) if (ledger.covers(resource.name)) known.set(resource.name, resource);
    for (const name of reply.removed) known.delete(name);
    this.accepted.set(ledger.kind, reply.resources.every(({ name }) => ledger.covers(name)) ? reply.version : '');
  }

  private open(kind: Kind, { subscribe, unsubscribe }: Change): void {
    const ledger = new Ledger(kind, this.variant, this.now);
    const { names, wildcard } = this.wanted.get(kind) ?? { names: [], wildcard: false };
    const list = [
      ...new Set([...(wildcard && names.length + subscribe.length > 0 ? ['*'] : []), ...names, ...subscribe]),
    ];
    const known = this.has.get(kind) ?? new Map<string, Resource>();
    const current = this.known?.types.get(TYPE[kind]);
    this.stream.ledgers.set(kind, ledger);
    if (this.variant === 'sotw') {
      const versionInfo = this.memory === 'right' ? (this.accepted.get(kind) ?? '') : '';
      ledger.openSotw(list, versionInfo, current);
      this.forget(ledger);
      this.send(kind, { names: list, versionInfo });
    } else {
      const initialVersions = this.remembered(known);
      ledger.openDelta(list, unsubscribe, initialVersions, this.stream.needed.get(kind) ?? NEVER);
      this.forget(ledger);
      this.send(kind, { subscribe: list, unsubscribe, initialVersions });
    }
  }

  private remembered(known: ReadonlyMap<string, Resource>): ReadonlyMap<string, string> {
    const versions = [...known].map(([name, { version }]): [string, string] => [name, version]);
    if (this.memory === 'nothing') return new Map();
    if (this.memory === 'outdated')
      return new Map(versions.map(([name], index) => [name, index === 0 ? 'old' : (known.get(name)?.version ?? '')]));
    return new Map(this.memory === 'right' ? versions : [...versions, ['ghost', 'old']]);
  }

  private say(ledger: Ledger, nonce: string, error: boolean, change: Change, afterAnswer?: () => void): void {
    const { kind } = ledger;
    const errorDetail = error ? 'no' : undefined;
    if (kind === 'cluster' && change.subscribe.length + change.unsubscribe.length > 0)
      this.stream.choosesClusters = true;
    if (this.variant === 'delta') {
      ledger.changeDelta(change.subscribe, change.unsubscribe);
      afterAnswer?.();
      this.forget(ledger);
      this.send(kind, { ...change, nonce, errorDetail });
      return;
    }
    const { subscribe, unsubscribe } = change;
    const before = [...(ledger.wildcard && ledger.everNamed ? ['*'] : []), ...ledger.names];
    const names = [...new Set([...before, ...subscribe])].filter((name) => !unsubscribe.includes(name));
    const result = ledger.changeSotw(names);
    afterAnswer?.();
    const isAgain =
      afterAnswer === undefined && result === 'same' && !error && nonce !== '' && nonce === ledger.lastNonce;
    if (isAgain && ledger.flight.length === 0 && !ledger.isFull)
      for (const name of ledger.names) ledger.forcedNames.add(name);
    this.forget(ledger);
    this.send(kind, { names, nonce, errorDetail });
  }

  /** What is no longer subscribed to is dropped; who has only a part of a version does not say that it has it. */
  private forget(ledger: Ledger): void {
    const known = this.has.get(ledger.kind);
    for (const name of [...(known?.keys() ?? [])]) {
      if (ledger.covers(name)) continue;
      known?.delete(name);
      this.accepted.delete(ledger.kind);
    }
  }

  private send(kind: Kind, fields: Parameters<typeof request>[1]): void {
    this.receive(this.session.request(TYPE[kind], request(kind, fields), this.now).replies);
  }

  private receive(replies: readonly Outgoing[]): void {
    this.stream.receive(replies, { snapshot: this.known, now: this.now, wakeAt: this.session.wakeAt() });
  }
}
