// Parses requests: only the fields that the server needs, and the node only when it is asked for.
// Must not: accept a message that is cut short, or build what is not read (a node may hold 45 kB of extensions).

import { PUSH_ORDER } from '../../snapshot/resource-types.ts';
import { XdsError } from '../stream-status.ts';
import type { NodeClaims, Variant, XdsRequest } from './messages.ts';
import { CLIENT_FEATURES } from './messages.ts';
import { type NameList, NameLists } from './name-lists.ts';
import { bootstrapIn } from './node-metadata.ts';
import { Fields } from './proto-reader.ts';

/** Bounds what is kept as long as the stream: more than a client needs, and too little to count. */
export const MAX_CLAIM_BYTES = 1024;
const MAX_USER_AGENT_BYTES = 256;
const MAX_NACK_BYTES = 2048;
/** Characters that move a terminal's cursor, begin a line, or reverse the text direction. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The requests of one stream. `fixedType` is the one type of a per-type stream, whose requests need not name it. */
export class RequestParser {
  private readonly variant: Variant;
  private readonly maxNames: number;
  private readonly fixedType: string | undefined;
  private readonly lists = new NameLists();

  constructor(variant: Variant, maxNames: number, fixedType?: string) {
    this.variant = variant;
    this.maxNames = maxNames;
    this.fixedType = fixedType;
  }

  /** How many bytes of a request are a list of names that came before, and need not be read. Errors: XdsError. */
  repeatedBytes(bytes: Buffer): number {
    if (this.variant === 'delta' || this.lists.retainedBytes === 0) return 0;
    const fields = new Fields(bytes);
    while (fields.next()) if (fields.field === 3) return this.lists.at(bytes, fields.head)?.bytes.length ?? 0;
    return 0;
  }

  /** Errors: XdsError. */
  parse(bytes: Buffer): XdsRequest {
    if (this.variant === 'delta') return parseDeltaRequest(bytes, this.maxNames);
    return parseSotwRequest(bytes, this.maxNames, this.lists, this.fixedType);
  }

  /** About how many bytes are kept of earlier requests. */
  get retainedBytes(): number {
    return this.lists.retainedBytes;
  }
}

/** A DiscoveryRequest (envoy.service.discovery.v3) of at most `maxNames` names. */
export function parseSotwRequest(bytes: Buffer, maxNames: number, lists?: NameLists, fixedType?: string): XdsRequest {
  const request = new Building();
  const fields = new Fields(bytes);
  const list = new ListReader(bytes, lists);
  while (fields.next()) {
    if (fields.field === 1) request.versionInfo = fields.text();
    else if (fields.field === 2) request.claims = fields.bytes();
    else if (fields.field === 3) list.read(fields, maxNames);
    else if (fields.field === 4) request.typeUrl = interned(fields);
    else if (fields.field === 5) request.nonce = fields.text();
    else if (fields.field === 6) request.errorDetail = statusMessage(fields.bytes());
  }
  request.names = list.names;
  request.repeatedBytes = list.repeatedBytes;
  if (lists !== undefined) request.repeatsNames = list.isRepeated(lists, fixedType ?? request.typeUrl);
  return request;
}

/** The names of one request: those of an earlier one where the bytes are the same, and whatever else it names. */
class ListReader {
  names: readonly string[] = NO_NAMES;
  private readonly message: Buffer;
  private readonly lists: NameLists | undefined;
  private list: NameList | undefined;
  private added: string[] = NO_NAMES;
  private from = 0;
  /** Where the last name ends; -1 once the names are not consecutive. */
  private to = 0;

  constructor(message: Buffer, lists: NameLists | undefined) {
    this.message = message;
    this.lists = lists;
  }

  /** At the field of a name. */
  read(fields: Fields, maxNames: number): void {
    const { head } = fields;
    if (this.names.length === 0) {
      this.from = head;
      this.list = this.lists?.at(this.message, head);
      if (this.list !== undefined) {
        this.names = this.list.names;
        this.to = head + this.list.bytes.length;
        fields.moveTo(this.to);
        return;
      }
    } else if (head !== this.to) this.to = -1;
    // A list that other requests have as well is never changed.
    if (this.list !== undefined && this.names === this.list.names) this.added = [...this.names];
    this.added = added(this.added, fields.text(), maxNames);
    this.names = this.added;
    if (this.to !== -1) this.to = fields.end;
  }

  get repeatedBytes(): number {
    return this.list?.bytes.length ?? 0;
  }

  /** Whether the last request of this type had the same list, which is remembered for the next one. */
  isRepeated(lists: NameLists, typeUrl: string): boolean {
    const { list, names, from, to } = this;
    if (list !== undefined && names === list.names) {
      const isLast = lists.isLast(typeUrl, list);
      lists.remember(typeUrl, list);
      return isLast;
    }
    lists.remember(typeUrl, to > from ? { bytes: this.message.subarray(from, to), names } : undefined);
    return false;
  }
}

