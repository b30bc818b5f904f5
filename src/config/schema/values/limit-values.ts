// Limits: what a gateway, a peer, a service of ours or an import may take at once or in each second.
// Must not: give a limit that is not written a value; the gateways' own defaults apply then (envoy/limits.ts).

import * as z from 'zod';
import { parseByteSize } from '../../../byte-size.ts';
import { issueOf, quote, text } from './string-checks.ts';

/** Each limit that is absent is the gateways' own (envoy/limits.ts). */
export interface PeerLimits {
  readonly requestsPerSecond?: number;
  readonly requests?: number;
  readonly connections?: number;
}

export interface ServiceLimits extends PeerLimits {
  /** Bytes. */
  readonly requestBody?: number;
}

export interface GatewayLimits {
  readonly connections?: number;
}

/** Beyond it a limit limits nothing that one gateway can do. */
const MOST = 1_000_000;

const count = (description: string) => z.int().min(1).max(MOST).describe(description).optional();

const LEAST_BYTES = 1024;
const MOST_BYTES = 1024 ** 4;

const size = (description: string) =>
  text(description, { pattern: '^[0-9]{1,9}[KMG]iB$' }, (value) => {
    const bytes = parseByteSize(value) ?? 0;
    if (bytes >= LEAST_BYTES && bytes <= MOST_BYTES) return undefined;
    return {
      code: 'INVALID_VALUE',
      message: `${quote(value)} is not a size from 1KiB to 1024GiB`,
      hint: 'write something like 64KiB, 10MiB or 1GiB',
    };
  }).optional();

/** A map without a key would look like a limit and be none. */
function limits<T extends z.ZodRawShape>(description: string, shape: T) {
  return z
    .strictObject(shape)
    .describe(description)
    .meta({ minProperties: 1 })
    .superRefine((given, context) => {
      if (Object.keys(given).length > 0 || context.issues.length > 0) return;
      context.addIssue(
        issueOf({ code: 'EMPTY', message: 'an empty map', hint: 'write a limit, or leave the key out' }),
      );
    })
    .optional();
}

const RATE =
  'Requests in each second; as many at once after a second without any. Beyond it: 429, or RESOURCE_EXHAUSTED for gRPC.';
const AT_ONCE = 'Requests at one time. Beyond it: 503.';
const NOT_FOR_TCP = 'Not for TCP.';

/** What a service over TCP cannot have. */
export const TCP_LIMITS_LACK: readonly string[] = ['requestsPerSecond', 'requests', 'requestBody'];

const ofRequests = {
  requestsPerSecond: count(`${RATE} ${NOT_FOR_TCP}`),
  requests: count(`${AT_ONCE} ${NOT_FOR_TCP}`),
  requestBody: size(
    `The size of one request body, from 1KiB to 1024GiB, whether its length is declared or not; a gRPC call or a WebSocket is one body. Beyond it: 413. ${NOT_FOR_TCP}`,
  ),
};

const BY_EACH = 'Each gateway Envoy counts for itself.';

export const gatewayLimits = limits('Limits of each Envoy of this gateway, which its bootstrap has.', {
  connections: count('Connections at one time, of all callers or peers together; default 10000. Beyond it: refused.'),
});

export const peerLimits = limits(`Limits of everything that this peer does here. ${BY_EACH}`, {
  requestsPerSecond: count(RATE),
  requests: count(AT_ONCE),
  connections: count(
    'Connections for HTTP and gRPC at one time, handshakes included. Beyond it: closed. Use it with sni: a stranger who knows the server name can hold connections in their handshake, five seconds each.',
  ),
});

/** Of an export, where it is the default of its consumers, and of one consumer. */
export const serviceLimits = (whose: string) =>
  limits(`${whose} ${BY_EACH}`, {
    ...ofRequests,
    connections: count(
      'Connections to the backend at one time; default 4096. Beyond it: requests wait, and a TCP connection is closed.',
    ),
  });

export const importLimits = limits(`Limits of our own callers of this import, together. ${BY_EACH}`, {
  ...ofRequests,
  connections: count('Connections at one time, for TCP alone; default 4096. Beyond it: closed.'),
});
