// The demo's three meshes: copies of the examples in a folder of their own, with CAs that know nothing of each other.
// Must not: change the examples themselves.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import type { HostPort } from '../../src/host-port.ts';
import { freeShift, portsIn, shiftPorts } from './ports.ts';
import { type Place, postern } from './postern.ts';
import type { Processes } from './processes.ts';

const EXAMPLES = fileURLToPath(new URL('../../../deploy/examples/', import.meta.url));

export const MESHES = ['bank', 'shop', 'partner'] as const;
export type MeshName = (typeof MESHES)[number];

/** The first two digits of a mesh's ports in the examples. */
const PORT_BASE: Readonly<Record<MeshName, number>> = { bank: 11_000, shop: 12_000, partner: 13_000 };

/** Ports that the examples do not name: those of the processes themselves. */
const OWN_PORTS = { xds: 800, admin: 900, ingress: 901, egress: 902 };

/** The SNI label by which the partner calls the bank; both files have it. */
export const PARTNER_LABEL = 'p-5e1f07c2a94b';

export interface DemoMesh extends Place {
  readonly name: MeshName;
  readonly trustDomain: string;
  /** The folder with this mesh's CA: what its own team holds, and an attacker does not. */
  readonly pki: string;
  readonly ingress: HostPort;
  readonly egress: HostPort;
}

export interface Demo {
  readonly folder: string;
  readonly meshes: Readonly<Record<MeshName, DemoMesh>>;
  /** Where a port of the examples is now. */
  at(port: number): HostPort;
}

/** Copies the examples and makes the CAs. Errors: no ports, or a command failed. */
export async function prepareMeshes(processes: Processes, folder: string): Promise<Demo> {
  const texts = new Map(MESHES.map((name) => [name, readFileSync(join(EXAMPLES, `${name}.yaml`), 'utf8')]));
  const own = MESHES.flatMap((name) => Object.values(OWN_PORTS).map((port) => PORT_BASE[name] + port));
  const shift = await freeShift([...own, ...[...texts.values()].flatMap(portsIn)]);
  const at = (port: number): HostPort => ({ host: '127.0.0.1', port: port + shift });
  const meshes = MESHES.map((name): DemoMesh => {
    const base = PORT_BASE[name];
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, shiftPorts(texts.get(name) ?? '', shift));
    return {
      name,
      file,
      trustDomain: `${name}.example`,
      work: join(folder, name),
      pki: join(folder, 'pki', name),
      xds: at(base + OWN_PORTS.xds),
      admin: at(base + OWN_PORTS.admin),
      envoyAdmin: { ingress: at(base + OWN_PORTS.ingress), egress: at(base + OWN_PORTS.egress) },
      ingress: at(base + 443),
      egress: at(base + 80),
    };
  });
  await Promise.all(meshes.map(({ pki, trustDomain }) => makeCa(processes, pki, trustDomain)));
  const [bank, shop, partner] = meshes;
  if (bank === undefined || shop === undefined || partner === undefined) throw new Error('three meshes');
  return { folder, meshes: { bank, shop, partner }, at };
}

/** A CA of its own, as `postern certs dev` makes it. */
export async function makeCa(processes: Processes, folder: string, trustDomain: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await postern(processes, 'certs', 'dev', '--trust-domain', trustDomain, '--out', folder);
}

/** What an operator does with an editor: takes one consumer out of one export, and saves. Comments stay. */
export function removeGrant(mesh: DemoMesh, exported: string, peer: string): void {
  const document = parseDocument(readFileSync(mesh.file, 'utf8'));
  const { exports } = document.toJS() as { exports: { name: string; consumers: { peer: string }[] }[] };
  const at = exports.findIndex(({ name }) => name === exported);
  const consumer = exports[at]?.consumers.findIndex((one) => one.peer === peer) ?? -1;
  if (consumer < 0) throw new Error(`${mesh.name} does not export ${exported} to ${peer}`);
  document.deleteIn(['exports', at, 'consumers', consumer]);
  writeFileSync(mesh.file, document.toString({ lineWidth: 0 }));
}
