// A peer that our own file denies: which part of the file does, and what is wrong with it, as `status` has it.
// Must not: call a peer denied that the resources let in.

import type { Decision, Nearest } from '../../decision/answer/decision.ts';
import type { Served } from './served.ts';

/** What the peer lacks, and why. */
export interface Denial extends Nearest {
  /** A sentence. */
  readonly cause: string;
}

export function denialOf(peer: string, { denied = {} }: Pick<Served, 'denied'>): Denial {
  const reasons = denied[peer] ?? [];
  const why = reasons.length === 0 ? 'its trust bundle has no usable CA' : reasons.join('; ');
  return {
    rule: `peers.${peer}.trustBundle`,
    needs: ['a trust bundle with a usable CA'],
    cause: `Our own file denies peer ${peer}: ${why}.`,
  };
}

/** A decision that the denial of a peer makes; `caller`: it has no filter chain, and nobody could ask as this peer. */
export function withDenial(decision: Decision, caller: string | undefined, served: Served): Decision {
  if (decision.verdict === 'yes' || (caller === undefined && decision.reason !== 'PEER_DENIED')) return decision;
  const last = decision.steps.at(-1);
  const [, called] = /^peers\.(.*)\.trustBundle$/.exec(last?.source ?? '') ?? [];
  const peer = caller ?? called;
  if (last === undefined || peer === undefined) return decision;
  const { rule: source, needs, cause } = denialOf(peer, served);
  const compared = caller === undefined ? `${last.compared}. ${cause}` : `the peer has no filter chain. ${cause}`;
  const step = { ...last, compared, source };
  return {
    ...decision,
    reason: 'PEER_DENIED',
    nearest: { rule: source, needs },
    steps: [...decision.steps.slice(0, -1), step],
  };
}
