// The bootstrap on a real Envoy: it dials the control plane with its certificate, and only the right control plane.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { parse } from 'yaml';
import { freePorts } from '../../../deploy/demo/ports.ts';
import { ROOT } from '../../../deploy/reference.ts';
import {
  type BootstrapOptions,
  bootstrap,
  bootstrapDigest,
  CERTIFICATE_FILES,
  sdsFiles,
} from '../../../src/envoy/resources/gateway-bootstrap.ts';
import type { SpiffeId } from '../../../src/trust/spiffe.ts';
import { eventually } from '../../support/mesh.ts';
import { type Certificate, certify, issuerOf } from '../callers.ts';
import { newCa } from '../pipeline.ts';
import { RealEnvoy } from '../real-envoy.ts';

const now = Date.now();
const ca = newCa('bank.example', now);
const issuer = issuerOf(ca, 'bank.example', now);
const GATEWAY = 'spiffe://bank.example/gateway/ingress';
const CONTROL_PLANE = 'spiffe://bank.example/control-plane' as SpiffeId;

const options: BootstrapOptions = {
  role: 'ingress',
  nodeId: 'a',
  certsDir: '/certs',
  xds: { host: '127.0.0.1', port: 18000 },
  controlPlaneId: CONTROL_PLANE,
};

/** The part of a bootstrap at a path of keys. */
function part(text: string, path: string): unknown {
  return path.split('.').reduce((value, key) => (value as Record<string, unknown>)[key], parse(text) as unknown);
}

test('Only the bootstrap of an ingress, whose clients are gateways, lifts the limit on abandoned requests', () => {
  const layer = 'layered_runtime.layers.0.static_layer';
  const ingress = part(bootstrap(options), layer) as Record<string, unknown>;
  const { overload, ...rest } = ingress;
  assert.deepEqual(overload, { premature_reset_total_stream_count: 1_000_000_000 });
  assert.deepEqual(part(bootstrap({ ...options, role: 'egress' }), layer), rest);
});

test('A gateway reconnects to its control plane within a second, and resolves its address as often', () => {
  const grpc = 'dynamic_resources.ads_config.grpc_services.0.envoy_grpc.retry_policy.retry_back_off';
  assert.deepEqual(part(bootstrap(options), grpc), { base_interval: '0.2s', max_interval: '1s' });
  const named = bootstrap({ ...options, xds: { host: 'cp.example', port: 18000 } });
  const dns = part(named, 'static_resources.clusters.0.cluster_type.typed_config') as Record<string, unknown>;
  assert.equal(dns['dns_refresh_rate'], '1s');
});

test('Only an admin port on loopback answers the requests of postern drain', () => {
  const paths = (host: string): string =>
    JSON.stringify(part(bootstrap({ ...options, admin: { host, port: 9901 } }), 'admin.allow_paths'));
  for (const host of ['127.0.0.1', '127.9.8.7', '::1']) assert.match(paths(host), /drain_listeners/);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.example.com'])
    assert.doesNotMatch(paths(host), /drain|healthcheck/);
});

test('An admin port at :: listens on every IPv4 address too', () => {
  const text = bootstrap({ ...options, admin: { host: '::', port: 9901 } });
  assert.equal(part(text, 'admin.address.socket_address.ipv4_compat'), true);
});

test('The first line of a bootstrap is the command that starts Envoy, and the rest is YAML without a private key', () => {
  const text = bootstrap({
    role: 'egress',
    nodeId: 'egress-1',
    certsDir: '/certs',
    xds: { host: 'cp.example', port: 18000 },
    controlPlaneId: CONTROL_PLANE,
  });
  assert.match(
    text,
    /^# envoy -c \S+ --drain-time-s 5 --drain-strategy immediate --disable-hot-restart .*--reject-unknown-dynamic-fields\n/,
  );
  const content = parse(text) as Record<string, unknown>;
  const metadata = { 'postern.bootstrap': bootstrapDigest('egress') };
  assert.deepEqual(content['node'], { id: 'egress-1', cluster: 'egress', metadata });
  assert.equal(content['admin'], undefined);
  assert.equal(text.includes('inline'), false);
});

