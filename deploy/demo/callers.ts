// How applications call their egress gateway: those of the bank and the shop in plain HTTP, those of the partner with a
// certificate that says which workload calls.
// Must not: know what a call is expected to come to.

import { type Answer, type Credentials, callGateway, callLocally, type Request } from './calls.ts';
import { certify } from './certificates.ts';
import type { DemoMesh } from './meshes.ts';

/** The workload of the partner that calls unless a row says otherwise. */
export const AUDIT = 'ns/partner/sa/audit';

/** Whether the egress gateway takes callers only with a certificate; its file says `clients: mtls`. */
export function isProven({ name }: DemoMesh): boolean {
  return name === 'partner';
}

/** A certificate of the mesh's own CA. */
export function workload({ pki, trustDomain }: DemoMesh, path: string): Credentials {
  return certify(pki, trustDomain, trustDomain, path);
}

/** A request for a local name, as the mesh's egress gateway takes it. */
export function callAsApplication(mesh: DemoMesh, host: string, asked: Request, as = AUDIT): Promise<Answer> {
  if (!isProven(mesh)) return callLocally(mesh.egress, host, asked);
  return callGateway({ gateway: mesh.egress, servername: host, client: workload(mesh, as) }, host, asked);
}
