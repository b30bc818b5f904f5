// Digests of what a name means. A resource whose meaning changes gets another name by them, so that no update can give a
// connection, a route or a statistic of the old meaning to the new one, in whatever order the pieces arrive.
// Must not: depend on anything but the configuration and the files that it names: replicas and restarts must agree.

import { createHash } from 'node:crypto';
import type { TrustBundle } from '../trust/bundle.ts';
import type { Export, Peer } from './model.ts';

/** 64 bits, hex: enough that nobody finds a second meaning for a name, and short enough to read in a log. */
export function digestOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** Which mesh a peer is. */
export function domainKey(trustDomain: string): string {
  return digestOf('trust domain', trustDomain);
}

/**
 * Whom a peer's connections were opened with. Of the bundle only the oldest root counts: a root that is added for an
 * overlap changes nothing, and one that is removed in its time changes the key, by which its connections end.
 */
export function peerKey(peer: Omit<Peer, 'key' | 'domainKey'>): string {
  const { trustDomain, bundle, gatewayIdentities, leafKeys, inboundServerName, outboundServerName } = peer;
  const roots = oldestRoot(bundle);
  return digestOf(
    'peer',
    trustDomain,
    roots,
    [...gatewayIdentities].sort(),
    [...leafKeys].sort(),
    inboundServerName,
    outboundServerName,
  );
}

/** Where an export leads, and how its backends are spoken to. */
export function exportKey({ protocol, backends }: Pick<Export, 'protocol' | 'backends'>): string {
  return digestOf(
    'export',
    protocol,
    backends.map(({ host, port }) => [host, port]),
  );
}

/** The fingerprint of the root that is valid from the earliest moment; of two such, the first in the file. */
function oldestRoot({ certificates }: TrustBundle): string | undefined {
  return certificates.reduce<TrustBundle['certificates'][number] | undefined>(
    (oldest, one) => (oldest === undefined || one.notBefore < oldest.notBefore ? one : oldest),
    undefined,
  )?.fingerprint;
}