test('The documents start gateways with the flags of a bootstrap, and give a reason for each', () => {
  const [, flags = ''] = /^# envoy -c \S+ (--.*)\n/.exec(bootstrap(options)) ?? [];
  const [table = ''] = /## Starting a gateway[\s\S]*?\n\n\| Flag[\s\S]*?\n\n/.exec(document('operations')) ?? [];
  const explained = [...table.matchAll(/^\| `(.*?)` \|/gm)].map(([, flag]) => flag);
  assert.equal(explained.join(' '), flags);
  const started = [...document('getting-started').matchAll(/^\$ENVOY -c \S+ (--.*?)(?: [>&].*)?$/gm)].map(
    ([, given]) => given,
  );
  assert.ok(started.length > 0);
  for (const given of started) assert.equal(given, flags);
});

function document(name: string): string {
  return readFileSync(join(ROOT, 'docs', `${name}.md`), 'utf8');
}

describe('a bootstrap on a real Envoy', () => {
  for (const [ads, method] of [
    ['delta', 'DeltaAggregatedResources'],
    ['sotw', 'StreamAggregatedResources'],
  ] as const) {
    test(`A gateway proves its identity to the control plane and subscribes to its resources (${ads})`, async () => {
      await withControlPlane(certify(issuer, [CONTROL_PLANE], now), { ads }, async ({ calls, next }) => {
        await next();
        assert.deepEqual(calls[0], {
          path: `/envoy.service.discovery.v3.AggregatedDiscoveryService/${method}`,
          client: `URI:${GATEWAY}`,
        });
      });
    });
  }

  test('A gateway reconnects soon after an outage of its control plane that was long enough for a back-off to grow', async () => {
    await withControlPlane(certify(issuer, [CONTROL_PLANE], now), {}, async ({ next, away }) => {
      await next();
      const back = await away(32_000);
      const from = performance.now();
      await back();
      await next();
      // Envoy's own back-off would by now be up to 30 seconds; a busy machine is given time.
      assert.ok(performance.now() - from < 10_000, `${performance.now() - from} ms`);
    });
  });

  test('A server with another SPIFFE ID of our trust domain is not accepted as the control plane', async () => {
    await withControlPlane(
      certify(issuer, ['spiffe://bank.example/gateway/egress'], now),
      {},
      async ({ calls, envoy }) => {
        await eventually('it refuses the name', async () =>
          /fail_verify_san: [1-9]/.test(await envoy.admin('/stats?filter=control-plane.ssl')),
        );
        assert.deepEqual(calls, []);
      },
    );
  });

  test('A server with a certificate of another CA is not accepted as the control plane', async () => {
    const other = issuerOf(newCa('bank.example', now), 'bank.example', now);
    await withControlPlane(certify(other, [CONTROL_PLANE], now), {}, async ({ calls, envoy }) => {
      await eventually('it refuses the certificate', async () =>
        /fail_verify_error: [1-9]/.test(await envoy.admin('/stats?filter=control-plane.ssl')),
      );
      assert.deepEqual(calls, []);
    });
  });

  test('A renewed client certificate is used for the next connection, without a restart', async () => {
    await withControlPlane(certify(issuer, [CONTROL_PLANE], now), {}, async ({ calls, next, disconnect, folder }) => {
      await next();
      const renewed = certify(issuer, ['spiffe://bank.example/gateway/renewed'], now);
      for (const [file, text] of [
        [CERTIFICATE_FILES.privateKey, renewed.key],
        [CERTIFICATE_FILES.certificate, renewed.cert],
      ] as const) {
        writeFileSync(join(folder, `${file}.new`), text, { mode: 0o600 });
        renameSync(join(folder, `${file}.new`), join(folder, file));
      }
      for (
        let attempt = 0;
        attempt < 50 && calls.at(-1)?.client !== 'URI:spiffe://bank.example/gateway/renewed';
        attempt++
      ) {
        disconnect();
        await next();
      }
      assert.equal(calls.at(-1)?.client, 'URI:spiffe://bank.example/gateway/renewed');
    });
  });

  test('The admin interface answers read-only requests and refuses those that change something', async () => {
    await withControlPlane(certify(issuer, [CONTROL_PLANE], now), {}, async ({ envoy }) => {
      for (const [path, status] of [
        ['/ready', 503],
        ['/stats', 200],
        ['/quitquitquit', 403],
        ['/logging?level=trace', 403],
        ['/drain_listeners', 403],
        ['/drain_listeners?graceful&skip_exit', 403],
        ['/healthcheck/ok', 403],
      ] as const) {
        const answer = await fetch(`http://127.0.0.1:${envoy.adminPort}${path}`, {
          method: path.startsWith('/q') ? 'POST' : 'GET',
        });
        assert.equal(answer.status, status, path);
      }
    });
  });
});

