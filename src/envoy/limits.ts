// Windows, buffers, idle times and circuit breakers of both gateways: what holds where the configuration says nothing. Limits of
// the configuration are in http/limit-filters.ts and in the builders. docs/operations.md has them as a table.
// Must not: give the hop between two gateways a limit that is meant for one client: one connection there is many callers.

import type { Message } from './draft.ts';

type Http1 = Message<'envoy.config.core.v3.Http1ProtocolOptions'>;
type Http2 = Message<'envoy.config.core.v3.Http2ProtocolOptions'>;
type HttpCommon = Message<'envoy.config.core.v3.HttpProtocolOptions'>;
type CircuitBreakers = Message<'envoy.config.cluster.v3.CircuitBreakers'>;
type TcpKeepalive = Message<'envoy.config.core.v3.TcpKeepalive'>;

/** Streams of one HTTP/2 connection, on every hop. */
const STREAMS = 100;

/** For each connection and each stream: Envoy stops reading from one side while the other side is this far behind. */
export const BUFFER_BYTES = 32768;

/**
 * The same between gateways, where a hundred streams share it. Each time the buffer fills, Envoy stops all of these streams,
 * and it wakes all of them when the buffer has drained. With a small buffer and a thousand callers that read nothing, an
 * ingress is busy with that alone, and every other caller waits.
 */
export const HOP_BUFFER_BYTES = 8 * BUFFER_BYTES;

/**
 * A connection's window holds the windows of all its streams, so a caller that reads nothing never stops the other callers
 * of that connection. The heap limit of the bootstrap bounds what is buffered meanwhile: it resets the streams that hold
 * the most.
 */
function windows(streamBytes: number): Http2 {
  return {
    max_concurrent_streams: STREAMS,
    initial_stream_window_size: streamBytes,
    initial_connection_window_size: STREAMS * streamBytes,
  };
}

/** Between gateways. The receiver extends the window when half of it is used: 40 MB/s at a round trip of 100 ms. */
const HOP_WINDOWS = windows(8 * 1024 * 1024);
/** Towards callers and backends in the same network: 256 MB/s at a round trip of 1 ms. */
const LOCAL_WINDOWS = windows(256 * 1024);

const FLOODS: Http2 = {
  allow_connect: false,
  // A malformed request ends its own stream (RFC 9113, 8.1.1). By default it ends the connection, and with it the
  // requests of all other callers behind the same gateway or proxy. A broken frame still ends the connection.
  override_stream_error_on_invalid_http_message: true,
  max_outbound_frames: 10000,
  max_outbound_control_frames: 1000,
  max_consecutive_inbound_frames_with_empty_payload: 1,
  max_inbound_priority_frames_per_stream: 100,
  max_inbound_window_update_frames_per_data_frame_sent: 10,
};

/** With extended CONNECT (RFC 8441), by which WebSockets cross. Which request may use it is up to its route. */
export const FROM_PEERS: Http2 = { ...HOP_WINDOWS, ...FLOODS, allow_connect: true };
export const FROM_CALLERS: Http2 = { ...LOCAL_WINDOWS, ...FLOODS };

/** A full window can be on its way ahead of a ping, so on a slow line the answer takes seconds. */
export const TO_PEERS: Http2 = {
  ...HOP_WINDOWS,
  allow_connect: true,
  connection_keepalive: { interval: '10s', timeout: '10s' },
};

/**
 * No pings: gRPC servers take one every five minutes and end the connection, with its streams, after the third that
 * comes sooner. TCP keepalive finds dead backends.
 */
export const TO_BACKENDS: Http2 = LOCAL_WINDOWS;
export const TO_BACKENDS_HTTP1: Http1 = {};

export const FIND_DEAD_HOSTS: TcpKeepalive = { keepalive_time: 30, keepalive_interval: 5, keepalive_probes: 3 };

/**
 * Header fields and their size, requests and trailers. What one gateway accepts, the next must accept with the fields
 * that the first adds, or the caller gets a 503 for what is a 431. So the limits grow along the way: egress, then
 * ingress for requests; backend, then peer for responses.
 */
const HEADER_FIELDS = { first: 100, next: 128 } as const;
export const REQUEST_HEADERS_KB = { egress: 32, ingress: 48 } as const;
const RESPONSE_HEADERS_KB = { fromBackend: 60, fromPeer: 76 } as const;

