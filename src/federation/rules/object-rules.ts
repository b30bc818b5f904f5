// Rules across objects of one configuration: every peer that is named exists, no name is given twice, no two peers can be
// confused. Where a value is not usable (null), each rule that needs it is not judged.
// Must not: read certificates (trust-rules.ts does), or find what correcting another finding would cure.

import type { ConfigOutline, OutlinePeer } from '../../config/outline.ts';
import { errorAt, type Finding, type Path } from '../../errors.ts';
import type { TrustDomain } from '../../trust/spiffe.ts';
import { exportAuthority, localNames, MAX_HOST_NAME, serverName } from '../wire-names.ts';
import { tcpRules } from './tcp-object-rules.ts';

/** The path of the control plane's own identity. */
const CONTROL_PLANE = 'control-plane';

/** All findings that need more than one object of the configuration to see, certificates aside. */
export function objectRules(config: ConfigOutline): readonly Finding[] {
  return [
    ...gatewayRules(config),
    ...peerRules(config),
    ...exportRules(config),
    ...importRules(config),
    ...tcpRules(config),
  ];
}

/** A gateway's certificate says to the xDS port and to the peers which gateway it is: no other may say the same. */
function gatewayRules({ gateways: { ingress, egress } }: ConfigOutline): readonly Finding[] {
  const findings = Object.entries({ ingress, egress }).flatMap(([role, gateway]) =>
    gateway?.identity === CONTROL_PLANE
      ? [
          errorAt(
            'IDENTITY_RESERVED',
            ['gateways', role, 'identity'],
            `the ${role} gateway would have the control plane's own identity, and could pose as it to the other gateway`,
            `write another path, such as gateway/${role}`,
          ),
        ]
      : [],
  );
  if (ingress?.identity == null || ingress.identity !== egress?.identity) return findings;
  const message = "both gateways have one identity: each could ask for what is the other's";
  const hint = 'give each gateway a path of its own, such as gateway/ingress and gateway/egress';
  return [...findings, errorAt('IDENTITY_SHARED', ['gateways', 'egress', 'identity'], message, hint)];
}

function peerRules(config: ConfigOutline): readonly Finding[] {
  const findings: Finding[] = [];
  const domains = new Map<string, string>();
  const labels = new Map<string, OutlinePeer>();
  const ours = config.mesh.trustDomain;
  for (const peer of config.peers) {
    const path = ['peers', peer.name];
    if (peer.trustDomain !== null && peer.trustDomain === ours) {
      findings.push(
        errorAt(
          'TRUST_DOMAIN_OURS',
          [...path, 'trustDomain'],
          `peer ${peer.name} has our own trust domain, ${peer.trustDomain}`,
          "write the peer's own trust domain; a mesh is never its own peer",
        ),
      );
    }
    const owner = peer.trustDomain === null ? undefined : domains.get(peer.trustDomain);
    if (peer.trustDomain !== null && owner === undefined) domains.set(peer.trustDomain, peer.name);
    if (owner !== undefined) {
      findings.push(
        errorAt(
          'TRUST_DOMAIN_TAKEN',
          [...path, 'trustDomain'],
          `the trust domain ${peer.trustDomain} already belongs to peer ${owner}`,
          'give each peer a trust domain of its own: it is what tells them apart',
        ),
      );
    }
    const label = peer.sni === undefined ? peer.trustDomain : peer.sni;
    if (label === null) continue;
    const labelOwner = labels.get(label);
    // Two defaults can only be equal when the trust domains are, and that has its own finding above.
    if (labelOwner !== undefined && (peer.sni ?? labelOwner.sni) !== undefined) {
      findings.push(
        errorAt(
          'SNI_TAKEN',
          [...path, 'sni'],
          `the SNI label ${label} already belongs to peer ${labelOwner.name}`,
          'give each peer an SNI label of its own: it picks the filter chain',
        ),
      );
    }
    labels.set(label, peer);
    if (ours === null || peer.trustDomain === null) continue;
    const longest = Math.max(
      serverName(label, ours as TrustDomain).length,
      serverName(peer.sni ?? ours, peer.trustDomain as TrustDomain).length,
    );
    if (longest > MAX_HOST_NAME) {
      findings.push(
        errorAt(
          'NAME_TOO_LONG',
          [...path, 'trustDomain'],
          `the SNI between us and ${peer.name} would be ${longest} characters long, more than a host name's ${MAX_HOST_NAME}`,
          `agree on a short label with the peer and write it as peers.${peer.name}.sni in both files`,
        ),
      );
    }
  }
  return findings;
}

