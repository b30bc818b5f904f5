// Requests off the wire, parsed by hand: only the fields that a server needs, the node only when asked for.
// In: bytes of a DiscoveryRequest or DeltaDiscoveryRequest. Out: plain data, or XdsError INVALID_ARGUMENT or RESOURCE_EXHAUSTED.
// Must not: accept a message that is cut short, or build what nobody reads (a node may hold 45 kB of extensions).

import { PUSH_ORDER } from '../../snapshot/types.ts';
import { XdsError } from '../stream-status.ts';
import type { NodeClaims, XdsRequest } from './messages.ts';
import { CLIENT_FEATURES } from './messages.ts';
import { Fields } from './proto-reader.ts';

/** Of what is kept as long as the stream: more than anybody needs, and nothing that is worth counting. */
const MAX_CLAIM_BYTES = 1024;
const MAX_USER_AGENT_BYTES = 256;
const MAX_NACK_BYTES = 2048;
/** What would move the cursor of a terminal, begin a line, or turn a text round. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A DiscoveryRequest (envoy.service.discovery.v3) of at most `maxNames` names. */
export function parseSotwRequest(bytes: Buffer, maxNames: number): XdsRequest {
  const request = new Building();
  const fields = new Fields(bytes);
  while (fields.next()) {
    if (fields.field === 1) request.versionInfo = fields.text();
    else if (fields.field === 2) request.claims = fields.bytes();
    else if (fields.field === 3) request.names = added(request.names, fields.text(), maxNames);
    else if (fields.field === 4) request.typeUrl = interned(fields);
    else if (fields.field === 5) request.nonce = fields.text();
    else if (fields.field === 6) request.errorDetail = statusMessage(fields.bytes());
  }
  return request;
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

/** While it is read; what most requests do not have is shared. */
class Building implements XdsRequest {
  typeUrl = '';
  nonce = '';
  errorDetail: string | undefined = undefined;
  versionInfo = '';
  names: string[] = NO_NAMES;
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

function parseNode(bytes: Buffer): NodeClaims {
  const node = { id: '', cluster: '', userAgent: '' };
  const features = new Set<string>();
  const fields = new Fields(bytes);
  while (fields.next()) {
    if (fields.field === 1) node.id = claim(fields);
    else if (fields.field === 2) node.cluster = claim(fields);
    else if (fields.field === 6) node.userAgent = printable(fields.text(MAX_USER_AGENT_BYTES));
    else if (fields.field === 10) {
      const feature = fields.text(MAX_CLAIM_BYTES);
      if (CLIENT_FEATURES.includes(feature)) features.add(feature);
    }
  }
  return { ...node, clientFeatures: [...features] };
}

function claim(fields: Fields): string {
  if (fields.length > MAX_CLAIM_BYTES)
    throw new XdsError('INVALID_ARGUMENT', `node.id or node.cluster is longer than ${MAX_CLAIM_BYTES} bytes`);
  return fields.text();
}

/** google.rpc.Status: the message, or nothing when there is none. */
function statusMessage(bytes: Buffer): string {
  let message = '';
  const fields = new Fields(bytes);
  while (fields.next()) if (fields.field === 2) message = fields.text(MAX_NACK_BYTES);
  return printable(message);
}

/** Of a client's own words: they are shown to operators. */
function printable(text: string): string {
  return text.replace(UNPRINTABLE, ' ');
}

/** A million names are refused while they are read, not after. */
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

/** The very string that everybody else has: comparing it then costs a pointer, not sixty characters. */
function interned(fields: Fields): string {
  return TYPE_URLS.get(fields.latin1()) ?? fields.text();
}
