// Checks the finished resources of one gateway against every boundary rule, before each publication (docs/design.md, "Resource shapes").
// Must not: share a constant with the builders, or know more of the model than the few values of an Expectation. It looks at
// what Envoy will get, so that a mistake of a builder cannot hide in the check as well.

import { memoizeByIdentity } from '../../../memoize.ts';
import type { ResourceJson } from '../../proto/types.gen.ts';
import { enforce, type Facts, type TlsUse, violation } from '../boundary-rules.ts';
import { importLabel, labelText } from '../name-rules.ts';
import { checkShape } from '../shapes/resources/resource-shapes.ts';
import { checkBackendClaim, checkClaims, type Expectation } from './expectation.ts';
import { checkListener } from './listener-rules.ts';
import { checkRoutes } from './route-rules.ts';
import { checkCluster, checkSecret, holdsKey } from './secret-rules.ts';
import { sameSet } from './tcp/network-rules.ts';
import { trustDomainOf } from './tls/tls-rules.ts';

/** Errors: BOUNDARY_VIOLATED. */
export function checkBoundary(resources: readonly ResourceJson[], expected: Expectation): void {
  const facts = resources.map((resource) => checkAlone(resource));
  checkBetween(facts);
  for (const { claims, subject } of facts) if (claims !== undefined) checkClaims(claims, expected, subject);
  for (const { claims, subject } of facts) if (claims !== undefined) checkBackendClaim(claims, expected, subject);
  // Last, because the rules above say more precisely what is wrong.
  for (const resource of resources) checkShape(resource);
}

/**
 * The rules that need no model, for resources that are compared with others (decision/plan/). Without the secrets, of which only some
 * copies hold what a gateway gets. Errors: BOUNDARY_VIOLATED.
 */
export function checkForm(resources: readonly ResourceJson[]): void {
  const isSecret = (resource: ResourceJson): boolean => resource['@type'].endsWith('.Secret');
  const secrets = resources.filter(isSecret).map((resource): Facts => {
    const name = 'name' in resource ? (resource.name ?? '') : '';
    return { kind: 'secret', name, subject: `Secret ${name}` };
  });
  const others = resources.filter((resource) => !isSecret(resource));
  checkBetween([...secrets, ...others.map((resource) => checkAlone(resource))]);
  for (const resource of others) checkShape(resource);
}

/** Rules of one resource run once per resource object; the rules between resources run every time. */
const checkAlone = memoizeByIdentity((resource: ResourceJson): Facts => {
  const kind = resource['@type'].split('.').at(-1) ?? '';
  const name = 'name' in resource ? (resource.name ?? '') : '';
  const subject = `${kind} ${name}`;
  const isCertificate = kind === 'Secret' && name.startsWith('cert/');
  enforce(isCertificate || !holdsKey(resource), 'KEY_ONLY_IN_CERTIFICATES', subject);
  switch (resource['@type']) {
    case 'type.googleapis.com/envoy.config.listener.v3.Listener':
      return checkListener(resource, subject);
    case 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration':
      return checkRoutes(resource, subject);
    case 'type.googleapis.com/envoy.config.cluster.v3.Cluster':
      return checkCluster(resource, subject);
    case 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret':
      return checkSecret(resource, subject);
    default:
      throw violation('KNOWN_NAME', subject);
  }
});

function checkBetween(facts: readonly Facts[]): void {
  const named = (kind: Facts['kind']): ReadonlyMap<string, Facts> =>
    new Map(facts.filter((fact) => fact.kind === kind).map((fact) => [fact.name, fact]));
  const [secrets, routes, clusters] = [named('secret'), named('routes'), named('cluster')];
  const listeners = named('listener');
  const role = facts.find((fact) => fact.role !== undefined)?.role;
  const keys = new Set<string>();
  const targetClusters = new Set(
    facts.flatMap(({ targets = [], dials = [] }) => [...targets.map(({ cluster }) => cluster), ...dials]),
  );
  for (const fact of facts) {
    enforce(fact.role === undefined || fact.role === role, 'ONE_GATEWAY', fact.subject);
    enforce(fact.key === undefined || !keys.has(fact.key), 'DISTINCT_KEYS', fact.subject);
    if (fact.key !== undefined) keys.add(fact.key);
    enforce(
      (fact.targets ?? []).every(({ cluster }) => clusters.has(cluster)),
      'CLUSTER_PRESENT',
      fact.subject,
    );
    enforce(allIn(clusters, fact.dials), 'CLUSTER_PRESENT', fact.subject);
    enforce(allIn(routes, fact.routes), 'ROUTES_PRESENT', fact.subject);
    enforce(allIn(secrets, fact.secrets), 'SECRET_PRESENT', fact.subject);
    for (const use of fact.tls ?? []) {
      enforce(allIn(secrets, use.secrets), 'SECRET_PRESENT', use.subject);
      enforce(use.routes === undefined || routes.has(use.routes), 'ROUTES_PRESENT', use.subject);
    }
  }
  const uses = facts.flatMap((fact) => fact.tls ?? []);
  checkTunnels(listeners, clusters);
  checkGates(uses, listeners, clusters);
  for (const { name, subject } of clusters.values()) enforce(targetClusters.has(name), 'NO_STRAY_CLUSTER', subject);
  checkTrustDomains(uses);
  checkTargets(uses, routes);
  checkPrincipals(uses, routes);
}

