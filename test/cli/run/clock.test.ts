// `postern run` on a machine whose clock jumps: what is due by the clock is done soon, and what was ahead of time is taken back.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, type PeerCertificate } from 'node:tls';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { eventually } from '../../support/mesh.ts';
import { scene } from '../postern.ts';
import { ANY, Served } from './served.ts';

const CLOCK = fileURLToPath(new URL('../../support/clock.js', import.meta.url));
const DAY = 24 * 60 * 60 * 1000;

async function running(t: TestContext, edit: (yaml: string) => string = (yaml) => yaml) {
  const here = scene(t);
  const file = join(here.folder, 'ahead');
  const set = (milliseconds: number): void => {
    // Whole or not at all: the process reads it at any moment.
    writeFileSync(`${file}.new`, String(milliseconds));
    renameSync(`${file}.new`, file);
  };
  set(0);
  writeFileSync(here.file, edit(here.yaml));
  const env = { NODE_OPTIONS: `--import ${pathToFileURL(CLOCK)}`, CLOCK_AHEAD: file };
  return { process: new Served(t, ['-f', here.file, ...ANY], { env }), set };
}

test('A grant ends when the clock jumps beyond its last day, and applies again when the clock is set back', async (t) => {
  const lastDay = new Date(Date.now() + 3 * DAY).toISOString().slice(0, 10);
  const { process, set } = await running(t, (yaml) => yaml.replace('expires: 2099-12-31', `expires: ${lastDay}`));
  const hasEnded = async (): Promise<boolean> =>
    (await process.status()).config.warnings.some(({ code }) => code === 'GRANT_EXPIRED');
  assert.equal(await hasEnded(), false);
  set(5 * DAY);
  await eventually('ended', hasEnded);
  set(0);
  await eventually('in force again', async () => !(await hasEnded()));
});

test('The server’s certificate is renewed when the clock was ahead and is set back, so that gateways can connect', async (t) => {
  const { process, set } = await running(t);
  const port = await process.xdsPort();
  const isValid = async (): Promise<boolean> => Date.parse((await shownAt(port)).valid_from) <= Date.now();
  assert.equal(await isValid(), true);
  set(50 * DAY);
  await eventually('renewed ahead of time', async () => !(await isValid()));
  set(0);
  await eventually('valid', isValid);
});

async function shownAt(port: number): Promise<PeerCertificate> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerCertificate();
  } finally {
    socket.destroy();
  }
}
