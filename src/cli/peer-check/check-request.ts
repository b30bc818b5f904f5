// Sends the one request of `postern check peer --request` to the first address that is fine, and says what the answer means.
// Must not: send anything where a check has found a fault, or send it twice.

import * as names from '../../envoy/resource-names.ts';
import { tcpServerName } from '../../federation/wire-names.ts';
import { formatHostPort } from '../../host-port.ts';
import { ask } from './ask.ts';
import { type CheckedWay, type CheckInput, dialOf } from './check-peer.ts';
import { dial } from './dial.ts';
import { whatWeRefuse } from './our-side.ts';
import { type AskedRequest, grpcStatusOf, judgeAnswer, requestHeaders, type WantedRequest } from './request.ts';

export async function checkRequest(
  input: CheckInput,
  ways: readonly CheckedWay[],
  wanted: WantedRequest,
): Promise<AskedRequest> {
  const { imported, method, path, workload } = wanted;
  const { requestId, headers } = requestHeaders(wanted, input.ours.facts.uris[0] ?? '');
  const about = {
    ...{ import: imported.name, method, path, requestId },
    ...(workload !== undefined && { workload }),
  };
  const way = ways.find(({ tcpImport, verdicts }) => tcpImport === undefined && verdicts.length === 0);
  if (way?.ip === undefined)
    return {
      ...about,
      ...{ reason: 'PEER_DOWN', possible: [], text: 'it was not sent: no address of the peer is fine for HTTP' },
      remedy: 'correct what is said above first',
    };
  const { ip, port } = way;
  const answer = await ask(dialOf(input, { ip, port }, way), headers);
  const isTcp = typeof answer === 'object' && answer.status === 403 && (await servesTcp(input, { ip, port }, wanted));
  const grpcStatus = typeof answer === 'object' ? grpcStatusOf(answer) : undefined;
  return {
    ...about,
    address: formatHostPort({ host: ip, port }),
    ...(typeof answer === 'object' && { status: answer.status }),
    ...(grpcStatus !== undefined && { grpcStatus }),
    ...judgeAnswer(wanted, answer, isTcp),
  };
}

/** Whether the peer has a filter chain for this export as TCP: then it goes on after the handshake. */
async function servesTcp(
  input: CheckInput,
  at: { readonly ip: string; readonly port: number },
  { imported }: WantedRequest,
): Promise<boolean> {
  const serverName = tcpServerName(imported.name, input.peer.outboundServerName);
  const use = { tcpImport: imported.name, serverName, alpn: names.TCP_ALPN };
  const { phase, shown, end } = await dial(dialOf(input, at, use), () => false);
  const isAccepted = phase === 'after handshake' && (end.kind === 'silent' || end.kind === 'answered');
  const context = { ...use, peer: input.peer, ourDomain: input.ourDomain, ours: input.ours.facts, now: Date.now() };
  return isAccepted && shown !== undefined && whatWeRefuse(shown, context).length === 0;
}
