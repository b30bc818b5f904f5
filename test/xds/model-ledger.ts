// What a stream is due of one type, name by name, as the rules of CONTRIBUTING.md say it; slow. It takes the protocol apart as
// the server does (names due, pending removals, what is parked), so it finds slips of the server, and no misreading that both
// share. The independent check is `converged` in model.test.ts. Must not: share code with src/xds, or look at other types.

import type { Resource } from '../../src/snapshot/resource.ts';
import type { TypeSnapshot } from '../../src/snapshot/type-snapshot.ts';
import type { Outgoing, Variant } from '../../src/xds/wire/messages.ts';
import type { Kind } from './fixtures.ts';

/** A response in flight. */
export interface Flight {
  readonly reply: Outgoing;
  /** The names of the resources that the client has not got in any version; undefined: nobody knows what it had. */
  readonly news: readonly string[] | undefined;
  /** The names of the resources that replace another version. */
  readonly renewed: readonly string[];
}

/** What is to be sent. */
export interface Due {
  readonly send: ReadonlySet<string>;
  /** Names that were asked for and do not exist: answered at once (delta). */
  readonly missing: ReadonlySet<string>;
  /** What the client has, or may have, and is to lose when nothing points there; undefined: of another stream. */
  readonly gone: ReadonlyMap<string, Resource | undefined>;
  /** Whether anything of it is to be said without a removal. */
  readonly isDue: boolean;
  /** Those of `send` that the client has not got, or in another version. */
  readonly changed: ReadonlySet<string>;
}

export class Ledger {
  readonly kind: Kind;
  readonly variant: Variant;
  readonly openedAt: number;
  wildcard = false;
  everNamed = false;
  names: ReadonlySet<string> = new Set();
  /** What the client has, within its subscription, once it accepts what is in flight; undefined: nothing was said yet. */
  base: ReadonlyMap<string, Resource> | undefined;
  baseVersion: string | undefined;
  initial: ReadonlyMap<string, string> = new Map();
  comesBack = false;
  /** To be sent whatever the client has; of `asked`, what it has not got already (rule 38). */
  owed = new Set<string>();
  asked: ReadonlySet<string> = new Set();
  owesAll = false;
  owesAnswer = false;
  lingering: ReadonlyMap<string, Resource | undefined> = new Map();
  lingersSince: number | undefined;
  /** What was rejected and not accepted since: the version of it, or that it was a removal. */
  parked: ReadonlyMap<string, string> = new Map();
  isRejected = false;
  flight: readonly Flight[] = [];
  lastNonce = '';
  sentAt = 0;

  constructor(kind: Kind, variant: Variant, openedAt: number) {
    this.kind = kind;
    this.variant = variant;
    this.openedAt = openedAt;
  }

  /** SotW LDS and CDS (rules 26, 31). */
  get isFull(): boolean {
    return this.variant === 'sotw' && (this.kind === 'cluster' || this.kind === 'listener');
  }

  /** Whether the client asked for what is due (rule 58). */
  get isAsked(): boolean {
    return this.owed.size > 0 || this.asked.size > 0 || this.owesAll || this.owesAnswer;
  }

  covers(name: string): boolean {
    return this.wildcard || this.names.has(name);
  }

  openSotw(list: readonly string[], versionInfo: string, current: TypeSnapshot | undefined): void {
    this.changeSotw(list, true);
    // Rule 23.
    if (this.isFull && this.wildcard && versionInfo === current?.version) {
      [this.base, this.baseVersion] = [named(current), current.version];
      this.owed.clear();
      this.owesAll = false;
    } else this.owesAnswer = this.wildcard || this.isFull;
  }

  changeSotw(list: readonly string[], isFirst = false): 'same' | 'other' {
    this.everNamed ||= list.length > 0;
    const wildcard =
      list.includes('*') || (list.length === 0 && !this.everNamed && (this.wildcard || (isFirst && this.isFull)));
    const names = new Set(list.filter((name) => name !== '*'));
    const added = [...names].filter((name) => !this.names.has(name));
    const isSame = wildcard === this.wildcard && added.length === 0 && names.size === this.names.size;
    // Rules 27, 29.
    this.owed = new Set([...[...this.owed].filter((name) => wildcard || names.has(name)), ...added]);
    if (wildcard && !this.wildcard) this.owesAll = true;
    [this.wildcard, this.names] = [wildcard, names];
    return isSame ? 'same' : 'other';
  }

