// The limits on the way of what a line is about: how high each is, the key that sets it, and which of them the line speaks of.
// Must not: name a limit for a line that is about something else.

import type { Decision } from '../../decision/answer/decision.ts';
import { limitText } from '../../decision/answer/limit.ts';
import { type PlacedLimit, placedLimits } from '../questions/placed-limit.ts';
import type { Served } from '../questions/served.ts';
import type { LogLine } from './log-line.ts';

export interface LineLimit extends PlacedLimit {
  /** It is what refused it. */
  readonly isReached: boolean;
}

export function lineLimits({ reason }: LogLine, decision: Decision | undefined, served: Served): readonly LineLimit[] {
  const limits = placedLimits(decision?.limits ?? [], served);
  return limits.map((limit) => ({ ...limit, isReached: limit.reason === reason }));
}

/** What to do about the limit that was reached, where a key sets it. */
export function limitCure(limits: readonly LineLimit[]): { readonly cure?: string } {
  const [limit, ...others] = limits.filter(({ isReached }) => isReached);
  if (limit?.name === undefined || others.length > 0) return {};
  const what = `\`${limit.name}\`, which is ${limitText(limit)}${limit.isDefault ? ' by default' : ''}`;
  return { cure: `${limit.isDefault ? 'Set' : 'Raise'} ${what}, or have the caller do with less.` };
}
