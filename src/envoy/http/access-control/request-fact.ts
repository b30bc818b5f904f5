// A fact of a request: what a filter takes out of a header and keeps as metadata, for policies and the log.
// Must not: keep anything of a value that has not the expected form.

import type { Message } from '../../draft.ts';
import { METADATA } from '../../resource-names.ts';

export type Fact = Message<'envoy.extensions.filters.http.header_to_metadata.v3.Config.Rule'>;

/** The group of the expression, if all of the value matches. Of any other value nothing is left, and nothing is kept. */
export function factOf(header: string, key: string, expression: string): Fact {
  return {
    header,
    on_header_present: {
      metadata_namespace: METADATA,
      key,
      // Any bytes, while a dot would require UTF-8, and leave what is not as it is.
      regex_value_rewrite: { pattern: { regex: `^(?:${expression}|\\C*)$` }, substitution: '\\1' },
    },
  };
}
