// Boundary rules for secrets and clusters.
// In: one resource. Out: its facts, or BOUNDARY_VIOLATED. Must not: put key material into a message.

import { X509Certificate } from 'node:crypto';
import { demand, type Facts, type Subject } from './boundary.ts';
import { checkUpstream, trustDomainOf } from './boundary-tls.ts';
import type { Message } from './draft.ts';

type Secret = Message<'envoy.extensions.transport_sockets.tls.v3.Secret'>;
type Cluster = Message<'envoy.config.cluster.v3.Cluster'>;

export function checkSecret(secret: Secret, subject: Subject): Facts {
  const { name = '', ...content } = secret;
  const [, role] = /^cert\/(ingress|egress)(?:\/[^/]+)?$/.exec(name) ?? [];
  if (role === 'ingress' || role === 'egress') {
    const only = fieldsOf(content) === 'tls_certificate';
    demand(only && content.tls_certificate?.private_key !== undefined, 'KNOWN_NAME', subject);
    const key = content.tls_certificate.private_key.inline_string;
    return { subject, name, kind: 'secret', role, ...(key !== undefined && { key }) };
  }
  demand(/^bundle\/[^/]+$/.test(name), 'KNOWN_NAME', subject);
  const { trusted_ca: trusted, crl: _, ...others } = content.validation_context ?? {};
  const only = fieldsOf(content) === 'validation_context' && Object.keys(others).length === 0;
  demand(only && holdsOnlyCas(trusted?.inline_string ?? ''), 'BUNDLE_ONLY_CA', subject);
  return { subject, name, kind: 'secret' };
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
  demand(fixed, 'FIXED_DESTINATION', subject);
  const endpoints = (assignment?.endpoints ?? []).flatMap((group) => group.lb_endpoints ?? []);
  demand(endpoints.length > 0, 'FIXED_DESTINATION', subject);
  if (name.startsWith('export/')) return { subject, name, kind: 'cluster', role: 'ingress' };
  const [, peer] = /^import\/([^/]+)\/[^/]+$/.exec(name) ?? [];
  demand(peer !== undefined, 'KNOWN_NAME', subject);
  const use = checkUpstream(subject, socket, peer);
  // What a peer is asked for is a name of its own trust domain: no other mesh's service by way of this one.
  const suffix = `.exports.${trustDomainOf(use.identities[0])}`;
  demand(
    endpoints.every(({ endpoint }) => endpoint?.hostname?.endsWith(suffix)),
    'OWN_EXPORT',
    subject,
  );
  return { subject, name, kind: 'cluster', role: 'egress', tls: [use] };
}
