// How open WebSockets end when the configuration changes: as every other stream of a peer does.
// Must not: wait for a time; what ended, and what still answers, is asked.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { HostPort } from '../../../src/host-port.ts';
import { acceptWebSocket, openWebSocket, TEXT, type WebSocketEnd } from '../../support/clients/websocket.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { LOCAL_NAME, type Pair, startPair } from '../pair.ts';

const UPGRADES = 'upgrades: [websocket]';

describe('open WebSockets', () => {
  let bed: Testbed;
  let closing: (() => void)[];

  beforeEach(async () => {
    bed = await Testbed.create();
    closing = [];
  });

  afterEach(async () => {
    await bed.close();
    for (const close of closing) close();
  });

  async function pair(): Promise<Pair> {
    const backend: HostPort = await bed.address();
    const server = createServer((_, response) => void response.end());
    server.on('upgrade', acceptWebSocket);
    server.listen(backend.port, backend.host);
    await once(server, 'listening');
    closing.push(() => void server.close());
    return await startPair(bed, await bed.address(), backend, { keys: { exported: UPGRADES, imported: UPGRADES } });
  }

  const status = async (egress: HostPort): Promise<number> => {
    const { status: answered, socket } = await openWebSocket({ ...egress, authority: LOCAL_NAME, path: '/ws' });
    socket?.stream.destroy();
    return answered;
  };

  async function opened(egress: HostPort): Promise<WebSocketEnd> {
    await eventually('a handshake passes', async () => (await status(egress)) === 101);
    const { socket } = await openWebSocket({ ...egress, authority: LOCAL_NAME, path: '/ws' });
    assert.ok(socket);
    closing.push(() => socket.stream.destroy());
    await echoes(socket, 'at first');
    return socket;
  }

  async function echoes(socket: WebSocketEnd, text: string): Promise<void> {
    socket.send(TEXT, text);
    await eventually(`it echoes ${text}`, () => socket.received.some(({ data }) => data.toString() === text));
  }

  test('A grant or an upgrade that goes stops new WebSockets and ends none; the removal of its peer does', async () => {
    const { bank, egress } = await pair();
    const socket = await opened(egress);
    bank.edit((yaml) => yaml.replace(`, ${UPGRADES}`, ''));
    await eventually('a new one is refused', async () => (await status(egress)) === 403);
    await echoes(socket, 'without the upgrade');
    bank.edit((yaml) => yaml.slice(0, yaml.indexOf('exports:')));
    await eventually('the gateway has no grant', async () => {
      const served = await bank.envoyAdmin('ingress', '/config_dump?resource=dynamic_route_configs');
      return !served.includes('accounts.exports');
    });
    await echoes(socket, 'without the grant');
    bank.edit((yaml) => yaml.slice(0, yaml.indexOf('peers:')));
    await eventually('it ends', () => socket.ended);
  });

  test('A caller’s gateway ends them when the peer is removed there', async () => {
    const { shop, egress } = await pair();
    const socket = await opened(egress);
    shop.edit((yaml) => yaml.slice(0, yaml.indexOf('peers:')));
    await eventually('it ends', () => socket.ended);
  });
});
