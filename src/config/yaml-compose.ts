// YAML text as documents of `yaml`, which alone says what is YAML.
// In: text. Out: its documents, and what is wrong with the first. Must not: let an option of one caller differ from another's.

import { type Document, parseAllDocuments, type YAMLParseError, type YAMLWarning } from 'yaml';

export interface Composed {
  readonly documents: readonly Document.Parsed[];
  /** Of the first document, as the warnings. */
  readonly errors: readonly YAMLParseError[];
  readonly warnings: readonly YAMLWarning[];
}

/** Errors: RangeError for what is too deep, since the composer calls itself for each level. */
export function compose(text: string): Composed {
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    strict: true,
    // Its own check compares each key with all others of its map: quadratic. The walk does it with a set.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  if ('empty' in documents) return { documents: [], errors: [], warnings: [] };
  const [first] = documents;
  return { documents, errors: first?.errors ?? [], warnings: first?.warnings ?? [] };
}
