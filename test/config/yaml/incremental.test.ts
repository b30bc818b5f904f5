// Lists are read item by item, and an item that stood in the last text is not read again: whatever the text, and whatever was
// read before, that gives what a look at the whole gives, or nothing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../../src/config/parse.ts';
import { type ReadItems, splitLists } from '../../../src/config/yaml/incremental.ts';
import { type ParsedYaml, parseItems, parseYaml } from '../../../src/config/yaml/read-yaml.ts';
import { changed, GOOD } from '../documents.ts';
import { KINDS, type Kind, mutated, randomOf } from '../mutations/mutation.ts';

const NOTHING: ReadItems = new Map();

const EXPORTS = Array.from({ length: 8 }, (_, index) => [
  `- name: s${index}.svc`,
  `  backend: 127.0.0.1:${8000 + index}`,
  `  consumers: # ${index}`,
  '  - peer: partner',
  '    methods: [GET, POST]',
  ['', '# between', '  # deeper', '    paths: [/v1/*]'][index % 4] ?? '',
]);
const LONG = `apiVersion: postern/v1\nexports:\n${EXPORTS.flat().join('\n')}\nimports:\n${'  - a\n  - {b: c}\n'.repeat(5)}`;

/** Numbers of keys are what they stand for; `items` is not of the text alone. */
function comparable({ value, findings, broken, positions: { nodes, keys } }: ParsedYaml) {
  const named = [...nodes].map((number, at) => (at % 4 === 0 && number >= 0 ? keys[number] : number));
  return { value, findings, broken, positions: named, keys: [...keys].sort() };
}

function itemsOf(text: string, last: ReadItems = NOTHING): ReadItems {
  const parsed = parseItems(text, last);
  assert.ok(parsed, 'it is plain');
  return parsed.items;
}

/** Whether it could be read item by item. */
function same(text: string, last: ReadItems = NOTHING): boolean {
  const inItems = parseItems(text, last);
  if (inItems !== undefined) assert.deepEqual(comparable(inItems), comparable(parseYaml(text)), JSON.stringify(text));
  return inItems !== undefined;
}

describe('items', () => {
  test('A list is split into its items, and the rest of the text has one empty item in its place', () => {
    const cut = splitLists(LONG);
    assert.ok(cut);
    assert.deepEqual(
      [...cut.lists.values()].map((bounds) => bounds.length - 1),
      [8, 10],
    );
    assert.equal(cut.rest.length, LONG.length);
    assert.deepEqual(parseYaml(cut.rest).value, { apiVersion: 'postern/v1', exports: [null], imports: [null] });
  });

  test('Reading by items gives the values and places of reading the whole text, the first time and again', () => {
    for (const text of [GOOD, LONG, `${LONG}...\n`]) {
      assert.ok(same(text));
      assert.ok(same(text, itemsOf(text)));
    }
  });

  test('Items of the last text are not read again wherever they are now, others are read, and items that are gone are dropped', () => {
    const last = itemsOf(LONG);
    const edited = LONG.replace('127.0.0.1:8003', '127.0.0.1:9003').replace('exports:', 'exports:\n- name: new\n- s');
    const now = itemsOf(edited, last);
    assert.ok(same(edited, last));
    const read = [...now].filter(([text, { value }]) => last.get(text)?.value !== value).map(([text]) => text);
    assert.deepEqual(read, ['- name: new\n', '- s\n', EXPORTS[3]?.join('\n').replace('8003', '9003').concat('\n')]);
    assert.equal([...now.keys()].join('').includes('8003'), false);
  });

  test('The same lines in another list, or at another depth, are another item', () => {
    const text = 'aa:\n- b: 1\ncc:\n  - b: 1\ndd:\n- b: 1\n';
    assert.ok(same(text));
    assert.ok(same('aa:\n  - b: 1\ncc:\n- b: 1\n', itemsOf(text)));
  });

  test('A text with anything wrong in an item is read as a whole', () => {
    const last = itemsOf(LONG);
    for (const [from, to] of [
      ['s1.svc', '*s'],
      ['127.0.0.1:8002', '&p x'],
      ['[GET, POST]', '[no]'],
      ['[GET, POST]', '[GET'],
      ['- {b: c}', '- {b: c'],
      ['s1.svc', '"s1'],
      ['- a', '- !!str a'],
      ['- a', '- {b: c, b: d}'],
      ['127.0.0.1:8002', '\u202ex'],
      ['- a', '-'],
    ] as const)
      for (const known of [NOTHING, last])
        assert.equal(
          parseItems(changed(from, to, LONG), known) !== undefined &&
            parseYaml(changed(from, to, LONG)).findings.length > 0,
          false,
          to,
        );
  });

  test('Lines that only look like items of a list are not taken for items', () => {
    const items = '- a\n- b\n- c\n';
    for (const text of [
      `a: |\n${items.replaceAll('- ', '  - ')}`,
      `a: "\n${items}"\n`,
      `a: "\n${items.replaceAll('- ', '  - ')}"\n`,
      `x: 'a:\n${items}b: '\n`,
      `x: "y\nab:\n${items.replaceAll('- ', '  - ')}cd: "\n`,
      `x: |2\n  ab:\n${items}`,
      `x: [a,\nab:\n${items}cd: ]\n`,
      `ab: >\nxy:\n${items}`,
      `a: 1\n---\nb:\n${items}`,
      `a:\n${items}---\na:\n${items}`,
      `a:\n${items}...\na:\n${items}`,
      `a:\n${items}a:\n${items}`,
      `1:\n${items}`,
      `? a:\n${items.replaceAll('\n', '\n  ')}\n: x\n`,
      `a: &a\n${items}b: !t\n${items}`,
      `a: b\n${items}`,
      `a:\n${items}b\n${items}`,
      items,
      `a:\n- "x\n- y"\n- z\n`,
      `a:\n- 'x\n\n- y'\n- z\n`,
      `a:\n- |\n\n  x\n\n\n- >-\n  y\n\n  z\n\nb:\n- |+\n\n  x\n\n# c\n\n- c\n\n`,
      `a:\n- [x,\n- y]\n`,
      `a:\n- {x: 1,\n- y: 2}\n- z\n`,
      `a:\n${items.replaceAll('- ', '- - ')}b:\n  c:\n${items.replaceAll('- ', '  - ')}`,
      `a:\r\n${items.replaceAll('\n', '\r\n')}`,
      `%YAML 1.1\n---\na:\n${items}`,
      `a:\n${items}  deeper\n`,
      `a:\n  - x\n - y\n- z\n`,
      `a:\n- x\n\n  y\n- z\nb: c\n`,
    ].flatMap((one) => [one, one.replaceAll(/^[a-d](?=:)/gm, '$&$&')])) {
      same(text);
      same(text, itemsOf(LONG));
    }
  });
});

