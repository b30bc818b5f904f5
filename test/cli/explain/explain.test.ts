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

  test('The JSON form is ASCII alone, also when a path is not', async (t) => {
    const { file } = scene(t);
    const line = JSON.stringify({ ...FIELDS, path: '/\u009b31mä' });
    const { stdout } = await postern(['explain', line, '-f', file, '-o', 'json']);
    assert.match(stdout, /^[\n -~]+$/);
    assert.ok(JSON.parse(stdout)[0].asked.endsWith('/\u009b31mä'));
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
        ended([LINE, '--request-id', FIELDS.request_id, '--log', log]),
      ]),
      [...Array(3).fill([65, 'LOG_LINE', '']), ...Array(3).fill([64, 'USAGE', ''])],
    );
    assert.deepEqual(refusal(await postern(['explain', LINE, '--admin', '127.0.0.1:1'])), [
      69,
      'ADMIN_UNREACHABLE',
      '',
    ]);
  });
});
