// The limits of the two gateways fit together: what one hop lets through, the next takes, and whoever may not close an idle
// connection first closes it last. Effects are in header-limits.test.ts and e2e/traffic/traffic.test.ts; some defaults of Envoy are
// so close to ours that only the resources show whether a limit is set.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Copy, type Data } from '../boundary/mutations/mutation.ts';

const HTTP = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const ingress = new Copy('ingress');
const egress = new Copy('egress');

const fromPeers = ingress.manager;
const fromCallers = egress.named('Listener', 'egress/8080').filter_chains[0].filters[0].typed_config;
const toPeers = egress.tunnelled.typed_extension_protocol_options[HTTP];
const backends: readonly Data[] = ingress.resources
  .filter((resource) => resource['@type'].endsWith('.Cluster'))
  // A TCP export has none.
  .flatMap((cluster) => cluster.typed_extension_protocol_options?.[HTTP] ?? []);
const toBackends = backends[0];

const idleSeconds = (options: Data): number => Number.parseFloat(options.common_http_protocol_options.idle_timeout);
const mostFields = (options: Data): number => options.common_http_protocol_options.max_headers_count;

test('An idle connection to an HTTP/1 backend is closed before any common server closes it', () => {
  // gunicorn waits 2 s, Node 5 s.
  const ofHttp1 = backends.filter(({ explicit_http_config: http }) => http.http_protocol_options !== undefined);
  assert.ok(ofHttp1.length > 1);
  for (const backend of ofHttp1) assert.ok(idleSeconds(backend) > 0 && idleSeconds(backend) < 2);
});

test('The egress closes an idle connection to a peer before the ingress does, and callers close theirs first', () => {
  assert.ok(idleSeconds(toPeers) > 0 && idleSeconds(toPeers) < idleSeconds(fromPeers));
  // Callers keep an idle connection for up to five minutes.
  assert.ok(idleSeconds(fromCallers) > 300);
});

test('The ingress takes every request that the egress lets through, with the headers that the egress adds', () => {
  assert.equal(fromCallers.max_request_headers_kb, 32);
  assert.ok(fromPeers.max_request_headers_kb >= fromCallers.max_request_headers_kb + 16);
  assert.equal(mostFields(fromCallers), 100);
  assert.ok(mostFields(fromPeers) >= mostFields(fromCallers) + 28);
});

test('The egress takes every answer that the ingress lets through, with the headers that the ingress adds', () => {
  const mostKb = (options: Data): number => options.common_http_protocol_options.max_response_headers_kb;
  assert.equal(mostKb(toBackends), 60);
  assert.ok(mostKb(toPeers) >= mostKb(toBackends) + 16);
  assert.equal(mostFields(toBackends), 100);
  assert.ok(mostFields(toPeers) >= mostFields(toBackends) + 28);
});

test('The hop to a peer sends again what no application saw, and a GET or HEAD also when the hop broke', () => {
  const [safe, any] = egress.named('RouteConfiguration', 'egress/8080').virtual_hosts[0].routes;
  assert.equal(safe.match.headers[0].string_match.safe_regex.regex, 'GET|HEAD');
  assert.deepEqual(safe.route.retry_policy.retry_on.split(',').sort(), [
    'connect-failure',
    'refused-stream',
    'reset',
    'reset-before-request',
  ]);
  assert.deepEqual(any.route.retry_policy.retry_on.split(',').sort(), [
    'connect-failure',
    'refused-stream',
    'reset-before-request',
  ]);
  assert.deepEqual(
    [safe, any].map(({ route }) => route.retry_policy.num_retries),
    [1, 3],
  );
});