interface Scene {
  readonly calls: { readonly path: string; readonly client: string }[];
  /** Resolves with the next call to the control plane. */
  next(): Promise<void>;
  disconnect(): void;
  /** Nobody listens where the control plane was, for so many milliseconds; what it returns brings it back. */
  away(ms: number): Promise<() => Promise<void>>;
  readonly folder: string;
  readonly envoy: RealEnvoy;
}

/** A gateway of ours beside a server that shows the given certificate and never answers. */
async function withControlPlane(
  shown: Certificate,
  more: Partial<BootstrapOptions>,
  use: (scene: Scene) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-certs-'));
  const own = certify(issuer, [GATEWAY], now);
  const contents = [own.cert, own.key, ca.certificate];
  [CERTIFICATE_FILES.certificate, CERTIFICATE_FILES.privateKey, CERTIFICATE_FILES.ca].forEach((file, index) => {
    writeFileSync(join(folder, file), contents[index] ?? '', { mode: 0o600 });
  });
  for (const [file, text] of Object.entries(sdsFiles(folder))) writeFileSync(join(folder, file), text);

  const calls: Scene['calls'] = [];
  const streams = new Set<ServerHttp2Stream>();
  const server = createSecureServer({ ...shown, ca: ca.certificate, requestCert: true, minVersion: 'TLSv1.3' });
  server.on('stream', (stream, headers) => {
    const socket = stream.session?.socket as TLSSocket;
    calls.push({ path: String(headers[':path']), client: socket.getPeerCertificate().subjectaltname ?? '' });
    stream.on('error', () => undefined);
    streams.add(stream);
    server.emit('called');
  });
  server.on('sessionError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [adminPort = 0] = await freePorts('127.0.0.1', 1);
  const { port } = server.address() as AddressInfo;
  const text = bootstrap({
    role: 'ingress',
    nodeId: 'ingress-1',
    certsDir: folder,
    xds: { host: '127.0.0.1', port },
    controlPlaneId: CONTROL_PLANE,
    admin: { host: '127.0.0.1', port: adminPort },
    ...more,
  });
  const envoy = await RealEnvoy.start(text, adminPort, () => true);
  let heard = 0;
  try {
    await use({
      calls,
      folder,
      envoy,
      next: async () => {
        while (calls.length <= heard) await once(server, 'called');
        heard = calls.length;
      },
      away: async (ms) => {
        for (const stream of streams) stream.session?.destroy();
        streams.clear();
        server.close();
        await once(server, 'close');
        await sleep(ms);
        return async () => {
          server.listen(port, '127.0.0.1');
          await once(server, 'listening');
        };
      },
      disconnect: () => {
        for (const stream of streams) stream.session?.destroy();
        streams.clear();
      },
    });
  } finally {
    await envoy.stop();
    for (const stream of streams) stream.session?.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  }
}
