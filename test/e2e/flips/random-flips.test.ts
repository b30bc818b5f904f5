// Random pairs of configurations, flipped under load at running gateways, with the control plane killed at random moments:
// whatever arrives anywhere was allowed by the configuration before the edit or by the one after it.
// What both allow is served, but for what an update may keep back (flip-rule.ts).
// POSTERN_FLIPS is how many pairs there are (a few unless it says otherwise), POSTERN_FLIPS_SEED where they begin, POSTERN_FLIPS_KILLS=no: nobody is killed.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ClientHttp2Session } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { askOn, callLocally, dialGateway } from '../../../deploy/demo/calls.ts';
import { eventually, Testbed, type TestMesh } from '../../support/mesh.ts';
import {
  type Asked,
  type AskedLocally,
  allowed,
  type Choice,
  chooseAfter,
  EVERYBODY,
  localRequests,
  peerAt,
  Random,
  REQUESTS,
  reachable,
  SERVER_NAMES,
  type Who,
  yamlOf,
} from './flip-configs.ts';
import { type FlipMesh, startFlipMesh } from './flip-mesh.ts';
import { reasons } from './flip-misses.ts';
import { type Missed, mayBeKeptBack, serves } from './flip-rule.ts';

const PAIRS = Number(process.env['POSTERN_FLIPS'] ?? 8);
const SEED = Number(process.env['POSTERN_FLIPS_SEED'] ?? 1);
const KILLS = process.env['POSTERN_FLIPS_KILLS'] !== 'no';
/** Callers on new connections and on such as stay open. */
const [NEW, HELD] = [3, 8];

/** What was asked, and when; `from` counts configurations. */
interface Sent {
  readonly what: Asked | AskedLocally;
  readonly from: number;
  readonly at: number;
}

