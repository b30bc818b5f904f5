// Boundary rules for secrets, clusters, and private keys in any field of any resource.
// Must not: put key material into a message, or skip a field because of its name.

import { X509Certificate } from 'node:crypto';
import { exportKey } from '../../../federation/meaning-digest.ts';
import type { BackendTls } from '../../../federation/model.ts';
import { memoizeByIdentity } from '../../../memoize.ts';
import type { Messages } from '../../proto/types.gen.ts';
import { enforce, type Facts, type Subject } from '../boundary-rules.ts';
import {
  backendCaKey,
  bundleLabel,
  callersGateLabel,
  certificateRole,
  dialLabel,
  gateLabel,
  grantLabel,
  importLabel,
  labelText,
  meshBundleKey,
  tcpImportLabel,
} from '../name-rules.ts';
import { breakersOf } from './http/limit-rules.ts';
import { checkCallersGateCluster } from './tcp/callers-gate-rules.ts';
import { checkGateCluster, checkTcpImport, leadsInside } from './tcp/tcp-rules.ts';
import { backendText, checkBackendTls } from './tls/backend-rules.ts';
import { checkUpstream } from './tls/tls-rules.ts';

type Secret = Messages['envoy.extensions.transport_sockets.tls.v3.Secret'];
type Cluster = Messages['envoy.config.cluster.v3.Cluster'];
type LbEndpoint = Messages['envoy.config.endpoint.v3.LbEndpoint'];

/** The only field that is meant for a private key. */
const KEY_FIELD = 'private_key';
const HTTP_OPTIONS = 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

export function checkSecret(secret: Secret, subject: Subject): Facts {
  const { name = '', ...content } = secret;
  const role = certificateRole(name);
  if (role !== undefined) {
    const only = fieldsOf(content) === 'tls_certificate';
    enforce(only && content.tls_certificate?.private_key !== undefined, 'KNOWN_NAME', subject);
    const key = content.tls_certificate.private_key.inline_string;
    return { subject, name, kind: 'secret', role, ...(key !== undefined && { key }) };
  }
  const [bundle, meshBundle, backendCa] = [bundleLabel(name), meshBundleKey(name), backendCaKey(name)];
  enforce((bundle ?? meshBundle ?? backendCa) !== undefined, 'KNOWN_NAME', subject);
  const { trusted_ca: trusted, ...others } = content.validation_context ?? {};
  const only = fieldsOf(content) === 'validation_context' && Object.keys(others).length === 0;
  const pem = trusted?.inline_string ?? '';
  enforce(only && holdsOnlyCas(pem), 'BUNDLE_ONLY_CA', subject);
  const claims = {
    ...(bundle && { bundle: { label: labelText(bundle), pem } }),
    ...(meshBundle !== undefined && { meshBundle: { key: meshBundle, pem } }),
    ...(backendCa !== undefined && { backendCa: { key: backendCa, pem } }),
  };
  return { subject, name, kind: 'secret', claims };
}

/** The fields of a resource, without the name of its type. */
function fieldsOf(content: object): string {
  return Object.keys(content)
    .filter((field) => field !== '@type')
    .join();
}

function holdsOnlyCas(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? [];
  return blocks.length > 0 && blocks.every(isCa);
}

function isCa(pem: string): boolean {
  try {
    return pem.startsWith('-----BEGIN CERTIFICATE-----') && new X509Certificate(pem).ca;
  } catch {
    return false;
  }
}

