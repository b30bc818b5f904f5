// What a line says beside its reason.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { adviceFor } from '../../../src/cli/explain/line-advice.ts';
import { notesOf } from '../../../src/cli/explain/line-notes.ts';
import { parseLogLine } from '../../../src/cli/explain/log-line.ts';

const noted = (fields: Readonly<Record<string, unknown>>): readonly string[] =>
  notesOf(
    parseLogLine(
      JSON.stringify({
        ...{ ts: '2026-11-29T12:00:00Z', gateway: 'shop/egress', layer: 'tcp', verdict: 'allowed', reason: 'ALLOWED' },
        ...fields,
      }),
    ),
  );

describe('notes of a line', () => {
  test('A TCP connection that was silent, or has reached its age, has the code of its end', () => {
    assert.match(noted({ close: 'tcp_session_idle_timeout' }).join(), /^it ended with IDLE: /);
    assert.match(noted({ close: 'max_connection_duration_reached' }).join(), /^it ended with AGE: /);
    const gate = { close: 'Active_Internal_Listener_destructor', gateway: 'bank/ingress' };
    assert.match(noted(gate).join(), /^it ended with ENDED_BY_GATEWAY: .*trust or the grant/);
    const chain = { close: 'filter_chain_is_being_removed', gateway: 'bank/ingress', layer: 'listener' };
    assert.match(noted(chain).join(), /^it ended with ENDED_BY_GATEWAY: /);
    assert.deepEqual(noted({ close: 'constructor' }), []);
    assert.deepEqual(noted({}), []);
  });

  test('A 403 of the peer is told from one of our own gateway, with another protocol as a possible cause', () => {
    const http = { layer: 'http', code: 403, request_id: 'id-1' };
    assert.match(noted(http).join(), /the answer was 403; it came from the peer.*request_id id-1.*TCP/);
    assert.match(noted({ ...http, code: 429 }).join(), /the answer was 429; it came from the peer.*request_id id-1/);
    const possible = {
      403: 'one of NO_GRANT, PATH, .* \\(NO_GRANT also where .*\\)',
      429: 'one of PEER_RATE_LIMIT, CONSUMER_RATE_LIMIT',
      413: 'BODY_LIMIT',
      502: '.*MALFORMED',
      503: 'one of BACKEND_DOWN, .*PEER_REQUESTS_LIMIT, CONSUMER_REQUESTS_LIMIT',
      504: 'BACKEND_TIMEOUT',
    };
    for (const [code, codes] of Object.entries(possible))
      assert.match(noted({ ...http, code: Number(code) }).join(), new RegExp(`that log has ${codes}; if its service`));
    assert.doesNotMatch(noted({ ...http, code: 418 }).join(), /that log has/);
    assert.deepEqual(noted({ ...http, verdict: 'refused', reason: 'CLIENT' }), []);
    assert.deepEqual(noted({ ...http, gateway: 'bank/ingress' }), []);
    assert.deepEqual(noted({ ...http, code: 200 }), []);
  });

  test('A gRPC status that a refusal or an error of the peer’s gateway becomes is told like its status of HTTP', () => {
    const call = { layer: 'http', code: 200, request_id: 'id-1' };
    const possible = {
      PermissionDenied: 'one of NO_GRANT, PATH, .*',
      ResourceExhausted: 'one of BODY_LIMIT, PEER_RATE_LIMIT, CONSUMER_RATE_LIMIT',
      Unavailable: 'one of BACKEND_MALFORMED, BACKEND_DOWN, .*CONSUMER_REQUESTS_LIMIT, BACKEND_TIMEOUT',
    };
    for (const [grpc, codes] of Object.entries(possible)) {
      const [note = ''] = noted({ ...call, grpc });
      assert.match(note, new RegExp(`gRPC status ${grpc}; it came from the peer.*request_id id-1`));
      assert.match(note, new RegExp(`that log has ${codes}; if its service`));
    }
    assert.doesNotMatch(noted({ ...call, grpc: 'NotFound' }).join(), /that log has/);
    for (const more of [{ grpc: 'OK' }, {}, { grpc: 'PermissionDenied', gateway: 'bank/ingress' }])
      assert.deepEqual(noted({ ...call, ...more }), []);
  });
});

