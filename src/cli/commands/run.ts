// `postern run`: serves until it is told to stop.
// In: settings and signals. Out: the exit status. Must not: go on after a first configuration that cannot be served.

import { isIPv4 } from 'node:net';
import { EXIT, PosternError } from '../../errors.ts';
import { createLogger, LOG_LEVELS } from '../../log.ts';
import { type App, startApp } from '../../runtime/control-plane.ts';
import { WARM_UP_MS } from '../../xds/transport/warm-up.ts';
import {
  ADMIN,
  addressFlag,
  type Command,
  FILE,
  GROUP_KEYS,
  isOn,
  oneOf,
  REQUIRE_STATE,
  required,
  XDS,
} from '../command.ts';
import { stateFolder } from '../configuration.ts';
import { nodeWarning } from '../node-version.ts';

/** Each holds every resource. */
const MAX_WORKERS = 64;

export const run: Command = {
  name: 'run',
  summary: 'serves; reloads when a file changes and on SIGHUP, drains on SIGTERM',
  flags: [
    FILE,
    REQUIRE_STATE,
    GROUP_KEYS,
    { name: 'xds', value: 'HOST:PORT', summary: 'where gateways connect (mutual TLS)', default: XDS },
    { name: 'admin', value: 'HOST:PORT', summary: 'where people and Prometheus ask', default: ADMIN },
    {
      name: 'insecure-xds',
      summary: 'plaintext xDS, on loopback alone, everybody is whom it claims to be: for benches',
    },
    {
      name: 'warm-up',
      value: 'MS',
      summary: 'how long to make the code hot before gateways may connect; 0: not at all',
      default: String(WARM_UP_MS),
    },
    {
      name: 'workers',
      value: 'N',
      summary: 'processes that serve gateways; more than 1: each beside this one, which then only decides',
      default: '1',
    },
    { name: 'log-level', value: LOG_LEVELS.join('|'), summary: 'how much to log', default: 'info' },
  ],
  run: async (invocation) => {
    const file = required(invocation, 'file');
    const insecureXds = invocation.flag('insecure-xds') !== undefined;
    const xds = addressFlag(invocation, 'xds', { anyPort: true });
    const admin = addressFlag(invocation, 'admin', { anyPort: true });
    if (insecureXds && !isLoopback(xds.host))
      throw new PosternError('USAGE', '--insecure-xds binds a loopback address only');
    const logLevel = oneOf(invocation.flag('log-level'), LOG_LEVELS, '--log-level');
    const logger = createLogger(logLevel);
    const workers = workersFlag(invocation.flag('workers'));
    const warmUpMs = warmUpFlag(invocation.flag('warm-up'));
    const warning = nodeWarning(process.versions.node);
    if (warning !== undefined) invocation.stderr(`postern: ${warning}\n`);
    // Node opens its inspector on SIGUSR1 unless somebody listens to it; the inspector could read every key.
    process.on('SIGUSR1', () => {});
    const ending = new AbortController();
    const stopped = new Promise<void>((fulfil) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => fulfil());
    }).then(() => ending.abort());
    // SIGHUP before there is anything to reload: it is being read anyway.
    let app: App | undefined;
    process.on('SIGHUP', () => void app?.reload());
    const starting = startApp({
      file,
      xds,
      admin,
      stateFolder: stateFolder(file, invocation.env),
      requireState: isOn(invocation, REQUIRE_STATE),
      groupKeys: isOn(invocation, GROUP_KEYS),
      insecureXds,
      warmUpMs,
      workers,
      logger,
      logLevel,
      ending: ending.signal,
    });
    app = await starting.catch((error: unknown) => {
      if (error instanceof Error && error.name === 'AbortError') return undefined;
      throw error;
    });
    if (app === undefined) return EXIT.ok;
    await stopped;
    logger.info({}, 'stopping');
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(EXIT.failed));
    await app.stop();
    return EXIT.ok;
  },
};

function isLoopback(host: string): boolean {
  // Not by its beginning alone: 127.example.com is a name that anybody may point anywhere.
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function warmUpFlag(text: string | undefined): number {
  if (text === undefined) return WARM_UP_MS;
  if (!/^\d{1,5}$/.test(text)) throw new PosternError('USAGE', '--warm-up takes milliseconds, 0 to 99999');
  return Number(text);
}

function workersFlag(text = '1'): number {
  if (!/^[1-9]\d?$/.test(text) || Number(text) > MAX_WORKERS)
    throw new PosternError('USAGE', `--workers takes a number of processes, 1 to ${MAX_WORKERS}`);
  return Number(text);
}
