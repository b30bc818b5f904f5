// I/O: the record of what was served, in the state folder beside the control plane's CA.
// Must not: be seen half-written, or stop the process; failures to read or write it are logged.

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatRecord, parseRecord, type ServedRecord } from '../../federation/transition/served-record.ts';
import type { Logger } from '../../log.ts';
import type { RecordStore } from '../../pipeline/served-history.ts';
import { SERVED_RECORD } from '../../trust/issuing/control-plane-ca.ts';

/** Two processes may use one file (a rolling update): it is replaced as a whole, and each sees what the other wrote. */
export class RecordFile implements RecordStore {
  readonly path: string;
  private readonly folder: string;
  private readonly logger: Logger;
  /** What this process has read or written last. */
  private seen: string | undefined;
  private isWritable = true;

  constructor(folder: string, logger: Logger) {
    this.folder = folder;
    this.path = join(folder, SERVED_RECORD);
    this.logger = logger;
  }

  read(trustDomain: string): ServedRecord | undefined {
    this.seen = this.text();
    const record = this.seen === undefined ? undefined : parseRecord(this.seen, trustDomain);
    if (this.seen !== undefined && record === undefined)
      this.logger.warn(
        { path: this.path },
        'the record of what was served is damaged, or of another mesh, and is replaced: if run has just started, connections of all peers end once',
      );
    return record;
  }

  isChanged(): boolean {
    return this.text() !== this.seen;
  }

  write(record: ServedRecord): boolean {
    const text = formatRecord(record);
    try {
      if (text !== this.seen || text !== this.text()) replaceDurably(this.folder, this.path, text);
      this.seen = text;
      if (!this.isWritable) this.logger.info({ path: this.path }, 'what is served is recorded again');
      this.isWritable = true;
    } catch (error) {
      if (this.isWritable)
        this.logger.error(
          { err: error, path: this.path },
          'what is served cannot be recorded: roots that are added to a bundle end connections of that peer once; make the state folder writable',
        );
      this.isWritable = false;
    }
    return this.isWritable;
  }

  private text(): string | undefined {
    try {
      return readFileSync(this.path, 'utf8');
    } catch (error) {
      // A file that exists and cannot be read is damaged.
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : '';
    }
  }
}

/** After a crash at any moment, the path has the old content or the new one. Errors: those of node:fs. */
function replaceDurably(folder: string, path: string, content: string): void {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  try {
    writeFileSync(temporary, content, { mode: 0o644, flag: 'wx', flush: true });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
