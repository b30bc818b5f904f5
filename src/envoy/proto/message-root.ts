// The message types of Envoy's protos, loaded when the first resource is encoded or decoded: commands that do neither save the time.
// Must not: change what is encoded; a type's encoder and decoder are the ones that protobufjs generates.

import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

let loaded: protobuf.Root | undefined;

/** All message types; they never change. */
export function messageRoot(): protobuf.Root {
  if (loaded === undefined) {
    const json = readFileSync(new URL('../../../proto/xds.json', import.meta.url), 'utf8');
    loaded = protobuf.Root.fromJSON(JSON.parse(json) as protobuf.INamespace);
    loaded.resolveAll();
    generateOnFirstUse(loaded);
  }
  return loaded;
}

/**
 * Type.setup() generates five functions for a type. Postern uses two of them, and the others are 60 % of the time that
 * encoding and checking a small configuration takes in a new process.
 */
function generateOnFirstUse(namespace: protobuf.NamespaceBase): void {
  for (const nested of namespace.nestedArray) {
    if (nested instanceof protobuf.Type) {
      const type = nested;
      type.encode = (...parameters) => generated(type).encode(...parameters);
      type.decode = (...parameters) => generated(type).decode(...parameters);
    }
    if (nested instanceof protobuf.Namespace) generateOnFirstUse(nested);
  }
}

/** The type with its encoder and decoder in the place of those that made them. */
function generated(type: protobuf.Type): protobuf.Type {
  const types = type.fieldsArray.map((field) => field.resolve().resolvedType);
  const { util, Writer, Reader } = protobuf;
  type.encode = protobuf.encoder(type)({ Writer, types, util }) as unknown as protobuf.Type['encode'];
  type.decode = protobuf.decoder(type)({ Reader, types, util, C: type.ctor }) as unknown as protobuf.Type['decode'];
  return type;
}
