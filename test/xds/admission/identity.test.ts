// Which client gets which stream: valid and invalid certificates over real mutual TLS, with a real gRPC client.
// Must not: mock any part of TLS.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { after, describe, test } from 'node:test';
import type { Credentials } from '../../../deploy/demo/calls.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import type { SpiffeId } from '../../../src/trust/spiffe.ts';
import { certificateAdmission, type GatewayRegistry } from '../../../src/xds/admission/admission.ts';
import type { XdsServerOptions } from '../../../src/xds/transport/xds-server.ts';
import { rawTls } from '../../support/clients/raw-tls.ts';
import { type Leaf, leaf, rsaCa } from '../../support/leaf.ts';
import { eventually } from '../../support/mesh.ts';
import { state } from '../fixtures.ts';
import { type Conversation, encodeDelta, NODE, XdsClient } from '../grpc-client.ts';
import { framed, RawClient } from '../raw-client.ts';
import { runningServer } from '../running-server.ts';

const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;
const UNAVAILABLE = 14;
const INGRESS = 'spiffe://bank.example/gateway/ingress' as SpiffeId;
const EGRESS = 'spiffe://bank.example/gateway/egress' as SpiffeId;

const folder = mkdtempSync(join(tmpdir(), 'postern-identity-'));
const ours = join(folder, 'ours');
const theirs = join(folder, 'theirs');
rsaCa(ours, 'bank.example');
rsaCa(theirs, 'bank.example');
after(() => rmSync(folder, { recursive: true }));

const ca = readFileSync(join(ours, 'ca.pem'), 'utf8');
const made = (wanted: Partial<Leaf>): Credentials =>
  leaf({ ca: ours, caTrustDomain: 'bank.example', uris: [INGRESS], ...wanted });
const serverLeaf = made({ uris: ['spiffe://bank.example/control-plane'], dnsNames: ['localhost'] });

const ingress = state({ cluster: { 'of-ingress': '1' }, secret: { 'cert/ingress': 'key of ingress' } });
const egress = state({ cluster: { 'of-egress': '1' }, secret: { 'cert/egress': 'key of egress' } });

async function start(t: TestContext, options: Partial<XdsServerOptions> = {}) {
  let registry: GatewayRegistry = new Map([
    [INGRESS, 'ingress'],
    [EGRESS, 'egress'],
  ]);
  const running = await runningServer(t, ingress, {
    tls: { certificateChain: serverLeaf.cert, privateKey: serverLeaf.key, clientCa: ca },
    admission: (der) => certificateAdmission(der, () => registry, Date.now),
    ...options,
  });
  running.cache.set('egress', egress);
  const connect = (client: Credentials | undefined, authority = ca): XdsClient => {
    const made = new XdsClient(running.port, { ca: authority, ...(client && { client }) });
    t.after(() => made.close());
    return made;
  };
  const admit = (next: GatewayRegistry): void => {
    registry = next;
  };
  /** A client below gRPC, which says what it is told to, or nothing. */
  const dialRaw = (client: Credentials): RawClient => {
    const raw = new RawClient(running.port, {}, { ca, ...client }).read();
    t.after(() => raw.close());
    return raw;
  };
  return { ...running, admit, connect, dialRaw };
}

const ask = (client: XdsClient, node: object = NODE): Conversation =>
  client.delta().send({ node, type_url: TYPE.cluster });

const namesOf = async (conversation: Conversation) => (await conversation.next()).resources.map(({ name }) => name);

