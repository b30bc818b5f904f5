// Tests edits of who may use an import, and of the CAs of our own workloads, while callers are connected.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectPlain } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { askOn, type Credentials, dialGateway } from '../../../deploy/demo/calls.ts';
import { LIMIT_MS } from '../../../deploy/demo/limit.ts';
import { formatHostPort } from '../../../src/host-port.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { ACCOUNTS, AUDIT, BATCH, type ProvenCallers, RATES, startProvenCallers, WEB } from './proven-callers.ts';

/** Asks without a pause until the gateway ends the connection: every status that it gets. */
async function statusesUntilClosed(session: ClientHttp2Session, scheme: string, host: string): Promise<Set<number>> {
  const statuses = new Set<number>();
  while (!session.closed && !session.destroyed) {
    await askOn(session, scheme, host, {}).then(
      ({ status }) => statuses.add(status),
      () => undefined,
    );
    await nextTurn();
  }
  return statuses;
}

describe('edits while callers are connected', () => {
  let bed: Testbed;
  let meshes: ProvenCallers;

  before(async () => {
    bed = await Testbed.create();
    meshes = await startProvenCallers(bed);
  });

  after(() => bed.close());

  function connect(client: Credentials): ClientHttp2Session {
    const session = dialGateway({ gateway: meshes.egress, servername: ACCOUNTS, client });
    return session.on('error', () => undefined);
  }

  async function statusOn(session: ClientHttp2Session): Promise<number> {
    return (await askOn(session, 'https', ACCOUNTS, {})).status;
  }

  test('A client that is taken from the list is refused at its next request, and nobody’s connection ends', async () => {
    const [web, batch, audit] = [WEB, BATCH, AUDIT].map((path) => connect(meshes.workload(path)));
    assert.ok(web && batch && audit);
    let ended = 0;
    for (const session of [web, batch, audit]) session.on('goaway', () => (ended += 1)).on('close', () => (ended += 1));
    assert.deepEqual([await statusOn(web), await statusOn(batch), await statusOn(audit)], [200, 200, 403]);
    meshes.shop.edit((yaml) => yaml.replace(`[${WEB}, ns/batch/*]`, `[${AUDIT}, ns/batch/*]`));
    await eventually('the client is refused', async () => (await statusOn(web)) === 403);
    assert.deepEqual([await statusOn(batch), await statusOn(audit)], [200, 200]);
    assert.equal(ended, 0);
    meshes.shop.edit((yaml) => yaml.replace(`[${AUDIT}, ns/batch/*]`, `[${WEB}, ns/batch/*]`));
    await eventually('the client is admitted again', async () => (await statusOn(web)) === 200);
    assert.equal(await statusOn(audit), 403);
    assert.equal(ended, 0);
    for (const session of [web, batch, audit]) session.destroy();
  });

  test('A workload whose root is removed never gets what the same edit grants it', async () => {
    await bed.caInto(bed.pki('workloads-other'), 'shop.example');
    const audit = connect(meshes.workload(AUDIT));
    assert.equal(await statusOn(audit), 403);
    const edited = (yaml: string): string =>
      yaml
        .replace('pki/workloads/ca.pem', 'pki/workloads-other/ca.pem')
        .replace(`[${WEB}, ns/batch/*]`, `[${AUDIT}, ns/batch/*]`);
    const { yaml } = meshes.shop;
    meshes.shop.edit(edited);
    const statuses = await statusesUntilClosed(audit, 'https', ACCOUNTS);
    assert.deepEqual([...statuses], [403]);
    const renewed = meshes.workload(AUDIT, { ca: bed.pki('workloads-other') });
    await eventually('the new root is trusted', async () => (await meshes.call(renewed)).status === 200);
    meshes.shop.write(yaml);
    await eventually(
      'the old root is trusted again',
      async () => (await meshes.call(meshes.workload(WEB))).status === 200,
    );
  });

  test('A root that is removed from the trust bundle of the mesh ends the connections that rest on it', async () => {
    const next = await bed.caInto(bed.pki('workloads-next'), 'shop.example');
    const bundle = join(bed.pki('workloads'), 'ca.pem');
    const [oldRoot, newRoot] = [readFileSync(bundle, 'utf8'), readFileSync(join(next, 'ca.pem'), 'utf8')];
    // Certificates are made before the file is edited, which is also the CA's own.
    const old = meshes.workload(WEB);
    const renewed = meshes.workload(WEB, { ca: next });
    await assert.rejects(meshes.call(renewed));
    writeFileSync(bundle, oldRoot + newRoot);
    await eventually('the new root is trusted', async () => (await meshes.call(renewed)).status === 200);
    assert.equal((await meshes.call(old)).status, 200);
    await meshes.shop.settled();
    const session = connect(old);
    assert.equal(await statusOn(session), 200);
    const closed = once(session, 'close', { signal: AbortSignal.timeout(LIMIT_MS) });
    const stream = session.request({
      ':path': '/',
      ':authority': ACCOUNTS,
      ':scheme': 'https',
      'want-delay': String(LIMIT_MS),
    });
    stream.on('error', () => undefined);
    writeFileSync(bundle, newRoot);
    await closed;
    await assert.rejects(meshes.call(old));
    assert.equal((await meshes.call(renewed)).status, 200);
  });

  test('Without a usable CA of our own workloads, nobody is admitted, and the file is served on', async () => {
    const renewed = meshes.workload(WEB, { ca: bed.pki('workloads-next') });
    assert.equal((await meshes.call(renewed)).status, 200);
    const bundle = join(bed.pki('workloads'), 'ca.pem');
    const roots = readFileSync(bundle, 'utf8');
    writeFileSync(bundle, readFileSync(join(bed.pki('bank.example'), 'ca.pem')));
    await eventually(
      'nobody is admitted',
      async () =>
        await meshes.call(renewed).then(
          () => false,
          () => true,
        ),
    );
    writeFileSync(bundle, roots);
    await eventually('callers are admitted again', async () => (await meshes.call(renewed)).status === 200);
  });
});

test('A plaintext caller never gets an import that comes when callers have to prove who they are', async () => {
  const bed = await Testbed.create();
  try {
    const { shop, egress } = await startProvenCallers(bed, { plaintext: true });
    const both = shop.yaml;
    const rates = both.lastIndexOf('- peer: bank');
    shop.write(both.slice(0, rates));
    const session = connectPlain(`http://${formatHostPort(egress)}`).on('error', () => undefined);
    const status = async (): Promise<number> => (await askOn(session, 'http', RATES, {})).status;
    await eventually('the import is gone', async () => (await status()) === 404);
    await shop.settled();
    const proven = both.replace('clients: plaintext', 'clients: mtls');
    shop.write(proven.replaceAll('  protocol: http\n', `  protocol: http\n  clients: [${AUDIT}]\n`));
    const statuses = await statusesUntilClosed(session, 'http', RATES);
    assert.deepEqual([...statuses], [404]);
  } finally {
    await bed.close();
  }
});
