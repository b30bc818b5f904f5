// Which headers of a request reach a backend, and which of a response reach a peer: the resources on real Envoys.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { REMOVALS } from '../../../../src/envoy/http/headers/header-removals.ts';
import { BankAndShop } from '../../bank-and-shop.ts';
import { call, callLocally } from '../../callers.ts';

/** What authenticating proxies and file-serving servers believe; a name of each family, and each single name. */
const BELIEVED = `
remote-user remote-groups remote-name remote-email x-remote-user x-remote-group x-remote-extra-scopes x-remote-addr
x-consumer-id x-consumer-username x-consumer-groups x-credential-identifier x-anonymous-consumer x-kong-jwt
x-authenticated-userid x-authenticated-groups x-forward-auth-user x-auth-request-user x-auth-request-email x-auth-user
cf-access-jwt-assertion cf-access-authenticated-user-email x-authentik-username x-authentik-meta-jwks x-authelia-user
x-pomerium-jwt-assertion x-pomerium-claim-email x-vouch-user x-webauth-user x-forwarded-user x-forwarded-groups
ssl-client-cert ssl-client-verify ssl-client-subject-dn x-ssl-client-s-dn x-ssl-cert x-client-dn x-client-dn-raw
x-client-cert x-client-cert-chain client-cert client-cert-chain x-client-verify x-tls-client-cn x-mtls-subject
x-goog-authenticated-user-email x-goog-authenticated-user-id x-goog-iap-jwt-assertion x-amzn-oidc-data
x-amzn-oidc-identity x-amzn-mtls-clientcert x-ms-client-principal x-ms-client-principal-name x-ms-token-aad-id-token
x-appengine-user-email x-apigateway-api-userinfo x-endpoint-api-userinfo tailscale-user-login impersonate-user
impersonate-extra-x oidc-claim-sub shib-session-id sec-istio-auth-userinfo x-jwt-assertion x-jwt-claim-sub x-userinfo
cf-cert-verified cf-client-cert-der-base64 sslclientcertsubject x-clientcert x-client-s-dn kubeflow-userid kubeflow-groups
osso-user-dn oam-remote-user x-true-client-ip forwarded-for sm-user iv-user iv-groups wl-proxy-client-cert $wsra teleport-jwt-assertion x-arr-clientcert l5d-client-id
x-original-url x-original-uri x-rewrite-url x-http-method-override x-method-override x-host x-middleware-subrequest
x-accel-redirect x-accel-mapping x-sendfile x-sendfile-type x-reproxy-url x-lighttpd-send-file
x-real-ip true-client-ip cf-connecting-ip forwarded via x-request-id traceparent tracestate baggage b3 x-b3-traceid
uber-trace-id x-datadog-trace-id x-amzn-trace-id x-cloud-trace-context grpc-trace-bin x-ot-span-context proxy
proxy-authorization x-envoy-internal x-istio-attributes x-postern-peer x-postern-admin x-forwarded-client-cert
`
  .trim()
  .split(/\s+/);

/** What applications send: credentials, data and conditions that no proxy writes. */
const APPLICATIONS = `
authorization cookie x-api-key x-goog-api-key x-goog-user-project x-goog-meta-owner x-goog-content-length-range
x-original-message-id x-original-filename x-ms-client-request-id x-ms-date x-ms-version x-amz-date
x-amz-content-sha256 x-correlation-id x-client-id x-client-version x-auth-token x-access-token x-token-count
idempotency-key origin referer range if-none-match last-event-id digest content-digest signature signature-input
sec-fetch-mode x-requested-with x-sender x-remotely x-datadog-custom sentry-trace x-user x-username
`
  .trim()
  .split(/\s+/);

