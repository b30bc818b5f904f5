// The status of a stream for other folders: the error that ended it, and whether its gateway is in sync.
// Must not: hold state.

/** gRPC status codes that this server ends a stream with. */
export const GRPC_STATUS = {
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcStatus = keyof typeof GRPC_STATUS;

/** Ends the stream. The client reads the message, so it must not say anything that the client may not know. */
export class XdsError extends Error {
  readonly status: GrpcStatus;

  constructor(status: GrpcStatus, message: string) {
    super(message);
    this.name = 'XdsError';
    this.status = status;
  }
}

/** SYNCED: the gateway has accepted the current state. STALE: a push is due or in flight. NACKED: it rejected the current state. */
export type TypeState = 'SYNCED' | 'STALE' | 'NACKED' | 'NOT SENT';

export interface TypeStatus {
  /** CDS, EDS, SDS, RDS, LDS. */
  readonly type: string;
  readonly state: TypeState;
  readonly sentVersion?: string;
  readonly ackedVersion?: string;
  /** When the client last acknowledged a response, in milliseconds since the epoch; of one that came with a version: when it asked. */
  readonly ackedAt?: number;
  /** The last rejection that still applies, with the client's message. */
  readonly nack?: { readonly version: string; readonly message: string; readonly at: number };
}

export interface StreamStatus {
  readonly gateway: string;
  readonly nodeId: string;
  readonly userAgent: string;
  /** The digest of the bootstrap that the client says it was started with; absent: it names none. */
  readonly bootstrap?: string;
  /** IP:PORT of the client. */
  readonly address: string;
  readonly variant: 'sotw' | 'delta';
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** When the client certificate ends, in milliseconds since the epoch; absent without TLS. */
  readonly certificateNotAfter?: number;
  readonly types: readonly TypeStatus[];
}

/** Streams by connection: an Envoy has one connection, with one stream (ADS) or one for each type. */
export function byConnection<S extends Pick<StreamStatus, 'nodeId' | 'address'>>(
  streams: readonly S[],
): readonly (readonly [S, ...S[]])[] {
  const connections = new Map<string, [S, ...S[]]>();
  for (const stream of streams) {
    const key = `${stream.address} ${stream.nodeId}`;
    const connection = connections.get(key);
    if (connection === undefined) connections.set(key, [stream]);
    else connection.push(stream);
  }
  return [...connections.values()];
}

/** Whether the gateway has accepted, of every type that it subscribes to, the version that is served. */
export function isInSync({ types }: { readonly types: readonly Pick<TypeStatus, 'state'>[] }): boolean {
  return types.every(({ state }) => state === 'SYNCED');
}
