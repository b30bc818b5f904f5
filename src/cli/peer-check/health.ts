// Asks a peer's gateway for its health, as Envoy's health check of our egress gateway does.
// Must not: be called for a gateway that our egress gateway would refuse, or send anything about us beside the request.

import { ask } from './ask.ts';
import type { Dial } from './dial.ts';

/** The HTTP status; absent: no answer. */
export async function healthOf(wanted: Dial, authority: string, path: string): Promise<number | undefined> {
  const answer = await ask(wanted, {
    ...{ ':method': 'GET', ':authority': authority, ':path': path, 'user-agent': 'Envoy/HC' },
  });
  return typeof answer === 'object' ? answer.status : undefined;
}
