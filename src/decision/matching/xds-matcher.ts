// The generic matcher of xDS (predicates, trees, inputs), as filters and listeners use it.
// Must not: interpret an action; its callers do.

import type { Any, Message } from '../../envoy/draft.ts';
import { matches } from './text-match.ts';
import { only, present, unjudged } from './unjudged.ts';

type Matcher = Message<'xds.type.matcher.v3.Matcher'>;
type OnMatch = Message<'xds.type.matcher.v3.Matcher.OnMatch'>;
type Predicate = Message<'xds.type.matcher.v3.Matcher.MatcherList.Predicate'>;
export type Action = NonNullable<OnMatch['action']>;

/** The value of an input; undefined when there is none, which matches nothing. */
export type Inputs = (input: Any) => string | undefined;

/** The action that applies; undefined when none does. Errors: UNJUDGED. */
export function actionOf(matcher: Matcher, inputs: Inputs): Action | undefined {
  only(matcher, 'a matcher', 'matcher_list', 'matcher_tree', 'on_no_match');
  const { matcher_list: list, matcher_tree: tree, on_no_match: otherwise } = matcher;
  const found = list === undefined ? treeMatch(present(tree, 'a matcher'), inputs) : listMatch(list, inputs);
  const chosen = found ?? otherwise;
  if (chosen === undefined) return undefined;
  only(chosen, 'a match', 'action', 'matcher');
  // A nested matcher without a match goes on with nothing here: the builders write no `keep_matching`.
  return chosen.matcher === undefined ? present(chosen.action, 'a match') : actionOf(chosen.matcher, inputs);
}

function listMatch(list: NonNullable<Matcher['matcher_list']>, inputs: Inputs): OnMatch | undefined {
  only(list, 'a matcher list', 'matchers');
  for (const matcher of list.matchers ?? []) {
    only(matcher, 'a matcher of a list', 'predicate', 'on_match');
    if (holds(present(matcher.predicate, 'a matcher of a list'), inputs))
      return present(matcher.on_match, 'a matcher of a list');
  }
  return undefined;
}

function treeMatch(tree: NonNullable<Matcher['matcher_tree']>, inputs: Inputs): OnMatch | undefined {
  only(tree, 'a matcher tree', 'input', 'exact_match_map');
  const value = inputs(present(tree.input?.typed_config, 'a matcher tree'));
  const { map = {} } = present(tree.exact_match_map, 'a matcher tree');
  return value !== undefined && Object.hasOwn(map, value) ? map[value] : undefined;
}

export function holds(predicate: Predicate, inputs: Inputs): boolean {
  only(predicate, 'a predicate', 'single_predicate', 'or_matcher', 'and_matcher', 'not_matcher');
  const { single_predicate: single, or_matcher: or, and_matcher: and, not_matcher: not } = predicate;
  if (or !== undefined) return (or.predicate ?? []).some((one) => holds(one, inputs));
  if (and !== undefined) return (and.predicate ?? []).every((one) => holds(one, inputs));
  if (not !== undefined) return !holds(not, inputs);
  const { input, value_match: match, ...rest } = present(single, 'a predicate');
  if (Object.keys(rest).length > 0) throw unjudged('a predicate of another kind');
  const value = inputs(present(input?.typed_config, 'a predicate'));
  return value !== undefined && matches(present(match, 'a predicate'), value);
}
