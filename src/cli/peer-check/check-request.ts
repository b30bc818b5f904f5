// Sends the one request of `postern check peer --request` to the first address that is fine, and says what the answer means.
// Must not: send anything where a check has found a fault, or send it twice.

import { formatHostPort } from '../../host-port.ts';
import { ask } from './ask.ts';
import { type CheckedWay, type CheckInput, dialOf } from './check-peer.ts';
import { fineWay, servesTcp } from './check-protocols.ts';
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
  const way = fineWay(ways);
  if (way?.ip === undefined)
    return {
      ...about,
      ...{ reason: 'PEER_DOWN', possible: [], text: 'it was not sent: no address of the peer is fine for HTTP' },
      remedy: 'correct what is said above first',
    };
  const { ip, port } = way;
  const answer = await ask(dialOf(input, { ip, port }, way), headers);
  const isTcp = typeof answer === 'object' && answer.status === 403 && (await servesTcp(input, { ip, port }, imported));
  const grpcStatus = typeof answer === 'object' ? grpcStatusOf(answer) : undefined;
  return {
    ...about,
    address: formatHostPort({ host: ip, port }),
    ...(typeof answer === 'object' && { status: answer.status }),
    ...(grpcStatus !== undefined && { grpcStatus }),
    ...judgeAnswer(wanted, answer, isTcp),
  };
}
