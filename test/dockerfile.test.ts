// Tests the Dockerfile: the findings of hadolint, and the rules that hadolint does not check.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findHadolint } from './support/hadolint.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const dockerfile = join(ROOT, 'Dockerfile');
const lines = readFileSync(dockerfile, 'utf8').split('\n');

async function findings(file: string): Promise<readonly { readonly code: string; readonly line: number }[]> {
  const hadolint = await findHadolint();
  const { stdout } = await run(hadolint, ['--no-fail', '--format', 'json', '--config', '/dev/null', file]);
  return JSON.parse(stdout) as { code: string; line: number }[];
}

describe('the Dockerfile', () => {
  test('The linter hadolint finds nothing in the Dockerfile, without any rule switched off', async () => {
    assert.deepEqual(await findings(dockerfile), []);
    assert.equal(
      lines.some((line) => /hadolint\s+(global\s+)?ignore/.test(line)),
      false,
    );
  });

  test('The linter hadolint finds what is wrong with a bad Dockerfile', async () => {
    const child = run(await findHadolint(), ['--no-fail', '--format', 'json', '-']);
    child.child.stdin?.end('FROM debian\nRUN cd /tmp\n');
    const codes = (JSON.parse((await child).stdout) as { code: string }[]).map(({ code }) => code);
    assert.ok(codes.includes('DL3006'), codes.join());
  });

  test('The Dockerfile ends as a numeric user that is not root', () => {
    const users = lines.filter((line) => line.startsWith('USER '));
    assert.match(users.at(-1) ?? '', /^USER [1-9]\d*:[1-9]\d*$/);
  });

  test('The Dockerfile takes its base from an argument with Node 24 as default, in every stage', () => {
    assert.ok(lines.includes('ARG BASE=node:24-bookworm-slim'));
    const bases = lines.filter((line) => line.startsWith('FROM '));
    assert.equal(bases.length, 2);
    assert.deepEqual(
      bases.filter((line) => !/^FROM \$\{BASE\}( AS \w+)?$/.test(line)),
      [],
    );
  });

  test('The Dockerfile installs no development dependency in the stage that runs', () => {
    const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
    assert.deepEqual(
      last.filter((line) => /npm (ci|install|i)\b/.test(line) && !line.includes('--omit=dev')),
      [],
    );
  });
});
