// For a name that nothing has (an export, a local name, a server name): the part of the configuration that is most like it.
// Must not: name what is no more like it than any other.

import type { Nearest } from '../../decision/answer/decision.ts';
import { Resources } from '../../decision/matching/resources.ts';
import { METADATA } from '../../envoy/resource-names.ts';
import { exportAuthority, localNames } from '../../federation/wire-names.ts';
import { nearestName } from '../../nearest-name.ts';
import type { TrustDomain } from '../../trust/spiffe.ts';
import { endedOn } from '../questions/ended-grant.ts';
import type { Served } from '../questions/served.ts';
import type { LogLine } from './log-line.ts';

export function nearestNamed(line: LogLine, served: Served): Nearest | undefined {
  switch (line.reason) {
    case 'NO_GRANT':
      return nearestExport(line, served);
    case 'UNKNOWN_NAME':
      return nearestImport(line, served);
    case 'UNKNOWN_SERVER_NAME':
      return nearestServerName(line, served);
    default:
      return undefined;
  }
}

function nearestExport({ fields, at }: LogLine, served: Served): Nearest | undefined {
  const { names, trustDomain } = served;
  const { authority = '', peer = '' } = fields;
  const asked = authority.replace(/:\d+$/, '');
  const byAuthority = new Map(
    names.exports.map(({ name }) => [exportAuthority(name, trustDomain as TrustDomain), name] as const),
  );
  const exact = byAuthority.get(asked);
  const ended = exact === undefined ? undefined : endedOn(served, exact, peer, at);
  if (ended !== undefined)
    return { rule: `exports.${exact}.consumers.${peer}`, needs: [`a later day than ${ended} in expires`] };
  if (exact !== undefined) return { rule: `exports.${exact}`, needs: [`a consumer with peer: ${peer}`] };
  const near = byAuthority.get(nearestName(asked, [...byAuthority.keys()]) ?? '');
  return near === undefined ? undefined : { rule: `exports.${near}`, needs: [`the name ${near} (the peer writes it)`] };
}

function nearestImport({ fields }: LogLine, { names }: Served): Nearest | undefined {
  const [, asked = '', port] = /^(.*?)(?::(\d+))?$/.exec(fields['authority'] ?? '') ?? [];
  const ofName = new Map(names.imports.flatMap((one) => localNames(one.as).map((name) => [name, one] as const)));
  const one = ofName.get(asked) ?? ofName.get(nearestName(asked, [...ofName.keys()]) ?? '');
  if (one === undefined) return undefined;
  const isName = ofName.has(asked);
  const where = port === undefined || Number(port) !== one.port ? ` at port ${one.port}` : '';
  return {
    rule: `imports.${one.as}:${one.port}`,
    needs: [isName ? `a request${where || ' for it'}` : `the name ${one.as}${where}`],
  };
}

function nearestServerName({ fields }: LogLine, { resources }: Served): Nearest | undefined {
  const chains = new Resources(resources).listeners().flatMap(({ filter_chains: all = [] }) => all);
  const peers = new Map(
    chains.flatMap(({ filter_chain_match: match, metadata }) => {
      const { peer } = (metadata?.filter_metadata?.[METADATA] ?? {}) as Readonly<Record<string, unknown>>;
      return typeof peer === 'string' ? (match?.server_names ?? []).map((name) => [name, peer] as const) : [];
    }),
  );
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