  /** `needed` are names that a cluster of this stream waits for, and that nobody asks for. */
  openDelta(
    subscribe: readonly string[],
    unsubscribe: readonly string[],
    initial: ReadonlyMap<string, string>,
    needed: ReadonlySet<string>,
  ): void {
    // Rule 37.
    const list = subscribe.length === 0 && unsubscribe.length === 0 ? ['*'] : subscribe;
    this.changeDelta(list, unsubscribe);
    this.comesBack = initial.size > 0;
    this.initial = new Map([...initial].map(([name, version]) => [name, needed.has(name) ? 'none' : version]));
    const isKnown = (name: string) => initial.has(name) && !needed.has(name);
    this.asked = new Set([...this.owed].filter(isKnown));
    this.owed = new Set([...this.owed].filter((name) => !isKnown(name)));
    this.owesAnswer = this.wildcard && initial.size === 0;
  }

  changeDelta(subscribe: readonly string[], unsubscribe: readonly string[]): void {
    if (subscribe.length + unsubscribe.length === 0) return;
    const before = this.wildcard;
    const names = new Set(this.names);
    for (const name of subscribe) if (name !== '*') names.add(name);
    for (const name of unsubscribe) names.delete(name);
    if (subscribe.includes('*')) this.wildcard = true;
    if (unsubscribe.includes('*')) this.wildcard = false;
    this.names = names;
    if (this.wildcard && !before) this.owesAll = true;
    if (!this.wildcard) this.owesAll = false;
    // Rules 40, 43, 45.
    for (const name of subscribe) if (name !== '*') this.owed.add(name);
    for (const name of unsubscribe) if (name !== '*' && this.wildcard) this.owed.add(name);
    this.owed = new Set([...this.owed].filter((name) => this.covers(name)));
    this.asked = new Set([...this.asked].filter((name) => this.covers(name)));
    // What it left, and what it names anew, it has no more.
    const isNamed = (name: string) => subscribe.includes(name) || unsubscribe.includes(name);
    this.initial = new Map([...this.initial].filter(([name]) => this.covers(name) && !isNamed(name)));
  }

  /** Whether something is in flight that is new to the client, and that it wants. */
  get bringsNews(): boolean {
    return this.flight.some(({ reply, news }) =>
      news === undefined ? reply.resources.length > 0 : news.some((name) => this.covers(name)),
    );
  }

  /**
   * ACK or NACK of what is in flight; a nonce of anything else is neither (rule 20). Returns the names of which another
   * version is accepted now.
   */
  answered(nonce: string, isNack: boolean): readonly string[] {
    const at = this.flight.findIndex(({ reply }) => reply.nonce === nonce);
    if (at < 0) return [];
    // A SotW client answers in order; what it answers later answers what came before.
    const answered = this.flight.filter((_, index) => index === at || (this.variant === 'sotw' && index < at));
    this.flight = this.flight.filter((flight) => !answered.includes(flight));
    const parked = new Map(this.parked);
    for (const { reply } of answered) {
      const isRejected = isNack && reply.nonce === nonce;
      for (const { name, version } of reply.resources) {
        if (isRejected) parked.set(name, version);
        // Rule 47: the same secret acknowledged after it was rejected proves nothing.
        else if (this.kind !== 'secret' || parked.get(name) !== version) parked.delete(name);
      }
      for (const name of reply.removed) {
        if (isRejected) parked.set(name, 'removed');
        else parked.delete(name);
      }
    }
    if (!isNack && this.isFull) parked.clear();
    this.parked = parked;
    if (isNack) this.isRejected = true;
    else if (this.flight.length === 0 && parked.size === 0) this.isRejected = false;
    return answered.flatMap(({ renewed }) => renewed);
  }

  private get inFlight(): ReadonlySet<string> {
    return new Set(this.flight.flatMap(({ reply }) => [...reply.resources.map(nameOf), ...reply.removed]));
  }

  /** Whether the client rejected it, and is not being sent it again. */
  isParked(name: string): boolean {
    return this.parked.has(name) && !this.inFlight.has(name);
  }

  /** What was rejected is to be sent once more, if it is not on its way already: all of it, or some names. */
  retried(only?: (name: string) => boolean): void {
    const isMeant = only ?? (() => true);
    if (!this.isRejected) return;
    if (only !== undefined && ![...this.parked.keys()].some(only)) return;
    if (this.isFull || this.parked.size === 0) this.owesAnswer ||= this.flight.length === 0;
    else
      for (const name of this.parked.keys())
        if (this.covers(name) && this.isParked(name) && isMeant(name)) this.owed.add(name);
  }

