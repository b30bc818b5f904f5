// Tests the Dockerfile: the findings of hadolint, the rules that hadolint does not check, and what the documents say of the image.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findHadolint } from './support/programs/hadolint.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const dockerfile = join(ROOT, 'Dockerfile');
const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const dockerfileText = textOf('Dockerfile');
const lines = dockerfileText.split('\n');

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

  test('The Docker commands of docs/operations.md use the folders, the port and the user of the image, and flags that exist', () => {
    const [, block = ''] = /^```sh\n(docker build[\s\S]*?)^```$/m.exec(textOf('docs/operations.md')) ?? [];
    const commands = block.replaceAll('\\\n', '').trimEnd().split('\n');
    const containers = commands.filter((line) => line.startsWith('docker run'));
    assert.deepEqual([commands.length, containers.length], [5, 2]);
    const [, state = ''] = /POSTERN_STATE=(\S+)/.exec(dockerfileText) ?? [];
    const [, file = ''] = /"-f", "([^"]+)"/.exec(dockerfileText) ?? [];
    assert.ok(lines.includes(`VOLUME ${state}`));
    for (const line of containers)
      assert.ok(line.includes(`:${state} `) && line.includes(`:${dirname(file)}:ro"`), line);
    const [, port = ''] = /^EXPOSE (\d+)$/m.exec(dockerfileText) ?? [];
    assert.ok(containers[0]?.includes(`-p ${port}:${port} `) && dockerfileText.includes(`"--xds", "0.0.0.0:${port}"`));
    assert.ok(block.includes(`chown ${/^USER (\d+)/m.exec(dockerfileText)?.[1]} certs`));
    const [, certs = ''] = / postern\s+(certs gateway .*)$/.exec(containers[1] ?? '') ?? [];
    assert.ok(certs.includes(`-f ${file} `) && containers[1]?.includes(`:${/--out (\S+)/.exec(certs)?.[1]}"`));
    const { stdout } = spawnSync(process.execPath, [MAIN, 'certs', 'gateway', '--help'], { encoding: 'utf8' });
    for (const [, flag = ''] of certs.matchAll(/ (--?[a-z-]+)/g)) assert.ok(stdout.includes(`${flag} `), flag);
  });

  test('The Dockerfile and the documents name only variables that a command reads', () => {
    const variables = (text: string): readonly string[] => text.match(/\bPOSTERN_[A-Z_]+\b/g) ?? [];
    const known = new Set(variables(textOf('docs/commands.md')));
    // The walk-through's own, and one that Kubernetes sets.
    for (const other of ['POSTERN_HOME', 'POSTERN_SERVICE_HOST']) known.add(other);
    const pages = ['README.md', 'Dockerfile', 'docs/operations.md', 'docs/getting-started.md', 'docs/configuration.md'];
    const strange = pages.flatMap((page) => variables(textOf(page)).filter((name) => !known.has(name)));
    assert.deepEqual(strange, []);
    assert.ok(known.size > 15);
  });
});
