// Requests off the wire, parsed by hand: only the fields that a server needs, the node only when asked for.
// In: bytes of a DiscoveryRequest or DeltaDiscoveryRequest. Out: plain data, or XdsError INVALID_ARGUMENT or RESOURCE_EXHAUSTED.
// Must not: accept a message that is cut short, or build what nobody reads (a node may hold 45 kB of extensions).

import { PUSH_ORDER } from '../snapshot/types.ts';
import { XdsError } from './status.ts';

export interface NodeClaims {
  readonly id: string;
  readonly cluster: string;
  readonly userAgent: string;
  readonly clientFeatures: readonly string[];
}

export interface XdsRequest {
  readonly typeUrl: string;
  readonly nonce: string;
  /** What the client said was wrong with the response of `nonce`; absent: nothing. */
  readonly errorDetail: string | undefined;
  /** SotW: version_info and resource_names. */
  readonly versionInfo: string;
  readonly names: readonly string[];
  /** Delta. */
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: ReadonlyMap<string, string>;
  /** Parses the node of this message, if it has one. */
  readonly node: () => NodeClaims | undefined;
}

type Field = (field: number, reader: Reader, wireType: number) => void;

/** A DiscoveryRequest (envoy.service.discovery.v3) of at most `maxNames` names. */
export function parseSotwRequest(bytes: Buffer, maxNames: number): XdsRequest {
  const request = new Building();
  let node: Buffer | undefined;
  readMessage(bytes, (field, reader, wireType) => {
    if (wireType !== 2) return reader.skip(wireType);
    const content = reader.bytes();
    if (field === 1) request.versionInfo = text(content);
    else if (field === 2) node = content;
    else if (field === 3) add(request.names, content, maxNames);
    else if (field === 4) request.typeUrl = interned(content);
    else if (field === 5) request.nonce = text(content);
    else if (field === 6) request.errorDetail = statusMessage(content);
  });
  request.node = () => (node === undefined ? undefined : parseNode(node));
  return request;
}

/** A DeltaDiscoveryRequest; none of its lists is longer than `maxNames`. */
export function parseDeltaRequest(bytes: Buffer, maxNames: number): XdsRequest {
  const request = new Building();
  let node: Buffer | undefined;
  readMessage(bytes, (field, reader, wireType) => {
    if (wireType !== 2) return reader.skip(wireType);
    const content = reader.bytes();
    if (field === 1) node = content;
    else if (field === 2) request.typeUrl = interned(content);
    else if (field === 3) add(request.subscribe, content, maxNames);
    else if (field === 4) add(request.unsubscribe, content, maxNames);
    else if (field === 5) addVersion(request, content, maxNames);
    else if (field === 6) request.nonce = text(content);
    else if (field === 7) request.errorDetail = statusMessage(content);
  });
  request.node = () => (node === undefined ? undefined : parseNode(node));
  return request;
}

/** While it is read. */
class Building implements XdsRequest {
  typeUrl = '';
  nonce = '';
  errorDetail: string | undefined = undefined;
  versionInfo = '';
  readonly names: string[] = [];
  readonly subscribe: string[] = [];
  readonly unsubscribe: string[] = [];
  initialVersions: Map<string, string> = NO_VERSIONS;
  node: () => NodeClaims | undefined = noNode;
}

const NO_VERSIONS = new Map<string, string>();
const noNode = (): undefined => undefined;

function parseNode(bytes: Buffer): NodeClaims {
  const node = { id: '', cluster: '', userAgent: '', clientFeatures: [] as string[] };
  readMessage(bytes, (field, reader, wireType) => {
    if (wireType !== 2) return reader.skip(wireType);
    const content = reader.bytes();
    if (field === 1) node.id = text(content);
    else if (field === 2) node.cluster = text(content);
    else if (field === 6) node.userAgent = text(content);
    else if (field === 10) node.clientFeatures.push(text(content));
  });
  return node;
}

/** google.rpc.Status: the message, or the code when there is none. */
function statusMessage(bytes: Buffer): string {
  let message = '';
  readMessage(bytes, (field, reader, wireType) => {
    if (field === 2 && wireType === 2) message = text(reader.bytes());
    else reader.skip(wireType);
  });
  return message.slice(0, 4096);
}

/** A million names are refused while they are read, not after. */
function add(names: string[], name: Buffer, maxNames: number): void {
  if (names.length >= maxNames) throw tooMany(maxNames);
  names.push(text(name));
}

function tooMany(maxNames: number): XdsError {
  return new XdsError('RESOURCE_EXHAUSTED', `more than ${maxNames} names in one request`);
}

function addVersion(request: Building, entry: Buffer, maxNames: number): void {
  if (request.initialVersions.size >= maxNames) throw tooMany(maxNames);
  if (request.initialVersions === NO_VERSIONS) request.initialVersions = new Map();
  let [name, version] = ['', ''];
  readMessage(entry, (field, reader, wireType) => {
    if (wireType !== 2) return reader.skip(wireType);
    const content = text(reader.bytes());
    if (field === 1) name = content;
    else if (field === 2) version = content;
  });
  request.initialVersions.set(name, version);
}

const TYPE_URLS = new Map(PUSH_ORDER.map((typeUrl) => [typeUrl, typeUrl]));

/** The very string that everybody else has: comparing it then costs a pointer, not sixty characters. */
function interned(bytes: Buffer): string {
  const typeUrl = bytes.toString('latin1');
  return TYPE_URLS.get(typeUrl) ?? text(bytes);
}

function text(bytes: Buffer): string {
  return bytes.toString('utf8');
}

function readMessage(bytes: Buffer, onField: Field): void {
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = reader.varint();
    onField(Math.floor(tag / 8), reader, tag % 8);
  }
}

class Reader {
  private readonly buffer: Buffer;
  private offset = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  get done(): boolean {
    return this.offset >= this.buffer.length;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count += 1) {
      const byte = this.buffer[this.offset];
      if (byte === undefined) break;
      this.offset += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw malformed();
  }

  bytes(): Buffer {
    const end = this.varint() + this.offset;
    if (end > this.buffer.length) throw malformed();
    const content = this.buffer.subarray(this.offset, end);
    this.offset = end;
    return content;
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.advance(8);
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.advance(4);
    else throw malformed();
  }

  private advance(count: number): void {
    this.offset += count;
    if (this.offset > this.buffer.length) throw malformed();
  }
}

function malformed(): XdsError {
  return new XdsError('INVALID_ARGUMENT', 'the request is not a discovery request');
}
