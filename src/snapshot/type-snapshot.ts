// All resources of one type at one time.
// Must not: change once it is made.

import type { ResourceSet } from './resource-set.ts';

/** All resources of one type, by name, in the order of their names. */
export interface TypeSnapshot {
  readonly typeUrl: string;
  readonly version: string;
  readonly resources: ResourceSet;
  /** The sum of the resources' digests, modulo 2^256. */
  readonly sum: bigint;
}
