// `postern run`: serves until a signal stops it.
// Must not: start with a configuration that cannot be served.

import { isIPv4 } from 'node:net';
import { bootstrapDigest } from '../../envoy/resources/gateway-bootstrap.ts';
import { EXIT, PosternError } from '../../errors.ts';
import { createLogger } from '../../log.ts';
import { ROLES } from '../../pipeline/publisher.ts';
import { ControlPlane } from '../../runtime/control-plane.ts';
import { addressFlag, choice, type Invocation, isOn, LOG_LEVELS, type Run, required } from '../command.ts';
import { namedFile, stateFolder } from '../configuration.ts';
import { nodeWarning } from '../node-version.ts';

/** Each worker holds every resource. */
const MAX_WORKERS = 64;

export const run: Run = async (invocation) => {
  const file = namedFile(invocation);
  const insecureXds = isOn(invocation, 'insecure-xds');
  const xds = addressFlag(invocation, 'xds', { anyPort: true });
  const admin = addressFlag(invocation, 'admin', { anyPort: true, example: '127.0.0.1:19000' });
  if (insecureXds && !isLoopback(xds.host))
    throw new PosternError(
      'USAGE',
      `--insecure-xds serves on loopback only, and ${invocation.named('xds')} is ${xds.host}`,
    );
  const logLevel = choice(invocation, 'log-level', LOG_LEVELS);
  const logger = createLogger(logLevel);
  const workers = workersFlag(invocation);
  const warmUpMs = warmUpFlag(invocation);
  const requireState = isOn(invocation, 'require-state');
  const groupKeys = isOn(invocation, 'group-keys');
  const requireEnd = isOn(invocation, 'require-end');
  const warning = nodeWarning(process.versions.node);
  if (warning !== undefined) invocation.stderr(`postern: ${warning}\n`);
  // Node opens its inspector on SIGUSR1 unless somebody listens to it; the inspector could read every key.
  process.on('SIGUSR1', () => {});
  const ending = new AbortController();
  const stopped = new Promise<void>((fulfil) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => fulfil());
  }).then(() => ending.abort());
  // A SIGHUP that comes before the first configuration is served needs no reload: the file is being read.
  let controlPlane: ControlPlane | undefined;
  process.on('SIGHUP', () => void controlPlane?.reload());
  const starting = ControlPlane.start({
    file,
    xds,
    admin,
    stateFolder: stateFolder(invocation, file),
    requireState,
    groupKeys,
    requireEnd,
    insecureXds,
    bootstraps: new Map(ROLES.map((role) => [role, bootstrapDigest(role)])),
    warmUpMs,
    workers,
    logger,
    logLevel,
    ending: ending.signal,
  });
  controlPlane = await starting.catch((error: unknown) => {
    if (error instanceof Error && error.name === 'AbortError') return undefined;
    throw error;
  });
  if (controlPlane === undefined) return EXIT.ok;
  await stopped;
  logger.info({}, 'stopping');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(EXIT.failed));
  await controlPlane.stop();
  return EXIT.ok;
};

function isLoopback(host: string): boolean {
  // A prefix is not enough: anybody may point the name 127.example.com anywhere.
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function warmUpFlag(invocation: Invocation): number {
  const text = required(invocation, 'warm-up');
  if (!/^\d{1,5}$/.test(text))
    throw new PosternError('USAGE', `${invocation.named('warm-up')} takes milliseconds, 0 to 99999, not ${text}`);
  return Number(text);
}

function workersFlag(invocation: Invocation): number {
  const text = required(invocation, 'workers');
  if (!/^[1-9]\d?$/.test(text) || Number(text) > MAX_WORKERS)
    throw new PosternError('USAGE', `${invocation.named('workers')} takes a number, 1 to ${MAX_WORKERS}, not ${text}`);
  return Number(text);
}
