// Lines of the access log as operators have them: prefixes, wrappers, damage, other versions, hostile texts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explain } from '../../../src/cli/explain/explanation.ts';
import { explanationText } from '../../../src/cli/explain/explanation-text.ts';
import { parseLogLine, parseLogLines } from '../../../src/cli/explain/log-line.ts';
import { PosternError } from '../../../src/errors.ts';

const FIELDS = {
  ts: '2026-11-29T12:00:00.000Z',
  gateway: 'bank/ingress',
  layer: 'http',
  verdict: 'refused',
  reason: 'METHOD',
  peer: 'shop',
  method: 'PUT',
  path: '/v1/accounts',
};
const LINE = JSON.stringify(FIELDS);

describe('several lines', () => {
  const reasons = (text: string): readonly string[] => parseLogLines(text).map(({ reason }) => reason);
  const path = JSON.stringify({ ...FIELDS, reason: 'PATH' });

  test('All lines of the input are explained, in their order', () => {
    assert.deepEqual(reasons(`${LINE}\n\npod ${path}\r\n${LINE}\n`), ['METHOD', 'PATH', 'METHOD']);
  });

  test('Lines of other programs between them count for nothing, and a damaged one is an error with its number', () => {
    assert.deepEqual(reasons(`starting\n${LINE}\n{"level":"info"}\n${path}`), ['METHOD', 'PATH']);
    assert.throws(() => reasons(`${path}\n${LINE.slice(0, -12)}\n${LINE}`), { code: 'LOG_LINE', message: /line 2: / });
  });

  test('One object may be spread over rows, and more lines than are explained at once are a wrong use', () => {
    assert.deepEqual(reasons(JSON.stringify(FIELDS, null, 2)), ['METHOD']);
    assert.throws(() => reasons(Array(51).fill(LINE).join('\n')), { code: 'USAGE' });
    assert.throws(() => reasons('a\nb'), { code: 'LOG_LINE' });
  });
});

describe('a line of the access log', () => {
  const prefixed: Readonly<Record<string, string>> = {
    'nothing around it': LINE,
    'a prefix of kubectl': `[pod/ingress-7d/envoy] ${LINE}`,
    'a prefix of a CRI log': `2026-11-29T12:00:00.000Z stdout F ${LINE}\n`,
    'a prefix of docker compose': `ingress-1  | ${LINE}\r\n`,
    'a prefix of journald': `Nov 29 12:00:00 host envoy[12]: ${LINE}`,
    'a prefix with braces': `{pod=x} ${LINE}`,
    'the JSON of Docker': JSON.stringify({ log: `${LINE}\n`, stream: 'stdout', time: '2026-11-29T12:00:00Z' }),
    'the JSON of journald': JSON.stringify({ MESSAGE: LINE, _PID: '12' }),
  };
  for (const [what, text] of Object.entries(prefixed))
    test(`A line with ${what} is found`, () => {
      const { mesh, role, layer, reason, fields, at } = parseLogLine(text);
      assert.deepEqual(
        [mesh, role, layer, reason, fields['peer'], at],
        ['bank', 'ingress', 'http', 'METHOD', 'shop', Date.parse(FIELDS.ts)],
      );
    });

  const refused: Readonly<Record<string, string>> = {
    'an empty one': '  \n',
    'a line of another program': 'GET /v1/accounts 403',
    'JSON of another program': '{"level":"info","msg":"ready"}',
    'a line that is cut': LINE.slice(0, -12),
    'a line that is too long': `x${' '.repeat(600_000)}${LINE}`,
    'a line of an older version': JSON.stringify({ ...FIELDS, reason: undefined }),
    'a line of a newer version': JSON.stringify({ ...FIELDS, reason: 'NOT_INVENTED_YET' }),
    'a name of an object’s own': JSON.stringify({ ...FIELDS, reason: 'constructor' }),
    'a gateway that cannot be': JSON.stringify({ ...FIELDS, gateway: 'x' }),
    'a line without a time': JSON.stringify({ ...FIELDS, ts: 'soon' }),
  };
  for (const [what, text] of Object.entries(refused))
    test(`${what} is refused with one error`, () => {
      assert.throws(
        () => parseLogLine(text),
        (error: unknown) =>
          error instanceof PosternError &&
          error.code === 'LOG_LINE' &&
          !error.message.includes('\n') &&
          error.message.length < 400,
      );
    });

  test('A line as long as the longest path makes it is read, and says which field was cut', () => {
    const line = parseLogLine(JSON.stringify({ ...FIELDS, path: `/${'%22'.repeat(49_000)}` }));
    assert.deepEqual([line.fields['path']?.length, line.cut], [2048, ['path']]);
  });

  test('Texts of a peer neither steer the terminal nor fill the screen', () => {
    const hostile = `/\u001b[2J\u009b31m\u202e\r\n${'a'.repeat(100_000)}`;
    const line = parseLogLine(
      JSON.stringify({ ...FIELDS, path: hostile.slice(0, 30_000), authority: hostile.slice(0, 30_000) }),
    );
    const text = explanationText(explain(line, []));
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
    assert.ok(text.split('\n').length < 60 && text.split('\n').every((row) => row.length <= 80));
  });
});
