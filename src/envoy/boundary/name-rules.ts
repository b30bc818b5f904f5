// What a name says of whose a resource is: the peer, and the digest of what that peer meant when it was made.
// Must not: be made of envoy/resource-names.ts, which is what is checked here.

/** A peer as a name shows it. */
export interface Label {
  readonly peer: string;
  readonly key: string;
}

const LABEL = '([^/@]+)@([0-9a-f]{16})';
const CHAIN = new RegExp(`^peer/${LABEL}$`);
const ROUTES = new RegExp(`^ingress/${LABEL}$`);
const BUNDLE = new RegExp(`^bundle/${LABEL}$`);
const CERTIFICATE = new RegExp(`^cert/(ingress|egress)(?:/${LABEL})?$`);
const IMPORT = new RegExp(`^import/${LABEL}$`);
const DIAL = new RegExp(`^dial/${LABEL}$`);
const EXPORT = new RegExp(`^export/${LABEL}/([^/@]+)@([0-9a-f]{16})$`);

export function labelText({ peer, key }: Label): string {
  return `${peer}@${key}`;
}

export function chainLabel(name: string | undefined): Label | undefined {
  return labelOf(CHAIN.exec(name ?? ''));
}

export function routesLabel(name: string | undefined): Label | undefined {
  return labelOf(ROUTES.exec(name ?? ''));
}

/** Of a peer's tunnel. */
export function importLabel(name: string | undefined): Label | undefined {
  return labelOf(IMPORT.exec(name ?? ''));
}

export function dialLabel(name: string | undefined): Label | undefined {
  return labelOf(DIAL.exec(name ?? ''));
}

export function isBundleName(name: string): boolean {
  return BUNDLE.test(name);
}

/** The gateway of a certificate's secret. */
export function certificateRole(name: string): 'ingress' | 'egress' | undefined {
  const [, role] = CERTIFICATE.exec(name) ?? [];
  return role === 'ingress' || role === 'egress' ? role : undefined;
}

/** Of a grant's cluster: the peer, the digest of its trust domain, the export, and the digest of where that leads. */
export interface GrantLabel extends Label {
  readonly exported: string;
  readonly meaning: string;
}

export function grantLabel(name: string | undefined): GrantLabel | undefined {
  const [, peer, key, exported, meaning] = EXPORT.exec(name ?? '') ?? [];
  if (peer === undefined || key === undefined || exported === undefined || meaning === undefined) return undefined;
  return { peer, key, exported, meaning };
}

function labelOf(match: RegExpExecArray | null): Label | undefined {
  const [, peer, key] = match ?? [];
  return peer === undefined || key === undefined ? undefined : { peer, key };
}
