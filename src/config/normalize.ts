// Turns the file as it is written into a Config: writes shorthands out and fills defaults in.
// Must not: report findings; it runs only for a file without errors.

import { parseByteSize } from '../byte-size.ts';
import { parseDuration } from '../duration.ts';
import { type HostPort, parseHostPort } from '../host-port.ts';
import type { AllowRuleConfig, Config, ConsumerConfig, HttpProtocol, LeafKey, Timeouts } from './schema/config.ts';
import type { WrittenConfig } from './schema/config-schema.ts';
import type { ServiceLimits } from './schema/values/limit-values.ts';

type Written = NonNullable<WrittenConfig['exports']>[number];
type Consumer = Written['consumers'][number];

const DEFAULT_LEAF_KEYS: readonly LeafKey[] = ['ecdsa', 'ed25519'];
const DAY = 86400;
/** gRPC: a stream (a watch) may be silent for long. Pings detect a dead peer, TCP keepalive a dead backend. */
const DEFAULT_IDLE_SECONDS: Readonly<Record<HttpProtocol, number>> = { http: 60, http2: 60, grpc: 3600 };

/** `written` has no errors. */
export function normalize(written: WrittenConfig): Config {
  const { identity, gateways = {}, peers = {}, exports = [], imports = [] } = written;
  return {
    mesh: {
      name: written.mesh.name,
      trustDomain: written.mesh.trustDomain,
      ...(written.mesh.trustBundle !== undefined && { trustBundle: written.mesh.trustBundle }),
    },
    identity: normalizeIdentity(identity),
    gateways: {
      ...(gateways.ingress && {
        ingress: {
          address: hostPort(gateways.ingress.address),
          advertise: (gateways.ingress.advertise ?? []).map(hostPort),
          identity: gateways.ingress.identity ?? 'gateway/ingress',
          ...optionalLimits(gateways.ingress.limits),
        },
      }),
      ...(gateways.egress && {
        egress: {
          address: gateways.egress.address,
          identity: gateways.egress.identity ?? 'gateway/egress',
          ...(gateways.egress.clients !== undefined && { clients: gateways.egress.clients }),
          ...optionalLimits(gateways.egress.limits),
        },
      }),
    },
    peers: Object.entries(peers).map(([name, peer]) => ({
      name,
      trustDomain: peer.trustDomain,
      trustBundle: { file: typeof peer.trustBundle === 'string' ? peer.trustBundle : peer.trustBundle.file },
      gatewayIdentities: [...new Set(peer.gatewayIdentities)],
      addresses: (peer.addresses ?? []).map(hostPort),
      leafKeys: [...new Set(peer.leafKeys ?? DEFAULT_LEAF_KEYS)],
      ...(peer.sni !== undefined && { sni: peer.sni }),
      ...optionalLimits(peer.limits),
      traceContext: peer.traceContext ?? 'drop',
    })),
    exports: exports.map(normalizeExport),
    imports: imports.map(normalizeImport),
  };
}

function normalizeExport(exported: Written): Config['exports'][number] {
  const { name, protocol = 'http' } = exported;
  const backend = backendOf(exported.backend);
  if (protocol === 'tcp')
    return {
      name,
      ...backend,
      protocol,
      consumers: exported.consumers.map((consumer) => normalizeConsumer(consumer, exported)),
    };
  const requestBodies = exported.requestBodies ?? 'standard';
  const consumers = exported.consumers.map((consumer) => ({
    ...normalizeConsumer(consumer, exported),
    allow: allowRules(consumer, protocol),
    ...(consumer.allow !== undefined && { isList: true as const }),
  }));
  const upgrades = [...new Set(exported.upgrades)];
  const timeouts = normalizeTimeouts(exported.timeouts, protocol);
  const underscoreHeaders = exported.underscoreHeaders ?? 'reject';
  return { name, ...backend, protocol, requestBodies, upgrades, underscoreHeaders, timeouts, consumers };
}

