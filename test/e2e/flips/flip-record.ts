// What happened in a run of flips: the configurations and their times, what was asked, what arrived, and what was found wrong.
// Must not: call anybody, or edit anything.

import type { Choice } from './flip-configs.ts';
import { allowed, serves } from './flip-oracle.ts';
import type { Missed } from './flip-rule.ts';
import { forbiddenSince, mayEnd, OUTLIVES_MS } from './flip-tcp.ts';
import type { Asked } from './flip-values.ts';

/** What was asked, and when; `from` counts configurations. */
interface Sent {
  readonly what: Asked;
  readonly from: number;
  readonly at: number;
}

/** An open connection of TCP: what was asked for, and where it was answered. */
export interface HeldConnection {
  readonly what: Asked;
  readonly id: string;
  readonly at: string;
  /** The newest configuration when it was dialled. */
  readonly from: number;
}

export class FlipRecord {
  readonly choices: Choice[] = [];
  /** When each configuration was written, and when it was served. */
  readonly times: number[] = [];
  readonly served: number[] = [];
  readonly kills: { died: number; back: number }[] = [];
  readonly found: string[] = [];
  readonly missed: Missed[] = [];
  /** How often each way was taken. */
  readonly ways = new Map<string, number>();
  readonly counts = { asked: 0, arrived: 0, refused: 0, tcp: 0, ended: 0, lived: 0 };
  private readonly sent = new Map<string, Sent>();
  private readonly arrivals = new Map<string, string>();
  private readonly yaml: (choice: Choice) => string;

  constructor(yaml: (choice: Choice) => string) {
    this.yaml = yaml;
  }

  get newest(): number {
    return this.choices.length - 1;
  }

  get current(): Choice {
    const choice = this.choices.at(-1);
    if (choice === undefined) throw new Error('no configuration');
    return choice;
  }

  edit(choice: Choice): void {
    this.choices.push(choice);
    this.times.push(Date.now());
  }

  /** The newest configuration is served at all gateways. */
  isServed(): void {
    this.served[this.newest] = Date.now();
  }

  /** The number by which the arrival of something is told. */
  note(what: Asked): string {
    const id = String(this.counts.asked);
    this.counts.asked += 1;
    this.sent.set(id, { what, from: this.newest, at: Date.now() });
    return id;
  }

  /** What arrives after the next edit may have been allowed by that as well. */
  arrived(at: string, id: string): void {
    this.counts.arrived += 1;
    this.arrivals.set(id, at);
    const way = wayOf(at);
    this.ways.set(way, 1 + (this.ways.get(way) ?? 0));
    const { what, from, at: since } = this.sent.get(id) ?? { what: undefined, from: 0, at: 0 };
    const may = (choice: Choice): boolean => what !== undefined && allowed(choice, what).includes(at);
    const first = Math.max(from - 1, 0);
    if (this.choices.slice(first).some(may)) return;
    const ever = this.choices.flatMap((choice, index) => (may(choice) ? [index] : []));
    this.wrong(
      `${JSON.stringify(what)} arrived at ${at} (asked ${Date.now() - since} ms ago); allowed by ${ever.join(' ')}`,
      from,
    );
  }

  /** Keeps what every configuration since the one before it serves, and the gateways did not. */
  judge(what: Asked, opened: number, from: number, at: number, status: number): void {
    if (status === 403 || status === 404 || status === 0) this.counts.refused += 1;
    if (status !== 403 && status !== 404 && status !== 503 && status !== 0) return;
    if (!this.choices.slice(Math.max(from - 1, 0)).every((choice) => serves(choice, what))) return;
    this.missed.push({ what, status, opened, from, to: this.newest, at, until: Date.now() });
  }

  held(what: Asked, id: string, from: number): HeldConnection {
    this.counts.tcp += 1;
    return { what, id, from, at: this.arrivals.get(id) ?? 'nowhere' };
  }

  /** A held connection was answered now. */
  lives(connection: HeldConnection): void {
    const since = this.forbidden(connection);
    const served = since === undefined ? undefined : this.served[since];
    if (served === undefined || Date.now() - served < OUTLIVES_MS) return;
    this.wrong(
      `${JSON.stringify(connection)} is open ${Date.now() - served} ms after edit ${since}, which forbids it, was served`,
      connection.from,
    );
  }

  /** A held connection was ended by a gateway now. */
  ended(connection: HeldConnection): void {
    this.counts.ended += 1;
    if (mayEnd(this.choices.slice(Math.max(connection.from - 1, 0)), connection.what)) return;
    this.wrong(`${JSON.stringify(connection)} ended, and nothing of what it rests on changed`, connection.from);
  }

  /** The first configuration since which no other has allowed the connection. */
  forbidden({ what, at, from }: HeldConnection): number | undefined {
    const first = Math.max(from - 1, 0);
    const since = forbiddenSince(this.choices.slice(first), what, at);
    return since === undefined ? undefined : first + since;
  }

  private wrong(what: string, from: number): void {
    const texts = this.choices.slice(Math.max(from - 1, 0)).map(this.yaml);
    this.found.push(`edit ${from} +${Date.now() - (this.times[from] ?? 0)} ms: ${what}\n${texts.join('\n')}`);
  }
}

/** Everything that a run should meet: see flip-servers.ts for what is told of an arrival. */
export const WAYS = [
  ...['plain', 'mtls', 'simple'].flatMap((tls) => [`request to a backend, ${tls}`, `TCP to a backend, ${tls}`]),
  ...['request to a peer, proven', 'request to a peer, plaintext', 'TCP to a peer'],
];

function wayOf(at: string): string {
  const [, tls] = /^backend \d over (\w+)/.exec(at) ?? [];
  if (tls !== undefined) return `${/ as \w+$/.test(at) ? 'request' : 'TCP'} to a backend, ${tls}`;
  if (at.includes(' tcp ')) return 'TCP to a peer';
  return `request to a peer, ${at.endsWith(' for nobody') ? 'plaintext' : 'proven'}`;
}