describe('random pairs of configurations', () => {
  let bed: Testbed;
  let mesh: TestMesh;
  let around: FlipMesh;
  const random = new Random(SEED);
  const choices: Choice[] = [];
  const sent = new Map<string, Sent>();
  const found: string[] = [];
  const missed: Missed[] = [];
  const kills: { died: number; back: number }[] = [];
  const counts = { asked: 0, arrived: 0, refused: 0 };
  /** When each configuration was written. */
  const times: number[] = [];
  let isOver = false;

  const outcomes = (choice: Choice | undefined, what: Asked | AskedLocally): readonly string[] =>
    choice === undefined ? [] : 'who' in what ? allowed(choice, what) : reachable(choice, what);

  /** Requests that arrive after the next edit may be answered by that as well. */
  function arrived(at: string, id: string): void {
    counts.arrived += 1;
    const { what, from, at: since } = sent.get(id) ?? { what: undefined, from: 0, at: 0 };
    const [first, last] = [Math.max(from - 1, 0), choices.length - 1];
    const may = what === undefined ? [] : choices.slice(first, last + 1).flatMap((choice) => outcomes(choice, what));
    if (may.includes(at)) return;
    const ever = choices.flatMap((choice, index) => (what && outcomes(choice, what).includes(at) ? [index] : []));
    const ms = Date.now() - (times[from] ?? 0);
    found.push(
      `edit ${from} +${ms} ms (asked ${Date.now() - since} ms ago): ${JSON.stringify(what)} arrived at ${at}; allowed by ${ever.join(' ')}
${choices
  .slice(first)
  .map((choice) => yamlOf(choice, around.places))
  .join('\n')}`,
    );
  }

  before(async () => {
    bed = await Testbed.create();
    around = await startFlipMesh(bed, arrived);
    choices.push(chooseAfter(random, undefined, around.places));
    times.push(Date.now());
    mesh = await bed.mesh('ours', yamlOf(current(), around.places), { ads: SEED % 2 === 0 ? 'sotw' : 'delta' });
    await mesh.start('ingress', 'egress');
  });

  after(async () => {
    await bed.close();
    around.close();
  });

  function current(): Choice {
    const choice = choices.at(-1);
    if (choice === undefined) throw new Error('no configuration');
    return choice;
  }

  function note(what: Asked | AskedLocally): Record<string, string> {
    const id = String(counts.asked);
    counts.asked += 1;
    sent.set(id, { what, from: choices.length - 1, at: Date.now() });
    return { 'x-asked': id };
  }

  /** Keeps requests that every configuration since the one before it allows, and that are not served. */
  function judge(what: Asked | AskedLocally, opened: number, from: number, at: number, status: number): void {
    if (status === 403 || status === 404) counts.refused += 1;
    if (status !== 403 && status !== 404 && status !== 503) return;
    if (!choices.slice(Math.max(from - 1, 0)).every((choice) => serves(choice, what))) return;
    missed.push({ what, status, opened, from, to: choices.length - 1, at, until: Date.now() });
  }

  /** Mostly somebody whom one of the two configurations admits. */
  function somebody(): readonly [Who, string] {
    const admitted = EVERYBODY.flatMap((who) =>
      SERVER_NAMES.filter((sni) => choices.slice(-2).some((choice) => peerAt(choice, who, sni) !== undefined)).map(
        (sni) => [who, sni] as const,
      ),
    );
    if (admitted.length > 0 && Math.random() < 0.8) return one(admitted);
    return [one(EVERYBODY), one(SERVER_NAMES)];
  }

  function open(): { readonly who: Who; readonly sni: string; readonly session: ClientHttp2Session } {
    const [who, servername] = somebody();
    const [first, second = first] = around.places.ingress;
    const gateway = Math.random() < 0.9 ? around.places.ingress[current().ingress] : one([first, second]);
    if (gateway === undefined) throw new Error('no ingress');
    const session = dialGateway({ gateway, servername, client: around.credentials(who) });
    session.on('error', () => undefined);
    return { who, sni: servername, session };
  }

  async function caller(requests: number): Promise<void> {
    while (!isOver) {
      const { who, sni, session } = open();
      const opened = choices.length - 1;
      for (let count = 0; count < requests && !isOver && !session.closed && !session.destroyed; count++) {
        const request = one(REQUESTS);
        const what = { who, sni, ...request };
        const [from, at] = [choices.length - 1, Date.now()];
        const headers = note(what);
        const isDone = await askOn(session, 'https', `${request.exported}.exports.ours.example`, {
          ...request,
          headers,
          timeoutMs: 5000,
        }).then(
          ({ status }) => {
            judge(what, opened, from, at, status);
            return true;
          },
          () => false,
        );
        if (!isDone) break;
        await sleep(requests === 1 ? 2 : 10);
      }
      session.destroy();
      await sleep(2);
    }
  }

  async function localCaller(): Promise<void> {
    while (!isOver) {
      const what = one(localRequests(around.places));
      const [from, at] = [choices.length - 1, Date.now()];
      const egress = { host: around.places.egressHost, port: what.port };
      const status = await callLocally(egress, what.name, { path: '/S/1', headers: note(what) }).then(
        (answer) => answer.status,
        () => 0,
      );
      judge(what, from, from, at, status);
      await sleep(4);
    }
  }

  async function served(): Promise<void> {
    const sha256 = createHash('sha256').update(mesh.yaml).digest('hex');
    await eventually('the configuration is applied', async () => {
      const { config } = await mesh.status();
      assert.equal(config.rejected, undefined, JSON.stringify(config.rejected));
      return config.sha256 === sha256;
    });
    await mesh.settled();
  }

  function edit(): void {
    choices.push(chooseAfter(random, current(), around.places));
    times.push(Date.now());
    mesh.write(yamlOf(current(), around.places));
  }

  test(`${PAIRS} pairs: nothing arrives that neither of the two allows, and what both allow is served unless a root or a grant beside it goes`, async () => {
    const load = [
      ...Array.from({ length: NEW }, () => caller(1)),
      ...Array.from({ length: HELD }, () => caller(500)),
      localCaller(),
      localCaller(),
    ];
    await sleep(500);
    for (let pair = 0; pair < PAIRS && found.length < 20; pair++) {
      edit();
      // Every other time the control plane is killed while it reads, or while the gateways are half-way.
      if (pair % 2 === 1 && KILLS) {
        await sleep(100 + random.next() * 250);
        const died = Date.now();
        await mesh.control?.stop('SIGKILL');
        await sleep(random.next() * 800);
        await mesh.startControl();
        kills.push({ died, back: Date.now() });
      }
      await served();
      await sleep(random.one([0, 300, 1000, 2500]));
    }
    isOver = true;
    await Promise.all(load);
    const wrong = missed.filter((one) => !mayBeKeptBack(one, { choices, times, kills }));
    const by = (status: number): number => missed.filter((one) => one.status === status).length;
    const unserved = { 503: by(503), 403: by(403), 404: by(404), wrong: wrong.length };
    console.log(JSON.stringify({ seed: SEED, pairs: choices.length - 1, ...counts, kills: kills.length, unserved }));
    const lines = (['ingress', 'egress'] as const).flatMap((role) => mesh.log(role));
    for (const line of reasons(missed, times, lines)) console.log(line);
    assert.ok(counts.arrived > 0 && counts.refused > 0);
    assert.deepEqual(found, []);
    assert.deepEqual(reasons(wrong, times, lines), []);
  });
});

function one<T>(items: readonly T[]): T {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}