describe('advice of a line', () => {
  const advised = (fields: Readonly<Record<string, string>>) =>
    adviceFor(
      parseLogLine(
        JSON.stringify({ ts: '2026-11-29T12:00:00Z', gateway: 'shop/egress', layer: 'listener', ...fields }),
      ),
    );

  test('A caller of our own gets no advice for peers', () => {
    for (const reason of ['WRONG_CA', 'NO_CERTIFICATE', 'WRONG_IDENTITY', 'HANDSHAKE_UNFINISHED']) {
      const { cause, cure } = advised({ reason });
      assert.doesNotMatch(`${cause}${cure}`, /mesh has another CA|peer|gatewayIdentities/, reason);
      assert.notEqual(advised({ reason, gateway: 'shop/ingress' }).cure, cure, reason);
    }
    assert.match(advised({ reason: 'HANDSHAKE_UNFINISHED' }).cure, /imported at this port/);
  });

  test('The identity of a gateway that we refuse stands in upstream_fail', () => {
    assert.match(advised({ layer: 'tunnel', reason: 'WRONG_IDENTITY', peer: 'bank' }).cure, /upstream_fail/);
    assert.match(advised({ gateway: 'shop/ingress', reason: 'WRONG_IDENTITY' }).cure, /claimed_uri/);
  });

  test('A client that is missing is added by its path, as the file takes it', () => {
    const line = { layer: 'http', reason: 'CLIENT' };
    const { cure } = advised({ ...line, peer_uri: 'spiffe://shop.example/ns/web/sa/front' });
    assert.match(cure, /`ns\/web\/sa\/front`/);
    assert.doesNotMatch(cure, /spiffe:/);
    for (const uri of ['spiffe://shop.example/a,spiffe://shop.example/b', 'spiffe://shop.example/a` b'])
      assert.match(advised({ ...line, peer_uri: uri }).cure, /path of `peer_uri`/);
  });

  test('The alert of who refuses us says what is wrong with our certificate', () => {
    const alert = (name: string): string => `TLS_error:|268436501:SSL routines:OPENSSL_internal:${name}:TLS_error_end`;
    for (const where of [
      { layer: 'listener', gateway: 'shop/ingress', field: 'tls_fail' },
      { layer: 'tunnel', gateway: 'shop/egress', field: 'upstream_fail' },
    ]) {
      const { field, ...line } = where;
      const withAlert = (name: string) => advised({ ...line, reason: 'PEER_REFUSED_US', [field]: alert(name) });
      assert.match(withAlert('SSLV3_ALERT_CERTIFICATE_EXPIRED').cause, /our certificate.* has expired/);
      assert.match(withAlert('TLSV1_ALERT_UNKNOWN_CA').cause, /^The CA of our certificate/);
      assert.doesNotMatch(withAlert('TLSV1_ALERT_UNKNOWN_CA').cause, /identity/);
      assert.deepEqual(withAlert('TLSV1_ALERT_INTERNAL_ERROR'), advised({ ...line, reason: 'PEER_REFUSED_US' }));
    }
  });

  test('The line of a tunnel is not referred to the lines of tunnels', () => {
    const down = { reason: 'PEER_DOWN', peer: 'bank' };
    assert.match(advised({ ...down, layer: 'http' }).cause, /`layer: tunnel`/);
    assert.doesNotMatch(advised({ ...down, layer: 'tunnel' }).cause, /tunnel/);
  });

  test('Of a connection that was admitted, nothing is said of a status', () => {
    const layers = ['listener', 'tunnel', 'tcp'];
    for (const layer of layers) assert.doesNotMatch(advised({ layer, reason: 'ALLOWED' }).meaning, /status|answer/);
    assert.equal(new Set(layers.map((layer) => advised({ layer, reason: 'ALLOWED' }).meaning)).size, 3);
    assert.match(advised({ layer: 'http', reason: 'ALLOWED' }).meaning, /status/);
  });

  test('A TCP connection that was reset after bytes had come is not said to have had none', () => {
    const reset = (tx: string, flags: string) => advised({ layer: 'tcp', reason: 'PEER_RESET', tx, flags });
    assert.match(reset('0', '-').meaning, /without a byte/);
    assert.doesNotMatch(
      `${reset('7', 'UR').meaning}${reset('7', 'UR').cause}`,
      /without a byte|leaves at once|left at once/,
    );
    assert.match(reset('7', 'UR').cause, /withdrew the trust or the grant/);
  });

  test('A command in a cure has the name of the peer, when it is a name', () => {
    const line = { layer: 'tunnel', reason: 'PEER_DOWN' };
    assert.match(advised({ ...line, peer: 'bank' }).cure, /`postern check peer bank -f FILE`/);
    assert.match(advised({ ...line, peer: 'bank; rm' }).cure, /`postern check peer NAME -f FILE`/);
    const refused = { gateway: 'shop/ingress', reason: 'WRONG_CA' };
    assert.match(advised({ ...refused, peer: 'bank' }).cure, /`postern can bank … --certificate FILE`/);
    assert.match(advised(refused).cure, /`postern can PEER … --certificate FILE`/);
  });

  test('The certificate of a gateway that ours has dialled is judged with --peer-certificate, by a workload of ours', () => {
    const asked = (layer: string): string => advised({ layer, reason: 'WRONG_CA', peer: 'bank' }).cure;
    assert.match(asked('tunnel'), /`postern can WORKLOAD GET IMPORT \/path --peer-certificate FILE`/);
    assert.match(asked('tcp'), /`postern can WORKLOAD IMPORT --peer-certificate FILE`/);
  });

  test('A caller of our own is not told that a key which the gateway takes is the mistake', () => {
    assert.doesNotMatch(advised({ reason: 'WRONG_KEY_KIND' }).cause, /RSA/);
    assert.match(advised({ reason: 'WRONG_KEY_KIND' }).cure, /RSA/);
    assert.match(advised({ reason: 'NO_CERTIFICATE' }).cause, /of no kind that the gateway takes \(.*RSA/);
  });

  test('The details of Envoy that are known say what is wrong with a malformed request', () => {
    const of = (details: string) => advised({ layer: 'http', reason: 'MALFORMED_REQUEST', code_details: details });
    assert.match(of('path_normalization_failed').cause, /^The path has an escaped slash/);
    assert.match(of('absolute_path_rejected').cause, /does not begin with a slash/);
    assert.match(of('constructor').cure, /`code_details`/);
    assert.notEqual(
      advised({ layer: 'http', reason: 'FLOOD', code_details: 'low_version' }).cause,
      of('low_version').cause,
    );
  });
});
