// I/O: the lines of one request in a file with the logs of one gateway or of two.
// Must not: hold the file in memory.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { PosternError } from '../../errors.ts';
import { type LogLine, parseLogLine } from './log-line.ts';

const MOST_LINES = 10;

/** By the request ID of either gateway: the ingress logs that of the egress as `peer_request_id`. Errors: USAGE, LOG_LINE. */
export async function requestLines(file: string, id: string): Promise<readonly LogLine[]> {
  const found = await linesWith(file, [id]);
  const ids = [...new Set([id, ...found.flatMap(idsOf)])];
  const all = ids.length === 1 ? found : await linesWith(file, ids);
  if (all.length === 0)
    throw new PosternError('LOG_LINE', `${file} has no line of a gateway with the request ID ${id}`);
  return all;
}

function idsOf({ fields }: LogLine): readonly string[] {
  return [fields['request_id'], fields['peer_request_id']].filter((id) => id !== undefined);
}

/** Other programs log request IDs as well. */
function lineIn(text: string): LogLine | undefined {
  try {
    return parseLogLine(text);
  } catch (error) {
    if (error instanceof PosternError && !text.includes('"gateway"')) return undefined;
    throw error;
  }
}

async function linesWith(file: string, ids: readonly string[]): Promise<readonly LogLine[]> {
  const found: LogLine[] = [];
  const input = createReadStream(file);
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (!ids.some((id) => text.includes(id))) continue;
      const line = lineIn(text);
      if (line === undefined) continue;
      const own = [...idsOf(line), line.fields['caller_request_id']];
      if (ids.some((id) => own.includes(id))) found.push(line);
      if (found.length >= MOST_LINES) break;
    }
  } catch (error) {
    if (error instanceof PosternError) throw error;
    throw new PosternError('USAGE', `--log ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  } finally {
    input.destroy();
  }
  // The caller's gateway first.
  return found.sort((a, b) => (a.role === b.role ? a.at - b.at : a.role === 'egress' ? -1 : 1));
}
