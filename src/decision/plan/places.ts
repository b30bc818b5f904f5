// What a gateway's resources accept and limit, beside the rules that reach.ts lists: the CAs and identities that a place trusts,
// where it leads, and its limits. A place is a listener, a peer, or one service of a peer, as resource names have them.
// Must not: leave out a way in, or hold a digest; names are compared between configurations.

import type { Message } from '../../envoy/draft.ts';
import type { ResourceJson } from '../../envoy/proto/types.gen.ts';
import { INGRESS_LISTENER } from '../../envoy/resource-names.ts';
import { ownMetadata } from '../matching/own-metadata.ts';
import {
  type Cluster,
  endpointsOf,
  type Listener,
  plainName,
  Resources,
  type RouteConfiguration,
} from '../matching/resources.ts';
import { asked } from '../matching/text-match.ts';
import { numberOf, present, unjudged } from '../matching/unjudged.ts';
import { acceptedBy, type CommonTlsContext } from '../tls/handshake.ts';

type FilterChain = NonNullable<Listener['filter_chains']>[number];
type VirtualHost = Message<'envoy.config.route.v3.VirtualHost'>;
type PerFilter = NonNullable<VirtualHost['typed_per_filter_config']>;

export interface Place {
  readonly gateway: 'ingress' | 'egress';
  /** `shop`, `shop ledger.audit`, `port 8080`. */
  readonly of: string;
  /** By kind, such as `CA` or `identity`: each value is a way in, or a place to go. */
  readonly accepts: Readonly<Record<string, readonly string[]>>;
  /** By kind: what does not pass, such as headers; fewer of them are wider. */
  readonly withholds: Readonly<Record<string, readonly string[]>>;
  /** By kind; a kind that is absent is not limited. */
  readonly limits: Readonly<Record<string, number>>;
}

/** Without a certificate everybody is accepted: what else a place accepts is less. */
export const ANYBODY = 'without TLS';

export const WRITTEN = 'header that is written';
/** Of what a place withholds: wider is one that passes now. */
export const PASSED_ON = 'header that is passed on';

/** Resources with placeholders have this in the place of CAs (pipeline/shown-resources.ts). */
const PLACEHOLDER = '[trust bundle]';
export const UNKNOWN_CA = 'not known';