describe('headers on real Envoys', () => {
  let scene: BankAndShop;
  before(async () => {
    scene = await BankAndShop.start();
  });
  after(() => scene.stop());

  /** The names of those that reach the backend with the value that was sent. */
  async function arriving(names: readonly string[]): Promise<readonly string[]> {
    const arrived: string[] = [];
    for (let from = 0; from < names.length; from += 40) {
      const some = names.slice(from, from + 40);
      const answer = await call(scene.fromShop({ headers: Object.fromEntries(some.map((name) => [name, 'sent'])) }));
      assert.equal(answer.status, 200);
      const { headers = {} } = scene.accounts.last ?? {};
      arrived.push(...some.filter((name) => String(headers[name]).includes('sent')));
    }
    return arrived;
  }

  test('Headers by which proxies describe a caller reach no backend', async () => {
    assert.deepEqual(await arriving(BELIEVED), []);
    const listed = REMOVALS.filter(({ from }) => from === 'requests' || from === 'both').flatMap(({ names }) => names);
    // HTTP/2 has no proxy-connection, and node sends none.
    listed.splice(listed.indexOf('proxy-connection'), 1);
    assert.deepEqual(await arriving(listed.map((name) => name.replace('*', 'x'))), []);
  });

  test('Headers of applications reach their backend, from a peer and from a local caller', async () => {
    assert.deepEqual(await arriving(APPLICATIONS), APPLICATIONS);
    const sent = Object.fromEntries(APPLICATIONS.map((name) => [name, 'sent']));
    assert.equal((await callLocally(scene.local, 'accounts.bank', '/v1/accounts', sent)).status, 200);
    const { headers = {} } = scene.accounts.last ?? {};
    assert.deepEqual(
      APPLICATIONS.filter((name) => headers[name] !== 'sent'),
      [],
    );
  });

  test('Orders to the next server and obsolete cookies do not get out, and headers of applications do', async () => {
    const listed = REMOVALS.filter(({ from }) => from === 'responses' || from === 'both').flatMap(({ names }) => names);
    const orders = 'x-accel-redirect x-accel-buffering x-sendfile x-reproxy-url set-cookie2 proxy-authenticate'.split(
      ' ',
    );
    for (const name of [...orders, ...listed.map((name) => name.replace('*', 'x'))]) {
      const answer = await call(scene.fromShop({ headers: { [`want-${name}`]: 'said' } }));
      assert.notEqual(answer.headers[name], 'said', name);
    }
    const kept = ['x-goog-generation', 'x-ms-request-id', 'etag', 'x-correlation-id', 'access-control-allow-origin'];
    const answer = await call(
      scene.fromShop({ headers: Object.fromEntries(kept.map((name) => [`want-${name}`, 'said'])) }),
    );
    assert.deepEqual(
      kept.filter((name) => answer.headers[name] !== 'said'),
      [],
    );
  });

  test('Trailers by which proxies describe a caller are removed, and those of applications arrive', async () => {
    const listed = REMOVALS.filter(({ from }) => from === 'requests' || from === 'both').flatMap(({ names }) => names);
    // HTTP/2 has no proxy-connection, and node sends none.
    listed.splice(listed.indexOf('proxy-connection'), 1);
    const kept = ['x-app', 'x-checksum-crc32c', 'x-amz-checksum-sha256', 'content-md5', 'digest', 'grpc-status', 't1'];
    const names = [...BELIEVED, ...listed.map((name) => name.replace('*', 'x'))];
    const arrived: string[] = [];
    for (let from = 0; from < names.length; from += 40) {
      const trailers = Object.fromEntries([...names.slice(from, from + 40), ...kept].map((name) => [name, 'sent']));
      const rates = { authority: 'rates.exports.bank.example', path: '/fx.Rates/Get', method: 'POST', trailers };
      await call(scene.fromShop({ ...rates, headers: { te: 'trailers' } }));
      arrived.push(...Object.keys(scene.rates.last?.trailers ?? {}));
    }
    assert.deepEqual([...new Set(arrived)].sort(), [...kept].sort());
  });

  test('No trailer of a response names a host', async () => {
    const { trailers } = await call(
      scene.fromShop({
        authority: 'rates.exports.bank.example',
        path: '/fx.Rates/Get',
        method: 'POST',
        headers: {
          te: 'trailers',
          'trailer-location': 'http://db.svc/',
          'trailer-link': '<http://db.svc/>',
          'trailer-x-app': '1',
        },
      }),
    );
    assert.deepEqual(Object.entries(trailers ?? {}), [['x-app', '1']]);
  });

  /** What a server that takes trailers for headers would read as the frame, the target or the credentials of a request. */
  const NOT_IN_TRAILERS = REMOVALS.filter(({ from }) => from === 'trailers').flatMap(({ names }) => names);
  /** HTTP/2 has none of these, and node sends none. */
  const OF_HTTP1 = [
    'connection',
    'http2-settings',
    'keep-alive',
    'proxy-connection',
    'te',
    'transfer-encoding',
    'upgrade',
  ];
  const SENT = NOT_IN_TRAILERS.filter((name) => !OF_HTTP1.includes(name));

  test('Trailers that frame, address, authenticate or condition a request reach no backend, and those of gRPC and of applications do', async () => {
    assert.ok(SENT.includes('host') && SENT.includes('authorization') && SENT.includes('content-length'));
    const kept = ['grpc-status', 'grpc-message', 'grpc-status-details-bin', 'x-app', 'content-md5', 'digest'];
    const trailers = Object.fromEntries([...SENT, ...kept].map((name) => [name, '0']));
    const rates = { authority: 'rates.exports.bank.example', path: '/fx.Rates/Get', method: 'POST', trailers };
    assert.equal((await call(scene.fromShop({ ...rates, headers: { te: 'trailers' } }))).status, 200);
    assert.deepEqual(Object.keys(scene.rates.last?.trailers ?? {}).sort(), [...kept].sort());
  });

  test('The same trailers of a response reach no peer, and those of gRPC and of applications do', async () => {
    const kept = ['grpc-status', 'grpc-message', 'grpc-status-details-bin', 'x-app', 'x_app', 'digest'];
    // A content-length there ends the stream: Envoy takes none from a backend.
    const sent = SENT.filter((name) => name !== 'content-length');
    const wanted = [...sent, 'x-pod_name', 'x_envoy_a', 'set_cookie', ...kept];
    const headers = Object.fromEntries(wanted.map((name) => [`trailer-${name.replaceAll('_', '~')}`, '0']));
    const rates = { authority: 'rates.exports.bank.example', path: '/fx.Rates/Get', method: 'POST' };
    const { trailers = {} } = await call(scene.fromShop({ ...rates, headers: { te: 'trailers', ...headers } }));
    assert.deepEqual(Object.keys(trailers).sort(), [...kept].sort());
  });

  test('A header of a response that tells of us is removed with underscores too, and those of applications stay', async () => {
    const headers = Object.fromEntries(
      ['x_powered_by', 'x-pod_name', 'x_envoy_upstream_service_time', 'x_request_id', 'x_total_count', 'etag'].map(
        (name) => [`want-${name.replaceAll('_', '~')}`, 'said'],
      ),
    );
    const answer = await call(scene.fromShop({ headers }));
    const said = Object.entries(answer.headers).flatMap(([name, value]) => (value === 'said' ? [name] : []));
    assert.deepEqual(said.sort(), ['etag', 'x_total_count']);
  });
});
