// Claims of workloads at an ingress, on a real Envoy: a claim in the gateway's own form counts, and no other text does. The
// callers play the gateways of peers, and write frames that no client library would.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Field } from '../../../support/clients/raw-http2.ts';
import { call } from '../../callers.ts';
import { PARTNER_EGRESS, SHOP_EGRESS, SHOP_OTHER, WorkloadScene } from './workload-scene.ts';

const HEADER = 'x-forwarded-client-cert';
const CHECKOUT = 'spiffe://shop.example/ns/shop/sa/checkout';
const DIGEST = '0123456789abcdef'.repeat(4);
const OURS = 'spiffe://bank.example/gateway/ingress';

function element({ by = SHOP_EGRESS, hash = DIGEST, uri = CHECKOUT } = {}): string {
  return `By=${by};Hash=${hash};URI=${uri}`;
}

const GOOD = element();
const OTHER = element({ uri: 'spiffe://shop.example/ns/shop/sa/web' });
const encoded = Buffer.from(GOOD).toString('base64');

/** What stands in the header, or in several lines of it: none of them is a claim. */
const FORMS: Readonly<Record<string, string | readonly string[]>> = {
  nothing: '',
  'a hyphen': '-',
  'the workload alone': CHECKOUT,
  'the same element in two lines': [GOOD, GOOD],
  'a forged line before the gateway’s': [GOOD, OTHER],
  'a forged line after the gateway’s': [OTHER, GOOD],
  'three lines': [OTHER, GOOD, OTHER],
  'a line of white space besides': [GOOD, ' '],
  'a line of commas besides': [',', GOOD],
  'the same element twice': `${GOOD},${GOOD}`,
  'a forged element before the gateway’s': `${GOOD},${OTHER}`,
  'a forged element after the gateway’s': `${OTHER}, ${GOOD}`,
  'a hundred elements': Array.from({ length: 100 }, () => GOOD).join(),
  'a comma at the end': `${GOOD},`,
  'a comma at the start': `,${GOOD}`,
  'an element in two lines': [`By=${SHOP_EGRESS};Hash=${DIGEST}`, `URI=${CHECKOUT}`],
  'a second URI': `${OTHER};URI=${CHECKOUT}`,
  'a second URI before': `By=${SHOP_EGRESS};Hash=${DIGEST};URI=${CHECKOUT};URI=spiffe://shop.example/ns/shop/sa/web`,
  'a second URI that is the same': `${GOOD};URI=${CHECKOUT}`,
  'another key after it': `${GOOD};DNS=checkout.shop.example`,
  'a subject before it': `By=${SHOP_EGRESS};Hash=${DIGEST};Subject="";URI=${CHECKOUT}`,
  'a subject with an element in it': `By=${SHOP_EGRESS};Hash=${DIGEST};Subject="CN=x,${GOOD}";URI=spiffe://shop.example/a`,
  'a certificate before it': `By=${SHOP_EGRESS};Hash=${DIGEST};Cert="-----BEGIN";URI=${CHECKOUT}`,
  'a semicolon at the end': `${GOOD};`,
  'a semicolon at the start': `;${GOOD}`,
  'two semicolons': GOOD.replace(';', ';;'),
  'no By': `Hash=${DIGEST};URI=${CHECKOUT}`,
  'an empty By': element({ by: '' }),
  'two By': `By=${SHOP_EGRESS};${GOOD}`,
  'By after the rest': `Hash=${DIGEST};URI=${CHECKOUT};By=${SHOP_EGRESS}`,
  'the URI first': `URI=${CHECKOUT};By=${SHOP_EGRESS};Hash=${DIGEST}`,
  'no Hash': `By=${SHOP_EGRESS};URI=${CHECKOUT}`,
  'a Hash before By': `Hash=${DIGEST};By=${SHOP_EGRESS};URI=${CHECKOUT}`,
  'a Hash of 63 digits': element({ hash: DIGEST.slice(1) }),
  'a Hash of 65 digits': element({ hash: `${DIGEST}0` }),
  'a Hash in upper case': element({ hash: DIGEST.toUpperCase() }),
  'a Hash that is none': element({ hash: 'x'.repeat(64) }),
  'an empty Hash': element({ hash: '' }),
  'no URI': `By=${SHOP_EGRESS};Hash=${DIGEST}`,
  'an empty URI': element({ uri: '' }),
  'By of the peer’s other gateway': element({ by: SHOP_OTHER }),
  'By of another peer’s gateway': element({ by: PARTNER_EGRESS }),
  'By of our gateway': element({ by: OURS }),
  'By of a workload': element({ by: CHECKOUT }),
  'By with more behind it': element({ by: `${SHOP_EGRESS}/x` }),
  'By with any character for a dot': element({ by: SHOP_EGRESS.replace('.', 'x') }),
  'By in upper case': element({ by: SHOP_EGRESS.toUpperCase() }),
  'keys in lower case': `by=${SHOP_EGRESS};hash=${DIGEST};uri=${CHECKOUT}`,
  'keys in upper case': `BY=${SHOP_EGRESS};HASH=${DIGEST};URI=${CHECKOUT}`,
  'Uri as its key': GOOD.replace('URI=', 'Uri='),
  'a quoted URI': element({ uri: `"${CHECKOUT}"` }),
  'a quoted By': element({ by: `"${SHOP_EGRESS}"` }),
  'quotes around it': `"${GOOD}"`,
  'an escaped quote': element({ uri: `\\"${CHECKOUT}\\"` }),
  'a quoted key': GOOD.replace('URI=', '"URI"='),
  'an encoded slash': element({ uri: CHECKOUT.replace('/ns/', '%2Fns%2F') }),
  'an encoded letter': element({ uri: CHECKOUT.replace('checkout', '%63heckout') }),
  'an encoded key': GOOD.replace('URI', '%55RI'),
  'encoded delimiters': GOOD.replaceAll(';', '%3B').replaceAll('=', '%3D'),
  'a base64 of it': encoded,
  'a base64 of it as bytes': `:${encoded}:`,
  'white space after semicolons': GOOD.replaceAll(';', '; '),
  'white space around equals signs': GOOD.replaceAll('=', ' = '),
  'a tab in it': GOOD.replace(';', ';\t'),
  'a space in the URI': element({ uri: `${CHECKOUT} x` }),
  'a workload of another trust domain': element({ uri: 'spiffe://else.example/ns/shop/sa/checkout' }),
  'a workload of another peer': element({ uri: 'spiffe://partner.example/ns/shop/sa/checkout' }),
  'a workload of our own': element({ uri: 'spiffe://bank.example/ns/shop/sa/checkout' }),
  'a longer trust domain': element({ uri: 'spiffe://shop.example.evil/ns/shop/sa/checkout' }),
  'a trust domain below': element({ uri: 'spiffe://a.shop.example/ns/shop/sa/checkout' }),
  'any character for a dot': element({ uri: 'spiffe://shopxexample/ns/shop/sa/checkout' }),
  'a trust domain in upper case': element({ uri: CHECKOUT.replace('shop.example', 'SHOP.example') }),
  'a scheme in upper case': element({ uri: CHECKOUT.replace('spiffe', 'SPIFFE') }),
  'another scheme': element({ uri: CHECKOUT.replace('spiffe', 'https') }),
  'a port': element({ uri: CHECKOUT.replace('.example/', '.example:443/') }),
  'a user': element({ uri: CHECKOUT.replace('//', '//x@') }),
  'a query': element({ uri: `${CHECKOUT}?` }),
  'a fragment': element({ uri: `${CHECKOUT}#a` }),
  'no path': element({ uri: 'spiffe://shop.example' }),
  'a slash alone': element({ uri: 'spiffe://shop.example/' }),
  'a slash at the end': element({ uri: `${CHECKOUT}/` }),
  'two slashes': element({ uri: CHECKOUT.replace('/ns/', '//ns/') }),
  'a dot segment': element({ uri: CHECKOUT.replace('/ns/', '/./ns/') }),
  'two dots': element({ uri: CHECKOUT.replace('/checkout', '/x/../checkout') }),
  'two dots at the end': element({ uri: `${CHECKOUT}/..` }),
  'bytes beyond ASCII': element({ uri: CHECKOUT.replace('checkout', 'chëckout') }),
  'a star': element({ uri: 'spiffe://shop.example/ns/shop/sa/*' }),
  'more than metadata takes': element({ uri: `spiffe://shop.example/${'a'.repeat(9000)}` }),
};

