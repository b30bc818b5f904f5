// Extensions of CAs that verifiers of chains read although they decide nothing here (RFC 5280, 4.2.1.4 to 4.2.1.14).
// In: an extension's identifier and value. Out: whether it is what its identifier says. Must not: judge what it says.

import { childrenOf, contextTag, DER, type DerValue, oidOf, readDer } from '../x509/der-reader.ts';

const POINT: ReadonlySet<number> = new Set([contextTag(0, true), contextTag(1, false), contextTag(2, true)]);
const POLICY_CONSTRAINT: ReadonlySet<number> = new Set([contextTag(0, false), contextTag(1, false)]);

const SHAPES: ReadonlyMap<string, (value: DerValue) => boolean> = new Map([
  // cRLDistributionPoints
  ['2.5.29.31', (value) => isList(value, (point) => isList(point, ({ tag }) => POINT.has(tag)))],
  // certificatePolicies: none of them twice
  ['2.5.29.32', (value) => isList(value, isPolicy) && areDifferent(childrenOf(value).map(policyOf))],
  // policyMappings
  ['2.5.29.33', (value) => isList(value, (pair) => isList(pair, isOid) && childrenOf(pair).length === 2)],
  // policyConstraints
  ['2.5.29.36', (value) => isList(value, ({ tag }) => POLICY_CONSTRAINT.has(tag))],
  // inhibitAnyPolicy
  ['2.5.29.54', ({ tag, content }) => tag === DER.integer && (content[0] ?? 0x80) < 0x80],
]);

/** True for extensions that are not known here. Errors: a plain Error for what is no DER. */
export function hasItsShape(id: string, content: Buffer): boolean {
  return SHAPES.get(id)?.(readDer(content)) ?? true;
}

/** A sequence of at least one. */
function isList(value: DerValue, isItem: (item: DerValue) => boolean): boolean {
  if (value.tag !== DER.sequence) return false;
  const items = childrenOf(value);
  return items.length > 0 && items.every(isItem);
}

function isOid({ tag }: DerValue): boolean {
  return tag === DER.oid;
}

/** Its identifier, and what qualifies it. */
function isPolicy(value: DerValue): boolean {
  if (value.tag !== DER.sequence) return false;
  const [id, qualifiers, ...more] = childrenOf(value);
  const isQualified = qualifiers === undefined || qualifiers.tag === DER.sequence;
  return id?.tag === DER.oid && isQualified && more.length === 0;
}

function policyOf(value: DerValue): string {
  const [id] = childrenOf(value);
  return id === undefined ? '' : oidOf(id);
}

function areDifferent(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}
