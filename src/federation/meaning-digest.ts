// Digests of the meaning of a name. They are part of resource names, so a resource whose meaning changes gets another name, and
// no update can give a connection, a route or a statistic of the old meaning to the new one, in whatever order its pieces arrive.
// Must not: depend on anything but the configuration and the files that it names; replicas and restarts must agree.

import { createHash } from 'node:crypto';
import type { CaFile, TrustBundle } from '../trust/bundle.ts';
import type { Export, Peer } from './model.ts';

/** 64 bits, hex: enough that a second meaning for a name cannot be found, and short enough to read in a log. */
export function digestOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** Identifies the mesh of a peer. */
export function domainKey(trustDomain: string): string {
  return digestOf('trust domain', trustDomain);
}

/**
 * A digest of the identities and the trust that a peer's connections were opened with. Of the bundle only the oldest root
 * counts: a root that is added for an overlap changes nothing, and the removal of the old one changes the key, which ends the
 * peer's connections.
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

/**
 * A digest of the trust in our own workloads. Unlike a peer's key it holds all roots: nothing else ends connections that rest on
 * one of them, and within one mesh a root changes rarely.
 */
export function meshKey({ trustDomain, certificates }: TrustBundle): string {
  return digestOf('mesh', trustDomain, certificates.map(({ fingerprint }) => fingerprint).sort());
}

/** A digest of the CA certificates of a backend: all of them, for the same reason. */
export function caKey({ certificates }: CaFile): string {
  return digestOf('backend CA', certificates.map(({ fingerprint }) => fingerprint).sort());
}

/** Identifies the backends of an export, the protocol that they speak, and how they prove who they are. */
export function exportKey({ protocol, backends, tls }: Pick<Export, 'protocol' | 'backends' | 'tls'>): string {
  return digestOf(
    'export',
    protocol,
    backends.map(({ host, port }) => [host, port]),
    ...(tls === undefined ? [] : [tls.mode, tls.mode === 'mtls' ? tls.identity : tls.serverName, tls.trust]),
  );
}

/** The fingerprint of the root that is valid from the earliest moment; of two such, the first in the file. */
function oldestRoot({ certificates }: TrustBundle): string | undefined {
  return certificates.reduce<TrustBundle['certificates'][number] | undefined>(
    (oldest, root) => (oldest === undefined || root.notBefore < oldest.notBefore ? root : oldest),
    undefined,
  )?.fingerprint;
}
