// Starts Envoys, each with one worker thread and on a core of its choice, and reads what they have used of it.
// Must not: give a measured Envoy a core that a load generator, a backend or another gateway is pinned to.

import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { freePorts } from '../../deploy/demo/ports.ts';
import { envoyArguments, isLive, until } from '../../deploy/demo/postern.ts';
import type { Processes, Running } from '../../deploy/demo/processes.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import { bootstrap } from '../../src/envoy/resources/gateway-bootstrap.ts';
import type { GatewayRole } from '../../src/federation/model.ts';
import { spiffeId, type TrustDomain } from '../../src/trust/spiffe.ts';
import type { Json, Static } from './hand-written.ts';

const LAST = cpus().length - 1;
/** The core of the measured Envoy, of which one works at a time; all else shares the others. */
export const MEASURED = String(LAST);
export const OTHERS = LAST === 0 ? '0' : `0-${LAST - 1}`;

export interface Envoy {
  readonly running: Running;
  /** Nanoseconds of CPU, of all threads. */
  cpu(): number;
  /** The lines of the access log since the last time. */
  takeLog(): readonly Readonly<Record<string, unknown>>[];
  dropLog(): void;
}

export interface EnvoyOptions {
  readonly processes: Processes;
  readonly folder: string;
  readonly envoy: string;
  /** A command that the measured Envoys run under. */
  readonly under?: readonly string[];
}

let count = 0;

/** `settings`: more of the bootstrap. */
export async function startEnvoy(
  { processes, folder, envoy, under = [] }: EnvoyOptions,
  label: string,
  core: string,
  { listeners, clusters, secrets }: Static,
  settings: Json = {},
): Promise<Envoy> {
  const [port = 0] = await freePorts('127.0.0.1', 1);
  count += 1;
  const name = `${label}-${count}`.replaceAll(/[^a-z0-9]+/gi, '-');
  const file = join(folder, `${name}.json`);
  const { static_resources: _, ...rest } = settings;
  const content = {
    ...rest,
    node: { id: name, cluster: name },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    static_resources: { listeners, clusters, secrets },
  };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  // The flags are those of our bootstrap, for every Envoy: when a log is written, and what is logged, is the same.
  const flags = envoyArguments(OUR_BOOTSTRAP, file);
  const running = processes.start(name, 'taskset', ['-c', core, ...(core === MEASURED ? under : []), envoy, ...flags]);
  await until(`${label} serving`, running, () => isLive({ host: '127.0.0.1', port }));
  const log = join(folder, 'logs', `${name}.out`);
  return { running, cpu: () => cpuOf(running.pid), takeLog: () => takeLog(log), dropLog: () => truncateSync(log) };
}

function takeLog(file: string): readonly Readonly<Record<string, unknown>>[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'));
  truncateSync(file);
  return lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}

/** From the scheduler's account, which counts nanoseconds where /proc/PID/stat has ticks of ten milliseconds. */
function cpuOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    const [nanoseconds] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
    return sum + Number(nanoseconds);
  }, 0);
}

const OUR_BOOTSTRAP = bootstrapOf('ingress');

function bootstrapOf(role: GatewayRole): string {
  const controlPlaneId = spiffeId('bench.example' as TrustDomain, 'control-plane');
  return bootstrap({ role, nodeId: role, certsDir: '/nowhere', xds: { host: '127.0.0.1', port: 1 }, controlPlaneId });
}

/** The settings of our own bootstrap but for what reaches the control plane. */
export function ourSettings(role: GatewayRole): Json {
  const { dynamic_resources: _, ...settings } = parse(bootstrapOf(role)) as Record<string, unknown>;
  return settings;
}

/** Resources as a control plane sends them, in place: secrets by name, routes in their listeners. */
export function inPlace(resources: readonly ResourceJson[]): Static {
  const ofType = (type: string): Json[] =>
    resources.filter((one) => one['@type'].endsWith(`.${type}`)).map(({ '@type': _, ...rest }) => rest as Json);
  const routes = new Map(ofType('RouteConfiguration').map((route) => [route['name'], route]));
  const inline = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inline);
    if (typeof value !== 'object' || value === null) return value;
    const { sds_config: _, rds, ...rest } = value as Record<string, unknown>;
    const route = (rds as Json | undefined)?.['route_config_name'];
    const fields = Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, inline(item)]));
    return rds === undefined ? fields : { ...fields, route_config: routes.get(route) };
  };
  return {
    listeners: ofType('Listener').map((one) => inline(one) as Json),
    clusters: ofType('Cluster').map((one) => inline(one) as Json),
    secrets: ofType('Secret'),
  };
}
