// `postern drain`: takes a gateway out of service before it is stopped, so that no request is cut.
// Must not: stop the gateway; the caller does that when this command has ended.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../../duration.ts';
import { EXIT, PosternError } from '../../errors.ts';
import { oneLine } from '../../one-line.ts';
import { adminUrl, askAdmin } from '../admin-request.ts';
import { type Invocation, type Run, required } from '../command.ts';

const POLL_MS = 250;
/** How often progress is printed while nothing changes, and how often at most while it does. */
const UNCHANGED_MS = 10_000;
const CHANGED_MS = 1000;

export const drain: Run = async (invocation) => {
  const gateway: Gateway = { admin: adminUrl(invocation, 'envoy-admin'), source: invocation.named('envoy-admin') };
  const wait = waitFlag(invocation);
  const end = performance.now() + wait * 1000;
  const drainTimeMs = await drainTime(gateway);
  // At the end of a shorter wait the ports would still be open, and take requests that stopping the gateway ends.
  if (wait * 1000 < drainTimeMs)
    throw new PosternError(
      'USAGE',
      `${invocation.named('wait')} ${required(invocation, 'wait')} ends before the ports of the gateway close, which its --drain-time-s sets to ${seconds(drainTimeMs)}; wait for at least that long, or start the gateway with --drain-time-s 5. Nothing was drained`,
    );
  const say = (text: string): void => invocation.stderr(`postern: ${oneLine(text)}\n`);
  // From now on each answer asks its caller to connect again (GOAWAY, or Connection: close) …
  await ask(gateway, '/healthcheck/fail', 'POST');
  // … and when the drain time is over, the ports close: callers and peers go elsewhere.
  await ask(gateway, '/drain_listeners?graceful', 'POST');
  say(
    `draining ${gateway.admin.host}: callers are asked to connect again, and the ports close in ${seconds(drainTimeMs)}`,
  );
  await sleep(Math.min(drainTimeMs, Math.max(0, end - performance.now())));
  const progress = new Progress(say, end);
  let open = await stillOpen(gateway);
  while (open.connections > 0 && performance.now() < end) {
    progress.update(open, performance.now());
    await sleep(POLL_MS);
    open = await stillOpen(gateway);
  }
  if (open.requests > 0)
    throw new PosternError(
      'DRAIN_INCOMPLETE',
      `still open after ${wait} s: ${plural(open.requests, 'request')} (${placesOf(open)}). Run postern drain again with a longer --wait, or stop the gateway now, which ends them`,
    );
  const idle =
    open.connections === 0
      ? ''
      : `; ${plural(open.connections, 'idle connection')} will close when the gateway stops, and no request is lost`;
  invocation.stdout(`drained: no request is open${idle}; stop the gateway now\n`);
  return EXIT.ok;
};

interface Gateway {
  readonly admin: URL;
  /** The flag or variable that names it. */
  readonly source: string;
}

/** Open requests and connections of callers and peers. */
interface Open {
  readonly requests: number;
  readonly connections: number;
  /** Open requests by the statistics prefix of the listener, without zeros. */
  readonly requestsOf: ReadonlyMap<string, number>;
}

/** Prints what is still open: at once when it changes, and from time to time when it does not. */
class Progress {
  private readonly say: (text: string) => void;
  private readonly end: number;
  private printed = '';
  private printedAt = Number.NEGATIVE_INFINITY;

  constructor(say: (text: string) => void, end: number) {
    this.say = say;
    this.end = end;
  }

  update(open: Open, now: number): void {
    const remains =
      open.requests === 0
        ? `no request is open; waiting for ${plural(open.connections, 'idle connection')} to close`
        : `waiting for ${plural(open.requests, 'request')} (${placesOf(open)})`;
    if (now - this.printedAt < (remains === this.printed ? UNCHANGED_MS : CHANGED_MS)) return;
    [this.printed, this.printedAt] = [remains, now];
    this.say(`${remains}, for at most ${seconds(Math.max(0, this.end - now))} more`);
  }
}

function placesOf({ requestsOf }: Open): string {
  return [...requestsOf].map(([prefix, count]) => `${prefix}: ${count}`).join(', ');
}

function seconds(milliseconds: number): string {
  return `${Math.ceil(milliseconds / 1000)} s`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function waitFlag(invocation: Invocation): number {
  const text = required(invocation, 'wait');
  const wait = parseDuration(text);
  if (wait === undefined)
    throw new PosternError('USAGE', `${invocation.named('wait')} takes a duration such as 90s or 5m, not ${text}`);
  return wait;
}

/** The gateway's drain time in milliseconds; its ports stay open for as long. */
async function drainTime(gateway: Gateway): Promise<number> {
  const text = await ask(gateway, '/server_info', 'GET');
  const seconds = Number.parseFloat(drainTimeIn(text) ?? '');
  if (Number.isNaN(seconds)) throw unreachable(gateway, 'what answers there is not the admin port of an Envoy');
  return seconds * 1000;
}

function drainTimeIn(serverInfo: string): string | undefined {
  try {
    const info = JSON.parse(serverInfo) as { readonly command_line_options?: { readonly drain_time?: string } } | null;
    return info?.command_line_options?.drain_time;
  } catch {
    return undefined;
  }
}

/** Without Envoy's admin port, to which this command itself connects, and the port that Prometheus scrapes (admin_metrics). */
async function stillOpen(gateway: Gateway): Promise<Open> {
  const text = await ask(gateway, '/stats?filter=downstream_(rq|cx)_active', 'GET');
  const gauges = text.split('\n').flatMap((line) => {
    const [, prefix = '', gauge = '', count = ''] =
      /^http\.(?!admin[._])([^:]*)\.(downstream_\w+_active): (\d+)$/.exec(line) ?? [];
    return count === '' || count === '0' ? [] : [{ prefix, gauge, count: Number(count) }];
  });
  const of = (name: string) => gauges.filter(({ gauge }) => gauge === name);
  const sum = (name: string): number => of(name).reduce((total, { count }) => total + count, 0);
  return {
    requests: sum('downstream_rq_active'),
    connections: sum('downstream_cx_active'),
    requestsOf: new Map(of('downstream_rq_active').map(({ prefix, count }) => [prefix, count])),
  };
}

async function ask(gateway: Gateway, path: string, method: 'GET' | 'POST'): Promise<string> {
  const { status, body } = await askAdmin(gateway.admin, path, method).catch((error: unknown) => {
    throw unreachable(gateway, (error as Error).message, error);
  });
  if (status === 403)
    throw unreachable(gateway, `it refuses ${path}; make a new bootstrap whose --envoy-admin is a loopback address`);
  if (status !== 200)
    throw unreachable(gateway, `it answers ${status} to ${path}, so it is not the admin port of an Envoy`);
  return body;
}

function unreachable({ admin, source }: Gateway, reason: string, cause?: unknown): PosternError {
  const hint = 'give the admin address of the Envoy with --envoy-admin HOST:PORT (the one of its bootstrap)';
  return new PosternError('ADMIN_UNREACHABLE', `cannot drain through ${source} ${admin.host}: ${reason}; ${hint}`, {
    cause,
  });
}
