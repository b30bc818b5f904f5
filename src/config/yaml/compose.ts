// YAML text as documents of `yaml`, which alone says what is YAML.
// Must not: let an option of one caller differ from another's, or hand the composer a text so deep that it ends the process: it calls itself for each level, and V8 aborts when there is no
// stack left where a regular expression is compiled, also in a thread.

import { Composer, type Document, Lexer, Parser, type YAMLParseError, type YAMLWarning } from 'yaml';

export interface Composed {
  readonly documents: readonly Document.Parsed[];
  /** Of the first document, as the warnings. */
  readonly errors: readonly YAMLParseError[];
  readonly warnings: readonly YAMLWarning[];
}

/** Where the text becomes deeper than it may be. */
export interface TooDeep {
  readonly tooDeepAt: number;
}

/** How many maps and lists the parser, which keeps a stack of its own, may have open: far more than the walk takes. */
const MAX_OPEN = 100;

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

export function compose(text: string): Composed | TooDeep {
  const parser = new Parser();
  const composer = new Composer(OPTIONS);
  const documents: Document.Parsed[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) documents.push(...composer.next(token));
    if (parser.stack.length > MAX_OPEN) return { tooDeepAt: parser.offset };
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end());
  const [first] = documents;
  return { documents, errors: first?.errors ?? [], warnings: first?.warnings ?? [] };
}
