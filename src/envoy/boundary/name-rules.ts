// What a resource's name says: the peer, and the digest of what that peer meant when the name was made.
// Must not: be made of envoy/resource-names.ts, which is what is checked here.

/** The peer in a name. */
export interface Label {
  readonly peer: string;
  readonly key: string;
}

const LABEL = '([^/@]+)@([0-9a-f]{16})';
const CHAIN = new RegExp(`^peer/${LABEL}$`);
const ROUTES = new RegExp(`^ingress/${LABEL}$`);
const BUNDLE = new RegExp(`^bundle/${LABEL}$`);
const MESH_BUNDLE = /^mesh-bundle\/([0-9a-f]{16})$/;
const CERTIFICATE = new RegExp(`^cert/(ingress|egress)(?:/${LABEL})?$`);
const CALLERS_CERTIFICATE = 'cert/callers';
const BACKENDS_CERTIFICATE = 'cert/backends';
const BACKEND_CA = /^backend-ca\/([0-9a-f]{16})$/;
const IMPORT = new RegExp(`^import/${LABEL}$`);
const DIAL = new RegExp(`^dial/${LABEL}$`);
const TCP_CHAIN = new RegExp(`^tcp/${LABEL}/([^/@]+)@([0-9a-f]{16})$`);
const GATE = new RegExp(`^gate/${LABEL}/([^/@]+)@([0-9a-f]{16})$`);
const CALLERS_GATE = /^callers\/(\d+)@([0-9a-f]{16})$/;
const TCP_IMPORT = new RegExp(`^tcp/${LABEL}/([^/@]+)$`);
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

/** The peer of a tunnel, and of the cluster whose requests enter it. */
export function importLabel(name: string | undefined): Label | undefined {
  return labelOf(IMPORT.exec(name ?? ''));
}

export function dialLabel(name: string | undefined): Label | undefined {
  return labelOf(DIAL.exec(name ?? ''));
}

export function bundleLabel(name: string): Label | undefined {
  return labelOf(BUNDLE.exec(name));
}

/** Of the secret with the CAs of our own workloads: the digest of its roots. */
export function meshBundleKey(name: string): string | undefined {
  return MESH_BUNDLE.exec(name)?.[1];
}

/** Of the secret with the CAs of a backend: their digest. */
export function backendCaKey(name: string): string | undefined {
  return BACKEND_CA.exec(name)?.[1];
}

/** The gateway of a certificate's secret. */
export function certificateRole(name: string): 'ingress' | 'egress' | undefined {
  if (name === CALLERS_CERTIFICATE) return 'egress';
  if (name === BACKENDS_CERTIFICATE) return 'ingress';
  const [, role] = CERTIFICATE.exec(name) ?? [];
  return role === 'ingress' || role === 'egress' ? role : undefined;
}

/** In a name that belongs to one export: the peer, the export, and the digest of its destination. */
export interface ExportLabel extends Label {
  readonly exported: string;
  readonly meaning: string;
}

/** In the name of a grant's cluster, the key is the digest of the peer's trust domain alone. */
export function grantLabel(name: string | undefined): ExportLabel | undefined {
  return exportLabelOf(EXPORT.exec(name ?? ''));
}

/** The chain of a TCP export, in the listener of peers. */
export function tcpChainLabel(name: string | undefined): ExportLabel | undefined {
  return exportLabelOf(TCP_CHAIN.exec(name ?? ''));
}

/** The gate of a TCP export, and the cluster by which its chain reaches it. */
export function gateLabel(name: string | undefined): ExportLabel | undefined {
  return exportLabelOf(GATE.exec(name ?? ''));
}

/** The gate of the callers of one port, and the cluster that leads there: the port, and the digest of the roots of our workloads. */
export function callersGateLabel(
  name: string | undefined,
): { readonly port: string; readonly bundle: string } | undefined {
  const [, port, bundle] = CALLERS_GATE.exec(name ?? '') ?? [];
  return port === undefined || bundle === undefined ? undefined : { port, bundle };
}

/** Of a TCP import, the cluster and the chain that leads to it. */
export function tcpImportLabel(name: string | undefined): (Label & { readonly imported: string }) | undefined {
  const [, peer, key, imported] = TCP_IMPORT.exec(name ?? '') ?? [];
  return peer === undefined || key === undefined || imported === undefined ? undefined : { peer, key, imported };
}

function exportLabelOf(match: RegExpExecArray | null): ExportLabel | undefined {
  const [, peer, key, exported, meaning] = match ?? [];
  if (peer === undefined || key === undefined || exported === undefined || meaning === undefined) return undefined;
  return { peer, key, exported, meaning };
}

function labelOf(match: RegExpExecArray | null): Label | undefined {
  const [, peer, key] = match ?? [];
  return peer === undefined || key === undefined ? undefined : { peer, key };
}

const EXPORTED = /^(.+)\.exports\.[^/]+$/;

/** The export that an authority of the wire contract names. */
export function exportOf(authority: string): string | undefined {
  return EXPORTED.exec(authority)?.[1];
}