  due(current: TypeSnapshot): Due {
    const there = [...current.resources.keys()].filter((name) => this.covers(name));
    const isThere = (name: string) => current.resources.has(name);
    const { base } = this;
    const differs = (name: string) => base?.get(name)?.version !== current.resources.get(name)?.version;
    const changed = base === undefined ? [] : there.filter(differs);
    const lost = [...(base?.values() ?? [])].filter(({ name }) => this.covers(name) && !isThere(name));
    // Rules 18, 47.
    const again = changed.length + lost.length > 0 ? [...this.parked.keys()].filter((name) => this.covers(name)) : [];
    const replacesContent = (name: string) => this.initial.get(name) !== current.resources.get(name)?.version;
    const all = this.owesAll ? there.filter((name) => base !== undefined || replacesContent(name)) : [];
    const asked = [...this.asked].filter(replacesContent);
    const send = new Set([...changed, ...again, ...this.owed, ...all, ...asked].filter(isThere));
    const missing = new Set([...this.owed, ...this.asked].filter((name) => this.variant === 'delta' && !isThere(name)));
    const gone = new Map([...this.lingering].filter(([name]) => this.covers(name) && !isThere(name)));
    for (const resource of lost) gone.set(resource.name, resource);
    // Rule 38.
    for (const name of this.initial.keys()) if (this.covers(name) && !isThere(name)) gone.set(name, undefined);
    if (this.variant === 'delta') for (const name of again) if (!isThere(name)) gone.set(name, undefined);
    for (const name of missing) gone.delete(name);
    if (this.variant === 'sotw' && !this.isFull) gone.clear();
    const isDue = this.isFull
      ? this.isAsked || changed.length > 0
      : send.size + missing.size > 0 || (this.variant === 'delta' && this.owesAnswer);
    return {
      send: this.isFull ? new Set(there) : send,
      missing,
      gone,
      isDue,
      changed: new Set([...changed, ...(this.isFull ? [] : again.filter(isThere))]),
    };
  }

  /** Takes down one response, in however many parts; `goes`: whether what is gone went with it. */
  sent(replies: readonly Outgoing[], { gone }: Due, goes: boolean, current: TypeSnapshot, now: number): void {
    const { base } = this;
    const isUnknown = base === undefined || this.parked.size > 0;
    const news = isUnknown ? undefined : [...current.resources.keys()].filter((name) => !base.has(name));
    this.flight = replies.map((reply) => ({
      reply,
      news,
      renewed: reply.resources.flatMap(({ name, version }) => {
        const had = base?.get(name)?.version;
        return had !== undefined && had !== version ? [name] : [];
      }),
    }));
    this.lastNonce = replies.at(-1)?.nonce ?? '';
    this.sentAt = now;
    const lingers = (name: string) => !goes && gone.has(name);
    const stays = (name: string) =>
      this.isFull || (!lingers(name) && this.covers(name) && (this.variant === 'delta' || current.resources.has(name)));
    this.parked = new Map([...this.parked].filter(([name]) => stays(name)));
    this.caughtUp(gone, goes, current, now);
  }

  /** Whether a rejection is not overtaken yet, now that there is nothing to say. */
  stands({ gone }: Due, current: TypeSnapshot): boolean {
    if (!this.isRejected || !(this.wildcard || this.names.size > 0)) return false;
    if (this.isFull || this.parked.size === 0) return true;
    const isSame = this.baseVersion === current.version;
    // What is gone needs no more words on a SotW stream; on a delta stream its removal is due.
    const isWanted = (name: string): boolean =>
      isSame || current.resources.has(name) || (this.variant === 'delta' && !gone.has(name));
    return [...this.parked.keys()].some((name) => this.covers(name) && isWanted(name));
  }

  /** A turn in which there was nothing to say. */
  quiet(due: Due, current: TypeSnapshot, now: number): void {
    if (!this.stands(due, current)) [this.isRejected, this.parked] = [false, new Map()];
    this.caughtUp(due.gone, false, current, now);
  }

  private caughtUp(gone: Due['gone'], goes: boolean, current: TypeSnapshot, now: number): void {
    this.base = named(current);
    this.baseVersion = current.version;
    this.initial = new Map();
    this.owed = new Set();
    this.asked = new Set();
    this.owesAll = false;
    this.owesAnswer = false;
    this.lingering = goes ? new Map() : gone;
    this.lingersSince = this.lingering.size === 0 ? undefined : (this.lingersSince ?? now);
  }
}

function named({ resources }: TypeSnapshot): ReadonlyMap<string, Resource> {
  return new Map([...resources.values()].map((resource) => [resource.name, resource]));
}

function nameOf({ name }: Resource): string {
  return name;
}
