// A guard of access control behind a question: Envoy skips the filter where the question already tells that it would refuse
// nothing, because an RBAC filter that runs costs more than the question (docs/design.md, "Measured costs").
// Must not: skip for a request without the header that is asked about.

import { extension, type Message } from '../../draft.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type Predicate = Message<'xds.type.matcher.v3.Matcher.MatcherList.Predicate'>;

/** The filter runs, and decides, unless the predicate holds. It is looked up by the same name as without the question. */
export function skippedWhen(predicate: Predicate, { name = '', ...guard }: HttpFilter): HttpFilter {
  const skip = extension('skip', 'envoy.extensions.filters.common.matcher.action.v3.SkipFilter', {});
  return extension(name, 'envoy.extensions.common.matching.v3.ExtensionWithMatcher', {
    extension_config: { name, ...guard },
    xds_matcher: { matcher_list: { matchers: [{ predicate, on_match: { action: skip } }] } },
  });
}

/** Whether the request has the header, and the expression matches all of its value. */
export function hasValue(header: string, regex: string): Predicate {
  return {
    single_predicate: {
      input: extension('header', 'envoy.type.matcher.v3.HttpRequestHeaderMatchInput', { header_name: header }),
      value_match: { safe_regex: { google_re2: {}, regex } },
    },
  };
}
