// Name constraints of CAs (RFC 5280, 4.2.1.10), as BoringSSL and OpenSSL apply them in chains.
// Must not: allow a name or a constraint that a verifier does not understand; verifiers refuse the chain then.

import { GENERAL_NAME } from '../x509/certificate-shape.ts';
import { DerError, type DerNode } from '../x509/der.ts';
import { contextTag } from '../x509/der-content.ts';
import { canonicalName, printable } from '../x509/distinguished-name.ts';

/** A name of a subject or subjectAltName: the kinds with rules of their own, and the others by their tag. */
export type Name =
  | { readonly kind: 'email' | 'dns' | 'uri'; readonly text: string }
  | { readonly kind: 'directory'; readonly rdns: readonly string[] }
  | { readonly kind: 'other'; readonly tag: number };

interface Subtree {
  readonly base: Name;
  /** `minimum` or `maximum` is written: no verifier supports them. */
  readonly bounded: boolean;
}

export interface NameConstraints {
  readonly permitted: readonly Subtree[];
  readonly excluded: readonly Subtree[];
}

const TEXT_KINDS: Readonly<Record<number, 'email' | 'dns' | 'uri'>> = {
  [GENERAL_NAME.rfc822Name]: 'email',
  [GENERAL_NAME.dNSName]: 'dns',
  [GENERAL_NAME.uniformResourceIdentifier]: 'uri',
};

/** A GeneralName. */
export function readName({ tag, content, children: [name] }: DerNode): Name {
  const kind = TEXT_KINDS[tag];
  if (kind !== undefined) return { kind, text: content.toString('latin1') };
  // A Name is a CHOICE, so that its tag is explicit.
  if (tag === GENERAL_NAME.directoryName && name !== undefined) return { kind: 'directory', rdns: canonicalName(name) };
  return { kind: 'other', tag: tag & 0x1f };
}

/** The value of the extension. Errors: DerError. */
export function readNameConstraints({ children: lists }: DerNode): NameConstraints {
  const subtrees = (tag: number): readonly Subtree[] =>
    lists
      .filter((list) => list.tag === tag)
      .flatMap(({ children }) => children)
      .map(({ children: [base, ...bounds] }) => {
        if (base === undefined) throw new DerError('has a name constraint without a base');
        return { base: readName(base), bounded: bounds.length > 0 };
      });
  return { permitted: subtrees(contextTag(0, 'constructed')), excluded: subtrees(contextTag(1, 'constructed')) };
}

/** The first of the names that the constraints do not allow. */
export function forbiddenName(names: readonly Name[], constraints: NameConstraints): Name | undefined {
  return names.find((name) => {
    const permitted = constraints.permitted.filter(({ base }) => sameKind(name, base));
    const excluded = constraints.excluded.filter(({ base }) => sameKind(name, base));
    if ([...permitted, ...excluded].some(({ bounded }) => bounded)) return true;
    if ([...permitted, ...excluded].length > 0 && !isUnderstood(name)) return true;
    if (permitted.length > 0 && !permitted.some(({ base }) => isWithin(name, base))) return true;
    return excluded.some(({ base }) => isWithin(name, base));
  });
}

const KINDS = {
  email: 'the e-mail address',
  dns: 'the DNS name',
  uri: 'the URI',
  directory: 'the subject',
};

/** For messages. */
export function printableText(name: Name): string {
  if (name.kind === 'other') return `a name of the kind [${name.tag}]`;
  return `${KINDS[name.kind]} ${printable(name.kind === 'directory' ? name.rdns.join(', ') : name.text)}`;
}

function sameKind(name: Name, base: Name): boolean {
  if (name.kind === 'other' || base.kind === 'other')
    return name.kind === 'other' && base.kind === 'other' && name.tag === base.tag;
  return name.kind === base.kind;
}

/** False for names that verifiers cannot compare with a constraint of their kind. */
function isUnderstood(name: Name): boolean {
  if (name.kind === 'uri') return hostOf(name.text) !== undefined;
  if (name.kind === 'email') return name.text.includes('@');
  return name.kind !== 'other';
}

function isWithin(name: Name, base: Name): boolean {
  if (name.kind === 'directory' && base.kind === 'directory')
    return base.rdns.every((rdn, index) => rdn === name.rdns[index]);
  if (name.kind === 'uri' && base.kind === 'uri') return isHostWithin(hostOf(name.text) ?? '', lower(base.text));
  if (name.kind === 'dns' && base.kind === 'dns') return isDnsWithin(lower(name.text), lower(base.text));
  if (name.kind === 'email' && base.kind === 'email') return isEmailWithin(name.text, base.text);
  return false;
}

/** With a leading dot: any host below it; else this host alone. */
function isHostWithin(host: string, base: string): boolean {
  return base.startsWith('.') ? host.length > base.length && host.endsWith(base) : host === base;
}

/** The host of a URI with an authority; RFC 5280 knows no constraint for another. */
function hostOf(uri: string): string | undefined {
  const [, rest = ''] = /^[^:]*:\/\/(.*)$/s.exec(uri) ?? [];
  const host = rest.includes(':') ? rest.slice(0, rest.indexOf(':')) : rest.split('/', 1)[0];
  return host === undefined || host === '' ? undefined : lower(host);
}

function isDnsWithin(name: string, base: string): boolean {
  if (base === '' || name === base) return true;
  return (
    name.length > base.length && name.endsWith(base) && (base.startsWith('.') || name.at(-base.length - 1) === '.')
  );
}

function isEmailWithin(name: string, base: string): boolean {
  const [local, host] = partsOf(name);
  const [wanted, domain] = partsOf(base);
  if (wanted === undefined && base.startsWith('.'))
    return name.length > base.length && lower(name).endsWith(lower(base));
  if (wanted !== undefined && wanted !== '' && wanted !== local) return false;
  return lower(host) === lower(domain);
}

/** Before and after the first `@`. */
function partsOf(text: string): readonly [string | undefined, string] {
  const at = text.indexOf('@');
  return at === -1 ? [undefined, text] : [text.slice(0, at), text.slice(at + 1)];
}

function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
