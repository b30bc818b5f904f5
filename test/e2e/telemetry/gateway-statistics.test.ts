// The statistics of real gateways: their labels are names of the configuration, nobody outside can add one, and the port that
// Prometheus scrapes answers nothing else.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { rawTls } from '../../support/clients/raw-tls.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { ACCOUNTS, MOST_CALLERS, type Scene, startScene } from './statistics-scene.ts';

describe('statistics of the gateways', () => {
  let bed: Testbed;
  let scene: Scene;

  before(async () => {
    bed = await Testbed.create();
    scene = await startScene(bed);
    await eventually('the peer is healthy', async () => (await scene.call('/v1/accounts')) === 200);
  });

  after(async () => {
    scene?.close();
    await bed.close();
  });

  const urlOf = (at: HostPort): string => `http://${formatHostPort(at)}/stats/prometheus`;

  /** Waits for the rate of scrapes. */
  async function scrape(at: HostPort): Promise<string> {
    let text = '';
    await eventually('a scrape is answered', async () => {
      const answer = await fetch(urlOf(at));
      text = await answer.text();
      return answer.status === 200;
    });
    return text;
  }

  /** The value of the one series of that name with these labels, among others. */
  async function value(at: HostPort, name: string, labels: Readonly<Record<string, string>>): Promise<number> {
    return valueIn(await scrape(at), name, labels);
  }

  /** The value of the counter of verdicts, once it has these labels. */
  async function counted(at: HostPort, labels: Readonly<Record<string, string>>): Promise<number> {
    let found = Number.NaN;
    await eventually('a series', async () => {
      found = await value(at, 'envoy_postern_verdicts', labels).catch(() => Number.NaN);
      return found > 0;
    });
    return found;
  }

  function valueIn(text: string, name: string, labels: Readonly<Record<string, string>>): number {
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    const found = lines.filter((line) =>
      Object.entries(labels).every(([key, text]) => line.includes(`${key}="${text}"`)),
    );
    assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}:\n${lines.join('\n')}`);
    return Number(found[0]?.slice(found[0].lastIndexOf(' ')));
  }

  test('Requests, bytes and connections at the ingress have the peer and the export of the configuration as labels', async () => {
    const at = scene.ingressMetrics;
    const of = { gateway: 'ingress', peer: 'web-shop', export: 'accounts_v1' };
    const series = [
      ['envoy_cluster_upstream_rq_total', of],
      ['envoy_cluster_upstream_cx_rx_bytes_total', of],
      ['envoy_vhost_vcluster_upstream_rq_total', of],
      ['envoy_http_downstream_rq_total', { gateway: 'ingress', peer: 'web-shop' }],
      ['envoy_http_downstream_cx_total', { gateway: 'ingress', peer: 'web-shop' }],
    ] as const;
    const counts = async () => {
      const text = await scrape(at);
      return series.map(([name, labels]) => valueIn(text, name, labels));
    };
    const earlier = await counts();
    assert.equal(await scene.call('/v1/accounts'), 200);
    assert.equal(await scene.direct('/v1/accounts', ACCOUNTS), 200);
    const later = await counts();
    for (const [index, count] of later.entries()) assert.ok(count > (earlier[index] ?? 0), series[index]?.[0]);
    assert.equal(await value(at, 'envoy_cluster_upstream_rq_total', { peer: 'partner', export: 'accounts_v1' }), 0);
  });

  test('TCP connections have the peer and the export at the ingress, the peer and the import at the egress', async () => {
    assert.equal(await scene.ledger('one line\n'), 'one line\n');
    const exported = {
      gateway: 'ingress',
      peer: 'web-shop',
      export: 'ledger_db',
      envoy_tcp_prefix: 'tcp_web-shop_ledger_db',
    };
    assert.ok((await value(scene.ingressMetrics, 'envoy_tcp_downstream_cx_rx_bytes_total', exported)) > 0);
    const imported = { gateway: 'egress', peer: 'big-bank', import: 'ledger_db' };
    assert.ok((await value(scene.egressMetrics, 'envoy_cluster_upstream_cx_total', imported)) > 0);
  });

  test('Requests at the egress have the peer and the import, and its connections to the peer have the peer', async () => {
    const at = scene.egressMetrics;
    const of = { gateway: 'egress', peer: 'big-bank', import: 'accounts_v1' };
    const earlier = await value(at, 'envoy_vhost_vcluster_upstream_rq_total', of);
    assert.equal(await scene.call('/v1/accounts'), 200);
    assert.equal(await value(at, 'envoy_vhost_vcluster_upstream_rq_total', of), earlier + 1);
    const dialled = { gateway: 'egress', peer: 'big-bank', envoy_cluster_name: 'dial_big-bank' };
    assert.ok((await value(at, 'envoy_cluster_ssl_handshake', dialled)) > 0);
    assert.ok((await value(at, 'envoy_http_local_rate_limit_ok', of)) > 0);
  });

  test('Refusals are counted by reason for the peer and the export, and admitted requests for the rule', async () => {
    const at = scene.ingressMetrics;
    const refused = (reason: string, of: Readonly<Record<string, string>>) =>
      ({ gateway: 'ingress', layer: 'http', peer: 'web-shop', reason, ...of }) as const;
    const cases = [
      [refused('METHOD', { export: 'accounts.v1' }), () => scene.direct('/v1/accounts', ACCOUNTS, 'DELETE')],
      [refused('PATH', { export: 'accounts.v1' }), () => scene.direct('/v2/accounts', ACCOUNTS)],
      [refused('NO_GRANT', { export: '' }), () => scene.direct('/', 'nothing.exports.bank.example')],
    ] as const;
    for (const [labels, ask] of cases) {
      // The series begins with the first of them.
      assert.equal(await ask(), 403);
      const before = await counted(at, labels);
      assert.equal(await ask(), 403);
      assert.equal(await counted(at, labels), before + 1, labels.reason);
    }
    assert.match(
      await scrape(at),
      /^envoy_http_rbac_policy_allowed\{.*peer="web-shop".*rule="[^"]*accounts[^"]*".*\} [1-9]/m,
    );
  });

  test('The end of each certificate and trust bundle has the peer as a label', async () => {
    const name = 'certificate_expiration_unix_time_seconds';
    for (const [at, labels] of [
      [scene.ingressMetrics, ['peer="web-shop"', 'peer="partner"']],
      [scene.egressMetrics, ['peer="big-bank"', 'peer="away"']],
    ] as const) {
      const lines = (await scrape(at)).split('\n').filter((line) => line.includes(name));
      for (const label of labels)
        for (const of of ['"bundle/', '"cert/'])
          assert.ok(
            lines.some((line) => line.includes(label) && line.includes(of)),
            `${label} ${of}\n${lines.join('\n')}`,
          );
    }
  });

  test('No name, path, method or header that a peer, a caller or a stranger sends comes into a statistic', async () => {
    const sent = async (mark: string): Promise<void> => {
      await scene.direct(`/v1/receipts/${mark}?${mark}`, ACCOUNTS);
      await scene.direct(`/${mark}`, ACCOUNTS);
      await scene.direct('/v1/accounts', `${mark}.exports.bank.example`);
      await scene.direct('/v1/accounts', ACCOUNTS, mark.toUpperCase());
      await scene.call(`/${mark}`, 'GET', `${mark}.example`);
      await scene.call(`/v1/receipts/${mark}`, 'GET');
      await rawTls({ gateway: scene.ingress, servername: `${mark}.example`, alpn: [mark] });
      await scene.stranger();
    };
    const names = async (): Promise<readonly string[]> => {
      const stats = [await scene.bank.envoyAdmin('ingress', '/stats'), await scene.shop.envoyAdmin('egress', '/stats')];
      return stats.flatMap((text) => text.split('\n').map((one) => one.slice(0, one.lastIndexOf(': '))));
    };
    // Once, so that what comes into being with the first request is there.
    await sent('first-of-all');
    const earlier = new Set(await names());
    for (const mark of ['zyx-one', 'zyx-two', 'zyx-three']) await sent(mark);
    const added = (await names()).filter((name) => !earlier.has(name));
    assert.deepEqual(added, []);
  });

  test('The port for Prometheus answers GET /stats/prometheus and nothing else of the admin interface', async () => {
    const base = `http://${formatHostPort(scene.ingressMetrics)}`;
    assert.match(await scrape(scene.ingressMetrics), /^envoy_server_live/m);
    const paths = ['/', '/stats', '/stats/prometheus/', '/stats/prometheus?filter=.', '/stats/prometheus?usedonly'];
    const others = ['/config_dump', '/certs', '/server_info', '/ready', '/clusters', '/listeners', '/quitquitquit'];
    for (const path of [...paths, ...others]) {
      const answer = await fetch(`${base}${path}`);
      assert.deepEqual([path, answer.status, await answer.text()], [path, 404, '']);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])
      assert.equal((await fetch(`${base}/stats/prometheus`, { method })).status, 404, method);
    const raw = [
      '/stats/prometheus/../../config_dump',
      '/stats/../config_dump',
      '//stats/prometheus',
      '/stats%2fprometheus',
    ];
    const answers = await Promise.all(raw.map((path) => answerTo(scene.ingressMetrics, path)));
    assert.deepEqual(
      answers.filter((answer) => answer.startsWith('HTTP/1.1 200')),
      [],
    );
    // In one connection, what follows an answered scrape is no better.
    assert.equal(
      (await answerTo(scene.ingressMetrics, '/stats/prometheus', '/config_dump')).includes('"configs"'),
      false,
    );
  });

  test('Of many scrapes at once a few are answered, the others get 429 or 503 at once, and the next second all is as before', async () => {
    const at = scene.ingressMetrics;
    await scrape(at);
    const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await fetch(urlOf(at))).status));
    assert.ok(statuses.filter((status) => status === 200).length <= 8, statuses.join());
    assert.ok(statuses.includes(429), statuses.join());
    assert.deepEqual(
      statuses.filter((status) => ![200, 429, 503].includes(status)),
      [],
    );
    const refused = 'envoy_http_local_rate_limit_rate_limited';
    const text = await scrape(at);
    assert.match(text, new RegExp(`^${refused}\\{.*admin_metrics.*\\} [1-9]`, 'm'));
  });

  test('The gateway asks its admin interface for one scrape at a time', async () => {
    const at = scene.ingressMetrics;
    await scrape(at);
    const limits = await scene.bank.envoyAdmin('ingress', '/clusters');
    for (const limit of ['max_connections::1', 'max_pending_requests::2', 'max_requests::3'])
      assert.ok(limits.includes(`admin_metrics::default_priority::${limit}\n`), limits);
  });

  test('Silent clients lose their connections to the port for Prometheus, before and after a scrape, and within half a request', async () => {
    const { host, port } = scene.ingressMetrics;
    await scrape(scene.ingressMetrics);
    const said = ['', 'GET /stats/prometheus HTTP/1.1\r\nHost: a\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'];
    const silent = said.map((text) => {
      const socket = connect(port, host).on('error', () => {});
      socket.resume().write(text);
      return socket;
    });
    // Without these timeouts Envoy holds them for a minute: as long as none of it closes, the test does not end in time.
    await Promise.all(silent.map((socket) => once(socket, 'close', { signal: AbortSignal.timeout(15_000) })));
    assert.match(await scrape(scene.ingressMetrics), /^envoy_server_live/m);
  });

  test('The port for Prometheus answers while callers hold every connection that the gateway takes', async () => {
    const held = Array.from({ length: MOST_CALLERS + 1 }, () => connect(scene.egress.port, scene.egress.host));
    for (const socket of held) socket.on('error', () => {});
    try {
      await eventually('the last is refused', () => held.some((socket) => socket.closed));
      assert.match(await scrape(scene.egressMetrics), /^envoy_server_live/m);
    } finally {
      for (const socket of held) socket.destroy();
    }
  });
});

/** What comes back when these are asked for over one connection, one after the other, without any cleaning of the paths. */
async function answerTo({ host, port }: HostPort, ...paths: readonly string[]): Promise<string> {
  const socket = connect(port, host);
  let heard = '';
  socket.on('data', (data) => {
    heard += data.toString();
  });
  socket.on('error', () => {});
  const last = paths.length - 1;
  socket.write(
    paths
      .map((path, at) => `GET ${path} HTTP/1.1\r\nHost: a\r\n${at === last ? 'Connection: close\r\n' : ''}\r\n`)
      .join(''),
  );
  await once(socket, 'close');
  return heard;
}