// What was read before is what a process has most likely read before: the text without its wounds.
for (const kind of Object.keys(KINDS) as Kind[]) {
  test(`Reading by items gives what reading the whole gives, for 300 ${kind} mutations`, () => {
    const last = new Map([...itemsOf(LONG), ...itemsOf(GOOD)]);
    let plain = 0;
    for (let seed = 1; seed <= 150; seed += 1)
      for (const text of [mutated(LONG, kind, seed), mutated(GOOD, kind, seed)]) if (same(text, last)) plain += 1;
    assert.ok(plain > 5, `${plain} could be read`);
  });
}

const LINES = [
  ...['- a', '-', '- b: c', '  d: e', '- - f', '  - g', '', '# c', '  # c', '- |', '   t', '- >-', "- 'q", "  r'"],
  ...['- [1,', '  2]', '- {k: v}', '? h', ': i', '- ? j', '  : k', 'l: m', 'n:', '- &a o', '- *a', '- !!str p', '---'],
  ...[
    '...',
    '\t- q',
    '- r:',
    '  - s',
    '- ~',
    '{t: u}',
    '  v',
    '-\t- w',
    '- no',
    '- __proto__: 1',
    '- "x',
    '- "',
    'ab:',
  ],
];

test('Reading by items gives what reading the whole gives, for 2000 lists of any lines one after the other', () => {
  let last = NOTHING;
  let plain = 0;
  for (let seed = 1; seed <= 2000; seed += 1) {
    const random = randomOf(seed);
    const line = (): string => LINES[Math.floor(random() * (random() < 0.7 ? 7 : LINES.length))] ?? '';
    const text = `exports:\n${Array.from({ length: 1 + Math.floor(random() * 12) }, line).join('\n')}\n`;
    if (!same(text, last)) continue;
    plain += 1;
    last = new Map([...last, ...itemsOf(text, last)]);
  }
  assert.ok(plain > 200, `${plain} could be read`);
});

describe('a memory', () => {
  test('A memory changes no configuration, finding or place, whatever text came before', () => {
    const memory = { items: NOTHING };
    const texts = [
      GOOD,
      changed('port: 8080', 'port: 0'),
      GOOD,
      '',
      '[',
      changed('name: rates.fx', 'name: RATES'),
      LONG,
    ];
    for (const text of [...texts, ...texts.reverse(), changed('peers:', '# moved\npeers:')])
      assert.deepEqual(parseConfig(text, memory), parseConfig(text));
  });

  test('A memory holds the items of the last good configuration', () => {
    const memory = { items: NOTHING };
    parseConfig(GOOD, memory);
    const { items } = memory;
    assert.equal(items.size, 3);
    parseConfig(changed('port: 8080', 'port: 0'), memory);
    assert.equal(memory.items, items);
    parseConfig(changed('port: 8080', 'port: 8081'), memory);
    assert.equal(memory.items.size, 3);
    assert.equal(
      [...memory.items.values()].filter(({ value }) => [...items.values()].some((old) => old.value === value)).length,
      2,
    );
  });
});
