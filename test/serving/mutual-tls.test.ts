// Which clients several workers admit: certificates over real mutual TLS, and edits of the file that remove a gateway.

import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type ControlPlaneCa,
  issueGatewayCertificate,
  openControlPlaneCa,
} from '../../src/trust/issuing/control-plane-ca.ts';
import { spiffeId, type TrustDomain } from '../../src/trust/spiffe.ts';
import { scene } from '../cli/postern.ts';
import { get, type Line, type Served, served } from '../cli/run/served.ts';
import { eventually } from '../support/mesh.ts';
import { samplesIn } from '../telemetry/exposition.ts';
import { XdsClient } from '../xds/grpc-client.ts';
import { crowd, Gateway, workerOf } from './gateways.ts';
import { childrenOf } from './processes.ts';

const PERMISSION_DENIED = 7;
const UNAVAILABLE = 14;
const BANK = 'bank.example' as TrustDomain;
const MOST = 400;

async function running(t: TestContext) {
  const here = scene(t);
  const ca = openControlPlaneCa(join(here.folder, 'bank.state'), BANK, Date.now());
  const stranger = openControlPlaneCa(join(here.folder, 'stranger'), BANK, Date.now());
  const { process } = await served(t, here, ['--workers', '2', '--warm-up', '0']);
  const port = await process.xdsPort();
  const gateway = (path: string, signer: ControlPlaneCa = ca): XdsClient => {
    const { certificateChain, privateKey } = issueGatewayCertificate(signer, spiffeId(BANK, path), Date.now());
    const client = { cert: certificateChain, key: privateKey.reveal() };
    const made = new XdsClient(port, { ca: ca.certificatePem, client });
    t.after(() => made.close());
    return made;
  };
  let yaml = here.yaml;
  const edit = (from: string | RegExp, to: string): void => {
    const next = yaml.replace(from, to);
    assert.notEqual(next, yaml);
    yaml = next;
    writeFileSync(`${here.file}.new`, yaml);
    renameSync(`${here.file}.new`, here.file);
  };
  return { process, gateway, stranger, edit };
}

/** Opens streams until each of `workers` has refused one; all of them end with the code, and are sent nothing. */
async function refused(process: Served, client: XdsClient, role: string, code: number, workers = [1, 2]) {
  const tried = new Set<unknown>();
  // A connection that is refused has not said which node it is.
  const theirs = ({ node }: Line): boolean => tried.has(node) || !node;
  const lines = (): readonly Line[] => process.all('xDS client refused').filter(theirs);
  while (!workers.every((worker) => lines().some((line) => line['worker'] === worker))) {
    assert.ok(tried.size < MOST);
    const gateway = new Gateway(client, role);
    tried.add(gateway.node);
    assert.equal((await gateway.stream.end).code, code);
    assert.equal(gateway.stream.waiting(), 0);
    await eventually('it is logged', () => lines().length >= tried.size);
  }
}

async function shownOf(process: Served, role: string) {
  const { gateways } = await process.status();
  const found = gateways.find(({ gateway }) => gateway === role);
  return { version: found?.snapshotVersion, nodes: found?.nodes.map(({ nodeId }) => nodeId).sort() };
}

const namesOf = (gateways: readonly Gateway[]) => gateways.map(({ node }) => node).sort();
const endsOf = async (gateways: readonly Gateway[]) =>
  new Set((await Promise.all(gateways.map(({ stream }) => stream.end))).map(({ code }) => code));

test('Every worker, also a later one, admits gateways by certificate and ends the streams of those that are no longer admitted', async (t) => {
  const { process, gateway, stranger, edit } = await running(t);
  const clients = { ingress: gateway('gateway/ingress'), egress: gateway('gateway/egress') };
  const [ingress, egress] = await Promise.all([
    crowd(process, clients.ingress, 'ingress'),
    crowd(process, clients.egress, 'egress'),
  ]);
  for (const [role, gateways] of Object.entries({ ingress, egress })) {
    const { version, nodes } = await shownOf(process, role);
    assert.deepEqual(nodes, namesOf(gateways));
    assert.deepEqual(new Set(gateways.map((one) => one.snapshotVersion())), new Set([version]));
  }
  assert.notDeepEqual(ingress[0]?.clusters(), egress[0]?.clusters());
  // The ends of the clients' certificates are known to the first process, which never saw these clients.
  const { certificateEnds } = await process.status();
  const lasting = certificateEnds.filter(({ kind }) => kind.startsWith('client-'));
  assert.deepEqual(new Set(lasting.map(({ kind }) => kind)), new Set(['client-ingress', 'client-egress']));
  assert.ok(lasting.every(({ notAfter }) => Date.parse(notAfter) > Date.now()));
  await refused(process, clients.ingress, 'egress', PERMISSION_DENIED);
  await refused(process, gateway('gateway/ingress', stranger), 'ingress', UNAVAILABLE);
  // Every worker says from where the stranger came, and who it claims to be; the first process counts for all.
  const strangers = process.all('xDS client refused').filter(({ code }) => code === 'unknown_ca');
  for (const { address, claimedId, advice } of strangers) {
    assert.match(String(address), /:\d+$/);
    assert.equal(claimedId, 'spiffe://bank.example/gateway/ingress');
    assert.ok(String(advice).length > 0);
  }
  const counted =
    samplesIn(await (await get(await process.admin(), '/metrics')).text()).get(
      'postern_xds_clients_refused_total{reason="unknown_ca"}',
    ) ?? 0;
  assert.ok(counted >= strangers.length && strangers.length > 0);

  // Another identity is another gateway: who has the old one is cut, and only that.
  edit('"127.0.0.1:11443"', '"127.0.0.1:11443", identity: gateway/other');
  assert.deepEqual(await endsOf(ingress), new Set([PERMISSION_DENIED]));
  await refused(process, clients.ingress, 'ingress', UNAVAILABLE);
  const others = gateway('gateway/other');
  const next = await crowd(process, others, 'ingress');
  assert.deepEqual((await shownOf(process, 'ingress')).nodes, namesOf(next));
  assert.deepEqual((await shownOf(process, 'egress')).nodes, namesOf(egress));

  // And a gateway that the file no longer has is nobody.
  edit(/^ {2}egress: .*$/m, '');
  edit(/^imports:[\s\S]*$/m, '');
  assert.deepEqual(await endsOf(egress), new Set([PERMISSION_DENIED]));

  globalThis.process.kill(childrenOf(process.child.pid ?? 0)[0] ?? 0, 'SIGKILL');
  const worker = (await process.said('a worker ended'))['worker'] as number;
  assert.deepEqual(await endsOf(next.filter((one) => workerOf(process, one) === worker)), new Set([UNAVAILABLE]));
  await crowd(process, others, 'ingress', [worker]);
  await refused(process, clients.egress, 'egress', UNAVAILABLE, [worker]);
});
