// The worker that is kept: one for all files, replaced when it had to be ended, and nothing that outlives its use.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { LIMIT_MS } from '../../../deploy/demo/limit.ts';
import { parseInWorker } from '../../../src/config/files/parse-in-worker.ts';
import { MAX_CONFIG_BYTES, type ParsedConfig, parseConfig } from '../../../src/config/parse.ts';
import { changed, GOOD } from '../documents.ts';
import { folder } from './folder.ts';

/** Two million list items: seconds of work on any machine. */
const HOSTILE = `a: [${'b, '.repeat(MAX_CONFIG_BYTES / 3 - 3)}b]`;

function codes({ findings }: ParsedConfig): readonly string[] {
  return findings.map(({ code }) => code);
}

/** Threads are numbered as they are made. */
async function nextThread(): Promise<number> {
  const worker = new Worker('', { eval: true });
  const { threadId } = worker;
  await worker.terminate();
  return threadId;
}

test('One worker parses one text after the other, each with its own answer', async () => {
  await parseInWorker(GOOD, LIMIT_MS);
  const before = await nextThread();
  for (const one of [GOOD, changed('port: 8080', 'port: 0'), '', '[', changed('port: 8080', 'port: 1'), '', GOOD])
    assert.deepEqual(await parseInWorker(one, LIMIT_MS), parseConfig(one));
  assert.equal(await nextThread(), before + 1);
});

test('After a deadline another worker parses the next text', async () => {
  await parseInWorker(GOOD, LIMIT_MS);
  const before = await nextThread();
  assert.deepEqual(codes(await parseInWorker(HOSTILE, 100)), ['YAML_TIMEOUT']);
  assert.deepEqual(await parseInWorker(GOOD, LIMIT_MS), parseConfig(GOOD));
  assert.equal(await nextThread(), before + 2);
});

test('A text of any depth is a finding with its place, in a thread whose code was not compiled yet', async () => {
  const shapes: readonly ((depth: number) => string)[] = [
    (depth) => `a: ${'['.repeat(depth)}${']'.repeat(depth)}\n`,
    (depth) => `a: ${'{b: '.repeat(depth)}${'}'.repeat(depth)}\n`,
    (depth) => `exports:\n${'- '.repeat(depth)}x\n`,
    (depth) => `a:\n- ${'? '.repeat(depth)}x\n`,
  ];
  // Where V8 runs out of stack depends on what it has compiled; 4,000 to 5,000 ended the whole process once.
  for (const depth of [200, 3000, 4000, 4500, 5000, 30_000])
    for (const shape of shapes) {
      const worker = new Worker(new URL('../../../src/config/files/parse-worker.js', import.meta.url), { env: {} });
      // It says that it has started.
      await once(worker, 'message');
      worker.postMessage(shape(depth));
      const [{ findings, places }] = (await once(worker, 'message')) as [ParsedConfig];
      await worker.terminate();
      const [found, ...more] = findings;
      assert.deepEqual([found?.code, more], ['YAML_SYNTAX', []]);
      assert.match(found?.message ?? '', /nested/);
      assert.ok((places[0]?.column ?? 0) > 50);
    }
});

test('Texts that are parsed at the same time neither wait for each other nor mix their answers', async () => {
  const texts = [HOSTILE, GOOD, changed('port: 8080', 'port: 0')] as const;
  const [hostile, good, wrong] = await Promise.all(
    texts.map((one) => parseInWorker(one, one === HOSTILE ? 300 : LIMIT_MS)),
  );
  assert.deepEqual(hostile && codes(hostile), ['YAML_TIMEOUT']);
  assert.deepEqual(good, parseConfig(GOOD));
  assert.deepEqual(wrong, parseConfig(texts[2]));
});

test('A process that has parsed ends when it has nothing else to do, after an answer and after a deadline', async (t) => {
  const module = new URL('../../../src/config/files/parse-in-worker.js', import.meta.url);
  const here = folder(t);
  for (const [source, deadline, code] of [
    [JSON.stringify(GOOD), LIMIT_MS, ''],
    [JSON.stringify('['), LIMIT_MS, 'YAML_SYNTAX'],
    [`'a: [' + 'b, '.repeat(${Math.floor(MAX_CONFIG_BYTES / 3) - 3}) + 'b]'`, 100, 'YAML_TIMEOUT'],
  ] as const) {
    const script = [
      `import { parseInWorker } from ${JSON.stringify(module.href)};`,
      `const { findings } = await parseInWorker(${source}, ${deadline});`,
      'console.log(findings.map(({ code }) => code).join());',
    ];
    const file = here.write('parse.mjs', script.join('\n'));
    // Killed when it does not end: that rejects.
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: LIMIT_MS });
    assert.equal(stdout.trim(), code);
  }
});

test('A process that gets no CPU for far longer than the deadline still has its file parsed', async (t) => {
  const module = new URL('../../../src/config/files/parse-in-worker.js', import.meta.url);
  const deadline = 400;
  const script = [
    `import { parseInWorker } from ${JSON.stringify(module.href)};`,
    `const parsed = parseInWorker(${JSON.stringify(GOOD)}, ${deadline});`,
    // Nothing of this process runs from here on until somebody lets it.
    "process.kill(process.pid, 'SIGSTOP');",
    'const { findings } = await parsed;',
    'console.log(JSON.stringify(findings));',
  ];
  const child = spawn(process.execPath, [folder(t).write('starved.mjs', script.join('\n'))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const said = text(child.stdout);
  const state = (): string => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ').at(-1)?.[0] ?? '';
  while (state() !== 'T') await sleep(10);
  await sleep(3 * deadline);
  child.kill('SIGCONT');
  assert.deepEqual(JSON.parse(await said), parseConfig(GOOD).findings);
});

test('A worker holds on to no text that it has parsed', async (t: TestContext) => {
  const worker = new Worker(new URL('../../../src/config/files/parse-worker.js', import.meta.url), { env: {} });
  t.after(() => worker.terminate());
  await once(worker, 'message');
  // The last host is what a regular expression matches last, and long enough to be a part of the text, not a copy.
  const host = 'a-label-of-a-host-name-that-is-long:80';
  for (const one of [changed('10.0.0.2:80', host), changed('port: 8080', 'port: 0')]) {
    worker.postMessage(`# the mark of the text\n${one}`);
    await new Promise((fulfil) => worker.once('message', fulfil));
    const deadline = Date.now() + LIMIT_MS;
    // The answer comes a little before the worker is done with the text.
    while ((await text(await worker.getHeapSnapshot())).includes('the mark of')) assert.ok(Date.now() < deadline);
  }
});
