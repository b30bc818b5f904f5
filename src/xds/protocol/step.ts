// One step of a subscription: the responses to send now, and the next state.
// Must not: send while a response is unacknowledged (rule 21).

import type { Resource } from '../../snapshot/resource.ts';
import { isFullState } from '../../snapshot/resource-types.ts';
import type { Form } from '../../snapshot/ttl.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import { computeResponse, covers } from '../responses/response-set.ts';
import type { RejectedResources } from '../subscription/rejected-resources.ts';
import {
  advance,
  evolve,
  isAsked,
  NOTHING_REJECTED,
  type Pending,
  type Subscription,
  subscribesToAny,
} from '../subscription/subscription.ts';
import type { Outgoing, Reply } from '../wire/messages.ts';

/** The decisions of other parts, evaluated only when they matter. */
export interface StepContext {
  /** Whether nothing refers to the resources that are to be removed. */
  readonly mayRemove: () => boolean;
  /** Whether other types must be sent first; then only what the client requested is sent. */
  readonly isHeld: () => boolean;
  /** The resources that clients rejected on other streams of this server. */
  readonly rejected: RejectedResources;
  readonly nonce: () => string;
  readonly form: Form;
}

export interface StepResult {
  readonly state: Subscription;
  readonly replies: readonly Outgoing[];
}

const NO_REPLIES: readonly never[] = [];

/** At most one state is unacknowledged (rule 21). */
export function next(state: Subscription, current: TypeSnapshot, turn: StepContext): StepResult {
  if (isIdle(state, current) || (!isAsked(state) && turn.isHeld())) return { state, replies: NO_REPLIES };
  const { replies, deferred, pendingRemovals } = computeResponse(state, current, turn);
  if (replies.length === 0)
    return { state: settle(state, advance(state, current, pendingRemovals, undefined), current), replies: NO_REPLIES };
  const outgoing = replies.map((reply) => send(state, reply, turn));
  const last = outgoing.at(-1);
  // After a rejection, it is unknown what the client has.
  const had = state.rejected.size === 0 ? state.sentState : undefined;
  const sent = {
    pending: outgoing.map((reply) => awaited(reply, had, current, state.sentState)),
    version: last?.version ?? current.version,
    lastNonce: last?.nonce ?? '',
    deferred,
  };
  return { state: advance(state, current, pendingRemovals, sent), replies: outgoing };
}

function send({ typeUrl }: Subscription, reply: Reply, { nonce, form }: StepContext): Outgoing {
  const { resources, removed, version, isShared } = reply;
  return { typeUrl, resources, removed, version, isShared, nonce: nonce(), form };
}

function awaited(
  { nonce, version, resources, removed }: Outgoing,
  from: TypeSnapshot | undefined,
  to: TypeSnapshot,
  sent: TypeSnapshot | undefined,
): Pending {
  return {
    nonce,
    version,
    resources,
    removed,
    from,
    to,
    replacesContent: sent !== undefined && replaces(resources, sent),
  };
}

function replaces(resources: readonly Resource[], sent: TypeSnapshot): boolean {
  return resources.some(({ name, version }) => (sent.resources.get(name)?.version ?? version) !== version);
}

/** Whether nothing can be due: most types, at most steps. */
export function isIdle(state: Subscription, current: TypeSnapshot): boolean {
  if (state.pending.length > 0) return true;
  return state.sentState === current && state.pendingRemovals.size === 0 && state.nack === undefined && !isAsked(state);
}

/** No response is due. Keeps a rejection that still applies; otherwise marks the type as in sync. */
function settle(state: Subscription, after: Subscription, current: TypeSnapshot): Subscription {
  const subscribes = subscribesToAny(state);
  if (state.nack !== undefined && subscribes && stillStands(state, after, current)) return after;
  const clear = evolve(after, { nack: undefined, rejected: NOTHING_REJECTED });
  return subscribes ? evolve(clear, { sentVersion: current.version, ackedVersion: current.version }) : clear;
}

/** Whether a rejection still applies: neither a change nor the end of a subscription has overtaken it. */
function stillStands(state: Subscription, { pendingRemovals }: Subscription, current: TypeSnapshot): boolean {
  // A SotW client rejects LDS and CDS as a whole; or it rejected an empty response, and there still is nothing.
  if ((state.variant === 'sotw' && isFullState(state.typeUrl)) || state.rejected.size === 0) return true;
  const unchanged = state.sentState?.version === current.version;
  // A rejected removal is still due on a delta stream; a SotW stream has no message for it.
  const isWanted = (name: string): boolean =>
    unchanged || current.resources.has(name) || (state.variant === 'delta' && !pendingRemovals.has(name));
  return [...state.rejected.keys()].some((name) => covers(state, name) && isWanted(name));
}
