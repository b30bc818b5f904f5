// Ports for the demo and the tests: two processes that ask at the same time are never given the same one.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { freePorts, isFree } from '../../deploy/demo/ports.ts';

const MODULE = new URL('../../deploy/demo/ports.js', import.meta.url).href;
const HOST = '127.0.0.1';

/** Processes that evaluate the same expression of ports.ts and stay; their answers. */
async function answers(t: TestContext, expression: string, count: number): Promise<readonly unknown[]> {
  const script = `import * as ports from '${MODULE}'; process.send(await ports.${expression}); process.on('message', () => {});`;
  const children = Array.from({ length: count }, (): ChildProcess => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    t.after(() => child.kill('SIGKILL'));
    return child;
  });
  return await Promise.all(children.map(async (child) => ((await once(child, 'message')) as [unknown])[0]));
}

test('A port that was given to one process is given to no other, although nothing listens on it yet', async (t) => {
  const given = (await answers(t, `freePorts('${HOST}', 200)`, 3)).flat() as number[];
  assert.equal(new Set(given).size, 600);
  assert.equal(await isFree({ host: HOST, port: given[0] ?? 0 }), true);
});

test('A port that is in use is skipped', async (t) => {
  const [first = 0] = await freePorts(HOST, 1);
  const taken = createServer().listen(first + 1, HOST);
  t.after(() => taken.close());
  await Promise.race([once(taken, 'listening'), once(taken, 'error')]);
  const [second = 0] = await freePorts(HOST, 1);
  assert.notEqual(second, first + 1);
});

test('Demos that start at the same time give the ports of the examples different replacements', async (t) => {
  const shifts = await answers(t, 'freeShift([11443])', 2);
  assert.equal(new Set(shifts).size, 2);
});
