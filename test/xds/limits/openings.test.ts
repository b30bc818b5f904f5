// Streams that are opened for nothing, by connections that may and that may not: an honest gateway is served meanwhile.
// Real mutual TLS, and clients below gRPC. Must not: measure time.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import type { Credentials } from '../../../deploy/demo/calls.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import type { SpiffeId } from '../../../src/trust/spiffe.ts';
import { certificateAdmission, type GatewayRegistry } from '../../../src/xds/admission/admission.ts';
import { OpeningLimiter } from '../../../src/xds/limits/opening-rate.ts';
import { leaf, rsaCa } from '../../support/leaf.ts';
import { eventually } from '../../support/mesh.ts';
import { state } from '../fixtures.ts';
import { ADS, NODE, XdsClient } from '../grpc-client.ts';
import { runningServer } from '../running-server.ts';

const INGRESS = 'spiffe://bank.example/gateway/ingress' as SpiffeId;
const EGRESS = 'spiffe://bank.example/gateway/egress' as SpiffeId;
const STRANGER = 'spiffe://bank.example/gateway/other' as SpiffeId;

const folder = mkdtempSync(join(tmpdir(), 'postern-openings-'));
rsaCa(folder, 'bank.example');
after(() => rmSync(folder, { recursive: true }));
const ca = readFileSync(join(folder, 'ca.pem'), 'utf8');
const certify = (uri: string, dnsNames: readonly string[] = []): Credentials =>
  leaf({ ca: folder, caTrustDomain: 'bank.example', uris: [uri], dnsNames: [...dnsNames] });
const own = certify('spiffe://bank.example/control-plane', ['localhost']);
const [ingress, egress, stranger] = [certify(INGRESS), certify(EGRESS), certify(STRANGER)];

async function start(t: TestContext) {
  const registry: GatewayRegistry = new Map([
    [INGRESS, 'ingress'],
    [EGRESS, 'egress'],
  ]);
  const running = await runningServer(t, state({ cluster: { c: '1' } }), {
    tls: { certificateChain: own.cert, privateKey: own.key, clientCa: ca },
    admission: (der) => certificateAdmission(der, () => registry, Date.now),
    limits: {
      openings: {
        streamsPerConnection: { burst: 50, perSecond: 0 },
        streamsPerGateway: { burst: 120, perSecond: 0 },
      },
    },
  });
  const dial = (client: Credentials): ClientHttp2Session => {
    const session = connect(`https://localhost:${running.port}`, { ca, ...client });
    session.on('error', () => undefined);
    t.after(() => session.destroy());
    return session;
  };
  const honest = new XdsClient(running.port, { ca, client: ingress });
  t.after(() => honest.close());
  /** An honest gateway's round trip. */
  const isServed = async (): Promise<boolean> => {
    const stream = honest.delta().send({ node: NODE, type_url: TYPE.cluster });
    const { resources } = await stream.next();
    stream.cancel();
    return resources.length === 1;
  };
  return { ...running, dial, isServed };
}

function open(session: ClientHttp2Session, path = `/${ADS}/DeltaAggregatedResources`): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => undefined);
  return stream;
}

/** As soon as it is on the wire: nghttp2 sends nothing at all of a stream that is reset before. */
function resetAtOnce(session: ClientHttp2Session): void {
  const stream = open(session);
  stream.once('ready', () => setImmediate(() => stream.close(constants.NGHTTP2_CANCEL)));
}

/** Far more streams than any limit here lets through. */
const MOST_STREAMS = 20_000;

/** Does it again and again until the server ends the connection; how often that was possible is the server's to say. */
async function until(session: ClientHttp2Session, act: () => void): Promise<void> {
  await once(session, 'connect');
  for (let count = 0; !session.closed && !session.destroyed; count += 1) {
    assert.ok(count < MOST_STREAMS, 'the connection was not ended');
    act();
    await new Promise(setImmediate);
  }
}

describe('streams that are opened for nothing', () => {
  const kinds: readonly (readonly [string, (session: ClientHttp2Session) => void])[] = [
    ['that are reset at once', resetAtOnce],
    ['that send nothing', (session) => open(session)],
    ['of a service that does not exist', (session) => open(session, '/no.such.Service/Method').resume()],
    [
      'that are no gRPC',
      (session) =>
        session
          .request({ ':path': '/' })
          .on('error', () => undefined)
          .resume(),
    ],
  ];
  for (const [what, act] of kinds) {
    test(`Streams ${what} end their connection, then every connection of their gateway, and never affect another gateway`, async (t) => {
      const { dial, isServed, events } = await start(t);
      for (let count = 0; count < 3; count += 1) {
        const session = dial(egress);
        await until(session, () => act(session));
        assert.ok(await isServed());
      }
      const last = dial(egress);
      await once(last, 'close');
      assert.ok(events.includes('refused too_many_streams'), events.join());
      assert.ok(await isServed());
    });
  }

  test('Nothing is ended within the limits', async (t) => {
    const { dial, isServed } = await start(t);
    const session = dial(egress);
    for (let count = 0; count < 50; count += 1) {
      const stream = open(session);
      await once(stream, 'response');
      stream.close(constants.NGHTTP2_CANCEL);
    }
    assert.ok(!session.destroyed && (await isServed()));
  });
});

test('A connection whose certificate is of no gateway ends during its setup, and never has a stream', async (t) => {
  const { dial, isServed, events, server } = await start(t);
  for (let count = 0; count < 20; count += 1) {
    const session = dial(stranger);
    const stream = open(session);
    stream.on('response', () => assert.fail('answered'));
    await once(session, 'close');
  }
  await eventually('said', () => events.filter((event) => event === 'refused unknown_identity').length === 20);
  assert.equal(events.filter((event) => event.startsWith('opened')).length, 0);
  assert.ok(await isServed());
  assert.ok(server.status().length <= 1);
});

test('A gateway whose streams of reports are refused again and again is still served on the same connection', async (t) => {
  const { dial } = await start(t);
  const session = dial(egress);
  await once(session, 'connect');
  const reports = '/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs';
  for (let count = 0; count < 50; count += 1) {
    const stream = open(session, reports).resume();
    await once(stream, 'close');
  }
  assert.equal(session.destroyed, false);
  await once(open(session), 'response');
});

test('A gateway gets new connections and streams as time passes, and one gateway does not use up the share of another', () => {
  const openings = new OpeningLimiter({
    streamsPerConnection: { burst: 2, perSecond: 1 },
    streamsPerGateway: { burst: 4, perSecond: 1 },
  });
  const first = openings.connect('egress', 0);
  assert.ok(first);
  const opens = (): boolean => first(0, 'resources');
  assert.deepEqual([opens(), opens(), opens()], [true, true, false]);
  assert.ok(openings.connect('ingress', 0));
  assert.ok(openings.connect('egress', 0));
  assert.equal(openings.connect('egress', 0), undefined);
  assert.ok(openings.connect('egress', 2000));
});

test('Streams of reports that a gateway opens in a loop take nothing of what its resources need', () => {
  const openings = new OpeningLimiter({
    streamsPerConnection: { burst: 2, perSecond: 0 },
    streamsPerGateway: { burst: 4, perSecond: 0 },
  });
  const permit = openings.connect('egress', 0);
  assert.ok(permit);
  const reports = (): boolean => permit(0, 'reports');
  assert.deepEqual([reports(), reports(), reports()], [true, true, false]);
  assert.deepEqual([permit(0, 'resources'), permit(0, 'resources'), permit(0, 'resources')], [true, true, false]);
});
