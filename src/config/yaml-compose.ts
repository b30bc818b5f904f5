// YAML text as documents of `yaml`, in pieces: the syntax tree of ten thousand exports is never held as a whole.
// In: text, and who takes the items of lists that are finished. Out: documents without those items, and all errors.
// Must not: interpret YAML; lexer, parser and composer are the library's, and only whole items are taken out between them.

import {
  Composer,
  type CST,
  type Document,
  isSeq,
  Lexer,
  type Node,
  Parser,
  type YAMLParseError,
  type YAMLWarning,
} from 'yaml';

export interface Composed {
  readonly documents: readonly Document.Parsed[];
  /** Of the first document. */
  readonly errors: readonly YAMLParseError[];
  readonly warnings: readonly YAMLWarning[];
}

const OPTIONS = {
  version: '1.2',
  schema: 'core',
  merge: false,
  strict: true,
  // Its own check compares each key with all others of its map: quadratic. The walk does it with a set.
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'silent',
} as const;

/** Tokens from one look at the list to the next: few enough for its tree to be garbage before the collector copies it. */
const TOKENS = 250;
/** The parser still changes the last two items of a list that it is in: their end, and what comes after it. */
const UNFINISHED = 3;

/** `take` is given the items of the lists that are values of the first document's own keys, with the list's offset. */
export function compose(
  text: string,
  take: (list: number, items: readonly Node[]) => void,
  tokens: number = TOKENS,
): Composed {
  const parser = new Parser();
  const composer = new Composer(OPTIONS);
  const documents: Document.Parsed[] = [];
  const errors: YAMLParseError[] = [];
  const warnings: YAMLWarning[] = [];
  const together = new Set<CST.Token>();
  let inFirst = true;
  const add = (token: CST.Token): void => {
    if (token.type === 'document') inFirst = false;
    documents.push(...composer.next(token));
  };
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) add(token);
    count += 1;
    if (count % tokens !== 0 || !inFirst) continue;
    const list = finishedItems(parser.stack, together);
    if (list === undefined) continue;
    for (const part of new Composer(OPTIONS).compose([list])) {
      errors.push(...part.errors);
      warnings.push(...part.warnings);
      if (isSeq<Node>(part.contents)) take(list.offset, part.contents.items);
    }
  }
  for (const token of parser.end()) add(token);
  documents.push(...composer.end());
  const [first] = documents;
  return {
    documents,
    errors: [...errors, ...(first?.errors ?? [])],
    warnings: [...warnings, ...(first?.warnings ?? [])],
  };
}

/**
 * Takes the finished items out of the list that the parser is in, as a document of that list alone. The composer looks
 * at each item of a block list by itself, so that it makes the same of them here as in their place; except that an item
 * without a dash, which is an error, is placed by the item before it. A list with such an item stays together.
 */
function finishedItems(
  [document, root, list]: readonly CST.Token[],
  together: Set<CST.Token>,
): CST.Document | undefined {
  if (document?.type !== 'document' || root?.type !== 'block-map' || list?.type !== 'block-seq') return undefined;
  const count = list.items.length - UNFINISHED;
  if (count <= 0 || together.has(list)) return undefined;
  if (!list.items.slice(0, count + 1).every(({ start }) => start.some(isDash))) {
    together.add(list);
    return undefined;
  }
  const items = list.items.splice(0, count);
  return { type: 'document', offset: list.offset, start: [], value: { ...list, items } };
}

function isDash({ type }: CST.Token): boolean {
  return type === 'seq-item-ind';
}
