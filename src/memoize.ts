// Parts: large resources are lists of what one grant, one import or one peer adds to them, and a change of one of these must
// not cost all of them. In: what a part is made of. Out: the same object as long as that is the same; and which field of a
// resource holds its parts. Must not: be changed once built, since whoever looked at a part does not look again.

interface Built {
  readonly inputs: readonly unknown[];
  readonly part: object;
}

const known = new WeakMap<object, Built>();

/** The part of a resource that `owner` stands for; built again when one of `inputs` is another object (compared by ===). */
export function part<T extends object>(owner: object, inputs: readonly unknown[], build: () => T): T {
  const before = known.get(owner);
  const keeps = before !== undefined && inputs.every((input, index) => input === before.inputs[index]);
  if (keeps && before.inputs.length === inputs.length) return before.part as T;
  const made = build();
  known.set(owner, { inputs, part: made });
  return made;
}

/** The field that holds the parts, of the types that have any. */
export const PARTS: ReadonlyMap<string, string> = new Map([
  ['type.googleapis.com/envoy.config.route.v3.RouteConfiguration', 'virtual_hosts'],
  ['type.googleapis.com/envoy.config.listener.v3.Listener', 'filter_chains'],
]);

/** What is known of a part once it was looked at, which `rest` must not decide: it is for messages. Errors are not remembered. */
export function remembered<P extends object, R, A extends readonly unknown[]>(
  look: (part: P, ...rest: A) => R,
): (part: P, ...rest: A) => R {
  const results = new WeakMap<P, { readonly result: R }>();
  return (one, ...rest) => {
    const before = results.get(one);
    if (before !== undefined) return before.result;
    const result = look(one, ...rest);
    results.set(one, { result });
    return result;
  };
}
