// Boundary rule for retries: a request that an application may have processed is sent again only when that is safe.
// Must not: trust the builder's idea of what is safe; Envoy's conditions are listed here once more.

import type { Messages } from '../proto/types.gen.ts';

type VirtualHost = Messages['envoy.config.route.v3.VirtualHost'];
type Route = Messages['envoy.config.route.v3.Route'];

/** Envoy's conditions that hold only when the request reached no application. */
const UNPROCESSED = new Set(['connect-failure', 'refused-stream', 'reset-before-request']);
const IDEMPOTENT = new Set(['GET', 'HEAD']);

/** Only routes have a retry policy. One with conditions beyond those above is on a route for GET and HEAD alone. */
export function retriesSafely(host: VirtualHost): boolean {
  const elsewhere = host.retry_policy ?? host.retry_policy_typed_config ?? host.hedge_policy;
  return elsewhere === undefined && (host.routes ?? []).every(routeRetriesSafely);
}

function routeRetriesSafely({ route, match }: Route): boolean {
  if (route === undefined) return true;
  const { retry_policy: policy, retry_policy_typed_config: typed, hedge_policy: hedge } = route;
  if (typed !== undefined || hedge !== undefined) return false;
  const conditions = policy?.retry_on?.split(',') ?? [];
  const methods = (match?.headers ?? [])
    .filter(({ name, invert_match: inverted }) => name === ':method' && inverted !== true)
    .flatMap(({ string_match: method }) => method?.safe_regex?.regex?.split('|') ?? []);
  const isSafe = methods.length > 0 && methods.every((method) => IDEMPOTENT.has(method));
  return isSafe || conditions.every((condition) => UNPROCESSED.has(condition.trim()));
}
