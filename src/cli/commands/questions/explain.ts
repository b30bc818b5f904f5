// `postern explain`: what a line of a gateway's access log means, by the snapshot that the gateway had at its time.
// Must not: print a text of the line that could steer a terminal.

import { text as readAll } from 'node:stream/consumers';
import { EXIT, PosternError } from '../../../errors.ts';
import { type Invocation, outputFormat, type Run } from '../../command.ts';
import { type Explanation, explain as explanation } from '../../explain/explanation.ts';
import { explanationText } from '../../explain/explanation-text.ts';
import { type LogLine, parseLogLines } from '../../explain/log-line.ts';
import { requestLines } from '../../explain/request-lines.ts';
import { type Served, type ServedBy, servedResources } from '../../questions/served.ts';

export const explain: Run = async (invocation) => {
  const output = outputFormat(invocation, ['text', 'json'] as const, 'text');
  const lines = await askedLines(invocation);
  const servedBy = await servedResources(invocation);
  const explained: Explanation[] = [];
  for (const line of lines) explained.push(explanation(line, await servedAt(line, servedBy)));
  invocation.stdout(output === 'json' ? `${asciiJson(explained)}\n` : explained.map(explanationText).join('\n'));
  return EXIT.ok;
};

/** Errors: USAGE, LOG_LINE. */
async function askedLines(invocation: Invocation): Promise<readonly LogLine[]> {
  const [given] = invocation.positionals;
  const [id, log] = [invocation.flag('request-id'), invocation.flag('log')];
  if ((id === undefined) !== (log === undefined))
    throw new PosternError('USAGE', '--request-id ID and --log FILE go together');
  if (id !== undefined && log !== undefined) {
    if (given !== undefined) throw new PosternError('USAGE', 'give a line, or --request-id and --log, not both');
    return await requestLines(log, id);
  }
  if (given !== undefined && given !== '-') return parseLogLines(given);
  if (invocation.flag('file') === '-') throw new PosternError('USAGE', 'stdin has the line: give the name of the file');
  return parseLogLines(await readAll(process.stdin));
}

/**
 * By the version in the line, else by its time: the snapshot that the line's own gateway had accepted then, and those that it may
 * have had beside it. A line without `node` comes from resources of an earlier version: then those of all nodes.
 */
async function servedAt(line: LogLine, servedBy: ServedBy): Promise<readonly Served[]> {
  const { at, fields } = line;
  const node = fields['node'];
  const version = /^[0-9a-f]{12}$/.test(fields['version'] ?? '') ? fields['version'] : undefined;
  const first = await servedBy(line.role, { at, version, node });
  if (first.mesh !== line.mesh) return [];
  const others: Served[] = [];
  for (const other of first.snapshot?.alsoPossible ?? [])
    others.push(byTime(await servedBy(line.role, { at, version: other, node })));
  return [first, ...others];
}

/** It is asked for by its version, which the line does not name. */
function byTime({ snapshot, ...served }: Served): Served {
  return snapshot === undefined ? served : { ...served, snapshot: { ...snapshot, foundBy: 'time' } };
}

/** Everything but ASCII is escaped: the line is somebody else's text. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    /[^\n -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
