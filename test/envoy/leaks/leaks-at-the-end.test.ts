// What a gateway shows while it is overloaded, drained and ended, on connections that are open: every byte, scanned.

import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { leaksIn } from '../../support/leaks.ts';
import { eventually } from '../../support/mesh.ts';
import { type Dialled, Recorded, RecordedHttp2, recordHttp2, recordUntilClosed } from '../../support/recorded.ts';
import { assertReasonsKnown } from './known-reasons.ts';
import { LeakScene } from './leak-scene.ts';

const ACTION = 'envoy.overload_actions.stop_accepting_requests';

describe('what gateways show at their end', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-pressure-'));
  let scene: LeakScene;

  /** By renaming, as Envoy watches for it. */
  function press(pressure: string): void {
    writeFileSync(join(folder, 'new'), pressure);
    renameSync(join(folder, 'new'), join(folder, 'pressure'));
  }

  /** The overload manager of the bootstrap, with a resource that a test can fill. */
  function pressable(bootstrap: string): string {
    const monitor = 'envoy.resource_monitors.injected_resource';
    const type = 'type.googleapis.com/envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig';
    return JSON.stringify({
      ...(JSON.parse(bootstrap) as object),
      overload_manager: {
        refresh_interval: '0.05s',
        resource_monitors: [{ name: monitor, typed_config: { '@type': type, filename: join(folder, 'pressure') } }],
        actions: [{ name: ACTION, triggers: [{ name: monitor, threshold: { value: 0.9 } }] }],
      },
    });
  }

  before(async () => {
    press('0.0');
    scene = await LeakScene.start(undefined, pressable);
  });
  after(async () => {
    await scene.stop();
    rmSync(folder, { recursive: true });
  });

  function clean(what: string, text: string): void {
    assert.deepEqual(leaksIn(text, scene.inside), [], `${what}:\n${text.slice(-1500)}`);
  }

  test('An overloaded gateway says no more than that it gives no answer', async () => {
    const [ingress] = scene.running;
    const asked = { path: '/v1/ok', authority: 'core.exports.bank.example' };
    press('1.0');
    await eventually('it is overloaded', async () =>
      /stop_accepting_requests\.active: 1/.test((await ingress?.admin('/stats')) ?? ''),
    );
    const grpc = {
      method: 'POST',
      path: '/a.B/Ok',
      authority: 'rates.exports.bank.example',
      headers: { 'content-type': 'application/grpc' },
    };
    for (const one of [asked, grpc]) {
      const text = await recordHttp2(scene.as('shop'), [one]);
      assert.match(text, /":status":503|"grpc-status":"14"/);
      clean('overloaded', text);
    }
    clean(
      'overloaded, for a caller',
      await recordUntilClosed(
        { port: scene.shop.port },
        'GET /v1/ok HTTP/1.1\r\nHost: core.bank\r\nConnection: close\r\n\r\n',
      ),
    );
    press('0.0');
    await eventually('it is no more', async () =>
      /stop_accepting_requests\.active: 0/.test((await ingress?.admin('/stats')) ?? ''),
    );
  });

  test('Draining and ending gateways end what is open, and say nothing of it', async () => {
    const client = scene.certificate('proven', 'ns/web/sa/front');
    const peer = scene.as('shop');
    const tls = { servername: 'core.bank', client };
    const sessions = [peer, { port: scene.shop.port }, { port: scene.proven.port, tls }].map(
      (dialled) => new RecordedHttp2(dialled),
    );
    const authority = (at: number): string => (at === 0 ? 'chat.exports.bank.example' : 'chat.bank');
    await Promise.all(sessions.map((session, at) => session.ask({ path: '/v1/ok', authority: authority(at) })));
    /** Goes on until the gateway ends. */
    const stalled = sessions.map((session, at) => session.ask({ path: '/v1/no-answer', authority: authority(at) }));
    const raw = (dialled: Dialled, sent: string): Recorded => {
      const recorded = new Recorded(dialled).listen();
      recorded.socket.write(sent);
      return recorded;
    };
    const upgrade =
      'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
    const servername = `ledger.tcp.${peer.tls.servername}`;
    const open = [
      raw({ port: scene.shop.port }, 'GET /v1/ok HTTP/1.1\r\nHost: core.bank\r\n\r\n'),
      raw({ port: scene.shop.port }, `GET /v1/open HTTP/1.1\r\nHost: chat.bank\r\n${upgrade}`),
      raw({ port: scene.shop.tcp[0] ?? 0 }, ''),
      raw({ port: scene.proven.tcp[0] ?? 0, tls: { alpn: [], client } }, ''),
      raw({ port: scene.port, tls: { servername, alpn: ['postern-tcp'], client: scene.certificate('shop') } }, ''),
    ];
    await Promise.all(open.map((recorded) => recorded.until((bytes) => bytes.includes('served'))));
    for (const envoy of scene.running) {
      await fetch(`http://127.0.0.1:${envoy.adminPort}/healthcheck/fail`, { method: 'POST' });
      await fetch(`http://127.0.0.1:${envoy.adminPort}/drain_listeners?graceful`, { method: 'POST' });
    }

    for (const envoy of scene.running) process.kill(envoy.pid, 'SIGTERM');
    await Promise.all([...stalled, ...open.map(({ closed }) => closed)]);
    for (const session of sessions) clean('HTTP/2', await session.close());
    for (const recorded of open) {
      assert.match(recorded.text, /served/);
      clean('a connection', recorded.text);
    }
  });

  test('Every line of these gateways has a reason of the table', () => {
    assertReasonsKnown(scene.running);
  });
});