function exportRules(config: ConfigOutline): readonly Finding[] {
  const findings: Finding[] = [];
  const isUnknown = unknownPeers(config);
  const names = new Set<string>();
  if (config.exports.length > 0 && config.gateways.ingress === undefined) {
    findings.push(
      errorAt(
        'GATEWAY_MISSING',
        ['exports'],
        'there are exports, but no ingress gateway that peers could reach them through',
        'add gateways.ingress with its address, such as {address: "0.0.0.0:15443"}',
      ),
    );
  }
  config.exports.forEach((exported, index) => {
    const path: Path = ['exports', index];
    const { name } = exported;
    if (name !== null && names.has(name)) {
      findings.push(
        errorAt(
          'EXPORT_TAKEN',
          [...path, 'name'],
          `two exports have the name ${name}`,
          'list all consumers under one export, or give the second export another name',
        ),
      );
    }
    if (name !== null) names.add(name);
    if (exported.backendTls?.mode === 'mtls' && config.mesh.trustBundle === undefined) {
      findings.push(
        errorAt(
          'MESH_BUNDLE_MISSING',
          [...path, 'backend', 'tls'],
          `the backend of ${name ?? 'this export'} proves who it is by a CA of our own mesh, and none is named`,
          'add mesh.trustBundle with the CAs of our workloads, such as trustBundle: pki/mesh.pem',
        ),
      );
    }
    if (exported.protocol !== 'tcp')
      findings.push(...authorityLength(name, config.mesh.trustDomain, [...path, 'name']));
    const consumers = new Set<string>();
    exported.consumers.forEach((consumer, position) => {
      if (consumer.peer === null) return;
      const at: Path = [...path, 'consumers', position, 'peer'];
      if (isUnknown(consumer.peer)) findings.push(unknownPeer(consumer.peer, config, at, 'consumer'));
      if (consumers.has(consumer.peer)) {
        findings.push(
          errorAt(
            'CONSUMER_TAKEN',
            at,
            `peer ${consumer.peer} is a consumer of ${name ?? 'this export'} twice`,
            'put all allow rules of one peer under one consumer',
          ),
        );
      }
      consumers.add(consumer.peer);
    });
  });
  return findings;
}

