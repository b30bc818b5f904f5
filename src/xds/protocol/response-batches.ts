// The replies in which resources are sent, each with its version. Streams that are sent the same share them.
// Must not: make the replies of a shared list of resources again for each stream.

import type { Resource } from '../../snapshot/resource.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import type { Reply, Variant } from '../wire/messages.ts';

type Parts = readonly (readonly Resource[])[];

interface Made {
  readonly version: string;
  readonly replies: readonly Reply[];
}

const made: Record<Variant, WeakMap<Parts, Made>> = { sotw: new WeakMap(), delta: new WeakMap() };
const NONE: readonly never[] = [];

/** The replies of these parts without removals; the same replies for the same parts of the same state. */
export function repliesOf(variant: Variant, parts: Parts, current: TypeSnapshot): readonly Reply[] {
  const { version } = current;
  const before = made[variant].get(parts);
  if (before?.version === version) return before.replies;
  const replies = parts.map((part, index) => ({
    resources: part,
    removed: NONE,
    version: variant === 'delta' ? version : sotwVersion(part, index, index === parts.length - 1, current),
    isShared: isOfState(part, current),
  }));
  made[variant].set(parts, { version, replies });
  return replies;
}

/** Whether a response holds nothing that was made for one client alone. */
export function isOfState(part: readonly Resource[], { resources }: TypeSnapshot): boolean {
  const [only] = part;
  return part.length !== 1 || only === undefined || resources.get(only.name)?.version === only.version;
}

/** Rule 15: each part has a version of its own, and the last has that of the state, unless its bytes are other ones. */
function sotwVersion(part: readonly Resource[], index: number, isLast: boolean, current: TypeSnapshot): string {
  const [only] = part;
  if (isLast && isOfState(part, current)) return current.version;
  // The same for the same name and bytes, in whatever part of whatever response.
  return `${current.version}-${part.length === 1 && only !== undefined ? digestOf(only) : index + 1}`;
}

function digestOf({ digest }: Resource): string {
  return BigInt.asUintN(64, digest).toString(16);
}
