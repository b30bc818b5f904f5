// `postern can`: the answer of the resources, with the rule and its line; and what is no question.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { postern, refusal, scene } from '../postern.ts';

interface Answer {
  readonly peerDecides: boolean;
  readonly export?: {
    readonly name: string;
    readonly protocol: string;
    readonly place: string;
    readonly grantedTo: readonly string[];
    readonly endedOn?: string;
  };
  readonly verdict: string;
  readonly reason: string;
  readonly rule?: string;
  readonly rulePlace?: string;
  readonly backends: readonly string[];
  readonly nearest?: { readonly rule: string };
  readonly steps: readonly {
    readonly kind: string;
    readonly passed: boolean;
    readonly compared: string;
    readonly place?: string;
  }[];
}

describe('can', () => {
  test('The command can answers yes with status 0 and no with status 1, and nothing on stderr', async (t) => {
    const { file } = scene(t);
    const [yes, no] = await Promise.all([
      postern(['can', 'shop', 'POST', 'withdraw.accounts', '/v1/withdrawals', '-f', file]),
      postern(['can', 'shop', 'GET', 'withdraw.accounts', '/v1/withdrawals', '-f', file]),
    ]);
    assert.deepEqual([yes.status, yes.stderr, yes.stdout.startsWith('yes: ')], [0, '', true]);
    assert.deepEqual([no.status, no.stderr, no.stdout.startsWith('no: ')], [1, '', true]);
    // One screen.
    for (const { stdout } of [yes, no]) assert.ok(stdout.split('\n').length < 40);
  });

  test('A workload of a peer is asked about as PEER:WORKLOAD, and our own as its path', async (t) => {
    const { file, edited } = scene(t);
    const ask = async (...words: readonly string[]): Promise<number | string> =>
      (await postern(['can', ...words, '-f', file])).status;
    assert.deepEqual(
      await Promise.all([
        ask('shop:ns/shop/sa/checkout', 'GET', 'withdraw.accounts', '/v1/statements'),
        ask('shop:spiffe://shop.example/ns/shop/sa/checkout', 'GET', 'withdraw.accounts', '/v1/statements'),
        ask('shop:ns/shop/sa/other', 'GET', 'withdraw.accounts', '/v1/statements'),
        ask('shop', 'GET', 'withdraw.accounts', '/v1/statements'),
        ask('anyone', 'GET', 'reviews.default:11080', '/'),
        ask('ns/web/sa/front', 'GET', 'reviews.default.svc.cluster.local', '/'),
      ]),
      [0, 0, 1, 1, 0, 0],
    );
    const proven = edited('proven.yaml', (yaml) =>
      yaml
        .replace('  trustDomain: bank.example\n', '  trustDomain: bank.example\n  trustBundle: pki/bank/ca.pem\n')
        .replace('egress: {address: 127.0.0.1}', 'egress: {address: 127.0.0.1, clients: mtls}')
        .replace('  port: 11080\n', '  port: 11080\n  clients: [ns/web/*]\n'),
    );
    const callers = ['ns/web/sa/front', 'ns/other/sa/x', 'anyone'].map((who) =>
      postern(['can', who, 'GET', 'reviews.default:11080', '/', '-f', proven]),
    );
    assert.deepEqual(
      (await Promise.all(callers)).map(({ status }) => status),
      [0, 1, 1],
    );
  });

  test('A grant that is over at the time that is asked about is none, with the code of the log line, and its last day is named', async (t) => {
    const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
    const lastDay = day(2).slice(0, 10);
    const file = scene(t).edited('ends.yaml', (yaml) => yaml.replace('expires: 2099-12-31', `expires: ${lastDay}`));
    const words = ['can', 'partner', 'GET', 'ledger.audit', '/v1/entries/1', '-f', file, '-o', 'json'];
    const ask = async (...more: readonly string[]): Promise<Answer> =>
      JSON.parse((await postern([...words, ...more])).stdout) as Answer;
    const [now, over] = await Promise.all([ask(), ask('--at', day(4))]);
    assert.deepEqual([now.verdict, now.export], ['yes', undefined]);
    assert.deepEqual([over.verdict, over.reason, over.export?.endedOn], ['no', 'NO_GRANT', lastDay]);
  });

  test('The JSON form has every step, with the line of the part of the file that it was made of', async (t) => {
    const { file, yaml } = scene(t);
    const { stdout } = await postern([
      'can',
      'partner',
      'GET',
      'ledger.audit',
      '/v1/entries/1',
      '-f',
      file,
      '-o',
      'json',
    ]);
    const answer = JSON.parse(stdout) as Answer;
    const line = (text: string): string => `${file}:${yaml.slice(0, yaml.indexOf(text)).split('\n').length}`;
    assert.deepEqual([answer.verdict, answer.reason, answer.backends], ['yes', 'ALLOWED', ['127.0.0.1:11002']]);
    const place = (kind: string): string | undefined => answer.steps.find((step) => step.kind === kind)?.place;
    assert.equal(place('listener'), line('ingress: {address'));
    assert.equal(place('filter chain'), line('partner:\n'));
    assert.equal(place('bundle'), line('trustBundle: pki/partner'));
    assert.equal(place('virtual host'), line('peer: partner'));
    assert.equal(place('backend'), line('backend: 127.0.0.1:11002'));
  });

  test('Unknown names, and words that are no question, are errors with a hint and never a no', async (t) => {
    const { file } = scene(t);
    const wrong = [
      ['shap', 'GET', 'withdraw.accounts', '/'],
      ['shop', 'GET', 'withdraw.acounts', '/'],
      ['shop', 'withdraw.accounts'],
      ['shop:not a path', 'GET', 'withdraw.accounts', '/'],
      ['anyone', 'GET', 'reviews.default:9', '/'],
      ['anyone', 'GET', 'review.default:11080', '/'],
      ['shop'],
      ['shop', 'GET', 'withdraw.accounts', '/', 'more'],
      ['shop', 'GET', 'withdraw.accounts', '/', '--at', 'never'],
      ['shop', 'GET', 'withdraw.accounts', '/', '--header', 'no colon'],
      ['shop', 'GET', 'withdraw.accounts', '/', '--body', 'long'],
      ['shop', 'GET', 'withdraw.accounts', '/', '--body', '-1'],
      ['shop', 'GET', 'withdraw.accounts'],
      ['anyone', 'GET', 'reviews.default:11080'],
      ['anyone', 'GET', 'reviews.default:11080', '/', '--http', '3'],
      ['shop', 'GET', 'withdraw.accounts', '/', '--http', 'foo'],
    ];
    for (const ended of await Promise.all(wrong.map((words) => postern(['can', ...words, '-f', file]))))
      assert.deepEqual(refusal(ended), [64, 'USAGE', '']);
    const { stderr } = await postern(['can', 'shap', 'GET', 'withdraw.accounts', '/', '-f', file]);
    assert.match(stderr, /shop/);
    const negative = await postern(['can', 'shop', 'GET', 'withdraw.accounts', '/', '--body', '-1', '-f', file]);
    assert.match(negative.stderr, /--body takes a number of bytes, not -1/);
  });

  test('What is larger than any request may be is refused, and a yes says where that is near', async (t) => {
    const { file } = scene(t);
    const ask = async (...words: readonly string[]) => {
      const { stdout } = await postern(['can', 'anyone', 'GET', 'reviews.default:11080', ...words, '-f', file]);
      return { text: stdout.replace(/^.*\n/, ''), head: stdout.slice(0, 3) };
    };
    const headers = (count: number) => Array.from({ length: count }, (_, at) => ['--header', `x-${at}: y`]).flat();
    const [long, many, near, small] = await Promise.all([
      ask(`/${'p'.repeat(40_000)}`),
      ask('/', ...headers(101)),
      ask('/', ...headers(99)),
      ask('/', ...headers(3)),
    ]);
    for (const { head, text } of [long, many]) {
      assert.equal(head, 'no:');
      assert.match(text, /^ {2}reason {3}HEADERS_TOO_LARGE$/m);
    }
    assert.deepEqual([near.head, small.head], ['yes', 'yes']);
    assert.match(near.text, /100 fields, and 32768 and 100 are the most: what the client adds .*HEADERS_TOO_LARGE/);
    assert.doesNotMatch(small.text, /HEADERS_TOO_LARGE/);
  });

  test('A yes about an import says that the gateway of the peer still decides, and other answers do not', async (t) => {
    const { file } = scene(t);
    const asked = [
      ['ns/web/sa/front', 'GET', 'reviews.default.svc.cluster.local', '/'],
      ['shop', 'POST', 'withdraw.accounts', '/v1/withdrawals'],
      ['shop', 'GET', 'withdraw.accounts', '/v1/withdrawals'],
    ];
    const texts = await Promise.all(asked.map((words) => postern(['can', ...words, '-f', file])));
    assert.deepEqual(
      texts.map(({ stdout }) => stdout.includes('The ingress gateway of the peer still decides')),
      [true, false, false],
    );
    const answers = await Promise.all(asked.map((words) => postern(['can', ...words, '-f', file, '-o', 'json'])));
    assert.deepEqual(
      answers.map(({ stdout }) => (JSON.parse(stdout) as Answer).peerDecides),
      [true, false, false],
    );
  });

  test('A peer without a grant of an export is told its line, its protocol and who has grants', async (t) => {
    const { file, yaml } = scene(t);
    const words = ['can', 'shop', 'GET', 'ledger.audit', '/v1/entries/1', '-f', file];
    const { stdout } = await postern([...words, '-o', 'json']);
    const { reason, export: exported } = JSON.parse(stdout) as Answer;
    const place = `${file}:${yaml.slice(0, yaml.indexOf('name: ledger.audit')).split('\n').length}`;
    assert.deepEqual(
      [reason, exported],
      ['NO_GRANT', { name: 'ledger.audit', protocol: 'http', place, grantedTo: ['partner'] }],
    );
    const text = await postern(words);
    assert.ok(text.stdout.includes(`  export   ledger.audit (${place}) is http, granted to partner only\n`));
    const granted = await postern(['can', 'shop', 'GET', 'withdraw.accounts', '/elsewhere', '-f', file, '-o', 'json']);
    assert.equal((JSON.parse(granted.stdout) as Answer).export, undefined);
  });

  test('No step of an answer is there twice', async (t) => {
    const { file } = scene(t);
    const words = ['can', 'shop', 'POST', 'withdraw.accounts', '/v1/withdrawals', '-f', file, '-o', 'json'];
    const steps = (JSON.parse((await postern(words)).stdout) as Answer).steps.map(({ kind }) => kind);
    assert.equal(steps.filter((kind) => kind === 'identity').length, 1);
    assert.equal(steps.filter((kind) => kind === 'access control').length, 1);
  });

  test('A file that is rejected is status 65, and a process that is not there 69', async (t) => {
    const bad = scene(t).edited('bad.yaml', (yaml) => yaml.replace('peer: partner', 'peer: nobody'));
    const words = ['can', 'shop', 'GET', 'withdraw.accounts', '/'];
    assert.equal((await postern([...words, '-f', bad])).status, 65);
    assert.equal((await postern([...words, '--admin', '127.0.0.1:1'])).status, 69);
  });

  test('A peer without a usable bundle is answered no, by that reason', async (t) => {
    const denied = scene(t).edited('denied.yaml', (yaml) => yaml.replace('pki/shop/ca.pem', 'pki/shop/gone.pem'));
    const ended = await postern([
      'can',
      'shop',
      'POST',
      'withdraw.accounts',
      '/v1/withdrawals',
      '-f',
      denied,
      '-o',
      'json',
    ]);
    const { verdict, reason, nearest, steps } = JSON.parse(ended.stdout) as Answer;
    assert.deepEqual([ended.status, verdict, reason], [1, 'no', 'PEER_DENIED']);
    assert.equal(nearest?.rule, 'peers.shop.trustBundle');
    const line = readFileSync(denied, 'utf8').split('pki/shop/gone.pem')[0]?.split('\n').length;
    assert.equal(steps.at(-1)?.place, `${denied}:${line}`);
    assert.match(steps.at(-1)?.compared ?? '', /FILE_UNREADABLE/);
    assert.doesNotMatch(ended.stdout, /\(none\), ALPN/);
    // Our egress knows it as well, of whom it would call.
    const called = await postern(['can', 'anyone', 'GET', 'reviews.default:11080', '/', '-f', denied, '-o', 'json']);
    const answer = JSON.parse(called.stdout) as Answer;
    assert.deepEqual([answer.reason, answer.nearest?.rule], ['PEER_DENIED', 'peers.shop.trustBundle']);
    assert.match(answer.steps.at(-1)?.compared ?? '', /FILE_UNREADABLE/);
  });

  test('--without-keys answers the same without the files of keys and bundles', async (t) => {
    const { yaml } = scene(t);
    const words = ['can', 'shop', 'GET', 'withdraw.accounts', '/v1/receipts/7', '-f', '-', '--without-keys'];
    const ended = await postern(words, { input: yaml, cwd: scene(t).folder });
    assert.deepEqual([ended.status, ended.stderr], [0, '']);
  });
});