function importRules(config: ConfigOutline): readonly Finding[] {
  const findings: Finding[] = [];
  const peers = new Map(config.peers.map((peer) => [peer.name, peer]));
  const isUnknown = unknownPeers(config);
  const taken = new Map<string, string>();
  if (config.imports.length > 0 && config.gateways.egress === undefined) {
    findings.push(
      errorAt(
        'GATEWAY_MISSING',
        ['imports'],
        'there are imports, but no egress gateway that local callers could reach them through',
        'add gateways.egress with its address, such as {address: 127.0.0.1}',
      ),
    );
  }
  config.imports.forEach((imported, index) => {
    const path: Path = ['imports', index];
    const peer = imported.peer === null ? undefined : peers.get(imported.peer);
    if (imported.peer !== null && isUnknown(imported.peer)) {
      findings.push(unknownPeer(imported.peer, config, [...path, 'peer'], 'import'));
    } else if (peer?.addresses?.length === 0) {
      findings.push(
        errorAt(
          'PEER_WITHOUT_ADDRESS',
          [...path, 'peer'],
          `${imported.name ?? 'this service'} is imported from ${peer.name}, which has no addresses`,
          `add peers.${peer.name}.addresses: where its ingress gateways listen, such as ["gw.${peer.trustDomain ?? 'example.com'}:15443"]`,
        ),
      );
    }
    if (peer !== undefined && imported.protocol !== 'tcp')
      findings.push(...authorityLength(imported.name, peer.trustDomain, [...path, 'name']));
    // A TCP import has its port alone (tcp-object-rules.ts).
    if (imported.as === null || imported.port === null || imported.protocol === 'tcp') return;
    const { port } = imported;
    for (const name of localNames(imported.as)) {
      const key = `${name}:${port}`;
      const owner = taken.get(key);
      if (owner !== undefined) {
        findings.push(
          errorAt(
            'LOCAL_NAME_TAKEN',
            [...path, 'as'],
            `the local name ${name} at port ${port} already leads to ${owner}`,
            'give each import a local name (or port) of its own',
          ),
        );
        break;
      }
    }
    for (const name of localNames(imported.as)) {
      taken.set(`${name}:${port}`, `${imported.name ?? 'another service'} of ${imported.peer ?? 'a peer'}`);
    }
  });
  findings.push(...repeatedImports(config));
  return findings;
}

function authorityLength(name: string | null, callee: string | null, path: Path): readonly Finding[] {
  if (name === null || callee === null) return [];
  const length = exportAuthority(name, callee as TrustDomain).length;
  if (length <= MAX_HOST_NAME) return [];
  const message = `the authority of ${name} would be ${length} characters long, more than a host name's ${MAX_HOST_NAME}`;
  return [errorAt('NAME_TOO_LONG', path, message, 'shorten the name')];
}

/** One export of one peer under two local names is fine on two ports or names, but must speak one protocol. */
function repeatedImports(config: ConfigOutline): readonly Finding[] {
  const protocols = new Map<string, string>();
  return config.imports.flatMap((imported, index) => {
    const { peer, name, protocol } = imported;
    if (peer === null || name === null || protocol === null) return [];
    const first = protocols.get(`${peer}/${name}`);
    protocols.set(`${peer}/${name}`, first ?? protocol);
    if (first === undefined || first === protocol) return [];
    return [
      errorAt(
        'PROTOCOL_CONFLICT',
        ['imports', index, 'protocol'],
        `${name} of ${peer} is imported as ${first} and as ${protocol}`,
        'write the one protocol that the peer exports it with',
      ),
    ];
  });
}

/**
 * Whether a name is no key of `peers`. A key that is no name may be the one that was meant: `Bank` by `bank`; and when it is
 * like none of the names that are unknown, by any of them.
 */
function unknownPeers({ peers, unusablePeers = [], exports, imports }: ConfigOutline): (name: string) => boolean {
  if (unusablePeers === null) return () => false;
  const known = new Set(peers.map(({ name }) => name));
  const named = [...exports.flatMap(({ consumers }) => consumers), ...imports].map(({ peer }) => peer);
  const unknown = new Set(named.flatMap((name) => (name === null || known.has(name) ? [] : [letters(name)])));
  const meant = unusablePeers.map(letters);
  if (meant.some((key) => !unknown.has(key))) return () => false;
  return (name) => !known.has(name) && !meant.includes(letters(name));
}

/** A name without what is often wrong in one. */
function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

function unknownPeer(name: string, { peers }: ConfigOutline, path: Path, what: 'consumer' | 'import'): Finding {
  const list = peers
    .map((peer) => peer.name)
    .sort()
    .slice(0, 10)
    .join(', ');
  const instead = list === '' ? '' : `, or write one of: ${list}`;
  const hint = `add it under peers${instead}, or remove this ${what}`;
  return errorAt('UNKNOWN_PEER', path, `there is no peer ${name}`, hint);
}
