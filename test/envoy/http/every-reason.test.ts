// Every reason code of the log, brought about at a real gateway: code and verdict of the line, and that no code of the table is left out.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { possibleReasons } from '../../../src/cli/peer-check/own-answers.ts';
import type { Reason } from '../../../src/envoy/reason-row.ts';
import { REASONS, type ReasonCode } from '../../../src/envoy/reasons.ts';
import { eventually } from '../../support/mesh.ts';
import { recordUntilClosed } from '../../support/recorded.ts';
import { REASON_CASES } from './reason-cases.ts';
import { ReasonScene } from './reason-scene.ts';

const GATEWAYS = ['bank', 'shop', 'proven'] as const;

describe('every reason', () => {
  let scene: ReasonScene;
  before(async () => {
    scene = await ReasonScene.start();
  });
  after(() => scene.stop());

  for (const [what, { reason, gateway, layer, act, where = {} }] of Object.entries(REASON_CASES)) {
    // With a chain that goes its counters go, too.
    if (reason === 'ENDED_BY_GATEWAY') testCounters();
    test(`The log has ${reason} for ${what}`, async () => {
      const envoy = scene.gateway(gateway);
      const from = envoy.log.length;
      await act(scene);
      const lines = () =>
        envoy.log
          .slice(from)
          .filter(
            (line) => line['layer'] === layer && Object.entries(where).every(([key, value]) => line[key] === value),
          );
      await eventually(`a line with ${reason}`, () => lines().some((line) => line['reason'] === reason)).catch(() =>
        assert.fail(JSON.stringify(envoy.log.slice(from), null, 1)),
      );
      const line = lines().find((one) => one['reason'] === reason);
      assert.equal(line?.['verdict'], REASONS[reason].verdict, JSON.stringify(line));
    });
  }

  function testCounters(): void {
    test('Each line has the verdict that the table has for its reason', () => {
      const said = new Set<string>();
      for (const { log } of GATEWAYS.map((name) => scene.gateway(name)))
        for (const { layer, reason, verdict } of log) said.add(`${layer} ${reason} ${verdict}`);
      const [lines, reasons] = [[...said], REASONS as Readonly<Record<string, Reason>>];
      assert.ok(lines.length > 40);
      assert.deepEqual(
        lines.filter((line) => reasons[line.split(' ')[1] ?? '']?.verdict !== line.split(' ')[2]),
        [],
      );
    });
    test('The reasons that an answer of an ingress may have are those of its lines with this status, of gRPC as well', () => {
      const own = scene.gateway('bank').log.filter(({ layer, verdict }) => layer === 'http' && verdict !== 'allowed');
      const statuses = new Map<number, Set<unknown>>();
      for (const { code, grpc, reason } of own) {
        if (typeof grpc === 'string')
          assert.ok(possibleReasons(200, grpc).includes(reason as ReasonCode), `${grpc} ${reason}`);
        else if (Number(code) >= 400) statuses.set(Number(code), (statuses.get(Number(code)) ?? new Set()).add(reason));
      }
      assert.ok(statuses.size >= 6);
      for (const [code, seen] of statuses)
        assert.deepEqual([...seen].sort(), [...possibleReasons(code)].sort(), `${code}`);
    });
    for (const gateway of GATEWAYS)
      test(`The counters of ${gateway} have each line that is not allowed, with its labels, and nothing else`, async () => {
        const envoy = scene.gateway(gateway);
        const counters = async (): Promise<Counts> => countsIn(await envoy.admin('/stats/prometheus?filter=verdicts'));
        let counted: Counts = {};
        await eventually('as many', async () => {
          counted = await counters();
          return sumOf(counted) === sumOf(countsOf(envoy.log));
        }).catch(() => 0);
        assert.deepEqual(counted, countsOf(envoy.log));
        assert.ok(Object.keys(counted).length > 1);
      });
  }

  test('Why our gateway refuses a peer whose health checks all fail is counted for that peer', async () => {
    const shop = scene.gateway('shop');
    const refused = async (peer: string): Promise<number> => {
      const stats = await shop.admin(`/stats?filter=^cluster\\.dial_.*${peer}.*ssl\\.fail_verify_error`);
      return Number(/: (\d+)/.exec(stats)?.[1] ?? Number.NaN);
    };
    await eventually('it is counted', async () => (await refused('twice')) > 0);
    assert.equal(await refused('seen'), 0);
  });

  test('A peer that ends the connection at our first message does not know the server name, whichever text that leaves', async () => {
    const shop = scene.gateway('shop');
    const from = shop.log.length;
    const lines = () => shop.log.slice(from).filter(({ layer, peer }) => layer === 'tcp' && peer === 'full');
    const texts = ['Broken_pipe', 'Connection_reset_by_peer'];
    const isThere = (text: string): boolean => lines().some((line) => `${line['upstream_fail']}`.includes(text));
    const dial = () => recordUntilClosed({ port: scene.ports.fullLedger }, '');
    // Its end comes after our message or before it: of many at once the gateway is late for all but the first.
    await eventually('both texts', async () => {
      await dial();
      await Promise.all(Array.from({ length: 50 }, dial));
      return texts.every(isThere);
    });
    assert.deepEqual([...new Set(lines().map(({ reason }) => reason))], ['UNKNOWN_SERVER_NAME']);
  });

  test('Every code of the table that a log can have is brought about by one of these cases', () => {
    const caused = new Set<string>(Object.values(REASON_CASES).map(({ reason }) => reason));
    const codes = Object.keys(REASONS) as ReasonCode[];
    const logged = codes.filter((code) => REASONS[code].at !== 'command');
    assert.deepEqual(
      logged.filter((code) => !caused.has(code)),
      // Nothing is known that has it (test/envoy/leaks/ looks for it).
      ['UNKNOWN_REASON'],
    );
  });
});

type Counts = Readonly<Record<string, number>>;
const LABELS = ['gateway', 'layer', 'peer', 'export', 'import', 'reason'] as const;

/** How many lines of a log have the same labels. */
function countsOf(log: readonly Readonly<Record<string, unknown>>[]): Counts {
  const counts: Record<string, number> = {};
  for (const line of log) {
    if (line['verdict'] === 'allowed') continue;
    const [, role] = String(line['gateway']).split('/');
    const key = LABELS.map((label) => (label === 'gateway' ? role : (line[label] ?? ''))).join(' ');
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** The same of a scrape. */
function countsIn(scrape: string): Counts {
  const series = [...scrape.matchAll(/^envoy_postern_verdicts\{(.*)\} (\d+)$/gm)];
  return Object.fromEntries(
    series.map(([, labels = '', value]) => {
      const values = Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, text]) => [name, text]));
      assert.deepEqual(
        Object.keys(values).filter((name) => !(LABELS as readonly string[]).includes(name)),
        [],
      );
      return [LABELS.map((label) => values[label] ?? '').join(' '), Number(value)];
    }),
  );
}

function sumOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
