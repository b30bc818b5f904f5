// `--require-end`: a file that was cut anywhere has lost its last line, and nothing of it is served.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../../src/config/files/load.ts';
import { parseConfig, withRequiredEnd } from '../../../src/config/parse.ts';
import { hasErrors } from '../../../src/errors.ts';
import { changed, GOOD, placeOf } from '../documents.ts';
import { folder, writeGood } from '../files/folder.ts';

const EXAMPLE = readFileSync(fileURLToPath(new URL('../../../../deploy/examples/bank.yaml', import.meta.url)), 'utf8');
const MARKED = `${EXAMPLE}...\n`;

test('Every prefix of a file is refused when the end mark is required, and the whole file is accepted', () => {
  let valid = 0;
  for (let length = 0; length < EXAMPLE.length; length += 1) {
    const text = MARKED.slice(0, length);
    const parsed = parseConfig(text);
    if (parsed.config !== undefined) valid += 1;
    const { config, findings, places } = withRequiredEnd(parsed, text);
    assert.equal(config, undefined, text);
    assert.equal(findings.at(-1)?.code, 'END_MISSING');
    assert.equal(places.length, findings.length);
  }
  // This is what the mark is for: so many parts are valid configurations by themselves.
  assert.ok(valid > 10, String(valid));
  for (const text of [`${EXAMPLE}.`, `${EXAMPLE}..`, EXAMPLE])
    assert.equal(withRequiredEnd(parseConfig(text), text).config, undefined, text.slice(-20));
  for (const text of [MARKED, MARKED.trimEnd(), MARKED.replaceAll('\n', '\r\n')])
    assert.deepEqual(withRequiredEnd(parseConfig(text), text).config, parseConfig(EXAMPLE).config);
});

test('An end mark that is not the last line does not count', () => {
  for (const end of ['# ...\n', '...\n\n', '...\n# end\n', ' ...\n', '....\n', '...x\n', '---\n']) {
    const text = EXAMPLE + end;
    assert.equal(withRequiredEnd(parseConfig(text), text).config, undefined, end);
  }
});

test('A file without the end mark has all its other findings, and END_MISSING at its end', async (t) => {
  const here = folder(t);
  for (const inline of [true, false]) {
    const load = (text: string) => loadConfig(writeGood(here, text), { inline, requireEnd: true });
    const cut = await load(changed('port: 8080', 'port: 0'));
    assert.deepEqual(
      cut.diagnostics().map(({ code, line }) => `${line} ${code}`),
      [`${placeOf(GOOD, 'port: 8080').line} INVALID_VALUE`, `${GOOD.split('\n').length} END_MISSING`],
    );
    assert.ok(cut.parsed.outline !== undefined && cut.parsed.config === undefined);
    const whole = await load(`${GOOD}...\n`);
    assert.ok(whole.parsed.config !== undefined && !hasErrors(whole.findings));
  }
  assert.ok((await loadConfig(writeGood(here), { inline: true })).parsed.config);
});
