// Finds imports whose protocol is not the one that the peer exports with: a peer that takes an HTTP import as TCP answers 403 to
// each of its requests, as it does to what nobody may ask.
// Must not: send a byte over such a connection, or be sure of a peer that ends it: that is no proof of HTTP.

import * as names from '../../envoy/resource-names.ts';
import { type HttpImport, isHttpImport } from '../../federation/model.ts';
import { tcpServerName } from '../../federation/wire-names.ts';
import { type CheckedWay, type CheckInput, dialOf } from './check-peer.ts';
import { dial } from './dial.ts';
import { whatWeRefuse } from './our-side.ts';

/** An import of our file that the peer exports with another protocol. */
export interface Mismatch {
  readonly import: string;
  readonly reason: 'WRONG_PROTOCOL';
  readonly text: string;
  readonly remedy: string;
}

type At = { readonly ip: string; readonly port: number };

/** At the first address that is fine. One handshake after the other: together they might reach a limit of the peer for us. */
export async function checkProtocols(input: CheckInput, ways: readonly CheckedWay[]): Promise<readonly Mismatch[]> {
  const { ip, port } = fineWay(ways) ?? {};
  if (ip === undefined || port === undefined) return [];
  const found: Mismatch[] = [];
  const imports = new Map(input.imports.filter(isHttpImport).map((imported) => [imported.name, imported]));
  for (const imported of imports.values())
    if (await servesTcp(input, { ip, port }, imported)) found.push({ import: imported.name, ...servedAsTcp(imported) });
  return found;
}

/** By which a request can be sent. */
export function fineWay(ways: readonly CheckedWay[]): CheckedWay | undefined {
  return ways.find(({ tcpImport, verdicts }) => tcpImport === undefined && verdicts.length === 0);
}

export function servedAsTcp({ name, protocol }: HttpImport): Omit<Mismatch, 'import'> {
  return {
    reason: 'WRONG_PROTOCOL',
    text: `it serves ${name} as TCP, and our file imports it as ${protocol}`,
    remedy: `write protocol: tcp to the import of ${name} in our file, or the peer exports it as ${protocol}`,
  };
}

/** Whether the peer has a filter chain for this export as TCP: then it goes on after the handshake. */
export async function servesTcp(input: CheckInput, at: At, { name }: HttpImport): Promise<boolean> {
  const serverName = tcpServerName(name, input.peer.outboundServerName);
  const use = { tcpImport: name, serverName, alpn: names.TCP_ALPN };
  const { phase, shown, end } = await dial(dialOf(input, at, use), () => false);
  const isAccepted = phase === 'after handshake' && (end.kind === 'silent' || end.kind === 'answered');
  const context = { ...use, peer: input.peer, ourDomain: input.ourDomain, ours: input.ours.facts, now: Date.now() };
  return isAccepted && shown !== undefined && whatWeRefuse(shown, context).length === 0;
}
