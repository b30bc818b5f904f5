// The load of the flip tests: callers of both gateways, over HTTP and TCP, on new connections and on such as stay open.
// Must not: judge; the record does.

import type { ClientHttp2Session } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, askOn, callGateway, callLocally, dialGateway } from '../../../deploy/demo/calls.ts';
import type { HostPort } from '../../../src/host-port.ts';
import type { Choice } from './flip-configs.ts';
import type { FlipMesh } from './flip-mesh.ts';
import { allowed } from './flip-oracle.ts';
import type { FlipRecord, HeldConnection } from './flip-record.ts';
import { TcpClient } from './flip-tcp.ts';
import {
  type Asked,
  type AskedInward,
  type AskedOutward,
  INWARD,
  isTcp,
  outward,
  serverNameOf,
} from './flip-values.ts';

/** On new connections, and on such as stay open for so many requests. */
const [NEW, HELD, ASKED_EACH] = [3, 6, 500];
/** Connections of TCP that stay open until a gateway ends them. */
const HELD_TCP = 10;

const [REQUESTS_IN, TCP_IN] = [INWARD.filter((asked) => !isTcp(asked)), INWARD.filter(isTcp)];

export class FlipCallers {
  private readonly mesh: FlipMesh;
  private readonly record: FlipRecord;
  private readonly loops: readonly Promise<void>[];
  private isOver = false;
  private readonly requestsOut: readonly AskedOutward[];
  private readonly tcpOut: readonly AskedOutward[];
  private readonly likely = new WeakMap<Choice, Map<readonly Asked[], readonly Asked[]>>();
  private readonly held = new Map<TcpClient, HeldConnection>();

  constructor(mesh: FlipMesh, record: FlipRecord) {
    this.mesh = mesh;
    this.record = record;
    const out = outward(mesh.places);
    [this.requestsOut, this.tcpOut] = [out.filter((asked) => !isTcp(asked)), out.filter(isTcp)];
    const many = (count: number, loop: () => Promise<void>): readonly Promise<void>[] =>
      Array.from({ length: count }, loop);
    this.loops = [
      ...many(NEW, () => this.inward(1)),
      ...many(HELD, () => this.inward(ASKED_EACH)),
      ...many(2, () => this.outward()),
      ...many(2, () => this.tcp()),
      ...many(HELD_TCP, () => this.heldTcp()),
    ];
  }

