// For a name that nothing has (an export, a local name, a server name): the part of the configuration that is most like it.
// Must not: name what is no more like it than any other.

import { importKey } from '../../config/rule-places.ts';
import type { Nearest } from '../../decision/answer/decision.ts';
import { Resources } from '../../decision/matching/resources.ts';
import { REASONS } from '../../envoy/reasons.ts';
import { METADATA } from '../../envoy/resource-names.ts';
import { exportAuthority, localNames, serverName, tcpServerName } from '../../federation/wire-names.ts';
import { nearestName } from '../../nearest-name.ts';
import type { TrustDomain } from '../../trust/spiffe.ts';
import { denialOf } from '../questions/denial.ts';
import { endedOn, grantedTo } from '../questions/ended-grant.ts';
import type { Served } from '../questions/served.ts';
import type { Advice } from './line-advice.ts';
import type { LogLine } from './log-line.ts';

/** With other words than the reason's own, where the name says more. */
export type NearestNamed = Nearest &
  Partial<Pick<Advice, 'cause' | 'cure'>> & {
    /** What has the line of the file, where the rule's name may be that of several. */
    readonly source?: string;
  };

export function nearestNamed(line: LogLine, served: Served): NearestNamed | undefined {
  const removed = removedPeer(line, served);
  if (removed !== undefined) return removed;
  switch (line.reason) {
    case 'NO_GRANT':
      return nearestExport(line, served);
    case 'UNKNOWN_NAME':
      return nearestImport(line, served);
    case 'PEER_DENIED':
      return deniedPeer(line, served);
    case 'UNKNOWN_SERVER_NAME':
      if (line.role === 'egress') return undefined;
      return (
        knownServerName(line, served) ??
        deniedServerName(line, served) ??
        exactTcpName(line, served) ??
        nearestServerName(line, served)
      );
    default:
      return undefined;
  }
}

/** While the connections of a removed peer end, it is denied everything, and our egress trusts it no longer. */
const OF_REMOVED: ReadonlySet<string> = new Set(['NO_GRANT', 'PEER_DENIED', 'WRONG_CA']);

/** A peer that the file does not have: a grant or a bundle alone would not help it. */
function removedPeer({ reason, fields }: LogLine, { names }: Served): NearestNamed | undefined {
  const { peer } = fields;
  if (peer === undefined || !OF_REMOVED.has(reason) || names.peers.some(({ name }) => name === peer)) return undefined;
  return {
    rule: 'peers',
    needs: [`a peer ${peer}`],
    cause: `The file has no peer ${peer}: it was removed, or has another name now, and its connections end.`,
    cure: `None, if that was intended; otherwise put ${peer} back into \`peers\`, with its grants and imports.`,
  };
}

function nearestExport({ fields, at }: LogLine, served: Served): NearestNamed | undefined {
  const { names, trustDomain } = served;
  const { authority = '', peer = '' } = fields;
  const asked = authority.replace(/:\d+$/, '');
  const byAuthority = new Map(
    names.exports.map(({ name }) => [exportAuthority(name, trustDomain as TrustDomain), name] as const),
  );
  const exact = byAuthority.get(asked);
  const ended = exact === undefined ? undefined : endedOn(served, exact, peer, at);
  if (exact !== undefined && ended !== undefined) return endedGrant(exact, peer, ended);
  if (exact !== undefined) return exactExport(exact, peer, at, served);
  const near = byAuthority.get(nearestName(asked, [...byAuthority.keys()]) ?? '');
  return near === undefined ? undefined : { rule: `exports.${near}`, needs: [`the name ${near} (the peer writes it)`] };
}

