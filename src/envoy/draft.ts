// What the builders return: a named resource that is built only when one of its inputs changed; and helpers for Any.
// Must not: know any resource in particular.

import type { Any, Messages, PayloadType, ResourceJson, ResourceType } from './proto/types.gen.ts';

export type { Any } from './proto/types.gen.ts';

/** A message in ProtoJSON, by its full name. */
export type Message<N extends keyof Messages> = Messages[N];

/** A resource that can be built: `build` runs again only when one of `inputs` is another object (===, in order). */
export interface Draft {
  readonly typeUrl: string;
  readonly name: string;
  readonly inputs: readonly unknown[];
  /** Pure: the same inputs give the same resource. */
  readonly build: () => ResourceJson;
}

export function draft<N extends ResourceType>(
  type: N,
  name: string,
  inputs: readonly unknown[],
  build: () => Message<N>,
): Draft {
  const typeUrl = `type.googleapis.com/${type}` as const;
  // The type and its fields belong together by N; TypeScript cannot see that through the union of all resources.
  return { typeUrl, name, inputs, build: () => ({ '@type': typeUrl, ...build() }) as ResourceJson };
}

/** A message as Any: `type` is its full name, such as `envoy.config.rbac.v3.Action`. */
export function any<N extends PayloadType>(type: N, fields: Message<N>): Any {
  return { '@type': `type.googleapis.com/${type}`, ...fields } as Any;
}

/** A typed extension configuration: its name and its message as Any. */
export function extension<N extends PayloadType>(
  name: string,
  type: N,
  fields: Message<N>,
): { readonly name: string; readonly typed_config: Any } {
  return { name, typed_config: any(type, fields) };
}