export function checkCluster(cluster: Cluster, subject: Subject): Facts {
  const { name = '', type, load_assignment: assignment, transport_socket: socket } = cluster;
  const fixed =
    (type === 'STATIC' || type === 'STRICT_DNS') &&
    cluster.cluster_type === undefined &&
    cluster.transport_socket_matches === undefined;
  enforce(fixed, 'FIXED_DESTINATION', subject);
  const endpoints = (assignment?.endpoints ?? []).flatMap((group) => group.lb_endpoints ?? []);
  enforce(endpoints.length > 0, 'FIXED_DESTINATION', subject);
  const limits = breakersOf(cluster);
  if (gateLabel(name) !== undefined) return { ...checkGateCluster(cluster, subject), claims: { limits } };
  if (callersGateLabel(name) !== undefined) return { ...checkCallersGateCluster(cluster, subject), claims: { limits } };
  const tunnel = importLabel(name);
  if (tunnel !== undefined) {
    // It has no TLS of its own, so it may lead only into its own tunnel.
    enforce(leadsInside(cluster) && socket === undefined, 'TUNNEL', subject);
    return { subject, name, kind: 'cluster', role: 'egress', tunnel, claims: { limits } };
  }
  enforce(
    endpoints.every(({ endpoint }) => endpoint?.address?.socket_address !== undefined),
    'FIXED_DESTINATION',
    subject,
  );
  const grant = grantLabel(name);
  if (grant !== undefined) {
    const hosts = endpoints.map(({ endpoint }) => endpoint?.address?.socket_address?.address ?? '');
    const { tls, secrets = [] } = socket === undefined ? {} : checkBackendTls(subject, socket, hosts);
    enforce(digestsOfDestination(cluster, endpoints, tls).includes(grant.meaning), 'MEANING', subject);
    const backend = { label: `${grant.exported}@${grant.meaning}`, text: backendText(tls, hosts) };
    return { subject, name, kind: 'cluster', role: 'ingress', secrets, claims: { backend, limits } };
  }
  const hosts = endpoints.map(({ endpoint }) => {
    const { address: host, port_value: port } = endpoint?.address?.socket_address ?? {};
    return `${host} ${port}`;
  });
  const tcp = tcpImportLabel(name);
  if (tcp !== undefined) {
    const facts = checkTcpImport(cluster, tcp, hosts, subject);
    return { ...facts, claims: { ...facts.claims, limits } };
  }
  const label = dialLabel(name);
  enforce(label !== undefined, 'KNOWN_NAME', subject);
  const tls = [checkUpstream(subject, socket, label, 'h2')];
  const claims = { dials: { label: labelText(label), hosts }, limits };
  return { subject, name, kind: 'cluster', role: 'egress', tls, claims };
}

/** The digests that the cluster's own destination can have, to compare with the one in its name. */
function digestsOfDestination(
  cluster: Cluster,
  endpoints: readonly LbEndpoint[],
  tls: BackendTls | undefined,
): readonly (string | undefined)[] {
  const options = cluster.typed_extension_protocol_options?.['envoy.extensions.upstreams.http.v3.HttpProtocolOptions'];
  const speaksHttp2 =
    options?.['@type'] === HTTP_OPTIONS && options.explicit_http_config?.http2_protocol_options !== undefined;
  const backends = endpoints.map(({ endpoint }) => {
    const { address: host = '', port_value: port = 0 } = endpoint?.address?.socket_address ?? {};
    return { host, port };
  });
  const protocols =
    options === undefined ? (['tcp'] as const) : speaksHttp2 ? (['grpc', 'http2'] as const) : (['http'] as const);
  return protocols.map((protocol) => exportKey({ protocol, backends, ...(tls && { tls }) }));
}

/** Whether any text of the resource is a private key, or a field that is meant for one is set. */
export function holdsKey(resource: object): boolean {
  return Object.entries(resource).some(([field, value]) =>
    field !== KEY_FIELD && Array.isArray(value) ? value.some(itemHoldsKey) : isKeyIn({ [field]: value }),
  );
}

function itemHoldsKey(item: unknown): boolean {
  return typeof item === 'object' && item !== null ? objectHoldsKey(item) : isKeyIn(item);
}

const objectHoldsKey = memoizeByIdentity((item: object) => isKeyIn(item));

/** In a text of JSON, a quotation mark that no backslash precedes is not part of a value: the field is found, and not its name. */
function isKeyIn(value: unknown): boolean {
  const text = JSON.stringify(value) ?? '';
  return text.includes('PRIVATE KEY-----') || text.includes(`"${KEY_FIELD}":`);
}