/** A request for an export that is there: it is of TCP, or of others. */
function exactExport(name: string, peer: string, at: number, served: Served): NearestNamed {
  const rule = `exports.${name}`;
  const to = grantedTo(served, name, at);
  const isTcp = served.names.exports.some((one) => one.name === name && one.protocol === 'tcp');
  const only = `granted to ${to.length === 0 ? 'nobody' : `${to.join(', ')} only`}`;
  if (!to.includes(peer))
    return {
      rule,
      needs: [`a consumer with peer: ${peer}`],
      cause: `The export is ${isTcp ? 'tcp, ' : ''}${only}.`,
      cure: `Add peer: ${peer} to \`consumers\` of the export, if it may use it.`,
    };
  if (isTcp)
    return {
      rule,
      needs: ['a connection of TCP: protocol: tcp of the import at the peer'],
      cause: `The export is tcp and granted to ${peer}; this was a request of HTTP: the peer imports it as http or grpc.`,
      cure: 'Have the peer import it with `protocol: tcp`, or export it as http.',
    };
  return {
    rule: `${rule}.consumers.${peer}`,
    needs: ['the grant at that time'],
    cause: `The file grants it to ${peer}: the grant is newer than the line, or does not reach the gateway.`,
    cure: 'Run `postern status`.',
  };
}

function endedGrant(exported: string, peer: string, ended: string): NearestNamed {
  return {
    rule: `exports.${exported}.consumers.${peer}`,
    needs: [`a later day than ${ended} in expires`],
    cause: `The grant ended on ${ended} (expires).`,
    cure: 'Set a later day in `expires` of the consumer, if the peer may go on.',
  };
}

/** A server name of TCP has the names of the export and of the peer, which tell why no filter chain has it. */
function exactTcpName({ fields, at }: LogLine, served: Served): NearestNamed | undefined {
  const { names, trustDomain } = served;
  const known = new Map([
    ...names.peers.map((peer) => [serverName(peer.trustDomain, trustDomain as TrustDomain), peer.name] as const),
    ...peersByServerName(served),
  ]);
  const [exported, peer] =
    names.exports
      .flatMap((one) => [...known].map(([sni, name]) => [one, name, tcpServerName(one.name, sni)] as const))
      .find(([, , sni]) => sni === fields['sni']?.toLowerCase()) ?? [];
  if (exported === undefined || peer === undefined) return undefined;
  const { name, protocol } = exported;
  const ended = endedOn(served, name, peer, at);
  if (ended !== undefined) return endedGrant(name, peer, ended);
  const to = grantedTo(served, name, at);
  const is = `The server name is that of peer ${peer} and the TCP export ${name}; it`;
  if (protocol !== 'tcp')
    return {
      rule: `exports.${name}`,
      needs: ['protocol: tcp, or an import without it at the peer'],
      cause: `${is} is ${protocol}, not tcp.`,
      cure: 'Have the peer import it with the protocol of the export.',
    };
  if (to.includes(peer))
    return {
      rule: `peers.${peer}`,
      needs: ['a peer that is not denied, or the grant at that time'],
      cause: `${is} is granted to ${peer} in the file: the peer is denied or has another sni, or the grant is newer than the line.`,
      cure: 'Run `postern status`.',
    };
  return {
    rule: `exports.${name}`,
    needs: [`a consumer with peer: ${peer}`],
    cause: `${is} is tcp, granted to ${to.length === 0 ? 'nobody' : `${to.join(', ')} only`}.`,
    cure: `Add peer: ${peer} to \`consumers\` of the export, if it may use it.`,
  };
}

function nearestImport({ fields }: LogLine, { names }: Served): NearestNamed | undefined {
  const [, asked = '', port] = /^(.*?)(?::(\d+))?$/.exec(fields['authority'] ?? '') ?? [];
  const ofName = new Map(names.imports.flatMap((one) => localNames(one.as).map((name) => [name, one] as const)));
  const one = ofName.get(asked) ?? ofName.get(nearestName(asked, [...ofName.keys()]) ?? '');
  if (one === undefined) return undefined;
  const isName = ofName.has(asked);
  const where = port === undefined || Number(port) !== one.port ? ` at port ${one.port}` : '';
  return {
    rule: `imports.${one.name}`,
    source: importKey(one),
    needs: [isName ? `a request${where || ' for it'}` : `the name ${one.as}${where}`],
  };
}

