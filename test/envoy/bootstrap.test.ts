// The bootstrap on a real Envoy: it dials the control plane with its certificate, and only the right control plane.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { parse } from 'yaml';
import { freePorts } from '../../deploy/demo/ports.ts';
import { type BootstrapOptions, bootstrap, CERTIFICATE_FILES, sdsFiles } from '../../src/envoy/bootstrap.ts';
import type { SpiffeId } from '../../src/trust/spiffe.ts';
import { eventually } from '../support/mesh.ts';
import { type Certificate, certify, issuerOf } from './callers.ts';
import { newCa } from './pipeline.ts';
import { RealEnvoy } from './real-envoy.ts';

const now = Date.now();
const ca = newCa('bank.example', now);
const issuer = issuerOf(ca, 'bank.example', now);
const GATEWAY = 'spiffe://bank.example/gateway/ingress';
const CONTROL_PLANE = 'spiffe://bank.example/control-plane' as SpiffeId;

test('the first line says how to start Envoy, and the rest is YAML without a key', () => {
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
  assert.deepEqual(content['node'], { id: 'egress-1', cluster: 'egress' });
  assert.equal(content['admin'], undefined);
  assert.equal(text.includes('inline'), false);
});

describe('a bootstrap on a real Envoy', () => {
  for (const [ads, method] of [
    ['delta', 'DeltaAggregatedResources'],
    ['sotw', 'StreamAggregatedResources'],
  ] as const) {
    test(`${ads}: the gateway proves itself to the control plane and asks for its resources`, async () => {
      await withControlPlane(certify(issuer, [CONTROL_PLANE], now), { ads }, async ({ calls, next }) => {
        await next();
        assert.deepEqual(calls[0], {
          path: `/envoy.service.discovery.v3.AggregatedDiscoveryService/${method}`,
          client: `URI:${GATEWAY}`,
        });
      });
    });
  }

  test('a server with another name of our trust domain is not the control plane', async () => {
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

  test('a server of another CA is not the control plane', async () => {
    const other = issuerOf(newCa('bank.example', now), 'bank.example', now);
    await withControlPlane(certify(other, [CONTROL_PLANE], now), {}, async ({ calls, envoy }) => {
      await eventually('it refuses the certificate', async () =>
        /fail_verify_error: [1-9]/.test(await envoy.admin('/stats?filter=control-plane.ssl')),
      );
      assert.deepEqual(calls, []);
    });
  });

  test('a renewed certificate is used for the next connection, without a restart', async () => {
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

  test('the admin interface shows, and changes nothing', async () => {
    await withControlPlane(certify(issuer, [CONTROL_PLANE], now), {}, async ({ envoy }) => {
      for (const [path, status] of [
        ['/ready', 503],
        ['/stats', 200],
        ['/quitquitquit', 403],
        ['/logging?level=trace', 403],
        ['/drain_listeners', 403],
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
