// Tests TCP imports whose callers prove who they are, on real Envoys: a server that speaks first says its first word to a client
// of the import alone, and nothing is dialled for anybody else.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import type { Credentials } from '../../../deploy/demo/calls.ts';
import { LIMIT_MS } from '../../../deploy/demo/limit.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { rawTls } from '../../support/clients/raw-tls.ts';
import { type Leaf, leaf } from '../../support/leaf.ts';
import { ADS, eventually, Testbed, type TestMesh } from '../../support/mesh.ts';
import { AUDIT, BATCH, WEB } from '../callers/proven-callers.ts';

const GREETING = 'welcome\n';
const CLIENTS = `[${WEB}, ns/batch/*]`;

for (const ads of ADS) {
  describe(`callers of TCP that prove who they are, over ${ads} ADS`, () => {
    let bed: Testbed;
    let shop: TestMesh;
    let server: Server;
    let ingress: HostPort;
    let ledger: HostPort;
    let stock: HostPort;
    /** Connections that the backend has ever had. */
    let dialled = 0;
    const backends = new Set<Socket>();
    const callers: Caller[] = [];

    before(async () => {
      bed = await Testbed.create();
      await Promise.all(['bank.example', 'shop.example'].map((name) => bed.ca(name)));
      await bed.caInto(bed.pki('workloads'), 'shop.example');
      const backend = await bed.address();
      [ingress, ledger, stock] = [await bed.address(), await bed.address(), await bed.address()];
      server = createServer({ allowHalfOpen: true }, (socket) => {
        dialled += 1;
        backends.add(socket);
        socket.on('error', () => undefined).on('close', () => backends.delete(socket));
        socket.write(GREETING);
        socket.on('data', (bytes) => socket.write(bytes)).on('end', () => socket.end('bye\n'));
      });
      server.listen(backend.port, backend.host);
      await once(server, 'listening');
      const bank = await bed.mesh('bank', bankYaml(ingress, backend), { ads });
      shop = await bed.mesh('shop', shopYaml(ingress, ledger, stock), { ads });
      await Promise.all([bank.start('ingress'), shop.start('egress')]);
    });

    after(async () => {
      for (const { socket } of callers) socket.destroy();
      for (const socket of backends) socket.destroy();
      server.close();
      await bed.close();
    });

    function workload(path: string, wanted: Partial<Leaf> = {}): Credentials {
      const uris = [`spiffe://shop.example/${path}`];
      return leaf({ ca: bed.pki('workloads'), caTrustDomain: 'shop.example', uris, ...wanted });
    }

    function dial(client: Credentials | undefined, to = ledger, alpn: readonly string[] = []): Caller {
      return kept(new Caller(client, to, alpn));
    }

    function kept(caller: Caller): Caller {
      callers.push(caller);
      return caller;
    }

    test('A client of an import hears the server’s first word, is answered, and its half-closed end reaches the server', async () => {
      for (const path of [WEB, BATCH, 'ns/batch/deep/er']) {
        const caller = dial(workload(path));
        await caller.hears(GREETING);
        await caller.says('ping\n');
        caller.socket.end();
        await caller.hears(`${GREETING}ping\nbye\n`);
        await caller.closed;
      }
    });

    test('The peer’s gateways are dialled for nobody but a client of the import', async () => {
      const dials = async (): Promise<string | undefined> =>
        /^cluster\.tcp_bank_ledger\.upstream_cx_total: (\d+)$/m.exec(await shop.envoyAdmin('egress', '/stats'))?.[1];
      const [backendBefore, peerBefore] = [dialled, Number(await dials())];
      for (const [who, client] of Object.entries(strangers())) {
        const caller = dial(client);
        caller.socket.write('ping\n');
        await caller.closed;
        assert.equal(caller.heard, '', who);
      }
      // Whatever was dialled for a stranger was dialled before this one.
      await dial(workload(WEB)).hears(GREETING);
      assert.equal(dialled, backendBefore + 1);
      assert.equal(Number(await dials()), peerBefore + 1);
    });

    function strangers(): Record<string, Credentials | undefined> {
      const ours = (path: string): string => `spiffe://shop.example/${path}`;
      return {
        'no certificate': undefined,
        'a client of another port': workload(AUDIT),
        'the right name from the peer’s CA': leaf({
          ca: bed.pki('bank.example'),
          caTrustDomain: 'bank.example',
          uris: [ours(WEB)],
        }),
        'the right name from the CA of our gateways': leaf({
          ca: bed.pki('shop.example'),
          caTrustDomain: 'shop.example',
          uris: [ours(WEB)],
        }),
        'an expired certificate': workload(WEB, { expiresIn: -60_000 }),
        'two IDs, the right one first': workload(WEB, { uris: [ours(WEB), ours(AUDIT)] }),
        'two IDs, the right one last': workload(WEB, { uris: [ours(AUDIT), ours(WEB)] }),
        'two IDs below the prefix': workload(WEB, { uris: [ours(BATCH), ours(`${BATCH}2`)] }),
        'one ID that holds a comma and another': workload(WEB, { uris: [`${ours(BATCH)},${ours(WEB)}`] }),
        'the ID as a DNS name beside another': workload(WEB, { uris: [ours(AUDIT)], dnsNames: [ours(WEB)] }),
        'the ID as a DNS name alone': workload(WEB, { uris: [], dnsNames: [ours(WEB)] }),
        'no name at all': workload(WEB, { uris: [] }),
        'another trust domain': workload(WEB, { uris: [`spiffe://bank.example/${WEB}`] }),
        'an upper-case path': workload(WEB.toUpperCase()),
        'a longer path than the client’s': workload(`${WEB}/2`),
        'the prefix itself': workload('ns/batch'),
        'the prefix with a slash': workload('ns/batch/'),
        'dot segments below the prefix': workload('ns/batch/..'),
        'an encoded character below the prefix': workload('ns/batch/%2e%2e'),
      };
    }

    test('While a client is connected, nobody else passes for it: each connection is judged by what it has proven', async () => {
      const open = dial(workload(WEB));
      await open.hears(GREETING);
      for (const stranger of [AUDIT, `${WEB}/2`]) {
        const caller = dial(workload(stranger));
        await caller.closed;
        assert.equal(caller.heard, '');
      }
      await open.says('still here\n');
      open.socket.destroy();
    });

    test('While the peer’s gateway is connected, nobody passes for it with a second ID in its certificate', async () => {
      const open = dial(workload(WEB));
      await open.hears(GREETING);
      const own = 'spiffe://shop.example/gateway/egress';
      const gateway = { ca: bed.pki('shop.example'), caTrustDomain: 'shop.example' };
      const before = dialled;
      const name = 'ledger.tcp.shop.example.peers.bank.example';
      for (const uris of [
        [own, 'spiffe://shop.example/x'],
        ['spiffe://shop.example/x', own],
      ]) {
        const caller = kept(new Caller(leaf({ ...gateway, uris }), ingress, ['postern-tcp'], name));
        await caller.closed;
        assert.equal(caller.heard, '');
      }
      assert.equal(dialled, before);
      const itself = kept(new Caller(leaf({ ...gateway, uris: [own] }), ingress, ['postern-tcp'], name));
      await itself.hears(GREETING);
      itself.socket.destroy();
      open.socket.destroy();
    });

    test('A client of one port is none of another', async () => {
      await dial(workload(AUDIT), stock).hears(GREETING);
      const caller = dial(workload(WEB), stock);
      await caller.closed;
      assert.equal(caller.heard, '');
    });

    test('A caller may offer any protocol, or none: the gateway agrees to postgresql, which libpq needs, and to no other', async () => {
      const agreed: (string | false | null)[] = [];
      for (const alpn of [[], ['h2'], ['http/1.1', 'redis'], ['postgresql'], ['postern-tcp']]) {
        const caller = dial(workload(WEB), ledger, alpn);
        await caller.hears(GREETING);
        agreed.push(caller.socket.alpnProtocol);
        caller.socket.destroy();
      }
      assert.deepEqual(agreed, [false, false, false, 'postgresql', false]);
    });

    test('TLS 1.2 is refused, and no session ticket is issued', async () => {
      const caller = { gateway: ledger, client: workload(WEB), alpn: ['postgresql'] };
      assert.equal((await rawTls({ ...caller, maxVersion: 'TLSv1.2' })).handshake, false);
      const { received, tickets } = await rawTls({ ...caller, send: 'ping\n' });
      assert.match(received, /^welcome\n/);
      assert.deepEqual(tickets, []);
    });

    test('openssl s_client is a client like any other', async () => {
      const { cert, key } = workload(WEB);
      const file = join(bed.folder, `client-${ads}.pem`);
      writeFileSync(file, `${cert}\n${key}\n`);
      const arguments_ = ['s_client', '-quiet', '-connect', formatHostPort(ledger), '-cert', file, '-key', file];
      const child = spawn('openssl', arguments_, { timeout: LIMIT_MS });
      let heard = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        heard += text;
        if (heard === GREETING) child.stdin.write('ping\n');
        if (heard === `${GREETING}ping\n`) child.kill();
      });
      child.stderr.resume();
      await once(child, 'close');
      assert.equal(heard, `${GREETING}ping\n`);
    });

    test('The log has the verified caller, the decision and its reason', async () => {
      const ours = (path: string): string => `spiffe://shop.example/${path}`;
      const [web, audit] = ['ns/batch/sa/logged', 'ns/other/sa/logged'];
      const caller = dial(workload(web));
      await caller.hears(GREETING);
      caller.socket.destroy();
      await dial(workload(audit)).closed;
      const lines = () =>
        shop
          .log('egress')
          .filter(({ layer, peer_uri: uri }) => layer === 'tcp' && [ours(web), ours(audit)].includes(String(uri)));
      await eventually('both are logged', () => lines().length === 2);
      assert.deepEqual(
        lines()
          .map(({ peer_uri: who, verdict, reason, import: name, upstream_peer_uri: peer }) => [
            who,
            verdict,
            reason,
            name,
            peer,
          ])
          .sort(),
        [
          [ours(web), 'allowed', 'ALLOWED', 'ledger', 'spiffe://bank.example/gateway/ingress'],
          [ours(audit), 'refused', 'CLIENT', 'ledger', undefined],
        ],
      );
      const [line] = lines();
      const connection = () =>
        shop.log('egress').find(({ layer, conn_id: id }) => layer === 'listener' && String(id) === line?.['conn_id']);
      await eventually('the line of its connection has the same number', () => connection() !== undefined);
      assert.equal(connection()?.['peer_uri'], line?.['peer_uri']);
    });

    test('A client that is taken from the list loses its open connections, and nobody else does', async () => {
      const [web, batch, audit] = [dial(workload(WEB)), dial(workload(BATCH)), dial(workload(AUDIT), stock)];
      for (const caller of [web, batch, audit]) await caller.hears(GREETING);
      shop.edit((yaml) => yaml.replace(CLIENTS, '[ns/batch/*]'));
      await web.closed;
      await refused(WEB);
      for (const caller of [batch, audit]) await caller.says('still here\n');
      shop.edit((yaml) => yaml.replace('[ns/batch/*]', CLIENTS));
      await eventually('the client is admitted again', () => isAdmitted(WEB));
      for (const caller of [batch, audit]) {
        await caller.says('still here\n');
        caller.socket.destroy();
      }
    });

    test('A client more disturbs no connection', async () => {
      const batch = dial(workload(BATCH));
      await batch.hears(GREETING);
      shop.edit((yaml) => yaml.replace(CLIENTS, `[${AUDIT}, ${WEB}, ns/batch/*]`));
      await eventually('the new client is admitted', () => isAdmitted(AUDIT));
      await batch.says('still here\n');
      shop.edit((yaml) => yaml.replace(`[${AUDIT}, ${WEB}, ns/batch/*]`, CLIENTS));
      await eventually('it is refused again', async () => !(await isAdmitted(AUDIT)));
      await batch.says('still here\n');
      batch.socket.destroy();
    });

    async function isAdmitted(path: string): Promise<boolean> {
      const caller = dial(workload(path));
      await Promise.race([once(caller.socket, 'data').catch(() => undefined), caller.closed]);
      caller.socket.destroy();
      return caller.heard === GREETING;
    }

    async function refused(path: string): Promise<void> {
      const before = dialled;
      assert.equal(await isAdmitted(path), false);
      assert.equal(dialled, before);
    }

    test('A root that is removed from the trust bundle of the mesh ends the connections that rest on it', async () => {
      const bundle = join(bed.pki('workloads'), 'ca.pem');
      const next = await bed.caInto(bed.pki('workloads-next'), 'shop.example');
      const [oldRoot, newRoot] = [readFileSync(bundle, 'utf8'), readFileSync(join(next, 'ca.pem'), 'utf8')];
      const [old, renewed] = [workload(WEB), workload(WEB, { ca: next })];
      const caller = dial(old);
      await caller.hears(GREETING);
      writeFileSync(bundle, newRoot);
      await caller.closed;
      const first = dial(renewed);
      await first.hears(GREETING);
      first.socket.destroy();
      const stale = dial(old);
      await stale.closed;
      assert.equal(stale.heard, '');
      writeFileSync(bundle, oldRoot);
      await eventually('the old root is trusted again', () => isAdmitted(WEB));
    });

    test('When the peer is denied, its connections end, and its port closes every new one', async () => {
      const caller = dial(workload(WEB));
      await caller.hears(GREETING);
      const bundle = join(bed.pki('bank.example'), 'ca.pem');
      const roots = readFileSync(bundle, 'utf8');
      writeFileSync(bundle, readFileSync(join(bed.pki('shop.example'), 'ca.pem')));
      await caller.closed;
      const late = dial(workload(WEB));
      await late.closed;
      assert.equal(late.heard, '');
      writeFileSync(bundle, roots);
      await eventually('the client is admitted again', () => isAdmitted(WEB));
    });
  });
}

