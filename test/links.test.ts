// Every reference leads somewhere: links of the documents, headings and files that comments name, and nothing that only
// the authors can open. Must not: look at the network; links to other hosts are not followed.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HERE = 'test/links.test.ts';
const FOLDERS = ['src', 'test', 'bench', 'deploy', 'docs', 'proto', '.ci'];

const rootFiles = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ name }) => name);
const files = [
  ...rootFiles,
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => normalize(join(entry.parentPath, entry.name)).slice(ROOT.length)),
  ),
];
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const documents = files.filter((file) => file.endsWith('.md'));
const code = files.filter((file) => /\.(ts|mjs|go)$/.test(file) && !file.endsWith('.gen.ts') && file !== HERE);

/** The headings of a document, outside of code blocks. */
function headings(markdown: string): readonly string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, '');
  return [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading.trim());
}

/** As code hosts make it: lower case, spaces to hyphens, punctuation gone. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

interface Link {
  readonly from: string;
  readonly target: string;
}

/** Links to files of ours, with their anchors. */
function linksOf(from: string, markdown: string): readonly Link[] {
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, target = '']) => ({ from, target }));
}

function leadsNowhere({ from, target }: Link): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? from : normalize(join(dirname(from), path));
  if (!existsSync(join(ROOT, file))) return true;
  return anchor !== undefined && !headings(textOf(file)).map(anchorOf).includes(anchor);
}

/** `docs/design.md, "Envoy facts"` and `[SECURITY.md](SECURITY.md), "Secrets"`: a document and one of its headings. */
function namedHeadings(text: string): readonly { readonly file: string; readonly heading: string }[] {
  // A reference may go on in the next line of a comment.
  const flat = text.replace(/\n\s*(?:\/\/|\*)? ?/g, ' ');
  return [...flat.matchAll(/([\w./-]+\.md)\)?, "([^"\n]{1,60})"/g)].map(([, file = '', heading = '']) => ({
    file: file.replace(/^(\.\.\/)+/, ''),
    heading,
  }));
}

/** Files of ours that a comment or a document names: `ordering.ts`, `federation/transition/transition.ts`, `docs/design.md`. */
function namedFiles(prose: string): readonly string[] {
  return [...prose.matchAll(/(?<![\w./*-])((?:\.\.\/)*[\w-][\w./-]*\.(?:ts|mjs|md))\b(?!\.)/g)].map(([, file = '']) =>
    file.replace(/^(\.\.\/)+/, ''),
  );
}

function comments(source: string): string {
  return [...source.matchAll(/^\s*(?:\/\/|\/\*\*|\*)(.*)$|(?<=[;{},)] )\/\/ (.*)$/gm)]
    .map(([, whole = '', end = '']) => whole + end)
    .join('\n');
}

function exists(file: string): boolean {
  return files.some((known) => known === file || known.endsWith(`/${file}`));
}

describe('the documents', () => {
  test('Documents link only to files and headings that exist', () => {
    const links = documents.flatMap((file) => linksOf(file, textOf(file)));
    assert.ok(links.length > 30, `only ${links.length} found`);
    assert.deepEqual(links.filter(leadsNowhere), []);
  });

  test('Documents name only files that exist', () => {
    const wrong = documents.flatMap((file) =>
      namedFiles([...textOf(file).matchAll(/`([^`\n]+)`/g)].map(([, span]) => span).join('\n'))
        .filter((named) => !exists(named))
        .map((named) => `${file}: ${named}`),
    );
    assert.deepEqual(wrong, []);
  });
});

describe('comments and documents', () => {
  test('Comments and documents name only headings that exist', () => {
    const all = [...documents, ...code].flatMap((from) =>
      namedHeadings(textOf(from)).map(({ file, heading }) => ({ from, file, heading })),
    );
    assert.ok(all.length > 5, `only ${all.length} found`);
    const wrong = all.filter(({ file, heading }) => {
      const path = documents.find((known) => known === file || known.endsWith(`/${file}`));
      return path === undefined || !headings(textOf(path)).includes(heading);
    });
    assert.deepEqual(wrong, []);
  });

  test('Comments and documents name only files that exist', () => {
    const wrong = code.flatMap((file) =>
      namedFiles(comments(textOf(file)))
        .filter((named) => !exists(named))
        .map((named) => `${file}: ${named}`),
    );
    assert.deepEqual(wrong, []);
  });

  test('Comments and documents refer to nothing that a reader of the repository cannot open', () => {
    const wrong = [...documents, ...code].flatMap((file) =>
      textOf(file)
        .split('\n')
        .filter((line) => AUTHORS_ONLY.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    assert.deepEqual(wrong, []);
  });
});

/** Notes of the authors, their numbering of requirements and tasks, and names of prototypes. */
const AUTHORS_ONLY =
  /\bshared\/(?:peer|design|research|cases|spec|seed)|\bspec(?:\.md)?,? section|\b(?:sec|perf|fed|xds|dist|aes-eco|envoy-lab|review|style|seed|spec)\.md\b|\bnjs\w+\b|(?<![\w#&])R(?:1[0-2]|[1-9])\b(?![\w-])|\bissues? \d+\b|\bfacts? \d+ of\b|\bfact \d+\b/;

describe('what is read out of the texts', () => {
  test('Headings, anchors and links are found in a document', () => {
    assert.deepEqual(headings('# A\n```\n# no\n```\n## B `c`, d'), ['A', 'B `c`, d']);
    assert.equal(anchorOf('Docker and Kubernetes'), 'docker-and-kubernetes');
    assert.equal(anchorOf('B `c`, d'), 'b-c-d');
    const links = linksOf('docs/a.md', '[x](../b.md#c) `[y](d)` [z](https://e) [w](#f)');
    assert.deepEqual(
      links.map(({ target }) => target),
      ['../b.md#c', '#f'],
    );
    assert.equal(leadsNowhere({ from: 'docs/design.md', target: '../README.md' }), false);
    assert.equal(leadsNowhere({ from: 'docs/design.md', target: '../README.md#no-such-heading' }), true);
    assert.equal(leadsNowhere({ from: 'docs/design.md', target: 'README.md' }), true);
  });

  test('References to headings are found, also across a line break', () => {
    assert.deepEqual(
      namedHeadings('// see docs/design.md,\n// "Envoy facts".\n[SECURITY.md](../SECURITY.md), "Secrets"'),
      [
        { file: 'docs/design.md', heading: 'Envoy facts' },
        { file: 'SECURITY.md', heading: 'Secrets' },
      ],
    );
  });

  test('File names are found in comments, and not in code', () => {
    const source = "// see ordering.ts (xds/a.ts).\nimport x from './b.ts';\ny(); // and c.md\n/** `d.mjs` */";
    assert.deepEqual(namedFiles(comments(source)), ['ordering.ts', 'xds/a.ts', 'c.md', 'd.mjs']);
  });

  test('References that only the authors can open are found', () => {
    for (const text of [
      '(spec section 4)',
      'perf.md: njs2raw',
      'R10: one key',
      'issue 4',
      '../shared/peer/gcp',
      'sec.md fact 2',
    ])
      assert.match(text, AUTHORS_ONLY);
    for (const text of ['docs/design.md', 'envoy#28386', 'RFC 9110', 'R2RML', 'rule 10', 'SECURITY.md'])
      assert.doesNotMatch(text, AUTHORS_ONLY);
  });
});
