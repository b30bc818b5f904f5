// Mutates a valid file into broken ones: one to three changes of bytes, tokens, structure or types, the same for the same seed.

/** Small, fast and reproducible (mulberry32); numbers in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Random = () => number;
type Mutation = (text: string, random: Random) => string;

const pick = <T>(items: readonly T[], random: Random): T => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
};
const at = (text: string, random: Random): number => Math.floor(random() * text.length);
const splice = (text: string, from: number, to: number, insert: string): string => {
  return text.slice(0, from) + insert + text.slice(to);
};

const CHARS = [
  '\0',
  '\x07',
  '\x1b',
  '\t',
  '\r',
  '\x85',
  '\u202e',
  '\u200b',
  '\ufeff',
  'é',
  '%',
  '&',
  '*',
  '!',
  '|',
  '>',
  '@',
  '`',
];
const PUNCTUATION = [':', '-', ',', '[', ']', '{', '}', '"', "'", '#', '?', '\n', ' ', ': ', '- ', '\n---\n', '...\n'];
const VALUES = [
  '',
  '~',
  'null',
  'true',
  'no',
  '0',
  '-1',
  '1e400',
  '.nan',
  '0x10',
  '""',
  '"*"',
  '[]',
  '{}',
  '[[]]',
  '*a',
  '&a a',
];
const STRANGE = [
  '!x a',
  '!!binary aGk=',
  '2027-99-99',
  '<<',
  '__proto__',
  '"\\u0000"',
  '|\n  a',
  'spiffe://a/b',
  '../..',
  '/*',
  'x',
];

const BYTES: readonly Mutation[] = [
  (text, random) => splice(text, at(text, random), at(text, random), ''),
  (text, random) => splice(text, at(text, random), text.length, ''),
  (text, random) => {
    const from = at(text, random);
    return splice(text, from, from + 1, pick(CHARS, random));
  },
  (text, random) => {
    const from = at(text, random);
    return splice(text, from, from, pick(CHARS, random).repeat(1 + Math.floor(random() * 3)));
  },
  (text, random) => {
    const from = at(text, random);
    return splice(
      text,
      from,
      from + 1,
      String.fromCharCode((text.charCodeAt(from) ^ (1 << Math.floor(random() * 7))) & 0x7f),
    );
  },
];

const TOKENS: readonly Mutation[] = [
  (text, random) => {
    const from = at(text, random);
    return splice(text, from, from, pick(PUNCTUATION, random));
  },
  (text, random) => replaceSome(text, /[:,[\]{}"'-]/g, () => '', random),
  (text, random) => replaceSome(text, /[:,[\]{}"'-]/g, () => pick(PUNCTUATION, random), random),
  (text, random) => replaceSome(text, /[A-Za-z]+/g, (word) => word.slice(1), random),
  (text, random) => replaceSome(text, /[A-Za-z]+/g, (word) => word + word, random),
  (text, random) => replaceSome(text, /[A-Za-z]+/g, (word) => word.toUpperCase(), random),
  (text, random) => replaceSome(text, /\d+/g, (number) => `${number}0000000`, random),
];

const STRUCTURE: readonly Mutation[] = [
  lines((all, random) => all.filter((_, index) => index !== Math.floor(random() * all.length) % all.length)),
  lines((all, random) => {
    const from = Math.floor(random() * all.length);
    return [...all.slice(0, from + 1), ...all.slice(from)];
  }),
  lines((all, random) => {
    const [a, b] = [Math.floor(random() * all.length), Math.floor(random() * all.length)];
    return all.map((line, index) => (index === a ? (all[b] ?? '') : index === b ? (all[a] ?? '') : line));
  }),
  lines((all, random) => {
    const wounded = Math.floor(random() * all.length);
    return all.map((line, index) =>
      index === wounded ? pick([` ${line}`, `  ${line}`, line.slice(1), `\t${line}`], random) : line,
    );
  }),
  (text, random) => text + pick(['---\na: b\n', 'extra: 1\n', '- a\n', '}\n', 'mesh: {}\n', '%YAML 1.1\n'], random),
  (text, random) =>
    pick(['\ufeff', '%YAML 1.1\n---\n', '- ', '{', ' ', 'a: &a b\n', '%TAG ! x:\n---\n'], random) + text,
];

const TYPES: readonly Mutation[] = [
  (text, random) => replaceSome(text, /(?<=: )[^\n,}\]]+/g, () => pick([...VALUES, ...STRANGE], random), random),
  (text, random) => replaceSome(text, /(?<=: )\[[^\n\]]*\]/g, () => pick(VALUES, random), random),
  (text, random) => replaceSome(text, /(?<=: )\{[^\n}]*\}/g, () => pick(VALUES, random), random),
  (text, random) => replaceSome(text, /(?<=: )[^\n,}\]]+/g, (value) => `[${value}]`, random),
  (text, random) => replaceSome(text, /(?<=: )[^\n,}\]]+/g, (value) => `{a: ${value}}`, random),
  (text, random) => replaceSome(text, /\b[A-Za-z]+(?=:)/g, () => pick(STRANGE, random), random),
];

export const KINDS = { byte: BYTES, token: TOKENS, structural: STRUCTURE, type: TYPES } as const;
export type Kind = keyof typeof KINDS;

export function mutated(good: string, kind: Kind, seed: number): string {
  const random = randomOf(seed);
  let text = good;
  for (let wounds = 1 + Math.floor(random() * 3); wounds > 0; wounds -= 1) {
    if (text.length > 0) text = pick(KINDS[kind], random)(text, random);
  }
  return text;
}

function lines(change: (lines: readonly string[], random: Random) => readonly string[]): Mutation {
  return (text, random) => change(text.split('\n'), random).join('\n');
}

function replaceSome(text: string, pattern: RegExp, make: (found: string) => string, random: Random): string {
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return text;
  const { 0: part, index } = pick(found, random);
  return splice(text, index, index + part.length, make(part));
}
