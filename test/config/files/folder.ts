// A temporary folder for a test that needs files; it is removed afterwards.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { GOOD } from '../documents.ts';

export interface Folder {
  readonly path: string;
  /** Writes a file, readable by its owner alone unless said otherwise; returns its path. */
  write(name: string, content: string | Buffer, mode?: number): string;
  /** A pipe that nobody writes to. */
  fifo(name: string): string;
}

export function folder(t: TestContext): Folder {
  const path = mkdtempSync(join(tmpdir(), 'postern-config-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    write: (name, content, mode = 0o600) => {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      chmodSync(file, mode);
      return file;
    },
    fifo: (name) => {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      const { status, stderr } = spawnSync('mkfifo', [file]);
      if (status !== 0) throw new Error(`mkfifo: ${stderr}`);
      return file;
    },
  };
}

/** The files that GOOD names: their content is not looked at here. */
export function writeGood(into: Folder, text = GOOD): string {
  into.write('pki/ca.pem', 'certificate');
  into.write('pki/ca-key.pem', 'key');
  into.write('bundles/partner.pem', 'bundle');
  return into.write('postern.yaml', text);
}
