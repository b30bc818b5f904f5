// From the file as written to the Config that is read: shorthands written out, defaults filled in.
// In: a written configuration of the right shape. Out: Config, or findings about what stands together in one object.
// Must not: relate two objects (federation/rules.ts does).

import { errorAt, type Finding, type Path } from '../errors.ts';
import { type HostPort, parseHostPort } from './host-port.ts';
import type { AllowRuleConfig, Config, HttpProtocol, LeafKey, WrittenConfig } from './schema.ts';
import { parseDuration } from './values.ts';

type Written = NonNullable<WrittenConfig['exports']>[number];
type Consumer = Written['consumers'][number];

const DEFAULT_LEAF_KEYS: readonly LeafKey[] = ['ecdsa', 'ed25519'];
const DAY = 86400;

/**
 * Findings about keys that belong together; they need only the outline of the value, so that they are reported beside
 * everything else that is wrong.
 */
export function togetherRules(root: unknown): readonly Finding[] {
  const written = record(root);
  const identity = record(written['identity']);
  const findings: Finding[] = [];
  const given = ['issuer', 'files', 'sds'].filter((key) => identity[key] !== undefined);
  if (written['identity'] !== undefined && given.length !== 1) {
    const hint = 'keep exactly one: issuer (we issue) or files (on the gateways)';
    findings.push(
      given.length === 0
        ? errorAt('MISSING_KEY', ['identity'], 'identity names no source', hint)
        : errorAt('INVALID_VALUE', ['identity'], `identity names ${given.join(' and ')}`, hint),
    );
  }
  for (const key of ['peers', 'gateways']) {
    if (isRecord(written[key]) && Object.keys(record(written[key])).length === 0) {
      findings.push(errorAt('EMPTY', [key], `${key}: an empty map`, 'add one, or leave the key out'));
    }
  }
  items(written['exports']).forEach((exported, index) => {
    items(record(exported)['consumers']).forEach((consumer, position) => {
      findings.push(
        ...consumerRules(record(consumer), record(exported)['protocol'], ['exports', index, 'consumers', position]),
      );
    });
  });
  return findings;
}

function consumerRules(consumer: Record<string, unknown>, protocol: unknown, path: Path): readonly Finding[] {
  const short = consumer['methods'] !== undefined || consumer['paths'] !== undefined;
  if (consumer['allow'] !== undefined) {
    if (short)
      return [
        errorAt('INVALID_VALUE', path, 'methods or paths stand beside allow', 'put them into one of the allow rules'),
      ];
    return items(consumer['allow']).flatMap((rule, index) =>
      ruleRules(record(rule), protocol, [...path, 'allow', index]),
    );
  }
  return ruleRules(consumer, protocol, path);
}

function ruleRules(rule: Record<string, unknown>, protocol: unknown, path: Path): readonly Finding[] {
  const findings: Finding[] = [];
  if (rule['paths'] === undefined)
    findings.push(
      errorAt(
        'MISSING_KEY',
        [...path, 'paths'],
        'paths is missing',
        'add the paths that are allowed, such as paths: [/v1/accounts/*]; everything is [/*]',
      ),
    );
  if (protocol === 'grpc') {
    items(rule['methods']).forEach((method, index) => {
      if (method !== 'POST')
        findings.push(
          errorAt(
            'INVALID_METHOD',
            [...path, 'methods', index],
            'gRPC calls are always POST',
            'leave methods out; paths such as /package.Service/Method say what may be called',
          ),
        );
    });
  } else if (rule['methods'] === undefined) {
    findings.push(
      errorAt(
        'MISSING_KEY',
        [...path, 'methods'],
        'methods is missing',
        'add the methods that are allowed, such as methods: [GET]',
      ),
    );
  }
  return findings;
}

/** The Config of a written configuration that no finding is about. */
export function normalize(written: WrittenConfig): Config {
  const { identity, gateways = {}, peers = {}, exports = [], imports = [] } = written;
  return {
    mesh: { name: written.mesh.name, trustDomain: written.mesh.trustDomain },
    identity: normalizeIdentity(identity),
    gateways: {
      ...(gateways.ingress && {
        ingress: {
          address: hostPort(gateways.ingress.address),
          advertise: (gateways.ingress.advertise ?? []).map(hostPort),
          identity: gateways.ingress.identity ?? 'gateway/ingress',
        },
      }),
      ...(gateways.egress && {
        egress: {
          address: gateways.egress.address,
          identity: gateways.egress.identity ?? 'gateway/egress',
          ...(gateways.egress.clients === 'plaintext' && { clients: 'plaintext' as const }),
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
    })),
    exports: exports.map((exported) => ({
      name: exported.name,
      backend: backends(exported.backend),
      protocol: httpProtocol(exported.protocol),
      consumers: exported.consumers.map((consumer) => ({
        peer: consumer.peer,
        allow: allowRules(consumer, httpProtocol(exported.protocol)),
        ...(consumer.expires !== undefined && { expires: consumer.expires }),
      })),
    })),
    imports: imports.map(({ peer, name, as, port, protocol }) => ({
      peer,
      name,
      as,
      port,
      protocol: httpProtocol(protocol),
    })),
  };
}

function normalizeIdentity({ issuer, files }: WrittenConfig['identity']): Config['identity'] {
  if (files !== undefined) return { files: { certificate: files.certificate, privateKey: files.privateKey } };
  if (issuer === undefined) throw new Error('togetherRules let an identity without a source through');
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
  const rules = consumer.allow ?? [{ methods: consumer.methods, paths: consumer.paths }];
  // gRPC is POST; for HTTP, togetherRules has seen to it that both lists are there: an absent list allows nothing.
  const methods = protocol === 'grpc' ? ['POST'] : [];
  return rules.map((rule) => ({ methods: rule.methods ?? methods, paths: rule.paths ?? [] }));
}

function httpProtocol(protocol: Written['protocol']): HttpProtocol {
  return protocol === 'grpc' ? 'grpc' : 'http';
}

function backends(backend: Written['backend']): readonly HostPort[] {
  if (typeof backend === 'string') return [hostPort(backend)];
  if (Array.isArray(backend)) return backend.map(hostPort);
  throw new Error('the schema let the object form of backend through');
}

function hostPort(text: string): HostPort {
  const parsed = parseHostPort(text);
  if (parsed === undefined) throw new Error('the schema let a wrong address through');
  return parsed;
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
