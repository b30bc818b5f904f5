// Starts and stops the whole demo: three Posterns, six Envoys and the backends.
// Must not: outlive `close`.

import { join } from 'node:path';
import { type Backend, startGrpcBackend, startHttpBackend, startTcpBackend } from './backends.ts';
import { type Demo, MESHES, type MeshName, prepareMeshes } from './meshes.ts';
import { type Role, startGateway, startPostern } from './postern.ts';
import { Processes, type Running } from './processes.ts';

export interface Stage {
  readonly demo: Demo;
  readonly processes: Processes;
  readonly backends: readonly Backend[];
  readonly gateways: Readonly<Record<MeshName, Readonly<Record<Role, Running>>>>;
}

/** What is running so far, so that it can be ended whenever and however the demo ends. */
export class Cast {
  readonly processes: Processes;
  private readonly backends: Backend[] = [];
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    this.processes = new Processes(join(folder, 'logs'));
  }

  /** Errors: what did not come up, with its last words. */
  async enter(envoy: string, progress: (line: string) => void): Promise<Stage> {
    progress('making three meshes (bank, shop, partner) with three CAs that do not know each other');
    const demo = await prepareMeshes(this.processes, this.folder);
    progress('starting the backends');
    await this.startBackends(demo);
    progress('starting a Postern for each mesh, from its YAML file');
    const meshes = MESHES.map((name) => demo.meshes[name]);
    await Promise.all(meshes.map((mesh) => startPostern(this.processes, mesh)));
    progress('starting an ingress and an egress Envoy for each mesh, as `postern bootstrap` says');
    const start = (name: MeshName, role: Role): Promise<Running> =>
      startGateway(this.processes, envoy, demo.meshes[name], role);
    const pair = async (name: MeshName): Promise<Record<Role, Running>> => {
      const [ingress, egress] = await Promise.all([start(name, 'ingress'), start(name, 'egress')]);
      return { ingress, egress };
    };
    const [bank, shop, partner] = await Promise.all([pair('bank'), pair('shop'), pair('partner')]);
    return { demo, processes: this.processes, backends: this.backends, gateways: { bank, shop, partner } };
  }

  private async startBackends({ at }: Demo): Promise<void> {
    const http = [
      ['accounts at the bank', 11_001],
      ['ledger at the bank', 11_002],
      ['reviews at the shop', 12_001],
      ['points at the partner', 13_001],
    ] as const;
    for (const [name, port] of http) this.backends.push(await startHttpBackend(name, at(port)));
    this.backends.push(await startGrpcBackend('rates at the bank', at(11_003)));
    this.backends.push(await startTcpBackend('ticks at the bank', at(11_004)));
  }

  async close(): Promise<void> {
    await this.processes.stopAll();
    await Promise.all(this.backends.map((backend) => backend.close()));
  }
}
