// When the heartbeats of a stream are due, and their responses (rule 62). responses/heartbeat.ts says what they hold.
// Must not: be asked for a client that does not know the TTL.

import { heartbeat, heartbeatEvery } from '../responses/heartbeat.ts';
import type { Outgoing } from '../wire/messages.ts';
import type { Entry } from './type-state.ts';

/** When the next heartbeat of this type is due (milliseconds); infinity: none is. */
export function nextHeartbeat({ state, heartbeatAt }: Entry): number {
  const { sentState } = state;
  if (sentState === undefined || heartbeat(state, sentState).length === 0) return Number.POSITIVE_INFINITY;
  return heartbeatAt + heartbeatEvery(sentState);
}

/** The heartbeats that are due. */
export function heartbeats(entries: Iterable<Entry>, now: number, nonce: () => string): readonly Outgoing[] {
  return [...entries].flatMap((entry) => {
    const { sentState, sentVersion: version = '' } = entry.state;
    if (sentState === undefined || now < nextHeartbeat(entry)) return [];
    entry.heartbeatAt = now;
    const { typeUrl } = entry;
    const resources = heartbeat(entry.state, sentState);
    return [{ typeUrl, resources, removed: [], version, isShared: true, nonce: nonce(), form: 'heartbeat' }];
  });
}
