// PostgreSQL and Redis through both gateways, with their own clients: the servers and clients of Debian's packages.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Running } from '../../../deploy/demo/processes.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { rawTls } from '../../support/clients/raw-tls.ts';
import { eventually, Testbed, type TestMesh } from '../../support/mesh.ts';
import { debianPrograms, type Programs } from '../../support/programs/debian.ts';
import { Openssl } from '../../support/programs/openssl.ts';

const run = promisify(execFile);
/** PostgreSQL refuses to run as root. */
const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

describe('databases behind TCP exports', () => {
  let bed: Testbed;
  let programs: Programs;
  let postgres: Running;
  let bank: TestMesh;
  let ingress: HostPort;
  let [atPostgres, atRedis]: HostPort[] = [];
  const openssl = new Openssl();
  const folder = mkdtempSync(join(tmpdir(), 'postern-databases-'));

  before(async () => {
    chmodSync(folder, 0o755);
    bed = await Testbed.create();
    programs = await debianPrograms(
      ['postgresql', 'redis-server', 'redis-tools'],
      ['postgres', 'initdb', 'psql', 'redis-server', 'redis-cli'],
      join(folder, 'packages'),
    );
    const [postgresAt, redisAt] = [await bed.address(), await bed.address()];
    postgres = await startPostgres(postgresAt);
    const redis = ['--bind', redisAt.host, '--port', String(redisAt.port), '--save', '', '--dir', folder];
    bed.processes.start('redis', programs.file('redis-server'), redis, programs.env);
    ingress = await bed.address();
    [atPostgres, atRedis] = [await bed.address(), await bed.address()];
    bank = await startMeshes(postgresAt, redisAt);
  });

  after(async () => {
    await bed.close();
    openssl.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function startPostgres({ host, port }: HostPort): Promise<Running> {
    const data = join(folder, 'data');
    mkdirSync(data, { mode: 0o700 });
    const { certificateFile, keyFile } = openssl.certificate({
      extensions: ['basicConstraints = critical,CA:FALSE', `subjectAltName = IP:${host}`],
    });
    const [certificate, key] = [join(folder, 'server.crt'), join(folder, 'server.key')];
    copyFileSync(certificateFile, certificate);
    copyFileSync(keyFile, key);
    chmodSync(key, 0o600);
    if (isRoot) for (const file of [data, certificate, key]) chownSync(file, NOBODY, NOBODY);
    const as = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : ['env'];
    const [command = '', ...before] = as;
    const env = { ...process.env, ...programs.env };
    const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
    await run(command, [...before, programs.file('initdb'), ...init], { env });
    appendFileSync(join(data, 'pg_hba.conf'), 'host all all 127.0.0.0/8 trust\n');
    const settings = { listen_addresses: host, port, unix_socket_directories: '', fsync: 'off', log_connections: 'on' };
    const tls = { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key };
    const options = Object.entries({ ...settings, ...tls }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return bed.processes.start(
      'postgres',
      command,
      [...before, programs.file('postgres'), '-D', data, ...options],
      programs.env,
    );
  }

  async function startMeshes(postgresAt: HostPort, redisAt: HostPort): Promise<TestMesh> {
    await Promise.all(['bank.example', 'shop.example'].map((name) => bed.ca(name)));
    const callee = await bed.mesh(
      'bank',
      `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: ledger.db, protocol: tcp, backend: "${formatHostPort(postgresAt)}", consumers: [{peer: shop}]}
- {name: cache, protocol: tcp, backend: "${formatHostPort(redisAt)}", consumers: [{peer: shop}]}
`,
    );
    const shop = await bed.mesh(
      'shop',
      `apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: pki/shop.example/ca.pem, privateKey: pki/shop.example/ca-key.pem}}
gateways: {egress: {address: "${atPostgres?.host}", clients: plaintext}}
peers:
  bank: {trustDomain: bank.example, trustBundle: pki/bank.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: ["${formatHostPort(ingress)}"]}
imports:
- {peer: bank, name: ledger.db, as: ledger.default.svc.cluster.local, port: ${atPostgres?.port}, protocol: tcp}
- {peer: bank, name: cache, as: cache.default.svc.cluster.local, port: ${atRedis?.port}, protocol: tcp}
`,
    );
    await Promise.all([callee.start('ingress'), shop.start('egress')]);
    return callee;
  }

  /** What psql prints of a statement, through both gateways. */
  async function psql(statement: string, options = 'sslmode=disable'): Promise<string> {
    const target = `host=${atPostgres?.host} port=${atPostgres?.port} user=postgres dbname=postgres ${options}`;
    const args = [target, '-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', statement];
    const { stdout } = await run(programs.file('psql'), args, {
      env: { ...process.env, ...programs.env },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.trim();
  }

  async function redisCli(...args: readonly string[]): Promise<string> {
    const at = ['-h', atRedis?.host ?? '', '-p', String(atRedis?.port)];
    const { stdout } = await run(programs.file('redis-cli'), [...at, ...args], {
      env: { ...process.env, ...programs.env },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.trim();
  }

  const received = (): number => postgres.stderr().split('connection received').length - 1;

  test('A psql of the shop reads and writes the PostgreSQL of the bank', async () => {
    await eventually('PostgreSQL answers', async () => (await psql('select 1')) === '1');
    await psql('create table entries (id serial primary key, what text)');
    await psql("insert into entries (what) select repeat('x', 1000) from generate_series(1, 5000)");
    assert.equal(await psql('select count(*), sum(length(what)) from entries'), '5000|5000000');
    assert.equal((await psql('select what from entries')).length, 5000 * 1001 - 1);
  });

  test('A psql that wants TLS with the server itself gets it, inside the TLS of the gateways', async () => {
    await eventually('PostgreSQL answers', async () => (await psql('select 1')) === '1');
    const used = 'select ssl, version from pg_stat_ssl where pid = pg_backend_pid()';
    assert.equal(await psql(used, 'sslmode=require'), 't|TLSv1.3');
    assert.equal(await psql(used), 'f|');
  });

  test('A redis-cli of the shop reads and writes the Redis of the bank', async () => {
    await eventually('Redis answers', async () => (await redisCli('ping')) === 'PONG');
    assert.equal(await redisCli('set', 'rate', '1.0725'), 'OK');
    assert.equal(await redisCli('get', 'rate'), '1.0725');
    assert.equal(await redisCli('eval', "return string.rep('x', 3000000)", '0'), 'x'.repeat(3_000_000));
  });

  test('A client that is no gateway of the shop opens no connection to PostgreSQL', async () => {
    await eventually('PostgreSQL answers', async () => (await psql('select 1')) === '1');
    const before = received();
    for (const servername of ['ledger.db.tcp.shop.example.peers.bank.example', 'shop.example.peers.bank.example', 'x'])
      for (const alpn of [['postern-tcp'], ['h2'], []])
        assert.equal((await rawTls({ gateway: ingress, servername, alpn })).received, '');
    assert.equal(received(), before);
    // The count counts.
    await psql('select 1');
    await eventually('a connection is logged', () => received() === before + 1);
    const lines = bank.log('ingress').filter((line) => line['layer'] === 'tcp');
    assert.ok(lines.every((line) => line['peer_uri'] === 'spiffe://shop.example/gateway/egress'));
  });
});
