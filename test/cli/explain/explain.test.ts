// `postern explain` as a command: where the line comes from, what is an error, and its two forms.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { postern, refusal, scene } from '../postern.ts';

const FIELDS = {
  ts: new Date().toISOString(),
  gateway: 'bank/ingress',
  layer: 'http',
  verdict: 'refused',
  reason: 'METHOD',
  peer: 'shop',
  peer_uri: 'spiffe://shop.example/gateway/egress',
  export: 'withdraw.accounts',
  request_id: '6d3e2a10-0000-4000-8000-000000000001',
  method: 'DELETE',
  path: '/v1/withdrawals',
};
const LINE = JSON.stringify(FIELDS);

describe('the command explain', () => {
  test('A line is an argument, or comes on stdin; the answers are the same', async (t) => {
    const { file } = scene(t);
    const [argument, stdin, dash] = await Promise.all([
      postern(['explain', LINE, '-f', file]),
      postern(['explain', '-f', file], { input: `${LINE}\n` }),
      postern(['explain', '-', '-f', file], { input: `pod/x ${LINE}\n` }),
    ]);
    assert.deepEqual([argument.status, argument.stderr], [0, '']);
    assert.match(argument.stdout, /^refused \(METHOD\) by bank\/ingress/);
    assert.match(argument.stdout, /exports\.withdraw\.accounts\.consumers\.shop\.allow\[\d\]/);
    assert.deepEqual([stdin.stdout, dash.stdout], [argument.stdout, argument.stdout]);
  });

  test('Of several lines on stdin, all are explained in their order', async (t) => {
    const { file } = scene(t);
    const input = `${JSON.stringify({ ...FIELDS, reason: 'PATH', path: '/none' })}\n${LINE}\n`;
    const text = await postern(['explain', '-f', file], { input });
    assert.deepEqual(text.stdout.match(/^refused \(\w+\)/gm), ['refused (PATH)', 'refused (METHOD)']);
    const json = await postern(['explain', '-f', file, '-o', 'json'], { input });
    assert.deepEqual(
      (JSON.parse(json.stdout) as { readonly reason: string }[]).map(({ reason }) => reason),
      ['PATH', 'METHOD'],
    );
  });

  test('A file is judged as of the time of the line: a grant that was over then is over, and the text says since when', async (t) => {
    const { edited } = scene(t);
    const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
    const lastDay = day(2).slice(0, 10);
    const file = edited('ends.yaml', (yaml) => yaml.replace('expires: 2099-12-31', `expires: ${lastDay}`));
    const asked = {
      peer: 'partner',
      peer_uri: 'spiffe://partner.example/gateway/egress',
      method: 'GET',
      path: '/v1/entries/1',
    };
    const { export: _, ...unnamed } = FIELDS;
    const line = {
      ...unnamed,
      ...asked,
      ts: day(4),
      reason: 'NO_GRANT',
      authority: 'ledger.audit.exports.bank.example',
    };
    const allowed = { ...FIELDS, ...asked, export: 'ledger.audit', verdict: 'allowed', reason: 'ALLOWED' };
    const told = await Promise.all(
      [line, allowed].map(
        async (one) =>
          JSON.parse((await postern(['explain', JSON.stringify(one), '-f', file, '-o', 'json'])).stdout)[0],
      ),
    );
    assert.deepEqual(
      told.map(({ judged: [{ agrees, reason }] }) => [agrees, reason]),
      [
        ['same', 'NO_GRANT'],
        ['same', 'ALLOWED'],
      ],
    );
    assert.equal(told[0].nearest.name, 'exports.ledger.audit.consumers.partner');
    assert.ok(told[0].nearest.needs[0].includes(lastDay));
    assert.match(told[0].cure, /^Set a later day/);
  });

  test('The line of a connection to a peer is judged by what the gateway of the peer has to prove', async (t) => {
    const { file } = scene(t);
    const proven = { upstream_peer_uri: 'spiffe://shop.example/gateway/ingress' };
    const lines = [
      { reason: 'ALLOWED', ...proven },
      { reason: 'ALLOWED', upstream_peer_uri: 'spiffe://shop.example/gateway/other' },
      { reason: 'PEER_DOWN' },
      { reason: 'WRONG_IDENTITY' },
      { reason: 'ALLOWED', ...proven, peer: 'nobody' },
    ].map((one) => JSON.stringify({ ts: FIELDS.ts, gateway: 'bank/egress', layer: 'tunnel', peer: 'shop', ...one }));
    const told = await Promise.all(
      lines.map(async (line) => JSON.parse((await postern(['explain', line, '-f', file, '-o', 'json'])).stdout)[0]),
    );
    assert.deepEqual(
      told.map(({ judged: [{ agrees }] }) => agrees),
      ['same', 'other', 'moment', 'unseen', 'none'],
    );
    const dialled = told[2].judged[0].steps.find(({ kind }: { readonly kind: string }) => kind === 'peer gateway');
    assert.equal(dialled.name, '127.0.0.1:12443');
  });

  test('The line of a tunnel says whom our egress dialled, and names no caller', async (t) => {
    const { file } = scene(t);
    const identity = 'spiffe://shop.example/gateway/ingress';
    const about = { gateway: 'bank/egress', layer: 'tunnel', verdict: 'allowed', reason: 'ALLOWED', peer: 'shop' };
    const line = JSON.stringify({ ts: FIELDS.ts, ...about, upstream: '10.0.0.9:15443', upstream_peer_uri: identity });
    const [told] = JSON.parse((await postern(['explain', line, '-f', file, '-o', 'json'])).stdout);
    assert.deepEqual([told.dialled, told.caller], [{ address: '10.0.0.9:15443', identity }, { isProven: 'none' }]);
    const { stdout } = await postern(['explain', line, '-f', file]);
    assert.match(stdout, /10\.0\.0\.9:15443/);
    assert.doesNotMatch(stdout, /caller/);
  });

  test('The answer of a gRPC call has its status, which HTTP does not show', async (t) => {
    const { file } = scene(t);
    const call = { ...FIELDS, reason: 'PATH', method: 'POST', code: 200, grpc: 'PermissionDenied' };
    const { stdout } = await postern(['explain', JSON.stringify(call), '-f', file]);
    assert.match(stdout, /answer {4}200, gRPC status PermissionDenied, request_id/);
    const json = await postern(['explain', JSON.stringify(call), '-f', file, '-o', 'json']);
    assert.equal(JSON.parse(json.stdout)[0].details.grpc, 'PermissionDenied');
  });

  test('The JSON form is ASCII alone, also when a path is not', async (t) => {
    const { file } = scene(t);
    const line = JSON.stringify({ ...FIELDS, path: '/\u009b31mä' });
    const { stdout } = await postern(['explain', line, '-f', file, '-o', 'json']);
    assert.match(stdout, /^[\n -~]+$/);
    assert.ok(JSON.parse(stdout)[0].asked.endsWith('/\u009b31mä'));
  });

  test('A line that cannot be read hides no other with the same request ID', async (t) => {
    const { file, folder } = scene(t);
    const log = join(folder, 'gateways.log');
    const long = JSON.stringify({ ...FIELDS, path: '/'.padEnd(600_000, 'x') });
    writeFileSync(log, `${LINE.slice(0, -4)}\n${long}\n${LINE}\n`);
    const words = ['explain', '--request-id', FIELDS.request_id, '--log', log, '-f', file, '-o', 'json'];
    const { status, stdout } = await postern(words);
    assert.deepEqual([status, JSON.parse(stdout).length], [0, 1]);
  });

  test('A line of a log that is cut or too long is named by its file and number, with a remedy for logs', async (t) => {
    const { file, folder } = scene(t);
    const log = join(folder, 'gateways.log');
    const ended = async (text: string): Promise<string> => {
      writeFileSync(log, `\n${text}\n`);
      return (await postern(['explain', '--request-id', FIELDS.request_id, '--log', log, '-f', file])).stderr;
    };
    for (const text of [LINE.slice(0, -4), JSON.stringify({ ...FIELDS, path: '/'.padEnd(600_000, 'x') })]) {
      const stderr = await ended(text);
      assert.ok(stderr.startsWith(`postern: LOG_LINE ${log}:2 `), stderr);
      assert.doesNotMatch(stderr, /quotes|stdin|whole log/);
    }
    for (const given of ['none.log', '.']) {
      const words = ['explain', '--request-id', 'x', '--log', join(folder, given), '-f', file];
      assert.doesNotMatch((await postern(words)).stderr, /ENOENT|EISDIR/);
    }
  });

  test('A request ID is the same in capitals', async (t) => {
    const { file, folder } = scene(t);
    const log = join(folder, 'gateways.log');
    writeFileSync(log, `${LINE.replaceAll('6d3e2a10', '6D3E2a10')}\n`);
    for (const id of [FIELDS.request_id, FIELDS.request_id.toUpperCase()]) {
      const { status, stdout } = await postern(['explain', '--request-id', id, '--log', log, '-f', file]);
      assert.deepEqual([status, /METHOD/.test(stdout)], [0, true]);
    }
  });

  test('A path that is longer than what is read of it is not judged by its begin', async (t) => {
    const { file } = scene(t);
    const line = { ...FIELDS, reason: 'UNUSUAL_PATH', method: 'POST', path: `/v1/withdrawals/${'x'.repeat(3000)}/;x` };
    const { stdout } = await postern(['explain', JSON.stringify(line), '-f', file, '-o', 'json']);
    const [{ agrees, why }] = JSON.parse(stdout)[0].judged;
    assert.deepEqual([agrees, why], ['none', 'its path is longer than what is judged']);
  });

  test('A line of another mesh has its meaning and cure, and no judgement', async (t) => {
    const { file } = scene(t);
    const line = JSON.stringify({ ...FIELDS, gateway: 'elsewhere/ingress' });
    const { status, stdout } = await postern(['explain', line, '-f', file, '-o', 'json']);
    const [told] = JSON.parse(stdout);
    assert.deepEqual([status, told.judged, told.reason], [0, [], 'METHOD']);
  });

  test('What is no line, or no use of the command, ends with one error and nothing on stdout', async (t) => {
    const { file, folder } = scene(t);
    const log = join(folder, 'gateways.log');
    writeFileSync(log, `${LINE}\n{"gateway":"bank/ingress","layer":"http","request_id":"cut-1"\n`);
    const ended = (words: readonly string[], input = ''): Promise<readonly unknown[]> =>
      postern(['explain', ...words, '-f', file], { input }).then(refusal);
    assert.deepEqual(
      await Promise.all([
        ended(['no line']),
        ended(['--request-id', 'nobody', '--log', log]),
        ended(['--request-id', 'cut-1', '--log', log]),
        ended(['--request-id', FIELDS.request_id]),
        ended(['--request-id', FIELDS.request_id, '--log', join(folder, 'none.log')]),
        ended(['--request-id', FIELDS.request_id, '--log', folder]),
        ended(['--request-id', FIELDS.request_id, '--log', '-']),
        ended([LINE, '--request-id', FIELDS.request_id, '--log', log]),
      ]),
      [...Array(3).fill([65, 'LOG_LINE', '']), ...Array(5).fill([64, 'USAGE', ''])],
    );
    assert.deepEqual(refusal(await postern(['explain', LINE, '--admin', '127.0.0.1:1'])), [
      69,
      'ADMIN_UNREACHABLE',
      '',
    ]);
  });
});
