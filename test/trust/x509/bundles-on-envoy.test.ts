// Whether Postern and a real Envoy accept the same CAs, in some hundred encodings of one CA.
// Envoy would refuse a CA that only Postern accepts together with the rest of its response, and keep what it had.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../../deploy/demo/ports.ts';
import { parseTrustBundle } from '../../../src/trust/bundle.ts';
import type { TrustDomain } from '../../../src/trust/spiffe.ts';
import { pemOf } from '../../../src/trust/x509/certificate.ts';
import { RealEnvoy } from '../../envoy/real-envoy.ts';
import { TRUST_DOMAIN, type Variant, variants } from './der-variants.ts';

const NOW = Date.UTC(2026, 11, 1);

/** What Envoy takes and Postern refuses, on purpose. */
const STRICTER: readonly (readonly [RegExp, string])[] = [
  [/^no version and no extensions$/, 'a certificate that does not say that it is a CA is none'],
  [/^serial (-1|of 60 bytes)$/, 'RFC 5280, 4.1.2.2: a serial number is positive and has at most 20 bytes'],
  [/algorithm (out|in)side$|^(0\.2|1)\.0 with a further byte/, 'RFC 5280, 4.1.1.2: the same algorithm on both sides'],
  [/^a signature with an unused bit$/, 'a signature is whole bytes'],
  [/^2 with a longer length$/, 'X.690, 10.1: lengths are minimal, that of the signature as well'],
  [/^an end with an offset$|^an algorithm with a time with offset$/, 'RFC 5280, 4.1.2.5.1: UTCTime ends in Z'],
  [/^attributes out of order$/, 'X.690, 11.6: a SET OF is sorted'],
  [/^an? (Printable|IA5)String with é$/, 'these strings are ASCII'],
  [/^an? .* as a name$|^0\.[35]\.0\.0\.1 with another class$/, 'RFC 5280, 4.1.2.4: an attribute of a name is a string'],
  [
    /^a (Visible|General|Graphic|Videotex)String$/,
    'RFC 5280 has no such strings in names, and node:crypto does not read them',
  ],
  [/^a key |^0\.6\./, 'Envoy reads the key later; one key has one encoding, or two peers could share it unseen'],
  [/ unique id$/, 'RFC 5280, 4.1.2.8: a CA must not write unique identifiers'],
  [/^an empty list of extensions$|^0\.7\.0 with no content$/, 'RFC 5280, 4.1: at least one extension'],
  [/ twice$/, 'RFC 5280, 4.2: of two extensions nobody knows which one counts'],
  [
    /^an extension that is (not critical, written|critical by 1)$/,
    'X.690, 11.1 and 11.5: TRUE is 0xff, the default is left out',
  ],
  [
    /^(a key usage|a path length|a CA|no CA|a key id|an authority key id|an extended key usage|permitted names) ?/,
    'Envoy reads extensions when it verifies a chain: with a broken one every handshake would fail',
  ],
  [/^(a name|an address|a directory name|a registered id|no names|names that)/, 'the same, in the subjectAltName'],
  [/^0\.7\.0\.\d/, 'the same, in any extension'],
  [
    /^(an algorithm with a huge INTEGER|a huge name|many attributes)$/,
    'a certificate of more than 16 KiB is no real CA, and takes long to read',
  ],
  [/^(a byte behind the certificate|two certificates)$/, 'what is judged is what is sent'],
];

test('Envoy accepts every CA that Postern accepts, and this list has a reason for each that only Postern refuses', async (t) => {
  const all = variants();
  assert.ok(all.length > 300);
  const ours = new Map(all.map(({ name, der }) => [name, verdict(der)]));
  const theirs = await envoyVerdicts(t, all);
  const looser = all.filter(({ name }) => ours.get(name) === '' && !theirs.get(name));
  assert.deepEqual(
    looser.map(({ name }) => name),
    [],
  );
  const stricter = all.filter(({ name }) => ours.get(name) !== '' && theirs.get(name));
  const unexplained = stricter.filter(({ name }) => !STRICTER.some(([pattern]) => pattern.test(name)));
  assert.deepEqual(
    unexplained.map(({ name }) => `${name}: ${ours.get(name)}`),
    [],
  );
  const unused = STRICTER.filter(([pattern]) => !stricter.some(({ name }) => pattern.test(name)));
  assert.deepEqual(
    unused.map(([pattern]) => pattern),
    [],
  );
  assert.equal(ours.get('the good one'), '');
});

