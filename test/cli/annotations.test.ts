// Findings as annotations of code hosts: escapes, fingerprints, and names of files as the host knows them.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Annotation, githubCommands, gitlabReport } from '../../src/cli/annotations.ts';

const annotation = (change: Partial<Annotation> = {}): Annotation => ({
  ...{ code: 'UNKNOWN_KEY', severity: 'error', path: ['mesh'], message: 'unknown key', hint: 'remove it' },
  ...{ file: 'mesh.yaml', line: 3, column: 5 },
  ...change,
});

test('A GitHub command names the place and the code, and has message and hint on two lines of one annotation', () => {
  const warning = annotation({ severity: 'warning', line: 4 });
  assert.equal(
    githubCommands([annotation(), warning]),
    '::error file=mesh.yaml,line=3,col=5,title=UNKNOWN_KEY::unknown key%0Aremove it\n' +
      '::warning file=mesh.yaml,line=4,col=5,title=UNKNOWN_KEY::unknown key%0Aremove it\n',
  );
  assert.equal(githubCommands([]), '');
});

test('Text of the file cannot begin a GitHub command of its own', () => {
  const text = githubCommands([
    annotation({ file: 'a,b:c%\n::warning::.yaml', message: '100%\r\n::set-output name=x::y', hint: '' }),
  ]);
  assert.equal(
    text,
    '::error file=a%2Cb%3Ac%25%0A%3A%3Awarning%3A%3A.yaml,line=3,col=5,title=UNKNOWN_KEY::100%25%0D%0A::set-output name=x::y\n',
  );
});

test('A GitLab report gives equal findings different fingerprints, and keeps the fingerprint of a finding that moves', () => {
  const read = (annotations: readonly Annotation[]) =>
    JSON.parse(gitlabReport(annotations)) as { fingerprint: string; severity: string; location: object }[];
  const [first, second, third] = read([
    annotation(),
    annotation({ line: 9 }),
    annotation({ severity: 'warning', code: 'X' }),
  ]);
  assert.equal(new Set([first?.fingerprint, second?.fingerprint, third?.fingerprint]).size, 3);
  assert.equal(read([annotation({ line: 30 })])[0]?.fingerprint, first?.fingerprint);
  assert.deepEqual([first?.severity, third?.severity], ['major', 'minor']);
  assert.deepEqual(first?.location, { path: 'mesh.yaml', lines: { begin: 3 } });
  assert.deepEqual(read([]), []);
});

test('A file below the working directory is named relative to it, also when it was given by its absolute path', () => {
  assert.match(
    githubCommands([annotation({ file: join(process.cwd(), 'deep', 'mesh.yaml') })]),
    / file=deep\/mesh\.yaml,/,
  );
  assert.match(githubCommands([annotation({ file: '/elsewhere/mesh.yaml' })]), / file=\/elsewhere\/mesh\.yaml,/);
});
