// The replies in which batches are sent, each with its version. Streams that are sent the same share them.
// Must not: make the replies of shared batches again for each stream.

import { memoizeByIdentity } from '../../memoize.ts';
import type { Resource } from '../../snapshot/resource.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import type { Reply, Variant } from '../wire/messages.ts';
import type { SharedBatch } from '../wire/shared-batch.ts';

const NONE: readonly never[] = [];

/** The replies of these batches without removals; the same replies for the same batches of the same state. */
export function repliesOf(variant: Variant, batches: readonly SharedBatch[], current: TypeSnapshot): readonly Reply[] {
  return variant === 'delta' ? deltaReplies(batches, current) : sotwReplies(batches, current);
}

const deltaReplies = memoizeByIdentity((batches: readonly SharedBatch[], current: TypeSnapshot): readonly Reply[] =>
  batches.map((batch) => replyOf(batch, current.version, current)),
);

const sotwReplies = memoizeByIdentity((batches: readonly SharedBatch[], current: TypeSnapshot): readonly Reply[] =>
  batches.map((batch, index) => {
    const version = sotwVersion(batch, index, index === batches.length - 1, current);
    return replyOf(batch, version, current);
  }),
);

function replyOf(resources: SharedBatch, version: string, current: TypeSnapshot): Reply {
  return { resources, removed: NONE, version, isShared: isOfState(resources, current) };
}

/** Whether a response holds nothing that was made for one client alone. */
export function isOfState(batch: SharedBatch, { resources }: TypeSnapshot): boolean {
  const [only] = batch;
  return batch.length !== 1 || only === undefined || resources.get(only.name)?.version === only.version;
}

/** Rule 15: each part has a version of its own, and the last has that of the state, unless it was respelled for its client. */
function sotwVersion(batch: SharedBatch, index: number, isLast: boolean, current: TypeSnapshot): string {
  const [only] = batch;
  if (isLast && isOfState(batch, current)) return current.version;
  // The same for the same name and bytes, in any part of any response.
  return `${current.version}-${batch.length === 1 && only !== undefined ? digestOf(only) : index + 1}`;
}

function digestOf({ digest }: Resource): string {
  return BigInt.asUintN(64, digest).toString(16);
}
