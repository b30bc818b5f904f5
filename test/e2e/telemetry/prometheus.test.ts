// What deploy/ ships for Prometheus and Grafana, with a real Prometheus (Debian's) that scrapes live gateways and control planes:
// the configuration and each alert by promtool, and each query of the dashboard by its answer.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { ROOT } from '../../../deploy/reference.ts';
import { REASONS } from '../../../src/envoy/reasons.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { debianPrograms, type Programs } from '../../support/programs/debian.ts';
import { ACCOUNTS, type Scene, startScene } from './statistics-scene.ts';

const run = promisify(execFile);
const SHIPPED = join(ROOT, 'deploy', 'prometheus');
const FILES = ['prometheus.yml', 'rules.yml', 'alerts.yml', 'alerts.test.yml'] as const;
/** Histograms of Envoy are written every five seconds, and a rate needs two of them. */
const DATA_MS = 45_000;

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

interface Relabelling {
  readonly source_labels: readonly string[];
  readonly regex: string;
  readonly replacement: string;
  readonly target_label?: string;
}

/** What Prometheus makes of the labels by these rules, of which the last one that matches counts. */
function relabelled(rules: readonly Relabelling[], labels: Readonly<Record<string, string>>): string | undefined {
  const matching = rules.filter(({ source_labels: names, regex }) =>
    new RegExp(`^(?:${regex})$`).test(names.map((name) => labels[name] ?? '').join(';')),
  );
  return matching.at(-1)?.replacement;
}

function shipped(file: string): string {
  return readFileSync(join(SHIPPED, file), 'utf8');
}