/** Requests for a peer enter its own tunnel, and a tunnel dials with the trust that its name says. */
function checkTunnels(listeners: ReadonlyMap<string, Facts>, clusters: ReadonlyMap<string, Facts>): void {
  for (const { name, subject, tunnel } of clusters.values())
    enforce(tunnel === undefined || listeners.get(name)?.tunnel !== undefined, 'TUNNEL_PRESENT', subject);
  for (const { name, subject, tunnel, dials = [] } of listeners.values()) {
    if (tunnel === undefined) continue;
    enforce(clusters.get(name)?.tunnel !== undefined, 'TUNNEL_PRESENT', subject);
    for (const cluster of dials) {
      const [use] = clusters.get(cluster)?.tls ?? [];
      enforce(use !== undefined && labelText(use) === labelText(tunnel), 'OWN_MESH', subject);
    }
  }
}

/** A gate admits the identities that its chain admits, and a chain or port finds its gate; no gate is open beside them. */
function checkGates(
  uses: readonly TlsUse[],
  listeners: ReadonlyMap<string, Facts>,
  clusters: ReadonlyMap<string, Facts>,
): void {
  const asked = new Set<string>();
  for (const { subject, gate, identities } of uses) {
    if (gate === undefined) continue;
    asked.add(gate);
    const admits = listeners.get(gate)?.gate?.admits;
    enforce(admits !== undefined && clusters.get(gate)?.gate !== undefined, 'GATE_PRESENT', subject);
    enforce(sameSet(admits, identities), 'GATE', subject);
  }
  for (const { subject, callersGate } of listeners.values()) {
    if (callersGate === undefined) continue;
    asked.add(callersGate);
    const isGate = (named: ReadonlyMap<string, Facts>): boolean => named.get(callersGate)?.gate !== undefined;
    enforce(isGate(listeners) && isGate(clusters), 'GATE_PRESENT', subject);
  }
  for (const { name, subject, gate } of listeners.values())
    enforce(gate === undefined || asked.has(name), 'GATE_PRESENT', subject);
}

/** One trust domain, one peer: otherwise one chain would trust what another peer's CA says. */
function checkTrustDomains(uses: readonly TlsUse[]): void {
  const owners = new Map<string | undefined, string>();
  const keys = new Map<string, string>();
  for (const { subject, peer, key, identities } of uses) {
    enforce((keys.get(peer) ?? key) === key, 'ONE_KEY', subject);
    keys.set(peer, key);
    const domain = trustDomainOf(identities[0]);
    enforce((owners.get(domain) ?? peer) === peer, 'ONE_TRUST_DOMAIN', subject);
    owners.set(domain, peer);
  }
}

/**
 * Ingress: a peer's routes lead only to clusters of that peer's mesh. Egress: the authority that a route writes belongs to
 * the trust domain of the cluster that it leads to, so that no mesh is asked for another mesh's service.
 */
function checkTargets(uses: readonly TlsUse[], routes: ReadonlyMap<string, Facts>): void {
  const meshes = new Map(uses.map(({ peer, domainKey }) => [peer, domainKey]));
  const domains = new Map(uses.map((use) => [labelText(use), trustDomainOf(use.identities[0])]));
  for (const { subject, role, peer = '', targets = [] } of routes.values()) {
    for (const { cluster, authority } of targets) {
      if (role === 'ingress') {
        enforce(cluster.startsWith(`export/${peer}@${meshes.get(peer) ?? ''}/`), 'OWN_MESH', subject);
      } else {
        const label = importLabel(cluster);
        const domain = label && domains.get(labelText(label));
        const isTheirs = domain !== undefined && authority?.endsWith(`.exports.${domain}`) === true;
        enforce(isTheirs, 'OWN_EXPORT', subject);
      }
    }
  }
}

/** Routes admit only identities that the peer's filter chain accepts. Routes of a removed peer, which have no chain, admit nobody. */
function checkPrincipals(uses: readonly TlsUse[], routes: ReadonlyMap<string, Facts>): void {
  const accepted = new Map(uses.map((use) => [use.peer, use.identities]));
  for (const { subject, peer = '', principals = [] } of routes.values()) {
    const identities = accepted.get(peer) ?? [];
    enforce(
      principals.every((principal) => identities.includes(principal)),
      'PRINCIPALS',
      subject,
    );
  }
}

function allIn(resources: ReadonlyMap<string, unknown>, names: readonly string[] = []): boolean {
  return names.every((name) => resources.has(name));
}
