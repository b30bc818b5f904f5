// The RBAC filter: the policies of a virtual host, or the matcher of an import's clients.
// Must not: know which policies the builders write.

import type { Any, Message } from '../../envoy/draft.ts';
import type { Decision } from '../answer/decision.ts';
import type { Reason } from '../answer/reason.ts';
import { BY_REASON, nearestOf, type Policy, type Unmet, unmetOf } from '../matching/policies.ts';
import type { RequestView } from '../matching/request-view.ts';
import { asked } from '../matching/text-match.ts';
import { only, present, unjudged } from '../matching/unjudged.ts';
import { actionOf } from '../matching/xds-matcher.ts';
import { type Hop, type Outcome, requestInput } from './http-hop.ts';

type Rbac = Message<'envoy.extensions.filters.http.rbac.v3.RBAC'>;
type Matcher = Message<'xds.type.matcher.v3.Matcher'>;

export function effectiveRbac(own: Rbac, override: Any | undefined, name: string): Rbac {
  if (override === undefined) return own;
  if (override['@type'] !== 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute')
    throw unjudged(`the entry ${override['@type']} for ${name}`);
  return present(override.rbac, `the entry for ${name}`);
}

/** Shadow rules decide nothing: they are for the log. */
export function accessControl(name: string, rbac: Rbac, hop: Hop): Outcome | undefined {
  only(
    rbac,
    name,
    ...['rules', 'rules_stat_prefix', 'matcher', 'shadow_rules', 'shadow_matcher', 'shadow_rules_stat_prefix'],
    'track_per_rule_stats',
  );
  if (rbac.matcher !== undefined) return clients(rbac.matcher, hop);
  const rules = present(rbac.rules, `rules of ${name}`);
  only(rules, name, 'action', 'policies');
  const judged = policiesOf(rules.policies ?? {}, hop.view);
  const matched = judged.find(({ unmet }) => unmet.length === 0);
  const action = rules.action ?? 'ALLOW';
  if (action === 'DENY') return matched === undefined ? undefined : denied(matched.name, hop);
  if (action !== 'ALLOW') throw unjudged(`the action ${action}`);
  if (matched === undefined) return { refusal: refused(rules.policies ?? {}, judged, hop) };
  hop.trail.pass('rule', matched.name, 'all of its conditions hold', matched.name);
  return { rule: matched.name };
}

interface Judged {
  readonly name: string;
  readonly unmet: readonly Unmet[];
}

/** Envoy asks them in the order of their names, and the first that matches is the one in the log. */
function policiesOf(policies: Readonly<Record<string, Policy>>, view: RequestView): readonly Judged[] {
  return Object.keys(policies)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => ({ name, unmet: unmetOf(policies[name] ?? {}, view, name) }));
}

/** What the guards refuse, by the names of their policies. */
function denied(policy: string, { view, trail, source, denial }: Hop): Outcome {
  if (policy === 'underscore-header') {
    const [found = '(none)'] = view.request.headers.find(([header]) => header.includes('_')) ?? [];
    const compared = 'a header name with an underscore is refused';
    return { refusal: trail.no(denial ?? 'UNDERSCORE_HEADER', 'request', found, compared, source) };
  }
  if (policy !== 'unusual-path') throw unjudged(`the policy ${policy}`);
  const compared = `the path ${view.header(':path')} holds what some backends read in another way`;
  return { refusal: trail.no('UNUSUAL_PATH', 'rule', policy, compared, source) };
}

function refused(
  policies: Readonly<Record<string, Policy>>,
  judged: readonly Judged[],
  { trail, denial, source, view }: Hop,
): Decision {
  const nearest = nearestOf(judged);
  if (nearest === undefined || denial !== undefined)
    return trail.no(
      denial ?? 'NO_GRANT',
      'rule',
      '(none)',
      `no rule is about the host ${view.header(':authority')}`,
      source,
    );
  return trail.no(
    reasonOf(policies, view),
    'rule',
    nearest.rule,
    `it needs ${nearest.needs.join(' and ')}`,
    nearest.rule,
    nearest,
  );
}

/** Which condition comes first that no rule meets together with those before it. */
function reasonOf(policies: Readonly<Record<string, Policy>>, view: RequestView): Reason {
  const lacks = Object.entries(policies).map(
    ([name, policy]) => new Set(unmetOf(policy, view, name, BY_REASON).map(({ aspect }) => aspect)),
  );
  const ofPath = lacks.filter((aspects) => !aspects.has('path'));
  const ofMethod = ofPath.filter((aspects) => !aspects.has('method'));
  const isLackedBySome = (aspect: Unmet['aspect']): boolean => ofMethod.some((aspects) => aspects.has(aspect));
  if (ofPath.length === 0) return 'PATH';
  if (ofMethod.length === 0) return 'METHOD';
  if (isLackedBySome('body')) return 'UNEXPECTED_BODY';
  if (isLackedBySome('spelling')) return 'UNUSUAL_PATH';
  return isLackedBySome('workload') ? 'WORKLOAD' : 'NO_GRANT';
}

/** A matcher in the place of policies: the clients of an import. */
function clients(matcher: Matcher, { view, trail, source }: Hop): Outcome | undefined {
  const action = actionOf(matcher, (input) => requestInput(input, view))?.typed_config;
  if (action?.['@type'] !== 'type.googleapis.com/envoy.config.rbac.v3.Action')
    throw unjudged('an action of access control');
  const shown = view.identities.join(', ') || '(none)';
  const { rule, identities } = allowedBy(matcher);
  const wanted = identities.join(' or ');
  if ((action.action ?? 'ALLOW') === 'ALLOW') {
    trail.pass('rule', action.name ?? '', `${shown} is ${wanted}`, source && `${source}.clients`);
    return { rule: action.name ?? '' };
  }
  const nearest = { rule, needs: [`the certificate of ${wanted}`] };
  const compared = `${shown} is not ${wanted}`;
  return { refusal: trail.no('CLIENT', 'rule', rule, compared, source && `${source}.clients`, nearest) };
}

/** The identities that the matcher allows, and the rules by which it does. */
function allowedBy(matcher: Matcher): { readonly rule: string; readonly identities: readonly string[] } {
  const rules = new Set<string>();
  const identities: string[] = [];
  for (const { predicate, on_match: match } of matcher.matcher_list?.matchers ?? []) {
    const action = match?.action?.typed_config;
    if (action?.['@type'] !== 'type.googleapis.com/envoy.config.rbac.v3.Action') continue;
    rules.add(action.name ?? '');
    identities.push(...namesIn(predicate ?? {}));
  }
  return { rule: [...rules].join(', '), identities };
}

function namesIn(predicate: Message<'xds.type.matcher.v3.Matcher.MatcherList.Predicate'>): readonly string[] {
  const { single_predicate: single, or_matcher: or, and_matcher: and } = predicate;
  if (single?.value_match !== undefined) return [asked(single.value_match)];
  return [...(or?.predicate ?? []), ...(and?.predicate ?? [])].flatMap(namesIn);
}
