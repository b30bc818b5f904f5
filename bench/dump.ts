// Reads a dump: the serialized resources that all servers of the bench serve (format: bench/peer/internal/dump).
// Must not: know the server that serves them.

const MAGIC = 'XDSDUMP1';
const MARKER = Buffer.from('rev-');
const DIGITS = 10;

export interface DumpedType {
  readonly typeUrl: string;
  readonly resources: readonly { readonly name: string; readonly body: Buffer }[];
}

interface Header {
  readonly types: readonly {
    readonly typeUrl: string;
    readonly resources: readonly { readonly name: string; readonly off: number; readonly len: number }[];
  }[];
}

export function readDump(bytes: Buffer): readonly DumpedType[] {
  if (bytes.toString('latin1', 0, 8) !== MAGIC) throw new Error(`not an ${MAGIC} file`);
  const headerEnd = 12 + bytes.readUInt32BE(8);
  const header = JSON.parse(bytes.toString('utf8', 12, headerEnd)) as Header;
  return header.types.map(({ typeUrl, resources }) => ({
    typeUrl,
    resources: resources.map(({ name, off, len }) => ({
      name,
      body: bytes.subarray(headerEnd + off, headerEnd + off + len),
    })),
  }));
}

/** The same resource at bump `count`: the ten digits behind its marker are overwritten. */
export function bumped(body: Buffer, count: number): Buffer {
  const at = body.indexOf(MARKER);
  if (at < 0) throw new Error('a resource without a marker');
  const copy = Buffer.from(body);
  copy.write(String(count).padStart(DIGITS, '0'), at + MARKER.length, 'latin1');
  return copy;
}