/** Claims that count, of workloads that are not asked for. */
const UNLISTED: readonly string[] = [
  'ns/shop/sa/checkout2',
  'ns/shop/sa/checkou',
  'ns/shop/sa/checkout/x',
  'ns/shop/sa',
  'checkout',
].concat(['ns/team', 'ns/teams/a', 'x/ns/team/a', 'ns/Team/a', 'ns/shop/sa/CHECKOUT']);

/** Whole fields that say something about a caller in other ways. */
const FIELDS: Readonly<Record<string, readonly Field[]>> = {
  'under the name of our copy': [['x-postern-peer-claim', GOOD]],
  'under the name that backends read': [['x-postern-workload', CHECKOUT]],
  'under both names, beside the name of a peer': [
    ['x-postern-workload', CHECKOUT],
    ['x-postern-peer-claim', GOOD],
    ['x-postern-peer', 'partner'],
  ],
  'under the name of our copy, beside a claim that does not count': [
    ['x-postern-peer-claim', GOOD],
    [HEADER, `${GOOD};`],
  ],
  'in a header with underscores': [['x_forwarded_client_cert', GOOD]],
  'in a header in upper case': [['X-Forwarded-Client-Cert', GOOD]],
  'in a header with a space': [[`${HEADER} `, GOOD]],
  'in a header with a colon': [[`${HEADER}:`, GOOD]],
  'in a pseudo-header': [[`:${HEADER}`, GOOD]],
  'in a chain of certificates': [[`${HEADER}-chain`, GOOD]],
  'in headers of other proxies': [
    ['client-cert', GOOD],
    ['x-client-cert', GOOD],
    ['forwarded', `by=${SHOP_EGRESS};for="${CHECKOUT}"`],
    ['x-forwarded-user', CHECKOUT],
  ],
  'with a NUL': [[HEADER, `${GOOD}\0`]],
  'with a line feed': [[HEADER, `x\r\n${HEADER}: ${GOOD}`]],
  'with a line feed alone': [[HEADER, `${GOOD}\n`]],
  'in a header that the connection names': [
    ['connection', HEADER],
    [HEADER, GOOD],
  ],
};