describe('admission', () => {
  test('Rule 70: each gateway is sent its own resources, by its certificate', async (t) => {
    const { connect } = await start(t);
    assert.deepEqual(await namesOf(ask(connect(made({})))), ['of-ingress']);
    assert.deepEqual(await namesOf(ask(connect(made({ uris: [EGRESS] })), { id: 'e-1', cluster: 'egress' })), [
      'of-egress',
    ]);
    assert.deepEqual(await namesOf(ask(connect(made({})), { id: 'pod-7f9c' })), ['of-ingress']);
  });

  const claims: readonly (readonly [string, object])[] = [
    ['another node.cluster', { id: 'n', cluster: 'egress' }],
    ['a node.cluster that is no gateway', { id: 'n', cluster: 'Ingress' }],
    ["a node.id that is another gateway's", { id: 'egress-0' }],
    ['a node.id with a control character', { id: 'ingress\n0' }],
    ['a node.id in other letters', { id: 'ıngress' }],
  ];
  for (const [what, node] of claims) {
    test(`A certificate of ingress with ${what} is PERMISSION_DENIED and recorded`, async (t) => {
      const { connect, events, refusals } = await start(t);
      assert.equal((await ask(connect(made({})), node).end).code, PERMISSION_DENIED);
      assert.equal(events.filter((event) => event.startsWith('refused ')).length, 1);
      assert.deepEqual([refusals[0]?.reason, refusals[0]?.claims?.().spiffeId], ['node_mismatch', INGRESS]);
    });
  }

  const leaves: readonly (readonly [string, Partial<Leaf>])[] = [
    ['no name', { uris: [] }],
    ['two URI names', { uris: [INGRESS, EGRESS] }],
    ['a name of another trust domain', { uris: ['spiffe://shop.example/gateway/ingress'] }],
    ['an identity that is no gateway', { uris: ['spiffe://bank.example/gateway/other'] }],
    ['a longer path', { uris: [`${INGRESS}/x`] }],
    ['another case', { uris: ['spiffe://bank.example/gateway/Ingress'] }],
    ['the name as a DNS name', { uris: [], dnsNames: [INGRESS] }],
    ['the name inside a DNS name', { uris: [EGRESS.replace('egress', 'x')], dnsNames: [`x, URI:${INGRESS}`] }],
    ['the identity of the control plane', { uris: ['spiffe://bank.example/control-plane'] }],
  ];
  for (const [what, wanted] of leaves) {
    test(`A connection with a certificate with ${what} ends during its setup, without a resource`, async (t) => {
      const { connect, events } = await start(t);
      const conversation = ask(connect(made(wanted)), { id: 'n' });
      assert.equal((await conversation.end).code, UNAVAILABLE);
      assert.equal(conversation.waiting(), 0);
      assert.ok(events.length > 0 && events.every((event) => event.startsWith('refused ')), events.join());
    });
  }

  test('The secret of another gateway does not exist for a client that asks for it', async (t) => {
    const { connect } = await start(t);
    const delta = connect(made({})).delta();
    delta.send({ node: NODE, type_url: TYPE.secret, resource_names_subscribe: ['cert/egress', 'cert/ingress', '*'] });
    const { resources, removed_resources: removed } = await delta.next();
    assert.deepEqual([resources.map(({ name }) => name), removed], [['cert/ingress'], ['cert/egress']]);
  });
});

describe('the handshake', () => {
  const two = [INGRESS, EGRESS];
  for (const [what, client, reason, claimed] of [
    ['no certificate', undefined, 'no_certificate', undefined],
    ['the right name from another CA', made({ ca: theirs }), 'unknown_ca', { claimedId: INGRESS }],
    ['two names from another CA', made({ ca: theirs, uris: two }), 'unknown_ca', { claimedIds: two }],
    ['an expired certificate', made({ expiresIn: -1000 }), 'certificate_expired', { claimedId: INGRESS }],
  ] as const) {
    test(`A client with ${what} fails the handshake, and the refusal says why, from where, and who it claims to be`, async (t) => {
      const { connect, server, refusals } = await start(t);
      const conversation = ask(connect(client));
      assert.equal((await conversation.end).code, UNAVAILABLE);
      assert.equal(server.status().length, 0);
      await eventually('it is reported', () => refusals.length > 0);
      for (const refusal of refusals) {
        assert.equal(refusal.reason, reason);
        assert.match(refusal.address, /^(127\.0\.0\.1|::ffff:127\.0\.0\.1|::1):\d+$/);
        const fingerprint = client && new X509Certificate(client.cert).fingerprint256.replaceAll(':', '').toLowerCase();
        assert.deepEqual(refusal.claims?.(), claimed && { ...claimed, fingerprint });
      }
    });
  }

  test('A client that does not trust the control plane is reported with its address', async (t) => {
    const { connect, refusals } = await start(t);
    const conversation = ask(connect(made({}), readFileSync(join(theirs, 'ca.pem'), 'utf8')));
    assert.equal((await conversation.end).code, UNAVAILABLE);
    await eventually('it is reported', () => refusals.length > 0);
    // Node breaks the connection without the alert that other clients send (refusal.test.ts).
    assert.equal(refusals[0]?.reason, 'handshake_failed');
    assert.match(refusals[0]?.address ?? '', /:\d+$/);
  });

  test('A connection that closes before it sends anything is reported with its address', async (t) => {
    const { port, refusals } = await start(t);
    const socket = dial(port, '127.0.0.1', () => socket.destroy());
    await eventually('it is reported', () => refusals.length > 0);
    assert.equal(refusals[0]?.reason, 'handshake_failed');
    assert.match(refusals[0]?.address ?? '', /^127\.0\.0\.1:\d+$/);
  });

  test('TLS 1.2 is refused', async (t) => {
    const { port } = await start(t);
    const seen = await rawTls({ gateway: { host: '127.0.0.1', port }, client: made({}), maxVersion: 'TLSv1.2' });
    assert.equal(seen.handshake, false);
  });

  test('No TLS session is resumed', async (t) => {
    const { port } = await start(t);
    const gateway = { host: '127.0.0.1', port };
    const first = await rawTls({ gateway, client: made({}) });
    assert.equal(first.protocol, 'TLSv1.3');
    for (const session of first.tickets) {
      assert.equal((await rawTls({ gateway, client: made({}), session })).resumed, false);
    }
  });

  test('A connection that never completes the handshake is closed', async (t) => {
    const { port, events } = await start(t, { limits: { handshakeMs: 100 } });
    const socket = dial(port, '127.0.0.1');
    t.after(() => socket.destroy());
    await once(socket, 'close');
    assert.deepEqual(events, ['refused handshake_failed']);
  });
});

