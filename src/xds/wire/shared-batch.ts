// The resources of one response, as a list that is shared by all streams that are sent the same: encoded responses are cached by
// the list itself. Must not: be made where a list that exists could be passed on; a list of its own is encoded again.

import type { Resource } from '../../snapshot/resource.ts';

declare const shared: unique symbol;

/** A list made by `sharedBatch`. A filtered or copied list is a plain array, which no response takes. */
export type SharedBatch = readonly Resource[] & { readonly [shared]: true };

/** The list itself, which must never change. */
export function sharedBatch(resources: readonly Resource[]): SharedBatch {
  return resources as SharedBatch;
}
