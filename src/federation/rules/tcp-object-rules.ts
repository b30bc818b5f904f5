// Rules across objects for TCP: the server name of each export and peer, and the ports of the imports.
// Must not: find again what object-rules.ts finds of every protocol.

import type { ConfigOutline, OutlinePeer } from '../../config/outline.ts';
import { errorAt, type Finding, type Path } from '../../errors.ts';
import type { TrustDomain } from '../../trust/spiffe.ts';
import { MAX_HOST_NAME, serverName, tcpServerName } from '../wire-names.ts';

export function tcpRules(config: ConfigOutline): readonly Finding[] {
  const peers = new Map(config.peers.map((peer) => [peer.name, peer]));
  return [...exportRules(config, peers), ...importRules(config, peers), ...portRules(config)];
}

type Peers = ReadonlyMap<string, OutlinePeer>;

/** Our ingress gateway picks the chain of a peer and an export by the server name, so no two may have one. */
function exportRules({ exports, mesh }: ConfigOutline, peers: Peers): readonly Finding[] {
  const owners = new Map<string, string>();
  for (const { name, trustDomain, sni } of peers.values()) {
    const label = sni === undefined ? trustDomain : sni;
    if (label !== null && mesh.trustDomain !== null)
      owners.set(serverName(label, mesh.trustDomain as TrustDomain), `the requests of ${name}`);
  }
  return exports.flatMap(({ name, protocol, consumers }, index): readonly Finding[] => {
    if (protocol !== 'tcp' || name === null) return [];
    const path: Path = ['exports', index, 'name'];
    const names = consumers.flatMap((consumer) => {
      const peer = consumer.peer === null ? undefined : peers.get(consumer.peer);
      const label = peer?.sni === undefined ? peer?.trustDomain : peer.sni;
      if (peer === undefined || label == null || mesh.trustDomain === null) return [];
      const wanted = tcpServerName(name, serverName(label, mesh.trustDomain as TrustDomain));
      return [{ wanted, use: `${name} for ${peer.name}` }];
    });
    const taken = names.find(({ wanted, use }) => (owners.get(wanted) ?? use) !== use);
    for (const { wanted, use } of names) if (!owners.has(wanted)) owners.set(wanted, use);
    if (taken === undefined)
      return tooLong(
        name,
        names.map(({ wanted }) => wanted),
        path,
      );
    const message = `the server name of ${taken.use} would be ${taken.wanted}, which is that of ${owners.get(taken.wanted)}`;
    return [errorAt('SNI_TAKEN', path, message, 'give one of the two exports another name')];
  });
}

function importRules({ imports, mesh }: ConfigOutline, peers: Peers): readonly Finding[] {
  return imports.flatMap(({ name, protocol, peer: owner }, index) => {
    const peer = owner === null ? undefined : peers.get(owner);
    const label = peer?.sni === undefined ? mesh.trustDomain : peer.sni;
    if (protocol !== 'tcp' || name === null || peer == null || peer.trustDomain === null || label === null) return [];
    const wanted = tcpServerName(name, serverName(label, peer.trustDomain as TrustDomain));
    return tooLong(name, [wanted], ['imports', index, 'name']);
  });
}

function tooLong(name: string, serverNames: readonly string[], path: Path): readonly Finding[] {
  const longest = Math.max(0, ...serverNames.map(({ length }) => length));
  if (longest <= MAX_HOST_NAME) return [];
  const message = `the server name (SNI) of ${name} would be ${longest} characters long, more than a host name's ${MAX_HOST_NAME}`;
  return [errorAt('NAME_TOO_LONG', path, message, 'shorten the name')];
}

/** A TCP connection says no name, so its port alone tells where it leads. */
function portRules({ imports }: ConfigOutline): readonly Finding[] {
  const owners = new Map<number, { readonly what: string; readonly isTcp: boolean }>();
  return imports.flatMap(({ peer, name, port, protocol }, index) => {
    if (port === null || protocol === null) return [];
    const owner = owners.get(port);
    const isTcp = protocol === 'tcp';
    owners.set(port, owner ?? { what: `${name ?? 'another service'} of ${peer ?? 'a peer'}`, isTcp });
    if (owner === undefined || !(isTcp || owner.isTcp)) return [];
    const message = `the port ${port} already leads to ${owner.what}, and a TCP import shares its port with no other`;
    return [errorAt('PORT_TAKEN', ['imports', index, 'port'], message, 'give each TCP import a port of its own')];
  });
}
