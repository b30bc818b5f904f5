// The scan of leaks finds each kind of leak where there is one: in what gateways say to their operators, in what backends say
// without a gateway before them, and in what an Envoy says whose answers are its own.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LEAK_KINDS, leaksIn } from '../../support/leaks.ts';
import { recordHttp2, recordUntilClosed } from '../../support/recorded.ts';
import { LeakScene } from './leak-scene.ts';
import { INSIDE_ADDRESS } from './leaking-backends.ts';

/** The same gateway without the answers that we word, and without the filter that strips answers. */
function talkative(bootstrap: string): string {
  return JSON.stringify(
    JSON.parse(bootstrap, (key, value: unknown) => {
      if (key === 'local_reply_config' || key === 'server_header_transformation') return undefined;
      if (key === 'http_filters')
        return (value as { name: string }[]).filter(({ name }) => name !== 'envoy.filters.http.header_mutation');
      return value;
    }),
  );
}

describe('the scan of leaks', () => {
  let scene: LeakScene;
  before(async () => {
    scene = await LeakScene.start(undefined, talkative);
  });
  after(() => scene.stop());

  const kindsIn = (text: string): readonly string[] => [
    ...new Set(leaksIn(text, scene.inside).map(({ kind }) => kind)),
  ];

  test('It finds every kind that it knows, and each in a real text', async () => {
    const [ingress] = scene.running;
    assert.ok(ingress);
    const admin = (
      await Promise.all(['/config_dump', '/clusters', '/server_info'].map((path) => ingress.admin(path)))
    ).join();
    const [http = 0] = scene.backends.ports;
    const asked = 'GET /v1/error HTTP/1.1\r\n\r\n';
    const backend = await recordUntilClosed({ host: INSIDE_ADDRESS, port: http }, asked, /served$/);
    const down = [{ path: '/v1/ok', authority: 'dead.exports.bank.example' }];
    const own = await recordHttp2(scene.as('shop'), down);
    const inAdmin = ['host', 'address', 'port', 'resource name', 'product', 'version', 'identity'];
    const inBackend = ['host', 'address', 'server header', 'proxy header', 'request id', 'trace', 'timing'];
    for (const kind of inAdmin) assert.ok(kindsIn(admin).includes(kind), `${kind} in what an admin interface says`);
    for (const kind of inBackend) assert.ok(kindsIn(backend).includes(kind), `${kind} in what a backend says`);
    assert.ok(kindsIn(own).includes('reason'), own);
    assert.deepEqual(new Set([...inAdmin, ...inBackend, 'reason']), new Set(LEAK_KINDS));
  });

  test('A gateway that does not strip answers lets through what its backend says', async () => {
    const text = await recordHttp2(scene.as('shop'), [
      { path: '/v1/trailers', authority: 'core.exports.bank.example' },
    ]);
    for (const kind of ['host', 'address', 'proxy header', 'request id', 'trace', 'timing'])
      assert.ok(kindsIn(text).includes(kind), kind);
  });
});