/** Longer than callers keep an idle connection (up to five minutes), so that the caller closes it. */
export const CALLERS: HttpCommon = { max_headers_count: HEADER_FIELDS.first, idle_timeout: '600s' };
export const PEERS: HttpCommon = { max_headers_count: HEADER_FIELDS.next, idle_timeout: '300s' };

/**
 * The egress closes idle connections before the ingress does, and soon enough that a draining gateway becomes empty.
 * nghttp2 ends a connection on which more than 1,000 streams were reset (33 more for each second). A connection that
 * carries no more streams than that is never ended by callers that give up.
 */
export const TOWARDS_PEER: HttpCommon = {
  idle_timeout: '60s',
  max_requests_per_connection: 1000,
  max_headers_count: HEADER_FIELDS.next,
  max_response_headers_kb: RESPONSE_HEADERS_KB.fromPeer,
};

/** Shorter than the keep-alive time of HTTP/1 servers (gunicorn 2 s, Node 5 s): no request arrives just when the server closes. */
export const TOWARDS_HTTP1_BACKEND: HttpCommon = {
  idle_timeout: '1.5s',
  max_headers_count: HEADER_FIELDS.first,
  max_response_headers_kb: RESPONSE_HEADERS_KB.fromBackend,
};
export const TOWARDS_HTTP2_BACKEND: HttpCommon = { ...TOWARDS_HTTP1_BACKEND, idle_timeout: '300s' };

/** A certificate is verified when a connection begins. No connection of TCP and no request outlasts this; the log of the side that ends it earlier says why. */
export const MAX_CONNECTION_AGE = '3700s';

/**
 * How often a GET or HEAD is sent again. A gateway of a peer that swallows connections keeps each try of the egress for as many
 * attempts as the tunnel makes, two seconds each, and which of the two has failed is not known: a second retry would
 * only add to the wait. A try of the ingress is one attempt, and may be the turn of another backend.
 */
export const SAFE_RETRIES = { egress: 1, ingress: 3 } as const;

/**
 * Of the connections for requests, which are dialled also while no address of the peer is healthy. Callers of a peer that
 * swallows connections wait 4 or 6 s, and twice that for a GET. A second attempt at once is for addresses with several
 * gateways behind them, of which one refuses. Two for an odd number of addresses, three for an even one, for the reason below
 * (of six addresses, the reasons of two are seen).
 */
export function dialAttempts(addresses: number): number {
  return addresses % 2 === 0 ? 3 : 2;
}

/**
 * Of a connection of TCP, with two seconds each: callers wait no longer than for a GET that is retried, 12 s. A connection that
 * fails has the reason of its last address. Addresses take turns, so when all of them fail, each is the last one
 * sometimes, unless attempts and addresses have a common divisor.
 */
export function connectAttempts(addresses: number): number {
  const fewer = [6, 5, 4, 3, 2].filter((attempts) => attempts <= 2 * addresses);
  return fewer.find((attempts) => commonDivisor(attempts, addresses) === 1) ?? 5;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/**
 * TCP: how long a connection may be silent in both directions, and how long it lasts at most. The caller's side waits a little
 * longer, so that the callee, which logs the reason, ends the connection.
 */
export const TCP = { idle: '1800s', age: '3600s' } as const;
export const TCP_CALLER = { idle: '1900s', age: MAX_CONNECTION_AGE } as const;

interface Limited {
  readonly connections?: number | undefined;
  readonly requests?: number | undefined;
}

const MAX_CONNECTIONS = 4096;
const MAX_REQUESTS = 8192;

/**
 * For each cluster. A request beyond them gets a 503 (overflow). Where the configuration admits more requests at one time, the
 * breakers do as well: they never refuse what a limit of the configuration lets through.
 */
export function breakers({ connections = MAX_CONNECTIONS, requests = 0 }: Limited = {}): CircuitBreakers {
  return {
    thresholds: [
      {
        priority: 'DEFAULT',
        max_connections: connections,
        max_pending_requests: Math.max(requests, MAX_REQUESTS),
        max_requests: Math.max(requests, MAX_REQUESTS),
        max_retries: 1024,
        track_remaining: true,
      },
    ],
  };
}
