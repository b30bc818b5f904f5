// One turn of a subscription: what is to be sent now, and the state after it.
// In: a subscription, the current state of the type, what other types allow. Out: the next state, and replies with nonces.
// Must not: send while a response is un-acknowledged (rule 21).

import type { TypeSnapshot } from '../snapshot/snapshot.ts';
import type { Form } from '../snapshot/ttl.ts';
import { covers, dueDelta, dueSotw, type Reply } from './due.ts';
import { evolve, isAsked, NO_NAMES, type Subscription } from './subscription.ts';

export interface Turn {
  /** Whether nothing points any more to what is gone. */
  readonly mayRemove: () => boolean;
  /** Whether other types must first catch up: then only what the client asked for is sent. */
  readonly hold: boolean;
  readonly nonce: () => string;
  readonly form: Form;
}

/** A reply on its way. */
export interface Outgoing extends Reply {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly form: Form;
}

const NO_REPLIES: readonly never[] = [];

/** What is to be sent now, if anything: at most one state un-acknowledged (rule 21). */
export function next(
  state: Subscription,
  current: TypeSnapshot,
  turn: Turn,
): { readonly state: Subscription; readonly replies: readonly Outgoing[] } {
  if (isIdle(state, current) || (turn.hold && !isAsked(state))) return { state, replies: NO_REPLIES };
  const due =
    state.variant === 'sotw' ? dueSotw(state, current, turn.mayRemove()) : dueDelta(state, current, turn.mayRemove());
  const caughtUp = evolve(state, {
    base: current,
    owed: NO_NAMES,
    owedAll: false,
    owedAnswer: false,
    initial: undefined,
    lingering: due.lingering,
  });
  if (due.replies.length === 0) return { state: quiet(state, caughtUp, current), replies: NO_REPLIES };
  const replies = due.replies.map(({ resources, removed, version }) => ({
    typeUrl: state.typeUrl,
    resources,
    removed,
    version,
    nonce: turn.nonce(),
    form: turn.form,
  }));
  const pending = replies.map(({ nonce, version, resources, removed }) => ({
    nonce,
    version,
    resources,
    removed,
    from: state.base,
    to: current,
  }));
  const version = replies[0]?.version;
  return {
    state: evolve(caughtUp, {
      pending,
      rejected: NO_NAMES,
      lastNonce: replies.at(-1)?.nonce ?? '',
      sentVersion: version,
    }),
    replies,
  };
}

/** Whether nothing can be due: most types, at most turns. */
function isIdle(state: Subscription, current: TypeSnapshot): boolean {
  if (state.pending.length > 0) return true;
  return state.base === current && state.lingering.size === 0 && state.nack === undefined && !isAsked(state);
}

/** Nothing to say: the client has it all, or what it rejected is still wanted and as it was. */
function quiet(state: Subscription, caughtUp: Subscription, current: TypeSnapshot): Subscription {
  const unchanged = state.base === current;
  const stands = [...state.rejected].some((name) => covers(state, name) && (unchanged || current.resources.has(name)));
  if (state.nack !== undefined && stands) return caughtUp;
  const clear = evolve(caughtUp, { nack: undefined, rejected: NO_NAMES });
  const subscribes = state.wildcard || state.names.size > 0;
  return subscribes ? evolve(clear, { sentVersion: current.version, ackedVersion: current.version }) : clear;
}