/** Empty when it is taken. */
function verdict(der: Buffer): string {
  const { bundle, findings } = parseTrustBundle(Buffer.from(pemOf(der)), TRUST_DOMAIN as TrustDomain, NOW);
  return bundle === undefined ? findings.map(({ code, message }) => `${code} ${message}`).join('; ') : '';
}

/** Whether one Envoy takes each as a bundle that comes over SDS (REST); each has its own subscription. */
async function envoyVerdicts(t: TestContext, all: readonly Variant[]): Promise<ReadonlyMap<string, boolean>> {
  const secrets = new Map(all.map(({ der }, index) => [nameOf(index), secret(nameOf(index), der)]));
  const sdsPort = await serveSecrets(t, secrets);
  const [port = 0] = await freePorts('127.0.0.1', 1);
  const clusters = [sdsCluster(sdsPort), ...[...secrets.keys()].map(cluster)];
  const admin = { address: at(port) };
  const bootstrap = JSON.stringify({ node: { id: 'a', cluster: 'b' }, admin, static_resources: { clusters } });
  const envoy = await RealEnvoy.start(bootstrap, port, () => true);
  t.after(() => envoy.stop());
  for (;;) {
    const stats = await envoy.admin('/stats?filter=update_(success|rejected)');
    const counts = new Map([...stats.matchAll(/^sds\.([^.]+)\.update_([^:]+): (\d+)$/gm)].map(counted));
    const verdicts = all.map((_, index) => verdictOf(counts, nameOf(index)));
    if (verdicts.every((one) => one !== undefined))
      return new Map(all.map(({ name }, index) => [name, verdicts[index] === true]));
    await sleep(100);
  }
}

function counted([, name = '', what = '', count = '']: RegExpExecArray): readonly [string, number] {
  return [`${name} ${what}`, Number(count)];
}

/** Undefined until Envoy has said it. */
function verdictOf(counts: ReadonlyMap<string, number>, name: string): boolean | undefined {
  if ((counts.get(`${name} rejected`) ?? 0) > 0) return false;
  return (counts.get(`${name} success`) ?? 0) > 0 ? true : undefined;
}

function nameOf(index: number): string {
  return `bundle${index}`;
}

function secret(name: string, der: Buffer): object {
  const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
  return { '@type': type, name, validation_context: { trusted_ca: { inline_string: pemOf(der) } } };
}

async function serveSecrets(t: TestContext, secrets: ReadonlyMap<string, object>): Promise<number> {
  const server = createServer(async (request, response) => {
    const { resource_names: names = [] } = (await json(request)) as { readonly resource_names?: readonly string[] };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ version_info: '1', resources: names.map((name) => secrets.get(name)) }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

function at(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function sdsCluster(port: number): object {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: at(port) } }] }];
  return { name: 'sds', type: 'STATIC', load_assignment: { cluster_name: 'sds', endpoints } };
}

const SDS = {
  api_config_source: {
    api_type: 'REST',
    transport_api_version: 'V3',
    cluster_names: ['sds'],
    // The first request comes before the cluster of the server is there.
    refresh_delay: '0.3s',
    request_timeout: '10s',
  },
  resource_api_version: 'V3',
  initial_fetch_timeout: '60s',
};

function cluster(secretName: string): object {
  return {
    name: secretName,
    type: 'STATIC',
    load_assignment: { cluster_name: secretName },
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
        common_tls_context: { validation_context_sds_secret_config: { name: secretName, sds_config: SDS } },
      },
    },
  };
}
