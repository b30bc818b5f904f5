// Whole meshes for end-to-end tests: Posterns from YAML, real Envoys, backends and CAs, on addresses of this process alone.
// Must not: leave a process behind, or use an address of another test process.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Backend, startGrpcBackend, startHttpBackend } from '../../deploy/demo/backends.ts';
import { findEnvoy } from '../../deploy/demo/envoy-binary.ts';
import { LIMIT_MS } from '../../deploy/demo/limit.ts';
import { freePorts } from '../../deploy/demo/ports.ts';
import { type GatewayOptions, type Place, type Role, startGateway, startPostern } from '../../deploy/demo/postern.ts';
import { Processes, type Running } from '../../deploy/demo/processes.ts';
import { type LogLine, parseLog } from '../../deploy/demo/why.ts';
import type { Status } from '../../src/admin/status-view.ts';
import { formatHostPort, type HostPort } from '../../src/host-port.ts';
import { posternHere } from './postern-here.ts';

/** An address of the loopback network that no other process of this test run uses. */
const HOST = `127.${((process.pid >> 16) & 0x3f) + 64}.${(process.pid >> 8) & 0xff}.${process.pid & 0xff || 1}`;

export const ADS = ['delta', 'sotw'] as const;
export type Ads = (typeof ADS)[number];

/** Everything that one suite brought up. */
export class Testbed {
  readonly folder: string;
  readonly processes: Processes;
  private readonly backends: Backend[] = [];
  private readonly envoy: string;

  private constructor(envoy: string) {
    this.envoy = envoy;
    this.folder = mkdtempSync(join(tmpdir(), 'postern-e2e-'));
    this.processes = new Processes(join(this.folder, 'logs'));
  }

  /** Errors: NoEnvoy. A test that needs Envoy and has none fails. */
  static async create(): Promise<Testbed> {
    const { file } = await findEnvoy();
    return new Testbed(file);
  }

  async port(): Promise<number> {
    const [port = 0] = await freePorts(HOST, 1);
    return port;
  }

  async address(): Promise<HostPort> {
    return { host: HOST, port: await this.port() };
  }

  /** The folder of a new CA of a trust domain, where the YAML looks for it. */
  async ca(trustDomain: string): Promise<string> {
    return await this.caInto(this.pki(trustDomain), trustDomain);
  }

  async caInto(folder: string, trustDomain: string): Promise<string> {
    await posternHere('certs', 'dev', '--trust-domain', trustDomain, '--out', folder, '--force');
    return folder;
  }

  pki(trustDomain: string): string {
    return join(this.folder, 'pki', trustDomain);
  }

  async backend(name: string, protocol: 'http' | 'grpc' = 'http'): Promise<Backend> {
    const start = protocol === 'http' ? startHttpBackend : startGrpcBackend;
    const backend = await start(name, { host: HOST, port: 0 });
    this.backends.push(backend);
    return backend;
  }

  /** A mesh whose YAML stands in the testbed's folder, so that `pki/<trust domain>/ca.pem` is a path in it. */
  async mesh(name: string, yaml: string, options: GatewayOptions = {}): Promise<TestMesh> {
    const [xds, admin, ingress, egress] = await Promise.all([1, 2, 3, 4].map(() => this.address()));
    if (xds === undefined || admin === undefined || ingress === undefined || egress === undefined) throw new Error();
    const file = join(this.folder, `${name}.yaml`);
    const place = { name, file, work: join(this.folder, name), xds, admin, envoyAdmin: { ingress, egress } };
    mkdirSync(place.work);
    writeFileSync(file, yaml);
    return new TestMesh(this.processes, this.envoy, place, yaml, options);
  }

  async close(): Promise<void> {
    await this.processes.stopAll();
    await Promise.all(this.backends.map((backend) => backend.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One mesh: its control plane and its gateways. */
export class TestMesh {
  readonly place: Place;
  /** As it was written last. */
  yaml: string;
  control: Running | undefined;
  readonly gateways = new Map<Role, Running>();
  private readonly processes: Processes;
  private readonly envoy: string;
  private readonly options: GatewayOptions;

  constructor(processes: Processes, envoy: string, place: Place, yaml: string, options: GatewayOptions) {
    this.processes = processes;
    this.envoy = envoy;
    this.place = place;
    this.yaml = yaml;
    this.options = options;
  }

  /** Control plane first, then its gateways; all of them ready. */
  async start(...roles: readonly Role[]): Promise<this> {
    await this.startControl();
    await Promise.all(roles.map((role) => this.startGateway(role)));
    return this;
  }

  /** `flags`: more of `postern run`. */
  async startControl(...flags: readonly string[]): Promise<void> {
    this.control = await startPostern(this.processes, this.place, flags);
  }

  async startGateway(role: Role): Promise<void> {
    const options = { postern: posternHere, ...this.options };
    this.gateways.set(role, await startGateway(this.processes, this.envoy, this.place, role, options));
  }

  write(yaml: string): void {
    this.yaml = yaml;
    writeFileSync(this.place.file, yaml);
  }

  /** Writes the text with a change; a change that changes nothing is the test's mistake. */
  edit(change: (yaml: string) => string): void {
    const next = change(this.yaml);
    if (next === this.yaml) throw new Error('the edit changed nothing');
    this.write(next);
  }

  async status(): Promise<Status> {
    const answer = await fetch(`http://${formatHostPort(this.place.admin)}/status`);
    return (await answer.json()) as Status;
  }

  /** What a gateway's own admin port says. */
  async envoyAdmin(role: Role, path: string): Promise<string> {
    const answer = await fetch(`http://${formatHostPort(this.place.envoyAdmin[role])}${path}`);
    return await answer.text();
  }

  log(role: Role): readonly LogLine[] {
    return parseLog(this.gateways.get(role)?.stdout() ?? '');
  }

  /** Until every type of every connected gateway is acknowledged as it is now. */
  async settled(): Promise<void> {
    await eventually(`${this.place.name} settled`, async () => {
      const { gateways } = await this.status();
      const nodes = gateways.flatMap((gateway) => gateway.nodes);
      return (
        nodes.length >= this.gateways.size && nodes.every(({ types }) => types.every(({ state }) => state === 'SYNCED'))
      );
    });
  }
}

/** Polls until `check` is true; false and errors mean "not yet". Errors: it did not come true in time. */
export async function eventually(what: string, check: () => boolean | Promise<boolean>, ms = LIMIT_MS): Promise<void> {
  const end = Date.now() + ms;
  let last: unknown;
  while (Date.now() < end) {
    try {
      if (await check()) return;
    } catch (error) {
      last = error;
    }
    await sleep(20);
  }
  throw new Error(`not within ${ms} ms: ${what}`, { cause: last });
}