/** One connection of a caller, and all that it hears. */
class Caller {
  readonly socket: TLSSocket;
  readonly closed: Promise<void>;
  heard = '';

  constructor(
    client: Credentials | undefined,
    { host, port }: HostPort,
    alpn: readonly string[],
    servername = 'ledger',
  ) {
    const options = { host, port, servername, rejectUnauthorized: false, allowHalfOpen: true, ...client };
    this.socket = connect(alpn.length === 0 ? options : { ...options, ALPNProtocols: [...alpn] });
    this.socket.setEncoding('utf8').on('error', () => undefined);
    this.socket.on('data', (text: string) => {
      this.heard += text;
    });
    this.closed = new Promise((fulfil) => {
      this.socket.on('close', () => fulfil()).on('end', () => this.socket.end());
    });
  }

  async hears(text: string): Promise<void> {
    await eventually(`a caller hears ${JSON.stringify(text)}`, () => this.heard === text);
  }

  /** The server repeats it. */
  async says(text: string): Promise<void> {
    const before = this.heard;
    this.socket.write(text);
    await this.hears(before + text);
  }
}

function bankYaml(ingress: HostPort, backend: HostPort): string {
  return `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: ledger, protocol: tcp, backend: "${formatHostPort(backend)}", consumers: [{peer: shop}]}
- {name: stock, protocol: tcp, backend: "${formatHostPort(backend)}", consumers: [{peer: shop}]}
`;
}

function shopYaml(ingress: HostPort, ledger: HostPort, stock: HostPort): string {
  return `apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example, trustBundle: pki/workloads/ca.pem}
identity: {issuer: {certificate: pki/shop.example/ca.pem, privateKey: pki/shop.example/ca-key.pem}}
gateways: {egress: {address: "${ledger.host}", clients: mtls}}
peers:
  bank: {trustDomain: bank.example, trustBundle: pki/bank.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: ["${formatHostPort(ingress)}"]}
imports:
- {peer: bank, name: ledger, as: ledger, port: ${ledger.port}, protocol: tcp, clients: ${CLIENTS}}
- {peer: bank, name: stock, as: stock, port: ${stock.port}, protocol: tcp, clients: [${AUDIT}]}
`;
}
