// Finds the unchanged resources to send again: those whose rejection may pass with time, and those that were
// rejected because of a secret that the client has accepted since. Envoy builds the TLS of a cluster or listener from the
// secrets that it holds, so it rejects a good cluster while the secret is bad, and secrets come after clusters.
// Must not: send a resource again for any other reason (rule 18), or twice for the same reason.

import { REFERRERS, TYPE } from '../../snapshot/resource-types.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Pending, Subscription } from '../subscription/subscription.ts';
import { backOff } from '../subscription/transient-rejections.ts';

interface Answered {
  readonly typeUrl: string;
  readonly state: Subscription;
}

interface Retries {
  readonly retryAt: number | undefined;
  readonly attempts: number;
}

/** When transiently rejected resources are sent again, after an answer to them (milliseconds). */
export function retryAt(
  { state, retryAt: at, attempts }: Retries & Answered,
  answer: 'ack' | 'nack',
  now: number,
): Retries {
  if (state.rejected.size === 0 && state.pending.length > 0) return { retryAt: at, attempts };
  const isLeft = state.rejected.size > 0 && [...state.rejected.values()].some(({ isTransient }) => isTransient);
  if (!isLeft) return state.pending.length > 0 ? { retryAt: at, attempts } : { retryAt: undefined, attempts: 0 };
  if (answer === 'ack' || at !== undefined) return { retryAt: at, attempts };
  return { retryAt: now + backOff(attempts + 1), attempts: attempts + 1 };
}

/** Names of one type to send again. */
export interface Again {
  readonly typeUrl: string;
  readonly names: ReadonlySet<string>;
}

interface Answer extends Answered {
  /** The responses that the client answered. */
  readonly responses: readonly Pending[];
  readonly answer: 'ack' | 'nack';
}

const NONE: readonly Again[] = [];
/** The types that refer to secrets. */
const USERS = REFERRERS.get(TYPE.secret) ?? [];

export class Recoveries {
  /** Secrets of which new content was accepted while their users were in flight, with the number of that answer. */
  private readonly renewed = new Map<string, number>();
  /** By type: how many such answers there had been when the response in flight was sent. */
  private readonly renewalsAtSend = new Map<string, number>();
  private renewals = 0;

  sent({ typeUrl }: Answered): void {
    if (USERS.includes(typeUrl)) this.renewalsAtSend.set(typeUrl, this.renewals);
  }

  /** The resources to send again because of an answer. `all` are the subscriptions of the stream after it. */
  answered(answered: Answer, all: readonly Answered[], snapshot: Snapshot): readonly Again[] {
    const { typeUrl, state, responses, answer } = answered;
    if (answer === 'nack') {
      // The secret may have been accepted while the rejected resource was in flight.
      const since = this.renewalsAtSend.get(typeUrl) ?? 0;
      return since === this.renewals
        ? NONE
        : needing(answered, (name) => (this.renewed.get(name) ?? 0) > since, snapshot);
    }
    if (typeUrl !== TYPE.secret) return NONE;
    const news = responses.filter(({ replacesContent }) => replacesContent);
    if (news.length === 0) return NONE;
    const names = new Set(news.flatMap(({ resources }) => resources.map(({ name }) => name)));
    this.remember(names, all);
    if (all.every((one) => one.state.rejected.size === 0)) return NONE;
    return [
      ...all.flatMap((one) => needing(one, (name) => names.has(name), snapshot)),
      ...beside(state, names, snapshot),
    ];
  }

  private remember(names: ReadonlySet<string>, all: readonly Answered[]): void {
    const isInFlight = all.some(({ typeUrl, state }) => USERS.includes(typeUrl) && state.pending.length > 0);
    if (!isInFlight) {
      this.renewed.clear();
      return;
    }
    this.renewals += 1;
    for (const name of names) this.renewed.set(name, this.renewals);
  }
}

/** The rejected resources that refer to such a secret. */
function needing(
  { typeUrl, state: { rejected } }: Answered,
  isSuch: (secret: string) => boolean,
  snapshot: Snapshot,
): readonly Again[] {
  const resources = snapshot.types.get(typeUrl)?.resources;
  if (rejected.size === 0 || resources === undefined || !USERS.includes(typeUrl)) return NONE;
  const names = [...rejected.keys()].filter((name) =>
    resources.get(name)?.references.some((reference) => reference.typeUrl === TYPE.secret && isSuch(reference.name)),
  );
  return names.length === 0 ? NONE : [{ typeUrl, names: new Set(names) }];
}

/**
 * The rejected secrets that share a TLS context with secrets that were accepted now: Envoy rejects whichever secret of a
 * context comes last, even if it is a good one.
 */
function beside(
  { typeUrl, rejected }: Subscription,
  accepted: ReadonlySet<string>,
  snapshot: Snapshot,
): readonly Again[] {
  if (rejected.size === 0) return NONE;
  const names = new Set<string>();
  for (const user of USERS)
    for (const { references } of snapshot.types.get(user)?.resources.values() ?? [])
      for (const reference of references) {
        if (reference.typeUrl !== TYPE.secret || !accepted.has(reference.name)) continue;
        for (const other of reference.together ?? []) if (rejected.has(other)) names.add(other);
      }
  return names.size === 0 ? NONE : [{ typeUrl, names }];
}
