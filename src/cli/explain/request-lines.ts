// I/O: the lines of one request in a file with the logs of one gateway or of two.
// Must not: hold the file in memory.

import { createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PosternError, systemReason } from '../../errors.ts';
import { type LogLine, parseLogLine } from './log-line.ts';

const MOST_LINES = 10;

/** By the request ID of either gateway: the ingress logs that of the egress as `peer_request_id`. Errors: USAGE, LOG_LINE. */
export async function requestLines(file: string, asked: string): Promise<readonly LogLine[]> {
  demandFile(file);
  // UUIDs are the same in capitals.
  const id = asked.toLowerCase();
  const first = await linesWith(file, [id]);
  const ids = [...new Set([id, ...first.lines.flatMap(idsOf)])];
  const { lines, damage } = ids.length === 1 ? first : await linesWith(file, ids);
  if (lines.length > 0) return lines;
  throw damage ?? new PosternError('LOG_LINE', `${file} has no line of a gateway with the request ID ${asked}`);
}

function idsOf({ fields }: LogLine): readonly string[] {
  return [fields['request_id'], fields['peer_request_id']].flatMap((id) =>
    id === undefined ? [] : [id.toLowerCase()],
  );
}

/** It is read twice, because the other gateway's line may come first: what can be read once alone would lack it. Errors: USAGE. */
function demandFile(file: string): void {
  const no = (why: string, cause?: unknown): PosternError =>
    new PosternError('USAGE', `--log ${file} ${why}; give the name of a file with the log`, { cause });
  if (file === '-') throw no('is standard input, and the log is read twice');
  let isFile = false;
  let isFolder = false;
  try {
    const found = statSync(file);
    [isFile, isFolder] = [found.isFile(), found.isDirectory()];
  } catch (error) {
    throw no(`cannot be read: ${systemReason(error)}`, error);
  }
  if (isFolder) throw no('is a folder');
  if (!isFile) throw no('is a pipe or a device, and the log is read twice');
}

interface Found {
  readonly lines: readonly LogLine[];
  /** Why a line cannot be explained. It hides no other: whoever sends a request ID may have written that line. */
  readonly damage?: PosternError;
}

async function linesWith(file: string, ids: readonly string[]): Promise<Found> {
  const found: LogLine[] = [];
  let damage: PosternError | undefined;
  const wanted = new RegExp(ids.map((id) => id.replace(/[^\w-]/g, '\\$&')).join('|'), 'i');
  let number = 0;
  const input = createReadStream(file);
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number += 1;
      if (!wanted.test(text)) continue;
      const line = lineIn(text, `${file}:${number}`);
      if (line instanceof PosternError) {
        // Other programs log request IDs as well.
        if (text.includes('"gateway"')) damage ??= line;
        continue;
      }
      const own = [...idsOf(line), line.fields['caller_request_id']?.toLowerCase()];
      if (ids.some((id) => own.includes(id))) found.push(line);
      if (found.length >= MOST_LINES) break;
    }
  } catch (error) {
    throw new PosternError('USAGE', `--log ${file} cannot be read: ${systemReason(error)}`, { cause: error });
  } finally {
    input.destroy();
  }
  // The caller's gateway first.
  const lines = found.sort((a, b) => (a.role === b.role ? a.at - b.at : a.role === 'egress' ? -1 : 1));
  return { lines, ...(damage && { damage }) };
}

function lineIn(text: string, place: string): LogLine | PosternError {
  try {
    return parseLogLine(text, place);
  } catch (error) {
    if (error instanceof PosternError) return error;
    throw error;
  }
}
