// Everything that runs during a measurement: the measured gateways, hand-written ones at the other ends, and the backends.
// Must not: measure; measure.ts does.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../deploy/demo/ports.ts';
import type { Processes } from '../../deploy/demo/processes.ts';
import type { GatewayRole } from '../../src/federation/model.ts';
import { debianPrograms } from '../../test/support/programs/debian.ts';
import { bankAndShop, EXPORTS, type ExportName, type Ports, type Served } from './bank-and-shop.ts';
import { type Envoy, type EnvoyOptions, inPlace, MEASURED, OTHERS, ourSettings, startEnvoy } from './envoys.ts';
import {
  backend,
  handWrittenEgress,
  handWrittenIngress,
  type Json,
  type LogFields,
  type Static,
} from './hand-written.ts';
import { byteServer, CELLS, type LoadTools, requests } from './load.ts';
import { sameLine } from './log-line.ts';
import type { Piece, Whole } from './pieces.ts';

/** A measured gateway, and where the load for it goes in. */
export interface Measured {
  readonly envoy: Envoy;
  readonly http: number;
  readonly tcp: number;
}

export interface Scene {
  readonly load: LoadTools;
  readonly handWritten: Readonly<Record<GatewayRole, Measured>>;
  readonly ours: Readonly<Record<GatewayRole, Measured>>;
  /** Ours without one piece, by the name of the piece. */
  readonly without: Readonly<Record<GatewayRole, ReadonlyMap<string, Measured>>>;
}

export async function startScene(
  processes: Processes,
  folder: string,
  envoy: string,
  pieces: readonly Piece[],
  under: readonly string[] = [],
): Promise<Scene> {
  const options: EnvoyOptions = { processes, folder, envoy, under };
  const names = Object.keys(EXPORTS) as ExportName[];
  const backends = await startBackends(options, names);
  const [ingress = 0, http = 0, tcp = 0] = await freePorts('127.0.0.1', 3);
  const ports: Ports = { ingress, http, tcp, backends };
  const served = await bankAndShop(folder, ports);
  const start = starter(options, ports, served);
  // The ends of the chains that are not measured have no log.
  await startEnvoy(options, 'callee', OTHERS, handWrittenIngress(ingress, backends, served.ingress, undefined));
  const load = await loadTools(processes, folder);
  const whole: Readonly<Record<GatewayRole, Whole>> = {
    ingress: { resources: inPlace(served.ingress), settings: ourSettings('ingress') },
    egress: { resources: inPlace(served.egress), settings: ourSettings('egress') },
  };
  const ours = {
    ingress: await start('ingress', 'ours', whole.ingress),
    egress: await start('egress', 'ours', whole.egress),
  };
  const log: Record<GatewayRole, LogFields> = { ingress: undefined, egress: undefined };
  for (const role of ['ingress', 'egress'] as const) {
    await requests(load, CELLS.http2, ours[role].http, 0);
    log[role] = await sameLine(whole[role].resources.listeners, ours[role].envoy);
  }
  const handWritten = {
    ingress: await start('ingress', 'hand-written', (port) =>
      handWrittenIngress(port.ingress, backends, served.ingress, log.ingress),
    ),
    egress: await start('egress', 'hand-written', (port) => handWrittenEgress(port, served.egress, log.egress)),
  };
  const without = { ingress: new Map<string, Measured>(), egress: new Map<string, Measured>() };
  for (const { name, roles, without: leftOut } of pieces)
    for (const role of roles) without[role].set(name, await start(role, 'without', leftOut(whole[role])));
  return { load, handWritten, ours, without };
}

type Configuration = Whole | ((ports: Ports) => Static);

/** Starts a gateway at ports of its own; before an ingress goes a caller's gateway. */
function starter(options: EnvoyOptions, original: Ports, served: Served) {
  return async (role: GatewayRole, label: string, configuration: Configuration): Promise<Measured> => {
    const [first = 0, http = 0, tcp = 0] = await freePorts('127.0.0.1', 3);
    const ports = role === 'ingress' ? { ...original, ingress: first } : { ...original, http, tcp };
    const { resources, settings } =
      typeof configuration === 'function'
        ? { resources: configuration(ports), settings: {} }
        : { ...configuration, resources: atPorts(configuration.resources, role, original, ports) };
    const envoy = await startEnvoy(options, `${label}-${role}`, MEASURED, resources, settings);
    if (role === 'ingress') {
      const caller = handWrittenEgress({ http, tcp, ingress: first }, served.egress, undefined);
      await startEnvoy(options, 'caller', OTHERS, caller);
    }
    return { envoy, http, tcp };
  };
}

/** The same listeners at other ports. */
function atPorts({ listeners, ...rest }: Static, role: GatewayRole, from: Ports, to: Ports): Static {
  const ports = new Map(
    role === 'ingress'
      ? [[from.ingress, to.ingress]]
      : [
          [from.http, to.http],
          [from.tcp, to.tcp],
        ],
  );
  const moved = listeners.map((listener): Json => {
    const port = (listener['address'] as { socket_address: { port_value: number } } | undefined)?.socket_address
      .port_value;
    if (port === undefined) return listener;
    return { ...listener, address: { socket_address: { address: '127.0.0.1', port_value: ports.get(port) } } };
  });
  return { listeners: moved, ...rest };
}

/** 1 kB and 1 MB of text, with the headers of an application. */
const BODIES = { '/v1/1kB': 'x'.repeat(1000), '/v1/1MB': 'x'.repeat(1_000_000) };
const ANSWER = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  etag: '"5f1d7a84"',
  vary: 'accept-encoding',
  'x-correlation-id': '0d9f6c4e-3b1a-4e7d-8c5f-2a6b9d0e1f34',
};

async function startBackends(options: EnvoyOptions, names: readonly ExportName[]): Promise<Ports['backends']> {
  const { processes, folder } = options;
  const [envoy = 0, grpc = 0, tcp = 0] = await freePorts('127.0.0.1', 3);
  await startEnvoy(options, 'backend', OTHERS, backend(envoy, BODIES, ANSWER));
  (await byteServer(tcp)).unref();
  // A gRPC message: its length, then 1 kB. nghttpd answers with a file and the trailers of gRPC.
  const message = Buffer.concat([Buffer.from([0, 0, 0, 3, 232]), Buffer.alloc(1000, 1)]);
  mkdirSync(join(folder, 'grpc', 'fx.Rates'), { recursive: true });
  for (const file of [join(folder, 'message.grpc'), join(folder, 'grpc', 'fx.Rates', 'Get.grpc')])
    writeFileSync(file, message);
  writeFileSync(join(folder, 'mime.types'), 'application/grpc grpc\n');
  const { file, env } = await programs(folder);
  const args = ['--no-tls', '-d', join(folder, 'grpc'), `--mime-types-file=${join(folder, 'mime.types')}`];
  processes.start(
    'nghttpd',
    'taskset',
    ['-c', OTHERS, file('nghttpd'), ...args, '--trailer=grpc-status: 0', '-a', '127.0.0.1', String(grpc)],
    env,
  );
  const ports = { http: envoy, http2: envoy, grpc, tcp };
  return Object.fromEntries(names.map((name) => [name, ports[EXPORTS[name]]])) as Record<ExportName, number>;
}

async function loadTools(processes: Processes, folder: string): Promise<LoadTools> {
  const { file, env } = await programs(folder);
  return { processes, folder, h2load: file('h2load'), env };
}

function programs(folder: string): ReturnType<typeof debianPrograms> {
  return debianPrograms(['nghttp2-client', 'nghttp2-server'], ['h2load', 'nghttpd'], join(folder, 'debian'));
}
