// I/O: reads regular files, and refuses what could block or never end: a FIFO, a device, a huge file.
// Must not: check content.

import { createHash } from 'node:crypto';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { systemReason } from '../../errors.ts';
import type { Access } from './key-access.ts';

/** A file as it was read. */
export interface FileContent {
  /** Absent when it could not be read. */
  readonly bytes?: Buffer;
  /** Absent when `bytes` is. */
  readonly access?: Access;
  /** Why the file could not be read, in words. */
  readonly reason?: string;
  /** True when there is no such file. */
  readonly isAbsent?: boolean;
  readonly tooLarge: boolean;
  /** Equal for equal content, or an equal reason. */
  readonly digest: string;
}

/** How many files are open at once, far below any limit of descriptors. */
const AT_ONCE = 16;

/** The user of this process; 0 where the platform has no users. */
export function ownUser(): number {
  return process.getuid?.() ?? 0;
}

/** Errors: none; a failure is the `reason`. */
export async function readRegular(path: string, limit: number): Promise<FileContent> {
  let handle: FileHandle | undefined;
  try {
    // Not blocking: opening a FIFO without a writer would wait for ever.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    // One descriptor from here on: a swap by name cannot mix two files.
    const { mode, uid: owner, size, mtimeMs, ino } = await handle.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) return unread('not a regular file');
    const bytes = size > limit ? undefined : await readUpTo(handle, limit + 1, size + 1);
    if (bytes === undefined || bytes.length > limit) {
      return { ...unread('the file is too large'), tooLarge: true, digest: `too large ${ino} ${size} ${mtimeMs}` };
    }
    return {
      bytes,
      access: { mode, owner },
      tooLarge: false,
      digest: createHash('sha256').update(bytes).digest('base64'),
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { ...unread(systemReason(error)), ...((code === 'ENOENT' || code === 'ENOTDIR') && { isAbsent: true }) };
  } finally {
    await handle?.close();
  }
}

/** The result of `pick` for each file, by path. Each path is read once, a few at a time. */
export async function readAll<T>(
  paths: Iterable<string>,
  limit: number,
  pick: (content: FileContent) => T,
): Promise<ReadonlyMap<string, T>> {
  const read = new Map<string, T>();
  const waiting = new Set(paths).values();
  const reader = async (): Promise<void> => {
    for (const path of waiting) read.set(path, pick(await readRegular(path, limit)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, reader));
  return read;
}

/** Reads at most `most` bytes, and expects `guess`: a file may grow while it is read. */
async function readUpTo(handle: FileHandle, most: number, guess: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for (;;) {
    const part = Buffer.allocUnsafe(Math.min(most - length, Math.max(guess - length, 4096)));
    const { bytesRead } = await handle.read(part, 0, part.length, null);
    if (bytesRead > 0) parts.push(part.subarray(0, bytesRead));
    length += bytesRead;
    if (bytesRead === 0 || length >= most) return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }
}

function unread(reason: string): FileContent {
  return { reason, tooLarge: false, digest: reason };
}