describe('a gateway that is no longer admitted', () => {
  test('A gateway that is removed from the mesh loses its stream at the next check', async (t) => {
    const { connect, admit, server } = await start(t);
    const conversation = ask(connect(made({})));
    await conversation.next();
    admit(new Map([[EGRESS, 'egress']]));
    server.recheck();
    assert.equal((await conversation.end).code, PERMISSION_DENIED);
  });

  test('An identity that now belongs to another gateway does not get that gateway’s resources on the old stream', async (t) => {
    const { connect, admit } = await start(t);
    const conversation = ask(connect(made({})), { id: 'n' });
    await conversation.next();
    admit(new Map([[INGRESS, 'egress']]));
    conversation.send({ type_url: TYPE.secret, resource_names_subscribe: ['cert/egress'] });
    assert.equal((await conversation.end).code, PERMISSION_DENIED);
    assert.equal(conversation.waiting(), 0);
  });

  test('A gateway that is removed from the mesh loses a stream that is still silent, and no other gateway loses one', async (t) => {
    const { connect, admit, server, dialRaw } = await start(t);
    const [silent, other] = [dialRaw(made({})), dialRaw(made({ uris: [EGRESS] }))];
    await namesOf(ask(connect(made({ uris: [EGRESS] })), { id: 'e-1' }));
    admit(new Map([[EGRESS, 'egress']]));
    server.recheck();
    assert.equal(await silent.status, PERMISSION_DENIED);
    other.write(framed(encodeDelta({ node: { id: 'e-2' }, type_url: TYPE.cluster })));
    await eventually('served', () => server.status().length === 2);
  });

  test('The connection of a removed gateway is closed too, so that the next one may present another certificate', async (t) => {
    const { admit, server, dialRaw } = await start(t);
    const raw = dialRaw(made({}));
    raw.write(framed(encodeDelta({ node: NODE, type_url: TYPE.cluster })));
    await eventually('served', () => server.status().length === 1);
    admit(new Map([[EGRESS, 'egress']]));
    server.recheck();
    assert.equal(await raw.status, PERMISSION_DENIED);
    await raw.closed;
  });

  test('A stream without a request ends with its certificate', async (t) => {
    const { dialRaw } = await start(t, { limits: { firstRequestMs: 60_000 } });
    const raw = dialRaw(made({ expiresIn: 8000 }));
    assert.ok([UNAUTHENTICATED, PERMISSION_DENIED].includes((await raw.status) ?? 0));
    await raw.closed;
  });

  test('A certificate that is of no gateway of this mesh gets no stream, and its connection ends at once', async (t) => {
    const { dialRaw, events, refusals } = await start(t);
    const raw = dialRaw(made({ uris: ['spiffe://bank.example/gateway/other'] }));
    assert.equal(await raw.status, undefined);
    await raw.closed;
    assert.deepEqual(events, ['refused unknown_identity']);
    assert.equal(refusals[0]?.claims?.().spiffeId, 'spiffe://bank.example/gateway/other');
  });

  test('A stream ends when the certificate that opened it ends', async (t) => {
    const { connect } = await start(t);
    const conversation = ask(connect(made({ expiresIn: 8000 })));
    await conversation.next();
    assert.ok([UNAUTHENTICATED, PERMISSION_DENIED].includes((await conversation.end).code));
  });

  test('After a change of the CA, new connections need a certificate of the new one', async (t) => {
    const { connect, server, port } = await start(t);
    const next = readFileSync(join(theirs, 'ca.pem'), 'utf8');
    server.setTls({ certificateChain: serverLeaf.cert, privateKey: serverLeaf.key, clientCa: next });
    assert.equal((await ask(connect(made({}))).end).code, UNAVAILABLE);
    assert.deepEqual(await namesOf(ask(connect(made({ ca: theirs })))), ['of-ingress']);
    const old = await rawTls({ gateway: { host: '127.0.0.1', port }, client: made({}), maxVersion: 'TLSv1.2' });
    assert.equal(old.handshake, false);
    await eventually('the old one is gone', () => server.status().length === 1);
  });
});
