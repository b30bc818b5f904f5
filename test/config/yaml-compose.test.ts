// Long lists are walked piece by piece: whatever the text, that gives what a look at the whole gives.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isMap, isSeq } from 'yaml';
import { type ParsedYaml, parseYaml } from '../../src/config/yaml.ts';
import { compose } from '../../src/config/yaml-compose.ts';
import { GOOD } from './documents.ts';
import { KINDS, type Kind, mutated, randomOf } from './mutation.ts';

/** Looks at lists after so many tokens; the product's own number of them would not take anything out of short texts. */
const PIECES = [1, 3, 40];
const WHOLE = Number.POSITIVE_INFINITY;

const EXPORTS = Array.from({ length: 8 }, (_, index) => [
  `- name: s${index}.svc`,
  `  backend: 127.0.0.1:${8000 + index}`,
  `  consumers: # ${index}`,
  '  - peer: partner',
  '    methods: [GET, POST]',
  ['', '# between', '  # deeper', '    paths: [/v1/*]'][index % 4] ?? '',
]);
const LONG = `apiVersion: postern/v1\nexports:\n${EXPORTS.flat().join('\n')}\nimports:\n${'- a\n- {b: c}\n'.repeat(5)}`;

/** Numbers of keys are what they stand for: a list that is walked first numbers its keys first. */
function comparable({ positions: { nodes, keys }, ...parsed }: ParsedYaml) {
  const named = [...nodes].map((number, at) => (at % 4 === 0 && number >= 0 ? keys[number] : number));
  return { ...parsed, positions: named, keys: [...keys].sort() };
}

function same(text: string): void {
  const whole = comparable(parseYaml(text, WHOLE));
  for (const tokens of PIECES) assert.deepEqual(comparable(parseYaml(text, tokens)), whole, JSON.stringify(text));
}

describe('lists in pieces', () => {
  test('are taken out of the document: only their last items are left', () => {
    const taken: unknown[] = [];
    const { documents, errors } = compose(LONG, (_list, items) => taken.push(...items), 1);
    assert.deepEqual(errors, []);
    const contents = documents[0]?.contents;
    assert.ok(isMap(contents));
    const left = ['exports', 'imports'].map((key) => {
      const list = contents.get(key);
      return isSeq(list) ? list.items.length : -1;
    });
    assert.ok(
      left.every((count) => count >= 1 && count <= 3),
      left.join(),
    );
    assert.equal(taken.length + left.reduce((sum, count) => sum + count, 0), 8 + 10);
  });

  test('are what they are as a whole, with every place', () => {
    for (const text of [GOOD, LONG]) {
      assert.deepEqual(parseYaml(text, 1).found, []);
      same(text);
    }
  });

  test('keep the findings in them, with their paths and places', () => {
    const many = LONG.replace('s1.svc', '*s').replace('127.0.0.1:8002', '&p x').replace('[GET, POST]', '[no, 0x10]');
    const { found } = parseYaml(many, 1);
    assert.deepEqual(
      found.map(({ finding: { path } }) => path.join('.')),
      ['exports.0.consumers.0.methods.0', 'exports.0.consumers.0.methods.1', 'exports.1.name', 'exports.2.backend'],
    );
    same(many);
  });

  test('in a second document, under a key that stands twice or is none, and in each other', () => {
    const items = '- a\n- b\n- c\n- d\n- e\n- f\n';
    for (const text of [
      `a: 1\n---\nb:\n${items}`,
      `a:\n${items}---\na:\n${items}`,
      `a:\n${items}a:\n${items}`,
      `1:\n${items}`,
      `? ${items.replaceAll('\n', '\n  ')}\n: x\n`,
      `a: &a\n${items}b: !t\n${items}`,
      `a: b\n${items}`,
      `a:\n${items}b\n${items}`,
      items,
      `a:\n${items.replaceAll('- ', '- - ')}b:\n  c:\n${items.replaceAll('- ', '  - ')}`,
      `a:\r\n${items.replaceAll('\n', '\r\n')}`,
      `%YAML 1.1\n---\na:\n${items}`,
    ])
      same(text);
  });
});

for (const kind of Object.keys(KINDS) as Kind[]) {
  test(`150 ${kind} mutations of long lists are the same in pieces as in one`, () => {
    for (let seed = 1; seed <= 150; seed += 1) same(mutated(LONG, kind, seed));
  });
}

const LINES = [
  ...['- a', '-', '- b: c', '  d: e', '- - f', '  - g', '', '# c', '  # c', '- |', '   t', '- >-', "- 'q", "  r'"],
  ...['- [1,', '  2]', '- {k: v}', '? h', ': i', '- ? j', '  : k', 'l: m', 'n:', '- &a o', '- *a', '- !!str p', '---'],
  ...['...', '\t- q', '- r:', '  - s', '- ~', '{t: u}', '  v', '-\t- w', '- no', '- __proto__: 1', '- "x'],
];

test('1000 lists of any lines are the same in pieces as in one', () => {
  for (let seed = 1; seed <= 1000; seed += 1) {
    const random = randomOf(seed);
    const line = (): string => LINES[Math.floor(random() * (random() < 0.5 ? 7 : LINES.length))] ?? '';
    same(`exports:\n${Array.from({ length: 1 + Math.floor(random() * 25) }, line).join('\n')}\n`);
  }
});