  /** Connections of TCP that are open and that the newest configuration does not allow. */
  forbidden(): readonly HeldConnection[] {
    return [...this.held.values()].filter((connection) => this.record.forbidden(connection) !== undefined);
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.loops);
  }

  /** Mostly what one of the two newest configurations allows. */
  private choose<T extends Asked>(all: readonly T[]): T {
    const likely = this.record.choices.slice(-2).flatMap((choice) => this.allowedBy(choice, all));
    return one(likely.length > 0 && Math.random() < 0.75 ? likely : all);
  }

  private allowedBy<T extends Asked>(choice: Choice, all: readonly T[]): readonly T[] {
    const known = this.likely.get(choice) ?? new Map<readonly Asked[], readonly Asked[]>();
    this.likely.set(choice, known);
    const found = known.get(all) ?? all.filter((asked) => allowed(choice, asked).length > 0);
    known.set(all, found);
    return found as readonly T[];
  }

  private async inward(requests: number): Promise<void> {
    const all = REQUESTS_IN;
    while (!this.isOver) {
      const { who, label } = this.choose(all);
      const servername = `${label}.peers.ours.example`;
      const session = dialGateway({ gateway: this.ingress(), servername, client: this.mesh.credentials(who) });
      session.on('error', () => undefined);
      const opened = this.record.newest;
      const mine = all.filter((asked) => asked.who === who && asked.label === label);
      for (let count = 0; count < requests && !this.isOver && !session.closed && !session.destroyed; count++) {
        if (!(await this.askInward(session, opened, one(mine)))) break;
        await sleep(requests === 1 ? 2 : 10);
      }
      session.destroy();
      await sleep(2);
    }
  }

  private async askInward(session: ClientHttp2Session, opened: number, what: AskedInward): Promise<boolean> {
    const [from, at] = [this.record.newest, Date.now()];
    const headers = { 'x-asked': this.record.note(what) };
    const asked = { ...what.request, headers, timeoutMs: 5000 };
    return await askOn(session, 'https', `${what.exported}.exports.ours.example`, asked).then(
      ({ status }) => {
        this.record.judge(what, opened, from, at, status);
        return true;
      },
      () => false,
    );
  }

  private async outward(): Promise<void> {
    while (!this.isOver) {
      const what = this.choose(this.requestsOut);
      const [from, at] = [this.record.newest, Date.now()];
      const answer = await this.askOutward(what, { 'x-asked': this.record.note(what) }).catch(() => undefined);
      // A connection that fails is no answer: it may have met a listener that was being replaced.
      if (answer !== undefined) this.record.judge(what, from, from, at, answer.status);
      await sleep(4);
    }
  }

  private askOutward(what: AskedOutward, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const [{ client, name = '' }, gateway, path] = [what, this.egress(what), '/S/1'];
    if (client === undefined) return callLocally(gateway, name, { path, headers });
    const dial = { gateway, servername: name, client: this.mesh.workload(client) };
    return callGateway(dial, name, { path, headers, timeoutMs: 5000 });
  }

  private async tcp(): Promise<void> {
    while (!this.isOver) {
      const { connection } = await this.dial();
      connection.close();
      await sleep(5);
    }
  }

  private async heldTcp(): Promise<void> {
    while (!this.isOver) {
      const { connection, held } = await this.dial();
      if (held !== undefined) await this.hold(connection, held);
      connection.close();
      await sleep(20);
    }
  }

  private async hold(connection: TcpClient, held: HeldConnection): Promise<void> {
    this.held.set(connection, held);
    while (!this.isOver && (await connection.ask(held.id))) {
      this.record.lives(held);
      await sleep(50);
    }
    this.held.delete(connection);
    if (this.isOver) this.record.counts.lived += 1;
    else this.record.ended(held);
  }

  /** A new connection, and what it was answered; undefined: it was closed. */
  private async dial(): Promise<{ readonly connection: TcpClient; readonly held?: HeldConnection }> {
    const what = this.choose<Asked>(Math.random() < 0.5 ? TCP_IN : this.tcpOut);
    const [from, at, id] = [this.record.newest, Date.now(), this.record.note(what)];
    const to = what.at === 'ingress' ? this.ingress() : this.egress(what);
    const connection = this.connect(what, to);
    if (await connection.ask(id)) return { connection, held: this.record.held(what, id, from) };
    const { ingress } = this.mesh.places;
    const isListening = this.record.choices
      .slice(Math.max(from - 1, 0))
      .every((choice) => ingress[choice.ingress] === to);
    if (what.at === 'egress' || isListening) this.record.judge(what, from, from, at, 0);
    return { connection };
  }

  private connect(what: Asked, to: HostPort): TcpClient {
    if (what.at === 'ingress') {
      const tls = { servername: serverNameOf(what), client: this.mesh.credentials(what.who), alpn: ['postern-tcp'] };
      return new TcpClient({ to, tls });
    }
    if (what.client === undefined) return new TcpClient({ to });
    return new TcpClient({ to, tls: { servername: 'a.service', client: this.mesh.workload(what.client), alpn: [] } });
  }

  /** Mostly where the gateway listens now. */
  private ingress(): HostPort {
    const { ingress } = this.mesh.places;
    const gateway = Math.random() < 0.9 ? ingress[this.record.current.ingress] : one(ingress);
    if (gateway === undefined) throw new Error('no ingress');
    return gateway;
  }

  private egress({ port }: AskedOutward): HostPort {
    return { host: this.mesh.places.egressHost, port };
  }
}

function one<T>(items: readonly T[]): T {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}
