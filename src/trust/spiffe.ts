// Parses SPIFFE trust domains and IDs (SPIFFE-ID, sections 2.1 to 2.4) as strictly as go-spiffe does.
// Must not: normalize; equality is exact.

declare const trustDomainBrand: unique symbol;
declare const spiffeIdBrand: unique symbol;

/** A trust domain's name, without a scheme: `bank.example`. */
export type TrustDomain = string & { readonly [trustDomainBrand]: true };
/** A SPIFFE ID with a path: `spiffe://bank.example/gateway/ingress`. */
export type SpiffeId = string & { readonly [spiffeIdBrand]: true };

const SCHEME = 'spiffe://';
const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
const SEGMENT = /^[A-Za-z0-9._-]+$/;
const MAX_ID_BYTES = 2048;

export function parseTrustDomain(text: string): TrustDomain | undefined {
  return TRUST_DOMAIN.test(text) ? (text as TrustDomain) : undefined;
}

/** A path relative to a trust domain, `gateway/ingress`: SPIFFE's segments, without the leading slash. */
export function isSpiffePath(text: string): boolean {
  return text.split('/').every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..');
}

/** Undefined for anything else than an ID with a path: an upper-case scheme, a port, a query, an encoded character. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (!text.startsWith(SCHEME) || text.length > MAX_ID_BYTES) return undefined;
  const rest = text.slice(SCHEME.length);
  const slash = rest.indexOf('/');
  if (slash < 0 || parseTrustDomain(rest.slice(0, slash)) === undefined) return undefined;
  return isSpiffePath(rest.slice(slash + 1)) ? (text as SpiffeId) : undefined;
}

/** The ID of a path that is known to be one. */
export function spiffeId(trustDomain: TrustDomain, path: string): SpiffeId {
  const id = parseSpiffeId(`${SCHEME}${trustDomain}/${path}`);
  if (id === undefined) throw new Error(`not a SPIFFE path: ${path}`);
  return id;
}

export function trustDomainOf(id: SpiffeId): TrustDomain {
  return id.slice(SCHEME.length, id.indexOf('/', SCHEME.length)) as TrustDomain;
}

/** The path of an ID, without the leading slash: `gateway/ingress`. */
export function pathOf(id: SpiffeId): string {
  return id.slice(id.indexOf('/', SCHEME.length) + 1);
}
