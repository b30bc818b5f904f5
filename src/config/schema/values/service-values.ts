// Values that exports and imports have in common.
// Must not: hold what belongs to one of the two.

import * as z from 'zod';
import * as value from './values.ts';

/** A list with at least one item: an empty list never means everything. */
export const list = <T extends z.ZodType>(item: T) => z.array(item).min(1);

export const protocol = z
  .enum(['http', 'http2', 'grpc', 'tcp'])
  .describe(
    'The protocol: http (the default), http2 (as http, to a backend that speaks HTTP/2 without TLS), grpc or tcp.',
  )
  .optional();

export const underscoreHeaders = z
  .enum(['drop', 'reject'])
  .describe(
    'What becomes of request headers whose name has an underscore, which no service ever gets: reject (the default) refuses the request, drop removes the headers.',
  )
  .optional();

export const upgrades = (what: string) =>
  list(z.enum(['websocket']))
    .describe(`${what} Only with protocol http, and only where a rule allows GET and the path.`)
    .optional();

/** The longest that anything may last on a connection between gateways, which ends after an hour. */
const LONGEST = '1h';

/** `waits` says what is added to the values, if anything. */
export const timeouts = (waits: string) =>
  z
    .strictObject({
      idle: value
        .duration(
          'How long a request, stream or WebSocket may be silent in both directions, from 1s to 1h. Default 60s; gRPC 1h.',
          { least: '1s', most: LONGEST },
        )
        .optional(),
      request: value
        .durationOrNone(
          'How long the whole answer may take after the request is complete, from 1s to 1h, or none (the default). Not for gRPC, whose calls bring their own deadline.',
          { least: '1s', most: LONGEST },
        )
        .optional(),
    })
    .describe(`When a gateway gives up, with 504.${waits} Not for TCP.`);

/** In JSON Schema: the service is of TCP. */
export const IS_TCP = { properties: { protocol: { const: 'tcp' } }, required: ['protocol'] };

/** In JSON Schema: without these keys. */
export function refusing(keys: readonly string[]): object {
  return { properties: refused(keys) };
}

export function refused(keys: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(keys.map((key) => [key, { not: {} }]));
}