/** Errors: UNJUDGED. */
export function placesOf(gateway: Place['gateway'], resources: readonly ResourceJson[]): readonly Place[] {
  const all = new Resources(resources);
  const found = new Found(gateway);
  for (const listener of all.listeners()) ofListener(listener, all, found);
  for (const one of resources) {
    if (one['@type'] === 'type.googleapis.com/envoy.config.cluster.v3.Cluster') ofCluster(one, all, found);
    if (one['@type'] === 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration') ofRoutes(one, found);
  }
  return found.places();
}

/** Several resources may be of one place, as those under a retired name are: what one of them takes, the place takes. */
class Found {
  private readonly all = new Map<string, FoundPlace>();
  readonly gateway: Place['gateway'];

  constructor(gateway: Place['gateway']) {
    this.gateway = gateway;
  }

  accept(of: string, kind: string, values: readonly string[]): void {
    const { accepts } = this.at(of);
    accepts.set(kind, new Set([...(accepts.get(kind) ?? []), ...values]));
  }

  /** Of several resources of one place: what all of them withhold. */
  withhold(of: string, kind: string, values: readonly string[]): void {
    const { withholds } = this.at(of);
    const known = withholds.get(kind);
    withholds.set(kind, new Set(known === undefined ? values : values.filter((value) => known.has(value))));
  }

  limit(of: string, kind: string, value: number): void {
    const { limits } = this.at(of);
    limits.set(kind, Math.max(limits.get(kind) ?? 0, value));
  }

  /** All limits of one resource of a place; `part`: of what kind it is. What another one of that kind does not limit is not limited. */
  limitAll(of: string, part: string, found: ReadonlyMap<string, number>): void {
    const { parts } = this.at(of);
    const known = parts.get(part);
    const kinds = new Set([...(known?.keys() ?? []), ...found.keys()]);
    const limitIn = (limits: ReadonlyMap<string, number>, kind: string): number => limits.get(kind) ?? Infinity;
    const wider = [...kinds].map(
      (kind) => [kind, Math.max(limitIn(known ?? found, kind), limitIn(found, kind))] as const,
    );
    parts.set(part, new Map(wider));
  }

  /** A place may be without limits. */
  at(of: string) {
    const place: FoundPlace = this.all.get(of) ?? {
      ...{ accepts: new Map(), withholds: new Map(), limits: new Map(), parts: new Map() },
    };
    this.all.set(of, place);
    return place;
  }

  places(): readonly Place[] {
    return [...this.all]
      .map(([of, { accepts, withholds, limits, parts }]) => ({
        gateway: this.gateway,
        of,
        accepts: sorted(accepts),
        withholds: sorted(withholds),
        limits: Object.fromEntries(
          [limits, ...parts.values()].flatMap((all) => [...all].filter(([, value]) => value !== Infinity)),
        ),
      }))
      .sort((a, b) => (a.of < b.of ? -1 : 1));
  }
}

interface FoundPlace {
  readonly accepts: Map<string, Set<string>>;
  readonly withholds: Map<string, Set<string>>;
  readonly limits: Map<string, number>;
  readonly parts: Map<string, ReadonlyMap<string, number>>;
}

function sorted(sets: ReadonlyMap<string, ReadonlySet<string>>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries([...sets].map(([kind, values]) => [kind, [...values].sort()]));
}

function ofListener(listener: Listener, all: Resources, found: Found): void {
  if (listener.internal_listener !== undefined) return;
  const { address = '', port_value: port = 0 } = present(listener.address?.socket_address, 'an address');
  const isIngress = listener.name === INGRESS_LISTENER;
  const of = isIngress ? 'listener' : `port ${port}`;
  found.accept(of, 'address', [address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`]);
  for (const chain of listener.filter_chains ?? []) {
    if (closesAll(chain)) continue;
    const [peer, service] = [ownMetadata(chain, 'peer'), ownMetadata(chain, 'service')];
    const caller = isIngress ? present(peer, 'a chain of nobody') : of;
    const names = chain.filter_chain_match?.server_names ?? [];
    if (isIngress) found.accept(service === undefined ? caller : `${caller} ${service}`, 'server name', names);
    ofSocket(chain.transport_socket, isIngress ? caller : of, 'caller', all, found);
    for (const { typed_config: filter } of chain.filters ?? [])
      if (
        filter?.['@type'] === 'type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit'
      )
        found.limit(caller, 'connections', numberOf(filter.max_connections, 'a limit'));
  }
}

/** As the port of a TCP import of a denied peer does: nobody gets anywhere, whoever it is. */
function closesAll({ filters: [first] = [] }: FilterChain): boolean {
  return (
    first?.typed_config?.['@type'] === 'type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config'
  );
}

/** The other side of a connection: which CAs, names and kinds of keys it may have. */
function ofSocket(
  socket: FilterChain['transport_socket'],
  of: string,
  side: 'caller' | 'backend' | 'gateway',
  all: Resources,
  found: Found,
): void {
  const config = socket?.typed_config;
  if (config === undefined) {
    found.accept(of, `identity of a ${side}`, [ANYBODY]);
    return;
  }
  if (
    config['@type'] !== 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext' &&
    config['@type'] !== 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'
  )
    throw unjudged(`the transport socket of ${of}`);
  const context: CommonTlsContext = present(config.common_tls_context, 'a TLS context');
  const accepts = acceptedBy(context, all);
  found.accept(
    of,
    `identity of a ${side}`,
    accepts.names.map(({ matcher }) => asked(present(matcher, 'a name'))),
  );
  const secret = all.secret(accepts.bundle);
  const isKnown = secret.validation_context?.trusted_ca?.inline_string !== PLACEHOLDER;
  found.accept(
    of,
    `CA of a ${side}`,
    isKnown ? accepts.authorities.map(({ fingerprint }) => fingerprint) : [UNKNOWN_CA],
  );
  found.accept(of, `signature of a ${side}`, accepts.algorithms);
}

function ofCluster(cluster: Cluster, all: Resources, found: Found): void {
  const [kind = '', ...rest] = plainName(present(cluster.name, 'a cluster')).split('/');
  const { addresses } = endpointsOf(cluster);
  const isBackend = kind === 'export';
  // Where callers' gates and tunnels lead is judged as a cluster of its own.
  const of = kind === 'callers' ? `port ${rest.join('')}` : rest.join(' ');
  if (addresses.length > 0) {
    found.accept(of, isBackend ? 'backend' : 'gateway', addresses);
    ofSocket(cluster.transport_socket, of, isBackend ? 'backend' : 'gateway', all, found);
    const tls = cluster.transport_socket?.typed_config;
    if (tls !== undefined && 'sni' in tls)
      found.accept(of, `server name asked of a ${isBackend ? 'backend' : 'gateway'}`, [tls.sni ?? '']);
  }
  const limits = new Map<string, number>();
  const carriesRequests = cluster.typed_extension_protocol_options !== undefined;
  for (const { max_connections: connections, max_requests: requests } of cluster.circuit_breakers?.thresholds ?? []) {
    if (connections !== undefined) limits.set(`connections (${kind})`, numberOf(connections, 'a limit'));
    if (requests !== undefined && carriesRequests) limits.set(`requests (${kind})`, numberOf(requests, 'a limit'));
  }
  found.limitAll(of, kind, limits);
}

const CLAIM = 'x-forwarded-client-cert';
/** How the names of virtual hosts for health checks end. */
const HEALTH = '/gateway-health';

function ofRoutes(routes: RouteConfiguration, found: Found): void {
  const removed = routes.request_headers_to_remove ?? [];
  const own = /^ingress\/(.*)$/.exec(plainName(routes.name ?? ''))?.[1];
  if (own !== undefined) limitsOf(routes.typed_per_filter_config ?? {}, own, found);
  for (const host of routes.virtual_hosts ?? []) {
    if (host.name?.endsWith(HEALTH)) limitsOf(host.typed_per_filter_config ?? {}, `health checks of ${own}`, found);
    const route = host.routes?.[0];
    const [peer, service] = [ownMetadata(route, 'peer'), ownMetadata(route, 'service')];
    if (peer === undefined || service === undefined) continue;
    const of = own === undefined ? `${service} of ${peer} at ${localName(routes, host)}` : `${peer} ${service}`;
    found.at(of);
    limitsOf(host.typed_per_filter_config ?? {}, of, found);
    const added = [...(routes.request_headers_to_add ?? []), ...(host.request_headers_to_add ?? [])];
    found.accept(
      of,
      WRITTEN,
      added
        .filter(({ header }) => header?.key !== CLAIM)
        .map(({ header: { key = '', value = '' } = {} }) => `${key}: ${value}`),
    );
    // Where callers prove who they are, the gateway itself writes the claim in its place; the boundary check knows that.
    const taken = [...removed, ...(host.request_headers_to_remove ?? [])].filter((name) => name !== CLAIM);
    found.withhold(of, PASSED_ON, taken);
  }
}

/** An export may be imported several times, each with limits of its own. Of several names of one import: the shortest. */
function localName(routes: RouteConfiguration, { domains = [] }: VirtualHost): string {
  const [name = ''] = domains.toSorted((a, b) => a.length - b.length);
  return `${name}:${plainName(routes.name ?? '').replace(/^egress\//, '')}`;
}

/** The filters that a slot for limits has here (envoy/http/limit-filters.ts). */
function limitsOf(perFilter: PerFilter, of: string, found: Found): void {
  const limits = new Map<string, number>();
  for (const override of Object.values(perFilter)) {
    if (
      override['@type'] !==
      'type.googleapis.com/envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute'
    )
      continue;
    for (const { typed_config: limit } of override.filter_chain?.filters ?? []) {
      switch (limit?.['@type']) {
        case 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit':
          // One figure is both: how many in a second, and how many at once.
          if (limit.token_bucket?.tokens_per_fill !== limit.token_bucket?.max_tokens)
            throw unjudged(`a limit of ${of}`);
          limits.set('requests per second', numberOf(limit.token_bucket?.max_tokens, 'a limit'));
          break;
        case 'type.googleapis.com/envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency':
          limits.set(
            'requests at a time',
            numberOf(limit.gradient_controller_config?.concurrency_limit_params?.max_concurrency_limit, 'a limit'),
          );
          break;
        case 'type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit':
          limits.set('bytes of a request body', numberOf(limit.max_request_bytes, 'a limit'));
          break;
        case 'type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config':
          break;
        default:
          throw unjudged(`a limit of ${of}`);
      }
    }
  }
  found.limitAll(of, 'routes', limits);
}