describe('the claim of a workload', () => {
  let scene: WorkloadScene;
  before(async () => {
    scene = await WorkloadScene.start();
  });
  after(() => scene.stop());

  /** No request of these has reached the export that asks for a workload, and none has told the other one who calls. */
  async function isNoClaim(fields: readonly Field[]): Promise<void> {
    const sent = scene.secret.seen.length;
    await scene.raw('secret', fields);
    assert.equal(scene.secret.seen.length, sent, 'the export with workloads was reached');
    const before = scene.open.seen.length;
    await scene.raw('open', fields);
    for (const { headers } of scene.open.seen.slice(before)) {
      assert.equal(headers['x-postern-workload'], undefined);
      assert.equal(headers['x-postern-peer'], 'shop');
      assert.match(String(headers[HEADER]), new RegExp(`^By=${OURS};Hash=[0-9a-f]{64};URI=${SHOP_EGRESS}$`));
      assert.ok(!JSON.stringify(headers).includes('checkout'), JSON.stringify(headers));
    }
  }

  test('It counts in the form that Envoy writes, and the backend learns the workload and the peer', async () => {
    await scene.raw('secret', [[HEADER, GOOD]]);
    await scene.raw('open', [[HEADER, OTHER]]);
    const [asked, unasked] = [scene.secret.seen.at(-1)?.headers, scene.open.seen.at(-1)?.headers];
    assert.equal(asked?.['x-postern-workload'], CHECKOUT);
    assert.equal(unasked?.['x-postern-workload'], 'spiffe://shop.example/ns/shop/sa/web');
    for (const headers of [asked, unasked]) {
      assert.equal(headers?.['x-postern-peer'], 'shop');
      assert.equal(headers?.['x-postern-peer-claim'], undefined);
      assert.match(String(headers?.[HEADER]), new RegExp(`^By=${OURS};Hash=[0-9a-f]{64};URI=${SHOP_EGRESS}$`));
    }
  });

  for (const [what, value] of Object.entries(FORMS)) {
    test(`It does not count with ${what}`, async () => {
      const fields = [value].flat().map((line): Field => [HEADER, line]);
      await isNoClaim(fields);
    });
  }
  for (const [what, fields] of Object.entries(FIELDS)) {
    test(`It does not count ${what}`, () => isNoClaim(fields));
  }

  test('It does not count in trailers', async () => {
    const trailers = { [HEADER]: GOOD, 'x-postern-peer-claim': GOOD, 'x-postern-workload': CHECKOUT };
    const client = scene.certificate('shop.example', SHOP_EGRESS);
    const asked = {
      port: scene.port,
      servername: 'shop.example.peers.bank.example',
      client,
      method: 'POST',
      path: '/',
      trailers,
    };
    assert.equal((await call({ ...asked, authority: 'secret.exports.bank.example' })).status, 403);
    assert.equal((await call({ ...asked, authority: 'open.exports.bank.example' })).status, 200);
    const { headers, trailers: arrived } = scene.open.last ?? {};
    assert.equal(headers?.['x-postern-workload'], undefined);
    assert.deepEqual({ ...arrived }, {});
  });

  test('An empty line of the header adds no element, and takes none away', async () => {
    const sent = scene.secret.seen.length;
    await scene.raw('secret', [
      [HEADER, ''],
      [HEADER, GOOD],
    ]);
    assert.equal(scene.secret.seen.at(-1)?.headers['x-postern-workload'], CHECKOUT);
    assert.equal(scene.secret.seen.length, sent + 1);
  });

  test('A rule admits the workloads that it lists, and below a /* whole segments alone', async () => {
    for (const path of UNLISTED) {
      const [secret, team] = [scene.secret.seen.length, scene.team.seen.length];
      const claim: Field = [HEADER, element({ uri: `spiffe://shop.example/${path}` })];
      await scene.raw('secret', [claim]);
      await scene.raw('team', [claim]);
      assert.deepEqual([scene.secret.seen.length, scene.team.seen.length], [secret, team], path);
      await scene.raw('open', [claim]);
      assert.equal(scene.open.seen.at(-1)?.headers['x-postern-workload'], `spiffe://shop.example/${path}`);
    }
    for (const path of ['ns/team/a', 'ns/team/a/b', 'ns/team/...']) {
      const sent = scene.team.seen.length;
      await scene.raw('team', [[HEADER, element({ uri: `spiffe://shop.example/${path}` })]]);
      assert.equal(scene.team.seen.length, sent + 1, path);
    }
  });

  test('Each gateway of a peer speaks for itself', async () => {
    const sent = scene.secret.seen.length;
    await scene.raw('secret', [[HEADER, element({ by: SHOP_OTHER })]], { identity: SHOP_OTHER });
    assert.equal(scene.secret.seen.length, sent + 1);
    await scene.raw('secret', [[HEADER, GOOD]], { identity: SHOP_OTHER });
    assert.equal(scene.secret.seen.length, sent + 1);
  });

  test('A peer claims its own workloads alone: what another peer may claim gets it nowhere, and never appears as its own', async () => {
    const as = { peer: 'partner', identity: PARTNER_EGRESS } as const;
    const own = element({ by: PARTNER_EGRESS, uri: 'spiffe://partner.example/ns/pay/a' });
    const sent = scene.secret.seen.length;
    for (const foreign of [
      GOOD,
      element({ by: PARTNER_EGRESS }),
      element({ uri: 'spiffe://partner.example/ns/pay/a' }),
    ]) {
      await scene.raw('secret', [[HEADER, foreign]], as);
      await scene.raw('open', [[HEADER, foreign]], as);
      const { headers } = scene.open.last ?? {};
      assert.deepEqual([headers?.['x-postern-peer'], headers?.['x-postern-workload']], ['partner', undefined]);
    }
    assert.equal(scene.secret.seen.length, sent);
    await scene.raw('secret', [[HEADER, own]], as);
    const { headers } = scene.secret.last ?? {};
    assert.deepEqual(
      [headers?.['x-postern-peer'], headers?.['x-postern-workload']],
      ['partner', 'spiffe://partner.example/ns/pay/a'],
    );
    assert.equal(scene.secret.seen.length, sent + 1);
  });

  test('The log has the claim that counted, and says when only the workload kept a request out', async () => {
    const line = async (name: string, path: string, value: string, method = 'GET') => {
      await scene.raw(name, value === '' ? [] : [[HEADER, value]], { path, method });
      const { workload, reason } = await scene.logged(path);
      return [workload, reason];
    };
    assert.deepEqual(await line('secret', '/log/1', GOOD), [CHECKOUT, 'ALLOWED']);
    assert.deepEqual(await line('open', '/log/2', GOOD), [CHECKOUT, 'ALLOWED']);
    assert.deepEqual(await line('secret', '/log/3', OTHER), [OTHER.replace(/.*URI=/, ''), 'WORKLOAD']);
    assert.deepEqual(await line('secret', '/log/4', ''), [undefined, 'WORKLOAD']);
    assert.deepEqual(await line('secret', '/log/5', `${GOOD},${GOOD}`), [undefined, 'WORKLOAD']);
    assert.deepEqual(await line('open', '/log/6', `${GOOD},${GOOD}`), [undefined, 'ALLOWED']);
    // Not for the workload, with which it would be refused as well.
    assert.deepEqual(await line('secret', '/log/7', '', 'PUT'), [undefined, 'METHOD']);
    assert.deepEqual(await line('secret', '/log/8', GOOD, 'PUT'), [CHECKOUT, 'METHOD']);
    assert.deepEqual(await line('nothing', '/log/9', GOOD), [CHECKOUT, 'NO_GRANT']);
  });

  test('A refusal for a workload is the answer to any refusal', async () => {
    const client = scene.certificate('shop.example', SHOP_EGRESS);
    const answer = async (name: string) => {
      const authority = `${name}.exports.bank.example`;
      const { status, headers, body } = await call({
        port: scene.port,
        servername: 'shop.example.peers.bank.example',
        client,
        authority,
      });
      return { status, body, headers: { ...headers, date: '' } };
    };
    assert.deepEqual(await answer('secret'), await answer('nothing'));
  });
});
