// What an HTTP filter is given, and what comes of it.
// Must not: judge.

import type { Any } from '../../envoy/draft.ts';
import type { Decision, Trail } from '../answer/decision.ts';
import type { RequestView } from '../matching/request-view.ts';
import { present, unjudged } from '../matching/unjudged.ts';

type PerFilter = Readonly<Record<string, Any>>;

/** What a filter is given. */
export interface Hop {
  readonly view: RequestView;
  readonly trail: Trail;
  /** Of the virtual host and of the routes; the first that has an entry counts. */
  readonly perFilter: readonly PerFilter[];
  /** Of the virtual host for names that lead nowhere: why it refuses. */
  readonly denial?: 'NO_GRANT' | 'UNKNOWN_NAME';
  readonly source?: string;
  /** The peer that calls; absent at an egress gateway. */
  readonly peer?: string;
  /** The name of the routes, which carry limits. */
  readonly routes: string;
}

export interface Outcome {
  readonly refusal?: Decision;
  /** The rule that allowed it. */
  readonly rule?: string;
  /** The request goes to its route now. */
  readonly isLast?: true;
}

/** What a matcher of a filter looks at. */
export function requestInput(input: Any, view: RequestView): string | undefined {
  switch (input['@type']) {
    case 'type.googleapis.com/envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput':
      return view.identities.length === 0 ? undefined : view.identities.join(',');
    case 'type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput':
      return view.header(present(input.header_name, 'an input'));
    default:
      throw unjudged(`the input ${input['@type']}`);
  }
}
