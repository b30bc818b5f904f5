// `postern drain`: takes a gateway out of service before it is stopped, so that no request is cut.
// Must not: end the gateway; whoever stops it does that when this command has ended.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../../duration.ts';
import { EXIT, PosternError } from '../../errors.ts';
import { type Run, required } from '../command.ts';

const POLL_MS = 250;

export const drain: Run = async (invocation) => {
  const admin = adminUrl(required(invocation, 'envoy-admin'));
  const wait = parseDuration(required(invocation, 'wait'));
  if (wait === undefined)
    throw new PosternError(
      'USAGE',
      `${invocation.named('wait')} takes a time such as 90s, not ${required(invocation, 'wait')}`,
    );
  const end = performance.now() + wait * 1000;
  const { drainTimeMs } = await gateway(admin);
  // From now on each answer asks its caller to connect anew (GOAWAY, or Connection: close) …
  await ask(admin, '/healthcheck/fail', 'POST');
  // … and when the drain time is over, the ports close: callers and peers go elsewhere.
  await ask(admin, '/drain_listeners?graceful', 'POST');
  await sleep(Math.min(drainTimeMs, Math.max(0, end - performance.now())));
  let open = await stillOpen(admin);
  while (open.connections > 0 && performance.now() < end) {
    await sleep(POLL_MS);
    open = await stillOpen(admin);
  }
  if (open.requests > 0)
    throw new PosternError('DRAIN_INCOMPLETE', `${open.requests} requests are still open after ${wait} s`);
  const idle = open.connections === 0 ? '' : `, ${open.connections} idle connections are open`;
  invocation.stdout(`drained: no request is open${idle}\n`);
  return EXIT.ok;
};

function adminUrl(given: string): string {
  const admin = given.includes('://') ? given : `http://${given}`;
  if (!URL.canParse(admin)) throw new PosternError('USAGE', `--admin takes a URL or HOST:PORT, not ${given}`);
  return admin;
}

/** The gateway's own drain time, in which its ports stay open. */
async function gateway(admin: string): Promise<{ readonly drainTimeMs: number }> {
  const info = JSON.parse(await ask(admin, '/server_info', 'GET')) as {
    readonly command_line_options?: { readonly drain_time?: string };
  };
  const seconds = Number.parseFloat(info.command_line_options?.drain_time ?? '');
  if (Number.isNaN(seconds)) throw unreachable(admin, 'what answers there is not Envoy');
  return { drainTimeMs: seconds * 1000 };
}

/** What callers and peers have open; Envoy's admin port, which we ask, is not among them. */
async function stillOpen(admin: string): Promise<{ readonly requests: number; readonly connections: number }> {
  const lines = (await ask(admin, '/stats?filter=downstream_(rq|cx)_active', 'GET')).split('\n');
  const sum = (gauge: string): number =>
    lines
      .map((line) => /^http\.(?!admin\.)[^:]*\.(downstream_\w+_active): (\d+)$/.exec(line))
      .reduce((total, match) => total + (match?.[1] === gauge ? Number(match[2]) : 0), 0);
  return { requests: sum('downstream_rq_active'), connections: sum('downstream_cx_active') };
}

async function ask(admin: string, path: string, method: 'GET' | 'POST'): Promise<string> {
  let response: Response;
  try {
    response = await fetch(new URL(path, admin), { method, signal: AbortSignal.timeout(5000) });
  } catch (error) {
    throw unreachable(admin, ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code, error);
  }
  if (response.status === 403)
    throw unreachable(admin, `it refuses ${path}: make a new bootstrap with an --admin address that is loopback`);
  if (!response.ok) throw unreachable(admin, `it answers ${response.status} to ${path}`);
  return await response.text();
}

function unreachable(admin: string, reason = 'no answer', cause?: unknown): PosternError {
  return new PosternError('ADMIN_UNREACHABLE', `the gateway cannot be drained through ${admin}: ${reason}`, { cause });
}
