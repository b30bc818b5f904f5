// Retries: which requests are sent again after which failures.
// Must not: send a request again that may have been processed, unless repeating it is safe (GET and HEAD).

import type { GatewayRole, HttpProtocol, Upgrade } from '../../federation/model.ts';
import { extension, type Message } from '../draft.ts';
import { SAFE_RETRIES } from '../limits.ts';

type Route = Message<'envoy.config.route.v3.Route'>;
type RouteMatch = Message<'envoy.config.route.v3.RouteMatch'>;
type RetryPolicy = Message<'envoy.config.route.v3.RetryPolicy'>;

/** These failures prove that no application saw the request. */
const UNPROCESSED = ['connect-failure', 'refused-stream', 'reset-before-request'] as const;
const UNPROCESSED_RETRIES = 3;

const ANY: RouteMatch = { prefix: '/' };
const SAFE: RouteMatch = {
  prefix: '/',
  headers: [{ name: ':method', string_match: { safe_regex: { regex: 'GET|HEAD' } } }],
};

/**
 * The routes of one target. A retry policy cannot depend on the method, so GET and HEAD have a route of their own: they are
 * also sent again when the connection ends without an answer, as it does when a server closes an idle connection at the
 * moment of the request. gRPC calls are all POST. Only a GET can become a WebSocket: access control and routes see the
 * extended CONNECT of the hop between gateways (RFC 8441) as the GET that it began as.
 */
export function routesWithRetries(
  role: GatewayRole,
  { protocol, upgrades }: { readonly protocol: HttpProtocol; readonly upgrades: readonly Upgrade[] },
  { route, ...rest }: Omit<Route, 'match'>,
): readonly Route[] {
  const routeFor = (match: RouteMatch, policy: RetryPolicy, more: Route['route'] = {}): Route => ({
    ...rest,
    match,
    route: { ...route, ...more, retry_policy: policy },
  });
  const any = routeFor(ANY, retryPolicy(UNPROCESSED, UNPROCESSED_RETRIES));
  if (protocol === 'grpc') return [any];
  // The connection manager disables every upgrade; a route enables its own.
  const upgraded =
    upgrades.length === 0 ? {} : { upgrade_configs: upgrades.map((upgrade) => ({ upgrade_type: upgrade })) };
  return [routeFor(SAFE, retryPolicy([...UNPROCESSED, 'reset'], SAFE_RETRIES[role]), upgraded), any];
}

function retryPolicy(retryOn: readonly string[], times: number): RetryPolicy {
  return {
    retry_on: retryOn.join(','),
    num_retries: times,
    retry_host_predicate: [
      extension(
        'envoy.retry_host_predicates.previous_hosts',
        'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
        {},
      ),
    ],
    host_selection_retry_max_attempts: 3,
  };
}
