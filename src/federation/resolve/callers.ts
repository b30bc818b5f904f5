// Callers of the egress gateway that prove who they are: what the model says of them.
// Must not: admit a caller that no import names.

import type { Config } from '../../config/schema/config.ts';
import type { TrustDomain } from '../../trust/spiffe.ts';
import type { Callers, Import } from '../model.ts';
import { localNames } from '../wire-names.ts';
import { resolveWorkload } from '../workload.ts';

export function resolveClients(clients: readonly string[] | undefined, ours: TrustDomain): Pick<Import, 'clients'> {
  return clients === undefined ? {} : { clients: clients.map((path) => resolveWorkload(path, ours)) };
}

/** Absent with plaintext. */
export function resolveCallers({ gateways, imports }: Config): { readonly callers?: Callers } {
  if (gateways.egress?.clients !== 'mtls') return {};
  return { callers: { names: [...new Set(imports.flatMap(({ as }) => localNames(as)))].sort() } };
}