describe('Prometheus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-prometheus-'));
  let programs: Programs;

  before(async () => {
    programs = await debianPrograms(['prometheus'], ['prometheus', 'promtool'], join(folder, 'packages'));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** The shipped files in a folder of their own, with changes. */
  function copy(name: string, changes: Readonly<Record<string, (text: string) => string>> = {}): string {
    const into = join(folder, name);
    mkdirSync(into);
    for (const file of FILES) {
      copyFileSync(join(SHIPPED, file), join(into, file));
      const changed = changes[file]?.(shipped(file));
      if (changed === undefined) continue;
      assert.notEqual(changed, shipped(file), 'the change changed nothing');
      writeFileSync(join(into, file), changed);
    }
    return into;
  }

  const promtool = async (...args: readonly string[]): Promise<string> =>
    (await run(programs.file('promtool'), args, { env: { ...process.env, ...programs.env } })).stdout;

  test('promtool accepts the configuration and the rules', async () => {
    assert.match(await promtool('check', 'config', join(SHIPPED, 'prometheus.yml')), /2 rule files found/);
    const broken = copy('broken', { 'rules.yml': (text) => text.replace('sum by', 'sum bye') });
    await assert.rejects(promtool('check', 'config', join(broken, 'prometheus.yml')), /bye|unexpected/);
  });

  test('Each reason that a log can have gets its verdict where Prometheus reads it', () => {
    const { scrape_configs: scrapes } = parse(shipped('prometheus.yml')) as {
      readonly scrape_configs: readonly { readonly metric_relabel_configs?: readonly Relabelling[] }[];
    };
    const rules = scrapes.flatMap(({ metric_relabel_configs: all = [] }) =>
      all.filter(({ target_label: label }) => label === 'verdict'),
    );
    const logged = Object.entries(REASONS).filter(([code, { at }]) => code !== 'ALLOWED' && at !== 'command');
    const found = logged.map(([code]) => [
      code,
      relabelled(rules, { __name__: 'envoy_postern_verdicts', reason: code }),
    ]);
    assert.deepEqual(
      found,
      logged.map(([code, { verdict }]) => [code, verdict]),
    );
    assert.equal(relabelled(rules, { __name__: 'envoy_other' }), undefined);
  });

  test('Each alert is silent while all is well, and fires when its time has come', async () => {
    await promtool('test', 'rules', join(SHIPPED, 'alerts.test.yml'));
    const { groups } = parse(shipped('alerts.yml')) as {
      readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
    };
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    assert.ok(alerts.length > 15);
    assert.deepEqual(
      alerts.filter((alert) => !shipped('alerts.test.yml').includes(`alertname: ${alert}\n`)),
      [],
    );
    const deaf = copy('deaf', {
      'alerts.yml': (text) => text.replace('up{job="postern"} == 0', 'up{job="postern"} == 7'),
    });
    await assert.rejects(promtool('test', 'rules', join(deaf, 'alerts.test.yml')), /PosternDown/);
  });

  describe('on live gateways', () => {
    let bed: Testbed;
    let scene: Scene;
    let at: HostPort;
    let turn = 0;

    before(async () => {
      bed = await Testbed.create();
      scene = await startScene(bed);
      at = await bed.address();
      const gateways = [scene.ingressMetrics, scene.egressMetrics].map(formatHostPort);
      const controlPlanes = [scene.bank.place.admin, scene.shop.place.admin].map(formatHostPort);
      const live = copy('live', {
        'prometheus.yml': (text) =>
          text
            .replaceAll('_interval: 15s', '_interval: 1s')
            .replace("['127.0.0.1:19000']", JSON.stringify(controlPlanes))
            .replace("['127.0.0.1:9902', '127.0.0.1:9903']", JSON.stringify(gateways)),
      });
      bed.processes.start(
        'prometheus',
        programs.file('prometheus'),
        [
          `--config.file=${join(live, 'prometheus.yml')}`,
          `--storage.tsdb.path=${join(live, 'data')}`,
          `--web.listen-address=${formatHostPort(at)}`,
        ],
        programs.env,
      );
      await eventually('Prometheus ready', async () => (await fetch(`http://${formatHostPort(at)}/-/ready`)).ok);
    });

    after(async () => {
      scene?.close();
      await bed.close();
    });

    /** The answers that are numbers. Errors: what Prometheus says about the query. */
    async function answers(query: string): Promise<readonly { readonly metric: Readonly<Record<string, string>> }[]> {
      const answer = await fetch(`http://${formatHostPort(at)}/api/v1/query?query=${encodeURIComponent(query)}`);
      const { data, error } = (await answer.json()) as {
        readonly data?: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] };
        readonly error?: string;
      };
      assert.equal(error, undefined, query);
      return (data?.result ?? []).filter(({ value: [, number] }) => number !== 'NaN');
    }

    /** A little of everything that is counted. */
    async function traffic(): Promise<void> {
      await scene.call('/v1/accounts');
      await scene.call('/v1/nothing');
      await scene.call('/', 'GET', 'broken.bank');
      await scene.call('/', 'GET', 'quotes.away');
      await scene.direct('/v1/accounts', ACCOUNTS, 'DELETE');
      await scene.direct('/', `nothing.exports.bank.example`);
      await scene.call('/', 'GET', 'nobody.bank');
      await scene.ledger('a line\n');
      await scene.stranger();
    }

    function changeConfiguration(): void {
      turn += 1;
      scene.bank.edit((yaml) => yaml.replace(/requestsPerSecond: 4\d\d/, `requestsPerSecond: ${400 + turn}`));
      scene.shop.edit((yaml) => yaml.replace(/requestsPerSecond: 5\d\d/, `requestsPerSecond: ${500 + turn}`));
    }

    /** Which of the queries have no data after a while of traffic. */
    async function withoutData(queries: readonly string[], ms: number): Promise<readonly string[]> {
      const end = performance.now() + ms;
      let empty = queries;
      while (empty.length > 0 && performance.now() < end) {
        changeConfiguration();
        await traffic();
        const data = await Promise.all(empty.map(answers));
        empty = empty.filter((_, index) => data[index]?.length === 0);
      }
      return empty;
    }

    test('Each query of the dashboard has data, and a query for something that does not exist has none', async () => {
      const text = readFileSync(join(ROOT, 'deploy', 'grafana', 'postern.json'), 'utf8');
      const { panels } = JSON.parse(text) as { readonly panels: readonly Panel[] };
      const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$peer', '.*')));
      assert.ok(queries.length > 20);
      assert.deepEqual(await withoutData(queries, DATA_MS), []);
      const broken = 'peer:postern_requests_of_nobody:rate5m';
      assert.deepEqual(await withoutData([broken], 1), [broken]);
    });

    test('The recorded metrics have the names of the file as labels, dots included', async () => {
      const found = async (query: string): Promise<boolean> => (await answers(query)).length > 0;
      for (const query of [
        'peer_export:postern_requests:rate5m{peer="web-shop",export="accounts.v1"} > 0',
        'peer_import:postern_requests:rate5m{peer="big-bank",import="accounts.v1"} > 0',
        ...['METHOD', 'PATH'].map(
          (reason) =>
            `peer_service_reason:postern_refusals:rate5m{peer="web-shop",export="accounts.v1",reason="${reason}",gateway="ingress"} > 0`,
        ),
        'peer_reason:postern_refusals:rate5m{peer="web-shop",reason="NO_GRANT",gateway="ingress"} > 0',
        'peer_reason:postern_refusals:rate5m{peer="",reason="UNKNOWN_NAME",gateway="egress"} > 0',
        'peer_service_reason:postern_failures:rate5m{peer="web-shop",export="broken",reason="BACKEND_DOWN",gateway="ingress"} > 0',
        'peer_service_reason:postern_failures:rate5m{peer="away",import="quotes",reason="PEER_DOWN",gateway="egress"} > 0',
        'peer_reason:postern_dials_failed:rate5m{peer="away",reason="PEER_DOWN"} > 0',
        'peer_reason:postern_handshakes_refused:rate5m{peer="web-shop",reason="WRONG_CA",gateway="ingress"} > 0',
        'peer:postern_received_bytes:rate5m{peer="web-shop",gateway="ingress"} > 0',
        'peer:postern_received_bytes:rate5m{peer="big-bank",gateway="egress"} > 0',
      ])
        await eventually(query, async () => {
          await traffic();
          return await found(query);
        });
      assert.equal(await found('{export=~".*_.*"} or {import=~".*_.*"}'), false);
    });

    test('A backend and a peer that do not answer are alerts, and a mesh without faults of its own has no other', async () => {
      const pending = async (): Promise<ReadonlySet<string>> =>
        new Set((await answers('ALERTS')).map(({ metric }) => metric['alertname'] ?? ''));
      // The shop's peer `away` and the bank's export `broken` are down by design, and so many calls are refused.
      const expected = ['BackendDown', 'HandshakesRefused', 'PeerDown', 'RefusalsRise'];
      await eventually('both', async () => {
        await traffic();
        const names = await pending();
        return names.has('BackendDown') && names.has('PeerDown') && [...names].every((name) => expected.includes(name));
      });
    });
  });
});
