// From the path of a workload in the configuration to what the model says of it.
// Must not: take a trust domain from the path; it is that of the mesh whose workload it is.

import { spiffeId, type TrustDomain } from '../trust/spiffe.ts';
import type { Workload } from './model.ts';

export function resolveWorkload(path: string, trustDomain: TrustDomain): Workload {
  if (!path.endsWith('/*')) return { exact: spiffeId(trustDomain, path) };
  return { prefix: `${spiffeId(trustDomain, path.slice(0, -'/*'.length))}/` };
}