/** A DeltaDiscoveryRequest; none of its lists is longer than `maxNames`. */
export function parseDeltaRequest(bytes: Buffer, maxNames: number): XdsRequest {
  const request = new Building();
  const fields = new Fields(bytes);
  while (fields.next()) {
    if (fields.field === 1) request.claims = fields.bytes();
    else if (fields.field === 2) request.typeUrl = interned(fields);
    else if (fields.field === 3) request.subscribe = added(request.subscribe, fields.text(), maxNames);
    else if (fields.field === 4) request.unsubscribe = added(request.unsubscribe, fields.text(), maxNames);
    else if (fields.field === 5) addVersion(request, fields.bytes(), maxNames);
    else if (fields.field === 6) request.nonce = fields.text();
    else if (fields.field === 7) request.errorDetail = statusMessage(fields.bytes());
  }
  return request;
}

/** A request while it is parsed; the empty lists, which most requests have, are shared. */
class Building implements XdsRequest {
  typeUrl = '';
  nonce = '';
  errorDetail: string | undefined = undefined;
  versionInfo = '';
  names: readonly string[] = NO_NAMES;
  repeatsNames = false;
  repeatedBytes = 0;
  subscribe: string[] = NO_NAMES;
  unsubscribe: string[] = NO_NAMES;
  initialVersions: Map<string, string> = NO_VERSIONS;
  claims: Buffer | undefined = undefined;

  node(): NodeClaims | undefined {
    return this.claims === undefined ? undefined : parseNode(this.claims);
  }
}

const NO_NAMES: string[] = [];
const NO_VERSIONS = new Map<string, string>();

export function parseNode(bytes: Buffer): NodeClaims {
  const node = { id: '', cluster: '', userAgent: '' };
  let hasBuildVersion = false;
  let bootstrap: string | undefined;
  const features = new Set<string>();
  const fields = new Fields(bytes);
  while (fields.next()) {
    if (fields.field === 1) node.id = claim(fields);
    else if (fields.field === 2) node.cluster = claim(fields);
    else if (fields.field === 3) bootstrap = bootstrapIn(fields.bytes());
    else if (fields.field === 6) node.userAgent = printable(fields.text(MAX_USER_AGENT_BYTES));
    else if (fields.field === 8) hasBuildVersion = true;
    else if (fields.field === 10) {
      const feature = fields.text(MAX_CLAIM_BYTES);
      if (CLIENT_FEATURES.includes(feature)) features.add(feature);
    }
  }
  const isEnvoy = hasBuildVersion && node.userAgent === 'envoy';
  return { ...node, isEnvoy, ...(bootstrap !== undefined && { bootstrap }), clientFeatures: [...features] };
}

function claim(fields: Fields): string {
  if (fields.length > MAX_CLAIM_BYTES)
    throw new XdsError('INVALID_ARGUMENT', `node.id or node.cluster is longer than ${MAX_CLAIM_BYTES} bytes`);
  return fields.text();
}

/** The message of a google.rpc.Status; empty when there is none. */
function statusMessage(bytes: Buffer): string {
  let message = '';
  const fields = new Fields(bytes);
  while (fields.next()) if (fields.field === 2) message = fields.text(MAX_NACK_BYTES);
  return printable(message);
}

/** Text from a client is shown to operators. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, ' ');
}

/** Refuses too many names while they are read, not afterwards. */
function added(names: string[], name: string, maxNames: number): string[] {
  if (names.length >= maxNames) throw tooMany(maxNames);
  if (names === NO_NAMES) return [name];
  names.push(name);
  return names;
}

function tooMany(maxNames: number): XdsError {
  return new XdsError('RESOURCE_EXHAUSTED', `more than ${maxNames} names in one request`);
}

function addVersion(request: Building, entry: Buffer, maxNames: number): void {
  if (request.initialVersions.size >= maxNames) throw tooMany(maxNames);
  if (request.initialVersions === NO_VERSIONS) request.initialVersions = new Map();
  let [name, version] = ['', ''];
  const fields = new Fields(entry);
  while (fields.next()) {
    if (fields.field === 1) name = fields.text();
    else if (fields.field === 2) version = fields.text();
  }
  request.initialVersions.set(name, version);
}

const TYPE_URLS = new Map(PUSH_ORDER.map((typeUrl) => [typeUrl, typeUrl]));

/** The string object that the rest of the code uses: comparing it costs a pointer comparison, not sixty characters. */
function interned(fields: Fields): string {
  return TYPE_URLS.get(fields.latin1()) ?? fields.text();
}
