// Rules across objects of one configuration: who is named exists, nobody is named twice, no two peers can be confused.
// In: a Config whose single values are already sound. Out: findings, all of them.
// Must not: read certificates (trust-rules.ts does) or build anything.

import type { Config } from '../config/schema/config-schema.ts';
import { errorAt, type Finding, type Path } from '../errors.ts';
import type { TrustDomain } from '../trust/spiffe.ts';
import { exportAuthority, localNames, serverName } from './wire-names.ts';

/** RFC 1035, in the textual form without the trailing dot. */
const MAX_HOST_NAME = 253;

/** The path of the control plane's own identity. */
const CONTROL_PLANE = 'control-plane';

/** All findings that need more than one object of the configuration to see, certificates aside. */
export function crossRules(config: Config): readonly Finding[] {
  return [...gatewayRules(config), ...peerRules(config), ...exportRules(config), ...importRules(config)];
}

/** Who a gateway is, its certificate says to the xDS port and to the peers: no other may say the same. */
function gatewayRules({ gateways: { ingress, egress } }: Config): readonly Finding[] {
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
  if (ingress === undefined || ingress.identity !== egress?.identity) return findings;
  const message = "both gateways have one identity: each could ask for what is the other's";
  const hint = 'give each gateway a path of its own, such as gateway/ingress and gateway/egress';
  return [...findings, errorAt('IDENTITY_SHARED', ['gateways', 'egress', 'identity'], message, hint)];
}

function peerRules(config: Config): readonly Finding[] {
  const findings: Finding[] = [];
  const domains = new Map<string, string>();
  const labels = new Map<string, Config['peers'][number]>();
  for (const peer of config.peers) {
    const path = ['peers', peer.name];
    if (peer.trustDomain === config.mesh.trustDomain) {
      findings.push(
        errorAt(
          'TRUST_DOMAIN_OURS',
          [...path, 'trustDomain'],
          `peer ${peer.name} has our own trust domain, ${peer.trustDomain}`,
          "write the peer's own trust domain; a mesh is never its own peer",
        ),
      );
    }
    const owner = domains.get(peer.trustDomain);
    if (owner === undefined) domains.set(peer.trustDomain, peer.name);
    else {
      findings.push(
        errorAt(
          'TRUST_DOMAIN_TAKEN',
          [...path, 'trustDomain'],
          `the trust domain ${peer.trustDomain} already belongs to peer ${owner}`,
          'give each peer a trust domain of its own: it is what tells them apart',
        ),
      );
    }
    const label = peer.sni ?? peer.trustDomain;
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
    const longest = Math.max(
      serverName(label, config.mesh.trustDomain as TrustDomain).length,
      serverName(peer.sni ?? config.mesh.trustDomain, peer.trustDomain as TrustDomain).length,
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

function exportRules(config: Config): readonly Finding[] {
  const findings: Finding[] = [];
  const known = new Set(config.peers.map((peer) => peer.name));
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
    if (names.has(exported.name)) {
      findings.push(
        errorAt(
          'EXPORT_TAKEN',
          [...path, 'name'],
          `the export name ${exported.name} stands twice`,
          'list all consumers under one export, or give the second export another name',
        ),
      );
    }
    names.add(exported.name);
    findings.push(...authorityLength(exported.name, config.mesh.trustDomain, [...path, 'name']));
    const consumers = new Set<string>();
    exported.consumers.forEach((consumer, position) => {
      const at: Path = [...path, 'consumers', position, 'peer'];
      if (!known.has(consumer.peer)) findings.push(unknownPeer(consumer.peer, known, at));
      if (consumers.has(consumer.peer)) {
        findings.push(
          errorAt(
            'CONSUMER_TAKEN',
            at,
            `peer ${consumer.peer} is a consumer of ${exported.name} twice`,
            'put all allow rules of one peer under one consumer',
          ),
        );
      }
      consumers.add(consumer.peer);
    });
  });
  return findings;
}

function importRules(config: Config): readonly Finding[] {
  const findings: Finding[] = [];
  const peers = new Map(config.peers.map((peer) => [peer.name, peer]));
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
    const peer = peers.get(imported.peer);
    if (peer === undefined) {
      findings.push(unknownPeer(imported.peer, new Set(peers.keys()), [...path, 'peer']));
    } else if (peer.addresses.length === 0) {
      findings.push(
        errorAt(
          'PEER_WITHOUT_ADDRESS',
          [...path, 'peer'],
          `${imported.name} is imported from ${peer.name}, which has no addresses`,
          `add peers.${peer.name}.addresses: where its ingress gateways listen, such as ["gw.${peer.trustDomain}:15443"]`,
        ),
      );
    }
    if (peer !== undefined) findings.push(...authorityLength(imported.name, peer.trustDomain, [...path, 'name']));
    for (const name of localNames(imported.as)) {
      const key = `${name}:${imported.port}`;
      const owner = taken.get(key);
      if (owner !== undefined) {
        findings.push(
          errorAt(
            'LOCAL_NAME_TAKEN',
            [...path, 'as'],
            `the local name ${name} at port ${imported.port} already leads to ${owner}`,
            'give each import a local name (or port) of its own',
          ),
        );
        break;
      }
    }
    for (const name of localNames(imported.as)) {
      taken.set(`${name}:${imported.port}`, `${imported.name} of ${imported.peer}`);
    }
  });
  findings.push(...repeatedImports(config));
  return findings;
}

function authorityLength(name: string, callee: string, path: Path): readonly Finding[] {
  const length = exportAuthority(name, callee as TrustDomain).length;
  if (length <= MAX_HOST_NAME) return [];
  const message = `the authority of ${name} would be ${length} characters long, more than a host name's ${MAX_HOST_NAME}`;
  return [errorAt('NAME_TOO_LONG', path, message, 'shorten the name')];
}

/** One export of one peer under two local names is fine on two ports or names, but must speak one protocol. */
function repeatedImports(config: Config): readonly Finding[] {
  const protocols = new Map<string, string>();
  return config.imports.flatMap((imported, index) => {
    const key = `${imported.peer}/${imported.name}`;
    const before = protocols.get(key);
    protocols.set(key, before ?? imported.protocol);
    if (before === undefined || before === imported.protocol) return [];
    return [
      errorAt(
        'PROTOCOL_CONFLICT',
        ['imports', index, 'protocol'],
        `${imported.name} of ${imported.peer} is imported as ${before} and as ${imported.protocol}`,
        'write the one protocol that the peer exports it with',
      ),
    ];
  });
}

function unknownPeer(name: string, known: ReadonlySet<string>, path: Path): Finding {
  const list = [...known].sort().slice(0, 10).join(', ');
  return errorAt(
    'UNKNOWN_PEER',
    path,
    `there is no peer ${name}`,
    list === '' ? `add it under peers` : `add it under peers, or write one of: ${list}`,
  );
}