function normalizeImport(imported: NonNullable<WrittenConfig['imports']>[number]): Config['imports'][number] {
  const { peer, name, as, port, protocol = 'http' } = imported;
  const clients = imported.clients === undefined ? {} : { clients: [...new Set(imported.clients)] };
  const limits = optionalLimits(imported.limits);
  if (protocol === 'tcp') return { peer, name, as, port, protocol, ...limits, ...clients };
  const upgrades = [...new Set(imported.upgrades)];
  return {
    peer,
    name,
    as,
    port,
    protocol,
    upgrades,
    underscoreHeaders: imported.underscoreHeaders ?? 'reject',
    timeouts: normalizeTimeouts(imported.timeouts, protocol),
    ...limits,
    ...clients,
  };
}

function normalizeConsumer({ peer, expires, owner, reason, reviewed, limits }: Consumer, of: Written): ConsumerConfig {
  return {
    peer,
    ...optionalLimits({ ...of.limits, ...limits }),
    ...(expires !== undefined && { expires }),
    ...(owner !== undefined && { owner }),
    ...(reason !== undefined && { reason }),
    ...(reviewed !== undefined && { reviewed }),
  };
}

function normalizeIdentity({ issuer, files }: WrittenConfig['identity']): Config['identity'] {
  if (files !== undefined) return { files: { certificate: files.certificate, privateKey: files.privateKey } };
  if (issuer === undefined) throw new Error('keyCombinations let an identity without a source through');
  const { certificate, privateKey, lifetime } = issuer;
  return {
    issuer: {
      certificate,
      privateKey,
      lifetimeSeconds: lifetime === undefined ? DAY : (parseDuration(lifetime) ?? DAY),
    },
  };
}

function allowRules(consumer: Consumer, protocol: HttpProtocol): readonly AllowRuleConfig[] {
  const rules = consumer.allow ?? [consumer];
  // gRPC is POST; for HTTP, keyCombinations has seen to it that both lists are there: an absent list allows nothing.
  const methods = protocol === 'grpc' ? ['POST'] : [];
  return rules.map(({ workloads, ...rule }) => ({
    methods: rule.methods ?? methods,
    paths: rule.paths ?? [],
    ...(workloads !== undefined && { workloads: [...new Set(workloads)] }),
  }));
}

interface WrittenLimits {
  readonly requestsPerSecond?: number | undefined;
  readonly requests?: number | undefined;
  readonly connections?: number | undefined;
  readonly requestBody?: string | undefined;
}

/** Sizes in bytes. */
function optionalLimits({ requestBody, ...counts }: WrittenLimits = {}): { readonly limits?: ServiceLimits } {
  const bytes = requestBody === undefined ? undefined : parseByteSize(requestBody);
  const limits = Object.fromEntries(
    Object.entries({ ...counts, requestBody: bytes }).filter(([, limit]) => limit !== undefined),
  );
  return Object.keys(limits).length === 0 ? {} : { limits };
}

function normalizeTimeouts({ idle, request }: NonNullable<Written['timeouts']> = {}, protocol: HttpProtocol): Timeouts {
  const requestSeconds = request === undefined || request === 'none' ? undefined : parseDuration(request);
  return {
    idleSeconds: (idle === undefined ? undefined : parseDuration(idle)) ?? DEFAULT_IDLE_SECONDS[protocol],
    ...(requestSeconds !== undefined && { requestSeconds }),
  };
}

function backendOf(written: Written['backend']): Pick<Config['exports'][number], 'backend' | 'backendTls'> {
  if (typeof written === 'string') return { backend: [hostPort(written)] };
  if (Array.isArray(written)) return { backend: written.map(hostPort) };
  const { address, addresses = [], tls, identity, serverName, ca } = written;
  const backend = (address === undefined ? addresses : [address]).map(hostPort);
  if (tls === undefined) return { backend };
  if (tls === 'mtls' && identity !== undefined) return { backend, backendTls: { mode: tls, identity } };
  if (tls === 'simple' && serverName !== undefined && ca !== undefined)
    return { backend, backendTls: { mode: tls, serverName, ca } };
  throw new Error('keyCombinations let a backend without its keys through');
}

function hostPort(text: string): HostPort {
  const parsed = parseHostPort(text);
  if (parsed === undefined) throw new Error('the schema accepted an address that cannot be parsed');
  return parsed;
}
