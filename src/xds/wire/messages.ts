// The messages of clients and of this server, as plain data: requests once parsed, responses before they are encoded.
// Must not: know subscriptions, or encodings.

import type { Form } from '../../snapshot/ttl.ts';
import type { SharedBatch } from './shared-batch.ts';

export type Variant = 'sotw' | 'delta';

const TTL = 'xds.config.supports-resource-ttl';
const WRAPPED = 'xds.config.supports-resource-in-sotw';

/** The client features that make a difference here. */
export const CLIENT_FEATURES: readonly string[] = [TTL, WRAPPED];

/** Whether a client accepts TTLs, by the features that its node names. */
export function takesTtl(variant: Variant, features: readonly string[]): boolean {
  return features.includes(TTL) && (variant === 'delta' || features.includes(WRAPPED));
}

export interface NodeClaims {
  readonly id: string;
  readonly cluster: string;
  readonly userAgent: string;
  /** A real Envoy, by its name and its build version, which no other client sends. */
  readonly isEnvoy: boolean;
  /** The digest of the bootstrap that it was started with; absent: of an earlier version, or not Postern's. */
  readonly bootstrap?: string;
  /** Those of CLIENT_FEATURES that the node names. */
  readonly clientFeatures: readonly string[];
}

export interface XdsRequest {
  readonly typeUrl: string;
  readonly nonce: string;
  /** What the client said was wrong with the response of `nonce`; undefined when it rejects nothing. */
  readonly errorDetail: string | undefined;
  /** SotW: version_info and resource_names. */
  readonly versionInfo: string;
  readonly names: readonly string[];
  /** SotW: the names are, byte for byte, those of the last request of this type on this stream. */
  readonly repeatsNames: boolean;
  /** SotW: how many bytes of the names were not read, because an earlier request had them. */
  readonly repeatedBytes: number;
  /** Delta. */
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: ReadonlyMap<string, string>;
  /** Parses the node of this message, if it has one. */
  readonly node: () => NodeClaims | undefined;
}

export interface Reply {
  readonly resources: SharedBatch;
  readonly removed: readonly string[];
  readonly version: string;
  /** Whether other streams may be sent the same bytes; not if it holds names that this client made up. */
  readonly isShared: boolean;
}

/** A reply to be sent. */
export interface Outgoing extends Reply {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly form: Form;
}
