// The limits on the way of what a line is about: how high each is, the key that sets it, and which of them the line speaks of.
// Must not: name a limit for a line that is about something else.

import type { Decision } from '../../decision/answer/decision.ts';
import { limitText } from '../../decision/answer/limit.ts';
import { type PlacedLimit, placedLimits } from '../questions/placed-limit.ts';
import type { Served } from '../questions/served.ts';
import type { LogLine } from './log-line.ts';

export interface LineLimit extends PlacedLimit {
  /** It is what refused it, or may be: the line may leave open which of several it was. */
  readonly isReached: boolean;
}

/** `decisions`: more than one where the line leaves open at which port it was. */
export function lineLimits(line: LogLine, decisions: readonly Decision[], served: Served): readonly LineLimit[] {
  const all = decisions.flatMap(({ limits }) => limits);
  const once = all.filter(({ name }, at) => name === undefined || all.findIndex((one) => one.name === name) === at);
  return placedLimits(once, served).map((limit) => ({
    ...limit,
    isReached: limit.reason === line.reason && mayBeReached(line, limit),
  }));
}

/**
 * That of a peer counts handshakes of HTTP and gRPC, and refuses in them. That of TCP is of the connections that a gateway makes,
 * after the handshake.
 */
function mayBeReached(
  { fields: { flags = '', tls_fail: fail = '' } }: LogLine,
  { name, counts }: LineLimit | PlacedLimit,
): boolean {
  if (counts !== 'connections at a time') return true;
  const isOfPeer = name?.startsWith('peers.') ?? false;
  if (fail.includes('CONNECTION_REJECTED')) return isOfPeer;
  return !isAfterHandshake(flags) || !isOfPeer;
}

/** Envoy's flag for a cluster that takes no more connections. */
export function isAfterHandshake(flags: string): boolean {
  return flags.split(',').includes('UO');
}

/** What to do about the limit that was reached, where a key sets it. */
export function limitCure(limits: readonly LineLimit[]): { readonly cure?: string } {
  const [limit, ...others] = limits.filter(({ isReached }) => isReached);
  if (limit?.name === undefined) return {};
  if (others.length > 0) {
    const names = [limit, ...others].map(({ name }) => `\`${name}\``);
    return { cure: `Raise the one that was reached (the line leaves open which): ${names.join(', ')}.` };
  }
  const what = `\`${limit.name}\`, which is ${limitText(limit)}${limit.isDefault ? ' by default' : ''}`;
  return { cure: `${limit.isDefault ? 'Set' : 'Raise'} ${what}, or have the caller do with less.` };
}
