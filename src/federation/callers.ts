// Callers of the egress gateway that prove who they are: what the model says of them.
// Must not: admit a caller that no import names.

import type { Config } from '../config/schema/config.ts';
import { spiffeId, type TrustDomain } from '../trust/spiffe.ts';
import type { Callers, ClientRule, Import } from './model.ts';
import { localNames } from './wire-names.ts';

export function resolveClients(clients: readonly string[] | undefined, ours: TrustDomain): Pick<Import, 'clients'> {
  return clients === undefined ? {} : { clients: clients.map((path) => clientRule(path, ours)) };
}

function clientRule(path: string, ours: TrustDomain): ClientRule {
  if (!path.endsWith('/*')) return { exact: spiffeId(ours, path) };
  return { prefix: `${spiffeId(ours, path.slice(0, -'/*'.length))}/` };
}

/** Absent with plaintext. */
export function resolveCallers({ gateways, imports }: Config): { readonly callers?: Callers } {
  if (gateways.egress?.clients !== 'mtls') return {};
  return { callers: { names: [...new Set(imports.flatMap(({ as }) => localNames(as)))].sort() } };
}