/** A filter chain has the server name: what it did not get is the ALPN, which no line has. */
function knownServerName({ fields }: LogLine, served: Served): NearestNamed | undefined {
  const sni = fields['sni']?.toLowerCase() ?? '';
  const { peer, alpn = [] } = chainsByServerName(served).get(sni) ?? {};
  if (peer === undefined) return undefined;
  const offer = alpn.join(' or ');
  return {
    rule: `peers.${peer}`,
    needs: [`ALPN ${offer}`],
    cause: `The server name is that of peer ${peer}, so the client did not offer the ALPN ${offer}, as \`curl --http1.1\`, or \`openssl s_client\` without \`-alpn ${offer}\`; or the peer was denied, or not in the file, at that time.`,
    cure: `Have the client offer the ALPN ${offer} in its TLS handshake; a gateway of Postern does.`,
  };
}

function deniedPeer({ fields }: LogLine, served: Served): NearestNamed | undefined {
  const { peer } = fields;
  return peer === undefined || served.denied?.[peer] === undefined ? undefined : denialOf(peer, served);
}

/** That of a peer of the file which has no filter chain, for HTTP or for a TCP export. */
function deniedServerName({ fields }: LogLine, served: Served): NearestNamed | undefined {
  const asked = fields['sni']?.toLowerCase() ?? '';
  const open = new Set(peersByServerName(served).values());
  const peer = served.names.peers.find(({ name, trustDomain, sni = trustDomain }) => {
    const own = serverName(sni, served.trustDomain as TrustDomain);
    return !open.has(name) && (asked === own || asked.endsWith(tcpServerName('', own)));
  });
  if (peer === undefined) return undefined;
  const { cause, ...nearest } = denialOf(peer.name, served);
  return {
    ...nearest,
    cause: `The server name is that of peer ${peer.name}. ${cause}`,
    cure: REASONS.PEER_DENIED.cure,
  };
}

interface NamedChain {
  readonly peer: string;
  readonly alpn: readonly string[];
}

function chainsByServerName({ resources }: Served): ReadonlyMap<string, NamedChain> {
  const chains = new Resources(resources).listeners().flatMap(({ filter_chains: all = [] }) => all);
  return new Map(
    chains.flatMap(({ filter_chain_match: match, metadata }) => {
      const { peer } = (metadata?.filter_metadata?.[METADATA] ?? {}) as Readonly<Record<string, unknown>>;
      if (typeof peer !== 'string') return [];
      const chain = { peer, alpn: match?.application_protocols ?? [] };
      return (match?.server_names ?? []).map((name) => [name, chain] as const);
    }),
  );
}

function peersByServerName(served: Served): ReadonlyMap<string, string> {
  return new Map([...chainsByServerName(served)].map(([name, { peer }]) => [name, peer]));
}

function nearestServerName({ fields }: LogLine, served: Served): Nearest | undefined {
  const peers = peersByServerName(served);
  const near = likeName(fields['sni'] ?? '', [...peers.keys()]);
  const peer = peers.get(near ?? '');
  return peer === undefined ? undefined : { rule: `peers.${peer}`, needs: [`server name ${near}`] };
}

/** Server names are long, so that what they have in common at the end is cut before they are compared. */
function likeName(asked: string, known: readonly string[]): string | undefined {
  const end = (name: string): string => name.slice(name.indexOf('.peers.'));
  const same = known.filter((name) => name.includes('.peers.') && asked.endsWith(end(name)));
  const label = (name: string): string => name.slice(0, -end(name).length);
  const near = nearestName(label(asked), same.map(label));
  return same.find((name) => label(name) === near) ?? nearestName(asked, known);
}
