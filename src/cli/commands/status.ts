// `postern status`: shows what is connected, acknowledged and served, asked of the running process.
// Must not: change anything in the running process.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { outOfSync, unreachablePeers } from '../../admin/status-problems.ts';
import type { Status } from '../../admin/status-view.ts';
import { parseDuration } from '../../duration.ts';
import { EXIT, PosternError, systemReason } from '../../errors.ts';
import { oneLine } from '../../one-line.ts';
import { adminUrl, askAdmin, hasShape, isEnvoyAdmin, jsonIn } from '../admin-request.ts';
import { type Invocation, isOn, outputFormat, type Run } from '../command.ts';
import { statusText } from '../status-text.ts';

const POLL_MS = 250;

export const status: Run = async (invocation) => {
  const output = outputFormat(invocation, ['table', 'json'] as const, 'table');
  const admin = adminUrl(invocation, 'admin');
  const waitMs = waitFlag(invocation);
  const isChecked = isOn(invocation, 'check') || waitMs !== undefined || invocation.flag('serves') !== undefined;
  const end = performance.now() + (waitMs ?? 0);
  const say = oncePerText((text) => invocation.stderr(`postern: waiting: ${oneLine(text)}\n`));
  let answer = await ask(admin, invocation, end, say);
  while (isChecked && problemsOf(answer, invocation).length > 0 && performance.now() < end) {
    say(problemsOf(answer, invocation).join('; '));
    await sleep(POLL_MS);
    answer = await ask(admin, invocation, end, say);
  }
  invocation.stdout(output === 'json' ? `${JSON.stringify(answer, null, 2)}\n` : statusText(answer, Date.now()));
  const problems = isChecked ? problemsOf(answer, invocation) : [];
  if (problems.length > 0) throw new PosternError('NOT_IN_SYNC', problems.join('; '));
  return EXIT.ok;
};

/** What is waited for is told when it changes. */
function oncePerText(say: (text: string) => void): (text: string) => void {
  let told = '';
  return (text) => {
    if (text !== told) say(text);
    told = text;
  };
}

function waitFlag(invocation: Invocation): number | undefined {
  const text = invocation.flag('wait');
  if (text === undefined) return undefined;
  const seconds = parseDuration(text);
  if (seconds === undefined)
    throw new PosternError('USAGE', `${invocation.named('wait')} takes a duration such as 30s or 5m, not ${text}`);
  return seconds * 1000;
}

function problemsOf(answer: Status, invocation: Invocation): readonly string[] {
  const file = invocation.flag('serves');
  const problems = [...outOfSync(answer), ...(isOn(invocation, 'check') ? unreachablePeers(answer) : [])];
  if (file === undefined || answer.config.sha256 === digestOf(file)) return problems;
  return [`${file} is not what is served (${answer.config.file} of ${answer.config.appliedAt} is)`, ...problems];
}

/** As `run` computes it: of the text without a byte order mark. Errors: CONFIG_UNREADABLE. */
function digestOf(file: string): string {
  try {
    const text = readFileSync(file, 'utf8').replace(/^\ufeff/, '');
    return createHash('sha256').update(text).digest('hex');
  } catch (error) {
    throw new PosternError('CONFIG_UNREADABLE', `${file} cannot be read: ${systemReason(error)}`, { cause: error });
  }
}

/** The status; a process that does not answer yet is asked again until `end`. Errors: ADMIN_UNREACHABLE. */
async function ask(admin: URL, invocation: Invocation, end: number, say: (text: string) => void): Promise<Status> {
  for (;;) {
    try {
      return await fetchStatus(admin);
    } catch (error) {
      if (performance.now() >= end) throw unreachable(admin, invocation, error as Error);
      say(`no status from ${admin.host}: ${(error as Error).message}`);
      await sleep(POLL_MS);
    }
  }
}

async function fetchStatus(admin: URL): Promise<Status> {
  const answer = await askAdmin(admin, '/status');
  const { status: code } = answer;
  if (isEnvoyAdmin(answer)) throw new Error('what answers there is the admin port of an Envoy');
  if (code === 503) throw new Error('postern run answers, and does not serve yet');
  if (code === 403) throw new Error('it answers only when it is addressed by IP address or as localhost');
  const value = jsonIn(answer);
  if (!isStatus(value)) throw new Error(`what answers there (${code}) is not the admin port of Postern`);
  return value;
}

function unreachable(admin: URL, invocation: Invocation, cause: Error): PosternError {
  const where = `${invocation.named('admin')} ${admin.host}`;
  const hint = 'start postern run, or give the address of its admin port with --admin HOST:PORT';
  return new PosternError('ADMIN_UNREACHABLE', `no status from ${where}: ${cause.message}; ${hint}`, { cause });
}

function isStatus(value: unknown): value is Status {
  return hasShape(value, { mesh: 'string', config: 'object', controlPlaneCa: 'object', gateways: 'array' });
}
