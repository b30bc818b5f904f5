// The record of what was served, as a file that two processes may use and that a crash may interrupt.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ServedRecord } from '../../src/federation/transition/served-record.ts';
import { RecordFile } from '../../src/runtime/state/record-file.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-record-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

class Log {
  readonly lines: string[] = [];
  readonly info = (_: object, message: string): void => void this.lines.push(`info ${message}`);
  readonly warn = (_: object, message: string): void => void this.lines.push(`warn ${message}`);
  readonly error = (_: object, message: string): void => void this.lines.push(`error ${message}`);
}

const KEY = '0123456789abcdef';
const ROOT = KEY.repeat(4);
const recordOf = (name: string): ServedRecord => ({
  trustDomain: 'ours.example',
  history: new Map([
    [
      `${name}@${KEY}`,
      {
        name,
        key: KEY,
        domainKey: KEY,
        gatewayIdentities: [],
        generation: { id: KEY, roots: [ROOT] },
        states: [{ roots: [ROOT], grants: [], imports: [] }],
      },
    ],
  ]),
});

test('A process reads the record that another one wrote, and nothing else is left in the folder', (t) => {
  const folder = folderOf(t);
  const log = new Log();
  const file = new RecordFile(folder, log);
  assert.equal(file.read('ours.example'), undefined);
  assert.equal(file.write(recordOf('north')), true);
  assert.equal(file.write(recordOf('west')), true);
  assert.deepEqual(new RecordFile(folder, log).read('ours.example'), recordOf('west'));
  assert.deepEqual(readdirSync(folder), ['served.json']);
  assert.deepEqual(log.lines, []);
});

test('The file is replaced as a whole, so that a process that has it open reads the old record to its end', (t) => {
  const folder = folderOf(t);
  const file = new RecordFile(folder, new Log());
  file.write(recordOf('north'));
  const before = statSync(file.path).ino;
  file.write(recordOf('west'));
  assert.notEqual(statSync(file.path).ino, before);
});

test('A record is changed when another process has written or removed it, until it is read, and never by its own writes', (t) => {
  const folder = folderOf(t);
  const [ours, theirs] = [new RecordFile(folder, new Log()), new RecordFile(folder, new Log())];
  ours.write(recordOf('north'));
  assert.equal(ours.isChanged(), false);
  theirs.read('ours.example');
  theirs.write(recordOf('west'));
  assert.equal(ours.isChanged(), true);
  assert.deepEqual(ours.read('ours.example'), recordOf('west'));
  assert.equal(ours.isChanged(), false);
  ours.write(recordOf('north'));
  assert.equal(ours.isChanged(), false);
  rmSync(ours.path);
  assert.equal(ours.isChanged(), true);
});

test('A record that was removed is written again although it did not change', (t) => {
  const folder = folderOf(t);
  const file = new RecordFile(folder, new Log());
  file.write(recordOf('north'));
  rmSync(file.path);
  assert.equal(file.write(recordOf('north')), true);
  assert.ok(readFileSync(file.path, 'utf8').includes('north'));
});

test('A damaged record is ignored and logged', (t) => {
  const folder = folderOf(t);
  const log = new Log();
  const file = new RecordFile(folder, log);
  writeFileSync(file.path, '{"format":1');
  assert.equal(file.read('ours.example'), undefined);
  assert.equal(log.lines.length, 1);
});

test('A folder that cannot be written is logged once, and once more when it can be written again', (t) => {
  const folder = join(folderOf(t), 'state');
  writeFileSync(folder, 'a file where the folder should be');
  const log = new Log();
  const file = new RecordFile(folder, log);
  assert.equal(file.write(recordOf('north')), false);
  assert.equal(file.write(recordOf('north')), false);
  assert.equal(log.lines.length, 1);
  rmSync(folder);
  mkdirSync(folder);
  assert.equal(file.write(recordOf('north')), true);
  assert.deepEqual(
    log.lines.map((line) => line.split(' ')[0]),
    ['error', 'info'],
  );
});
