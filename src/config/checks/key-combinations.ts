// Keys that belong together in one object: exactly one of these, those only with that.
// Must not: relate two objects (federation/rules/object-rules.ts does).

import { errorAt, type Finding, type Path } from '../../errors.ts';
import { TCP_CONSUMER_LACKS, TCP_EXPORT_LACKS } from '../schema/export-schema.ts';
import { TCP_IMPORT_LACKS } from '../schema/import-schema.ts';
import { TCP_LIMITS_LACK } from '../schema/values/limit-values.ts';

const SOURCES = ['issuer', 'files', 'sds'];

/**
 * Findings about keys that belong together; they need only the outline of the value, so that they are reported beside
 * everything else that is wrong.
 */
export function keyCombinations(root: unknown): readonly Finding[] {
  const written = record(root);
  const findings: Finding[] = [...identityRules(written['identity'])];
  for (const key of ['peers', 'gateways']) {
    if (isRecord(written[key]) && Object.keys(record(written[key])).length === 0) {
      findings.push(errorAt('EMPTY', [key], `${key}: an empty map`, 'add one, or leave the key out'));
    }
  }
  for (const key of ['exports', 'imports'])
    items(written[key]).forEach((service, index) => {
      findings.push(...serviceRules(record(service), [key, index]));
    });
  items(written['exports']).forEach((exported, index) => {
    findings.push(...backendRules(record(exported)['backend'], ['exports', index, 'backend']));
    items(record(exported)['consumers']).forEach((consumer, position) => {
      if (!isRecord(consumer)) return;
      const path = ['exports', index, 'consumers', position];
      findings.push(...consumerRules(consumer, record(exported)['protocol'], path));
    });
  });
  return findings;
}

function identityRules(identity: unknown): readonly Finding[] {
  if (!isRecord(identity)) return [];
  const given = SOURCES.filter((source) => identity[source] !== undefined);
  const hint = 'keep exactly one: issuer (we issue) or files (on the gateways)';
  if (given.length > 1) return [errorAt('INVALID_VALUE', ['identity'], `identity names ${given.join(' and ')}`, hint)];
  // A key that is none of them is most likely one of them, mistyped: unknown, and enough to say.
  return Object.keys(identity).length > 0
    ? []
    : [errorAt('MISSING_KEY', ['identity'], 'identity names no source', hint)];
}

function serviceRules(service: Record<string, unknown>, path: Path): readonly Finding[] {
  const { protocol, timeouts, upgrades } = service;
  if (protocol === 'tcp')
    return [
      ...notForTcp(service, path[0] === 'exports' ? TCP_EXPORT_LACKS : TCP_IMPORT_LACKS, path),
      ...limitsOfTcp(service, path),
    ];
  const { request } = record(timeouts);
  const findings: Finding[] = [];
  if (path[0] === 'imports' && record(service['limits'])['connections'] !== undefined)
    findings.push(
      errorAt(
        'INVALID_VALUE',
        [...path, 'limits', 'connections'],
        'the connections of callers are those of the gateway, and an HTTP import has none of its own',
        'write limits.requests, or gateways.egress.limits.connections',
      ),
    );
  if (protocol === 'grpc' && request !== undefined && request !== 'none')
    findings.push(
      errorAt(
        'INVALID_VALUE',
        [...path, 'timeouts', 'request'],
        'a gRPC call brings its own deadline (grpc-timeout), which every gateway keeps',
        'leave timeouts.request out; timeouts.idle limits the silence of a stream',
      ),
    );
  if (upgrades !== undefined && protocol !== undefined && protocol !== 'http')
    findings.push(
      errorAt(
        'INVALID_VALUE',
        [...path, 'upgrades'],
        'only a service with protocol http can be upgraded to WebSocket',
        'leave upgrades out, or write protocol: http',
      ),
    );
  return findings;
}

/** What each value of `tls` needs, with an example. */
const TLS_KEYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  mtls: { identity: 'the SPIFFE path of the service, such as ns/shop/sa/orders' },
  simple: {
    serverName: 'the DNS name in the certificate of the server, such as orders.example.com',
    ca: 'a PEM file with the CA that the server chains to, such as pki/orders-ca.pem; no CA of the system is trusted',
  },
};

function backendRules(backend: unknown, path: Path): readonly Finding[] {
  if (!isRecord(backend)) return [];
  const findings: Finding[] = [];
  const has = (key: string): boolean => backend[key] !== undefined;
  if (has('address') && has('addresses'))
    findings.push(errorAt('INVALID_VALUE', path, 'backend has address and addresses', 'keep one of the two'));
  if (!has('address') && !has('addresses')) {
    const hint = 'add the address of the service, such as address: "orders.default.svc:8443"';
    findings.push(errorAt('MISSING_KEY', [...path, 'address'], 'address is missing', hint));
  }
  const { tls } = backend;
  const needed = typeof tls === 'string' ? TLS_KEYS[tls] : tls === undefined ? {} : undefined;
  if (needed === undefined) return findings;
  for (const [key, what] of Object.entries(needed))
    if (!has(key)) findings.push(errorAt('MISSING_KEY', [...path, key], `${key} is missing`, `add ${key}: ${what}`));
  for (const [mode, keys] of Object.entries(TLS_KEYS))
    for (const key of Object.keys(keys))
      if (has(key) && !(key in needed)) {
        const message = tls === undefined ? `${key} without tls` : `${key} means nothing with tls: ${tls}`;
        findings.push(errorAt('INVALID_VALUE', [...path, key], message, `write tls: ${mode}, or remove ${key}`));
      }
  return findings;
}

function consumerRules(consumer: Record<string, unknown>, protocol: unknown, path: Path): readonly Finding[] {
  if (protocol === 'tcp') return [...notForTcp(consumer, TCP_CONSUMER_LACKS, path), ...limitsOfTcp(consumer, path)];
  const short = ['methods', 'paths', 'workloads'].filter((key) => consumer[key] !== undefined);
  if (consumer['allow'] !== undefined) {
    if (short.length > 0) {
      const message = `${short.join(' and ')} beside allow`;
      return [errorAt('INVALID_VALUE', path, message, 'move them into one of the allow rules')];
    }
    return items(consumer['allow']).flatMap((rule, index) =>
      isRecord(rule) ? ruleRules(rule, protocol, [...path, 'allow', index]) : [],
    );
  }
  return ruleRules(consumer, protocol, path);
}

function limitsOfTcp(object: Record<string, unknown>, path: Path): readonly Finding[] {
  return notForTcp(record(object['limits']), TCP_LIMITS_LACK, [...path, 'limits']);
}

/** A gateway sees the bytes of a TCP connection and no requests, so a rule about requests would not be enforced. */
function notForTcp(object: Record<string, unknown>, keys: readonly string[], path: Path): readonly Finding[] {
  return keys
    .filter((key) => object[key] !== undefined)
    .map((key) => ({
      ...errorAt(
        'NOT_FOR_TCP',
        [...path, key],
        `${key} says something about requests, and TCP has none`,
        'remove it, because nothing that it says would be enforced; or write another protocol',
      ),
      atKey: true,
    }));
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

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
