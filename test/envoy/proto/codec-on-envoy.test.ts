// Our bytes, read by Envoy: a third reader of the codec, which shares no code with it. A bootstrap with every kind of value is
// encoded by us, and a running Envoy shows the bootstrap that it read.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findEnvoy } from '../../../deploy/demo/envoy-binary.ts';
import { freePorts } from '../../../deploy/demo/ports.ts';
import { encodeMessage } from '../../../src/envoy/proto/codec.ts';

const LIMIT = 'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig';
const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';
const OPTIONS = 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

test('Envoy reads from our bytes the values that we wrote', async (t) => {
  const [port = 0] = await freePorts('127.0.0.1', 1);
  const address = { socket_address: { address: '127.0.0.1', port_value: 9 } };
  const written = {
    node: { id: 'a', cluster: 'b', metadata: { c: { d: [true, null, 's', -1.5] } } },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    stats_flush_interval: '1.000000001s',
    static_resources: {
      clusters: [
        {
          name: 'one',
          type: 'STATIC',
          connect_timeout: '0.250s',
          per_connection_buffer_limit_bytes: 0,
          lb_policy: 'LEAST_REQUEST',
          load_assignment: {
            cluster_name: 'one',
            endpoints: [
              { lb_endpoints: [{ endpoint: { address }, health_status: 'DRAINING', load_balancing_weight: 7 }] },
            ],
          },
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': OPTIONS,
              explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 100 } },
            },
          },
        },
      ],
    },
    overload_manager: {
      refresh_interval: '0.250s',
      resource_monitors: [
        {
          name: 'envoy.resource_monitors.global_downstream_max_connections',
          typed_config: {
            '@type': `type.googleapis.com/${LIMIT}`,
            max_active_downstream_connections: '9007199254740993',
          },
        },
      ],
    },
  };
  const dumped = await bootstrapOf(t, encodeMessage(BOOTSTRAP, written), port);
  const { id, cluster: name, metadata } = dumped.node;
  assert.deepEqual({ ...dumped, node: { id, cluster: name, metadata } }, written);
});

interface Dumped {
  readonly node: Readonly<Record<string, unknown>>;
}

/** What a real Envoy that was started with these bytes says that its bootstrap is. */
async function bootstrapOf(t: TestContext, bytes: Buffer, adminPort: number): Promise<Dumped> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-codec-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'bootstrap.pb');
  writeFileSync(file, bytes);
  const { file: binary } = await findEnvoy();
  const envoy = spawn(binary, ['-c', file, '--disable-hot-restart', '--concurrency', '1', '-l', 'info'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => envoy.kill('SIGKILL'));
  let said = '';
  envoy.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  while (!said.includes('starting main dispatch loop')) {
    await Promise.race([once(envoy.stderr, 'data'), once(envoy, 'exit')]);
    assert.equal(envoy.exitCode, null, said);
  }
  const answer = await fetch(`http://127.0.0.1:${adminPort}/config_dump`);
  const { configs } = (await answer.json()) as { readonly configs: readonly { readonly bootstrap?: Dumped }[] };
  const found = configs.find((config) => config.bootstrap !== undefined)?.bootstrap;
  assert.ok(found);
  return found;
}
