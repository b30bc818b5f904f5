// Envoy's message types as protobufjs reflects them from the .proto files: a second encoder and decoder for the tests of the codec.

import type protobuf from 'protobufjs';

const { loadProtos } = (await import(new URL('../../../../proto/bundle.mjs', import.meta.url).href)) as {
  readonly loadProtos: () => protobuf.Root;
};

export const reflectedRoot = loadProtos();

/** By full name or type URL. */
export function reflectedType(name: string): protobuf.Type {
  return reflectedRoot.lookupType(name.slice(name.lastIndexOf('/') + 1));
}
