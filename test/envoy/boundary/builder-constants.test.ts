// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of compiled files
// The boundary check does not believe the builders: with any one security constant of theirs changed, it refuses what they
// build. The compiled builders are copied, one constant is rewritten, and the copy translates a mesh with two peers.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { checkBoundary } from '../../../src/envoy/boundary/checks/boundary-check.ts';
import type { translate } from '../../../src/envoy/resources/gateway-resources.ts';
import { PosternError } from '../../../src/errors.ts';
import { type Change, change, FIGURES } from './changed-figures.ts';
import { mesh } from './mutations/mutation.ts';

const COMPILED = fileURLToPath(new URL('../../../src/', import.meta.url));
const ENTRY = 'envoy/resources/gateway-resources.js';

const CHANGES: readonly Change[] = [
  ...FIGURES,
  change('resource-names', "INGRESS_LISTENER = 'ingress'", "INGRESS_LISTENER = 'inbound'", 'ingress', 'KNOWN_NAME'),
  change('resource-names', "PEER_HEADER = 'x-postern-peer'", "PEER_HEADER = 'x-peer'", 'ingress', 'PEER_HEADER'),
  change('resource-names', "DENY_ALL = 'deny-all'", "DENY_ALL = 'everything'", 'ingress', 'DENY_ALL'),
  change('resource-names', "ALPN = 'h2'", "ALPN = 'http/1.1'", 'ingress', 'CHAIN_MATCH'),
  change('resource-names', "ALPN = 'h2'", "ALPN = 'http/1.1'", 'egress', 'HTTP2_ONLY'),
  change('resource-names', "ALPN = 'postern-tcp'", "ALPN = 'h2'", 'ingress', 'CHAIN_MATCH'),
  change('resource-names', "ALPN = 'postern-tcp'", "ALPN = 'h2'", 'egress', 'TCP_ONLY'),
  change('resource-names', "IDENTITY_STATE = 'postern.identity'", "IDENTITY_STATE = 'postern.peer'", 'ingress', 'GATE'),
  change(
    'resource-names',
    'return `gate/${labelOf(peer)}',
    'return `gate/${peer.name}',
    'ingress',
    'FIXED_DESTINATION',
  ),
  change(
    'resources/tcp/tcp-chain',
    "upstream_connect_mode: 'ON_DOWNSTREAM_TLS_HANDSHAKE'",
    "upstream_connect_mode: 'IMMEDIATE'",
    'ingress',
    'AFTER_HANDSHAKE',
  ),
  change('resources/tcp/tcp-chain', 'max_early_data_bytes: 0', 'max_early_data_bytes: 1', 'ingress', 'AFTER_HANDSHAKE'),
  change('resources/tcp/tcp-chain', '%DOWNSTREAM_PEER_URI_SAN%', '%DOWNSTREAM_PEER_SUBJECT%', 'ingress', 'GATE'),
  change(
    'resources/tcp/tcp-chain',
    "shared_with_upstream: 'ONCE'",
    "shared_with_upstream: 'TRANSITIVE'",
    'ingress',
    'GATE',
  ),
  change(
    'resources/tcp/tcp-chain',
    "transport_protocol: 'tls'",
    "transport_protocol: 'raw_buffer'",
    'ingress',
    'CHAIN_MATCH',
  ),
  change(
    'resources/tcp/tcp-chain',
    "transport_socket_connect_timeout: '5s'",
    "transport_socket_connect_timeout: '0s'",
    'ingress',
    'HANDSHAKE_TIMEOUT',
  ),
  change('resources/tcp/gate', 'toChain(names.DENY_ALL)', 'toChain(name)', 'ingress', 'GATE'),
  change('limits', "age: '3600s'", "age: '86400s'", 'ingress', 'CONNECTION_AGE'),
  change('resource-names', '`${name}@${key}`', '`${name}@`', 'ingress', 'KNOWN_NAME'),
  change(
    'resource-names',
    'return `ingress/${labelOf(peer)}`',
    'return `ingress/${peer.name}`',
    'ingress',
    'KNOWN_NAME',
  ),
  change(
    'resource-names',
    'return `export/${peer.name}@${peer.domainKey}/${exported.name}@${exported.key}`',
    'return `export/${peer.name}@${peer.domainKey}/${exported.name}@${peer.domainKey}`',
    'ingress',
    'MEANING',
  ),
  change(
    'resource-names',
    'return `import/${labelOf(peer)}`',
    'return `import/${peer.name}`',
    'egress',
    'FIXED_DESTINATION',
  ),
  change('resource-names', 'return `dial/${labelOf(peer)}`', 'return `dial/${peer.name}`', 'egress', 'KNOWN_NAME'),
  change('resource-names', 'return `bundle/${labelOf(peer)}`', 'return `bundle/${peer.name}`', 'ingress', 'KNOWN_NAME'),
  change(
    'resources/tls/tls',
    "tls_minimum_protocol_version: 'TLSv1_3'",
    "tls_minimum_protocol_version: 'TLSv1_2'",
    'ingress',
    'TLS_1_3',
  ),
  change(
    'resources/tls/tls',
    "tls_maximum_protocol_version: 'TLSv1_3'",
    "tls_maximum_protocol_version: 'TLS_AUTO'",
    'egress',
    'TLS_1_3',
  ),
  change(
    'resources/tls/tls',
    'require_client_certificate: true',
    'require_client_certificate: false',
    'ingress',
    'CLIENT_CERTIFICATE',
  ),
  change(
    'resources/tls/tls',
    'disable_stateless_session_resumption: true',
    'disable_stateless_session_resumption: false',
    'ingress',
    'NO_RESUMPTION',
  ),
  change(
    'resources/tls/tls',
    'disable_stateful_session_resumption: true',
    'disable_stateful_session_resumption: false',
    'ingress',
    'NO_RESUMPTION',
  ),
  change('resources/tls/tls', 'max_session_keys: 0', 'max_session_keys: 1', 'egress', 'NO_RESUMPTION'),
  change('resources/tls/tls', "'ecdsa_secp256r1_sha256'", "'ecdsa_sha1'", 'ingress', 'SIGNATURES'),
  change('resources/tls/tls', "san_type: 'URI'", "san_type: 'DNS'", 'ingress', 'EXACT_SAN'),
  change('resources/tls/tls', 'matcher: { exact: id }', 'matcher: { prefix: id }', 'egress', 'EXACT_SAN'),
  change('config-source', 'ads: {}', "path_config_source: { path: '/tmp/secrets' }", 'egress', 'OWN_BUNDLE'),
  change('config-source', 'ads: {}', "path_config_source: { path: '/tmp/secrets' }", 'ingress', 'BACKEND_TRUST'),
  change('resources/tls/backend-tls', 'max_session_keys: 0', 'max_session_keys: 1', 'ingress', 'NO_RESUMPTION'),
  change(
    'resources/tls/backend-tls',
    "tls_minimum_protocol_version: 'TLSv1_3'",
    "tls_minimum_protocol_version: 'TLSv1_2'",
    'ingress',
    'TLS_1_3',
  ),
  change(
    'resources/tls/backend-tls',
    "tls_minimum_protocol_version: 'TLSv1_2'",
    "tls_minimum_protocol_version: 'TLS_AUTO'",
    'ingress',
    'TLS_1_3',
  ),
  change('resources/tls/backend-tls', "'rsa_pkcs1_sha256'", "'rsa_pkcs1_sha1'", 'ingress', 'SIGNATURES'),
  change('resources/tls/backend-tls', "san_type: 'DNS'", "san_type: 'EMAIL'", 'ingress', 'EXACT_SAN'),
  change(
    'resources/tls/backend-tls',
    'matcher: { exact: identity }',
    'matcher: { prefix: identity }',
    'ingress',
    'EXACT_SAN',
  ),
  change('resources/tls/backend-tls', "'istio-http/1.1', 'istio', ", "'istio-http/1.1', ", 'ingress', 'BACKEND_TLS'),
  change(
    'resources/ingress-listener',
    "transport_protocol: 'tls'",
    "transport_protocol: 'raw_buffer'",
    'ingress',
    'CHAIN_MATCH',
  ),
  change(
    'resources/ingress-listener',
    'continue_on_listener_filters_timeout: false',
    'continue_on_listener_filters_timeout: true',
    'ingress',
    'CHAIN_MATCH',
  ),
  change(
    'resources/ingress-listener',
    "transport_socket_connect_timeout: '5s'",
    "transport_socket_connect_timeout: '0s'",
    'ingress',
    'HANDSHAKE_TIMEOUT',
  ),
  change('limits', "MAX_CONNECTION_AGE = '3700s'", "MAX_CONNECTION_AGE = '0s'", 'egress', 'CONNECTION_AGE'),
  change(
    'http/access-control/rbac',
    "HTTP_RBAC = 'envoy.filters.http.rbac'",
    "HTTP_RBAC = 'rbac'",
    'ingress',
    'POLICY_NOT_OVERRIDDEN',
  ),
  change(
    'http/access-control/rbac',
    "NEVER_METHODS = 'TRACE|CONNECT|TRACK|DEBUG'",
    "NEVER_METHODS = 'TRACE|TRACK|DEBUG'",
    'ingress',
    'POLICY',
  ),
  change('http/access-control/rbac', "action: 'DENY'", "action: 'ALLOW'", 'ingress', 'NETWORK_RBAC'),
  change(
    'http/access-control/rbac',
    "rules: { action: 'ALLOW', policies: {} }",
    "rules: { action: 'DENY', policies: {} }",
    'ingress',
    'HTTP_RBAC',
  ),
  change(
    'http/access-control/rbac',
    "action: 'ALLOW',\n        policies: { [name]",
    "action: 'LOG',\n        policies: { [name]",
    'ingress',
    'POLICY',
  ),
  change('http/access-control/rbac', "header(':authority', {", "header(':scheme', {", 'ingress', 'POLICY'),
  change(
    'http/access-control/rbac',
    "{ header: { name: 'content-length', present_match: true } }",
    "{ header: { name: 'content-type', present_match: true } }",
    'ingress',
    'UNEXPECTED_BODY',
  ),
  change(
    'http/access-control/body-guard',
    "BODY_GUARD = 'envoy.filters.http.buffer'",
    "BODY_GUARD = 'buffer'",
    'ingress',
    'UNEXPECTED_BODY',
  ),
  change(
    'http/access-control/body-guard',
    "['POST', 'PUT', 'PATCH']",
    "['POST', 'PUT', 'PATCH', 'GET']",
    'ingress',
    'UNEXPECTED_BODY',
  ),
  change(
    'http/access-control/body-guard',
    'max_request_bytes: 1 ',
    'max_request_bytes: 4096 ',
    'ingress',
    'UNEXPECTED_BODY',
  ),
  change('http/access-control/path-guard', 'PLAIN = "[a-z0-9', 'PLAIN = "[%a-z0-9', 'ingress', 'HARMLESS_PATHS'),
  change(
    'http/access-control/path-guard',
    "ENCODED = '%(?:2[0146-9a-c]",
    "ENCODED = '%(?:2[0-9a-f]",
    'ingress',
    'HARMLESS_PATHS',
  ),
  change(
    'http/access-control/path-guard',
    "FOLLOWING = '%[89ab][0-9a-f]'",
    "FOLLOWING = '%[0-9a-f][0-9a-f]'",
    'ingress',
    'HARMLESS_PATHS',
  ),
  change('http/access-control/path-guard', '    ee: [],', "    ee: ['[0-9a-f]'],", 'ingress', 'HARMLESS_PATHS'),
  change('http/access-control/path-guard', '|//|/%20', '|/%20', 'ingress', 'HARMLESS_PATHS'),
  change('http/access-control/path-guard', "action: 'DENY'", "action: 'LOG'", 'ingress', 'HARMLESS_PATHS'),
  change('http/headers/header-removals', "'x-forwarded-*', ", '', 'ingress', 'CLEAN_REQUESTS'),
  change('http/headers/header-removals', "'x-forwarded-*', ", '', 'egress', 'CLEAN_REQUESTS'),
  change('http/headers/header-removals', "'cf-access-*',", '', 'ingress', 'CLEAN_REQUESTS'),
  change('http/headers/header-removals', "'x-original-url',", "'x-original-url-*',", 'ingress', 'CLEAN_REQUESTS'),
  change('http/headers/header-removals', "'baggage',", '', 'egress', 'CLEAN_REQUESTS'),
  change('http/headers/header-removals', "'x-served-by',", '', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/header-mutations', "'x-envoy-original-path',", '', 'ingress', 'CLEAN_REQUESTS'),
  change('http/headers/header-mutations', "'x-forwarded-client-cert',", '', 'egress', 'CLEAN_REQUESTS'),
  change('http/headers/header-mutations', 'KEEP_REQUEST_ID,\n', '\n', 'ingress', 'CLEAN_REQUESTS'),
  change(
    'http/headers/header-mutations',
    'GIVEN_REQUEST_ID_HEADER,\n    PEER_CLAIM_HEADER,',
    'GIVEN_REQUEST_ID_HEADER,',
    'ingress',
    'CLEAN_REQUESTS',
  ),
  change('http/headers/header-mutations', 'KEEP_PEER_CLAIM,\n', '\n', 'ingress', 'CLEAN_REQUESTS'),
  change('http/headers/header-mutations', 'REQUEST_ID(one) || ', 'REQUEST_ID(one) && ', 'ingress', 'CLEAN_REQUESTS'),
  change(
    'http/access-control/workload-claim',
    "'%REQ(X-FORWARDED-CLIENT-CERT)%'",
    "'%REQ(X-CLIENT-CERT)%'",
    'ingress',
    'CLEAN_REQUESTS',
  ),
  change('http/access-control/workload-claim', "'x-postern-peer-claim'", "'x-claim'", 'ingress', 'CLEAN_REQUESTS'),
  change('http/access-control/workload-claim', "KEY = 'workload'", "KEY = 'peer'", 'ingress', 'PEER_HEADER'),
  change('http/access-control/workload-claim', '[0-9a-f]{64}', '[^;]*', 'ingress', 'WORKLOAD_CLAIM'),
  change('http/access-control/workload-claim', "'.*;URI=(.*)'", "'.*URI=(.*)'", 'ingress', 'WORKLOAD_CLAIM'),
  change(
    'http/access-control/workload-claim',
    "replaceAll('.', '\\\\.')",
    "replaceAll('.', '.')",
    'ingress',
    'WORKLOAD_CLAIM',
  ),
  change('http/access-control/workload-claim', '(?:[A-Za-z0-9_-]|', '(?:[A-Za-z0-9._-]|', 'ingress', 'WORKLOAD_CLAIM'),
  change(
    'http/access-control/workload-claim',
    '{ exact: gateway }',
    "{ safe_regex: { google_re2: {}, regex: '.*' } }",
    'ingress',
    'WORKLOAD_CLAIM',
  ),
  change(
    'http/access-control/workload-claim',
    'predicate: [proven, written]',
    'predicate: [written, written]',
    'ingress',
    'WORKLOAD_CLAIM',
  ),
  change('http/access-control/workload-claim', 'and_matcher:', 'or_matcher:', 'ingress', 'WORKLOAD_CLAIM'),
  change(
    'http/access-control/rbac',
    'anyOf(workloads.map(isWorkload))',
    'anyOf(workloads.slice(1).map(isWorkload))',
    'ingress',
    'POLICY',
  ),
  change('http/access-control/rbac', '[anyOf(workloads.map(isWorkload))]', '[]', 'ingress', 'LOGGED_REQUEST'),
  change('resource-names', "'x-postern-workload'", "'x-workload'", 'ingress', 'PEER_HEADER'),
  change(
    'http/headers/request-facts',
    "REQUEST_ID = '[0-9a-f]{8}",
    "REQUEST_ID = '[0-9a-f]+",
    'ingress',
    'LOGGED_REQUEST',
  ),
  change(
    'http/headers/request-facts',
    "'x-postern-given-request-id'",
    "'x-given-request-id'",
    'ingress',
    'CLEAN_REQUESTS',
  ),
  change('http/headers/request-facts', "'%REQ(X-REQUEST-ID)%'", "'%REQ(X-ID)%'", 'ingress', 'CLEAN_REQUESTS'),
  change(
    'http/headers/request-facts',
    "AUTHORITY = 'postern.authority'",
    "AUTHORITY = 'authority'",
    'egress',
    'LOGGED_REQUEST',
  ),
  change(
    'http/headers/header-mutations',
    "families(listed('requests'))",
    "families(listed('responses'))",
    'ingress',
    'CLEAN_RESPONSES',
  ),
  change('http/headers/internal-hosts', 'MAX_VALUE = 8192', 'MAX_VALUE = 81920', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', 'MAX_HOST = 255', 'MAX_HOST = 2550', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', 'MAX_VALUES = 64', 'MAX_VALUES = 1', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', 'MAX_GROWTH = 4096', 'MAX_GROWTH = 40960', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', '("local svc internal', '("local internal', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', "refresh: 'refresh',", '', 'ingress', 'CLEAN_RESPONSES'),
  change('http/headers/internal-hosts', "regex: '\\\\C*'", "regex: '\\\\C+'", 'ingress', 'CLEAN_RESPONSES'),
  change('http/http-connection-manager', "codec_type: 'HTTP2'", "codec_type: 'AUTO'", 'ingress', 'CLEAN_REQUESTS'),
  change(
    'http/http-connection-manager',
    "forward_client_cert_details: 'SANITIZE_SET'",
    "forward_client_cert_details: 'APPEND_FORWARD'",
    'ingress',
    'CLEAN_REQUESTS',
  ),
  change(
    'http/http-connection-manager',
    "forward_client_cert_details: 'SANITIZE',",
    "forward_client_cert_details: 'FORWARD_ONLY',",
    'egress',
    'CLEAN_REQUESTS',
  ),
  change(
    'http/http-connection-manager',
    'use_remote_address: true',
    'use_remote_address: false',
    'ingress',
    'CLEAN_REQUESTS',
  ),
  change(
    'http/http-connection-manager',
    'xff_num_trusted_hops: 0',
    'xff_num_trusted_hops: 1',
    'ingress',
    'CLEAN_REQUESTS',
  ),
  change('http/http-connection-manager', 'skip_xff_append: true', 'skip_xff_append: false', 'egress', 'CLEAN_REQUESTS'),
  change('http/http-connection-manager', 'normalize_path: true', 'normalize_path: false', 'ingress', 'CLEAN_REQUESTS'),
  change('http/http-connection-manager', 'merge_slashes: true', 'merge_slashes: false', 'ingress', 'CLEAN_REQUESTS'),
  change(
    'http/http-connection-manager',
    "path_with_escaped_slashes_action: 'REJECT_REQUEST'",
    "path_with_escaped_slashes_action: 'KEEP_UNCHANGED'",
    'ingress',
    'CLEAN_REQUESTS',
  ),
  change(
    'http/headers/underscore-guard',
    'name:find("_", 1, true)',
    'name:find("__", 1, true)',
    'ingress',
    'UNDERSCORES',
  ),
  change('http/headers/header-mutations', "contains: '_'", "contains: '__'", 'egress', 'UNDERSCORES'),
  change(
    'resources/route',
    "...(underscoreHeaders === 'drop' &&",
    "...(underscoreHeaders !== 'drop' &&",
    'ingress',
    'UNDERSCORES',
  ),
  change(
    'resources/route',
    "...(peer.traceContext === 'forward' ? [] : TRACE_CONTEXT)",
    '',
    'ingress',
    'TRACE_CONTEXT',
  ),
  change('resources/route', '{ request_headers_to_remove: TRACE_CONTEXT }', '{}', 'egress', 'TRACE_CONTEXT'),
  change(
    'http/http-connection-manager',
    'strip_any_host_port: true',
    'strip_any_host_port: false',
    'ingress',
    'CLEAN_REQUESTS',
  ),
  change(
    'http/http-connection-manager',
    'generate_request_id: true',
    'generate_request_id: false',
    'egress',
    'CLEAN_REQUESTS',
  ),
  change(
    'http/http-connection-manager',
    'preserve_external_request_id: false',
    'preserve_external_request_id: true',
    'ingress',
    'CLEAN_REQUESTS',
  ),
  change(
    'http/http-connection-manager',
    'always_set_request_id_in_response: false',
    'always_set_request_id_in_response: true',
    'ingress',
    'CLEAN_RESPONSES',
  ),
  change(
    'http/http-connection-manager',
    'allow_absolute_url: false',
    'allow_absolute_url: true',
    'egress',
    'CLEAN_REQUESTS',
  ),
  change('http/http-connection-manager', 'accept_http_10: false', 'accept_http_10: true', 'egress', 'CLEAN_REQUESTS'),
  change(
    'http/http-connection-manager',
    "server_header_transformation: 'OVERWRITE'",
    "server_header_transformation: 'PASS_THROUGH'",
    'ingress',
    'CLEAN_RESPONSES',
  ),
  change(
    'http/http-connection-manager',
    "server_name: 'gateway'",
    "server_name: 'postern'",
    'ingress',
    'CLEAN_RESPONSES',
  ),
  change(
    'http/http-connection-manager',
    'suppress_envoy_headers: true',
    'suppress_envoy_headers: false',
    'ingress',
    'CLEAN_RESPONSES',
  ),
  change(
    'http/http-connection-manager',
    "max_connection_duration: '3600s'",
    "max_connection_duration: '86400s'",
    'ingress',
    'CONNECTION_AGE',
  ),
  change('limits', 'allow_connect: false', 'allow_connect: true', 'egress', 'CLEAN_REQUESTS'),
  change('http/retry', 'upgrades.length === 0', 'upgrades.length === 1', 'ingress', 'UPGRADES'),
  change('http/retry', 'upgrades.length === 0', 'upgrades.length === 1', 'egress', 'UPGRADES'),
  change('http/local-reply', 'gateway: %RESPONSE_CODE%', '%RESPONSE_CODE_DETAILS%', 'ingress', 'REFUSALS_ALIKE'),
  change('http/local-reply', 'status_code: 403', 'status_code: 404', 'ingress', 'REFUSALS_ALIKE'),
  change('http/local-reply', "status('GE', 400)).map", "status('GE', 404)).map", 'ingress', 'REFUSALS_ALIKE'),
  change('http/local-reply', "status('GE', 400)) }", "status('GE', 404)) }", 'egress', 'REFUSALS_ALIKE'),
  change('http/local-reply', "status('EQ', 429)", "status('EQ', 404)", 'ingress', 'REFUSALS_ALIKE'),
  change('http/local-reply', "exact: 'allowed'", "exact: 'denied'", 'ingress', 'REFUSALS_ALIKE'),
  change('http/local-reply', "[status('EQ', 413), ADMITTED]", "[status('EQ', 413)]", 'ingress', 'REFUSALS_ALIKE'),
  change('http/limit-filters', "fill_interval: '1s'", "fill_interval: '60s'", 'ingress', 'LIMITS'),
  change('http/limit-filters', 'numerator: 100', 'numerator: 10', 'ingress', 'LIMITS'),
  change('http/limit-filters', 'tokens_per_fill: perSecond', 'tokens_per_fill: 1', 'ingress', 'LIMITS'),
  change('http/limit-filters', 'min_concurrency: most', 'min_concurrency: 3', 'ingress', 'LIMITS'),
  change('http/limit-filters', "NAMESPACE = 'postern.limit'", "NAMESPACE = 'limit'", 'ingress', 'LIMITS'),
  change('http/limit-filters', 'HEALTH_CHECKS_PER_SECOND = 100', 'HEALTH_CHECKS_PER_SECOND = 1', 'ingress', 'LIMITS'),
  change('http/retry', "'connect-failure', ", "'connect-failure', '5xx', ", 'ingress', 'SAFE_RETRY'),
  change('http/retry', "'GET|HEAD'", "'GET|HEAD|POST'", 'ingress', 'SAFE_RETRY'),
];

/** The compiled builders, by path below dist/src/: the entry and all that it imports. */
function builders(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const add = (path: string): void => {
    if (files.has(path)) return;
    const text = readFileSync(join(COMPILED, path), 'utf8');
    files.set(path, text);
    for (const [, specifier = ''] of text.matchAll(/\bfrom '(\.[^']+)'/g))
      add(relative(COMPILED, join(COMPILED, dirname(path), specifier)));
  };
  add(ENTRY);
  return files;
}

describe('the boundary check, against builders with one constant changed', () => {
  const files = builders();
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-builders-'));
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  });
  after(() => rmSync(folder, { recursive: true }));

  const translateWith = async (copy: string, changed: ReadonlyMap<string, string>): Promise<typeof translate> => {
    for (const [path, text] of files) {
      const target = join(folder, copy, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, changed.get(path) ?? text);
    }
    const module = (await import(pathToFileURL(join(folder, copy, ENTRY)).href)) as { translate: typeof translate };
    return module.translate;
  };

  test('An unchanged copy of the builders passes for both gateways', async () => {
    const copied = await translateWith('unchanged', new Map());
    for (const role of ['ingress', 'egress'] as const)
      checkBoundary(mesh.resourcesBy(copied, role), mesh.expectation(role));
  });

  for (const [index, { file, from, to, role, rule }] of CHANGES.entries()) {
    test(`${rule} is found broken at ${role} when ${file}.ts has ${JSON.stringify(to)} for ${JSON.stringify(from)}`, async () => {
      const path = `envoy/${file}.js`;
      const parts = (files.get(path) ?? '').split(from);
      assert.equal(parts.length, 2, `${path} has the text once`);
      const copied = await translateWith(String(index), new Map([[path, parts.join(to)]]));
      assert.throws(
        () => checkBoundary(mesh.resourcesBy(copied, role), mesh.expectation(role)),
        (error) =>
          error instanceof PosternError &&
          error.code === 'BOUNDARY_VIOLATED' &&
          error.message.includes(` breaks ${rule};`),
      );
    });
  }
});
