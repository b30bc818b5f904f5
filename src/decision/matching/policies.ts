// RBAC policies of a virtual host: whether a request matches one, and which came nearest.
// Must not: know which policies the builders write; every kind of matcher that they use is judged here, any other throws.

import type { Message } from '../../envoy/draft.ts';
import type { Nearest } from '../answer/decision.ts';
import type { RequestView } from './request-view.ts';
import { asked, lowerCase, matches } from './text-match.ts';
import { only, present, unjudged } from './unjudged.ts';

export type Permission = Message<'envoy.config.rbac.v3.Permission'>;
export type Principal = Message<'envoy.config.rbac.v3.Principal'>;
export type Policy = Message<'envoy.config.rbac.v3.Policy'>;
type HeaderMatcher = Message<'envoy.config.route.v3.HeaderMatcher'>;

/** What part of a request a condition is about. */
/** `spelling`: a path that a rule has, in a form that backends may read in another way. */
export type Aspect = 'method' | 'path' | 'spelling' | 'workload' | 'host' | 'peer' | 'body' | 'other';

/** A condition that does not hold. */
export interface Unmet {
  readonly aspect: Aspect;
  /** As the end of "it needs …". */
  readonly need: string;
}

type Distances = Readonly<Record<Aspect, number>>;

/** The conditions of the policy that do not hold, of the nearest alternative; empty when it matches. */
export function unmetOf(policy: Policy, view: RequestView, name: string, by: Distances = DISTANCE): readonly Unmet[] {
  only(policy, `the policy ${name}`, 'permissions', 'principals');
  const { permissions = [], principals = [] } = policy;
  return [
    ...fewest(
      permissions.map((one) => unmetPermission(one, view, by)),
      by,
    ),
    ...fewest(
      principals.map((one) => unmetPrincipal(one, view, by)),
      by,
    ),
  ];
}

/** In the order in which the gateways' logs look for the reason (envoy/http/reason-expressions.ts). */
export const BY_REASON: Distances = {
  path: 10_000,
  method: 1000,
  body: 100,
  spelling: 10,
  workload: 1,
  peer: 100_000,
  host: 100_000,
  other: 100_000,
};

/** Another method or host is another request; another path is often a slip. */
const DISTANCE: Distances = {
  path: 2,
  spelling: 1,
  method: 2,
  workload: 1,
  body: 1,
  peer: 4,
  host: 4,
  other: 4,
};

function distanceOf(unmet: readonly Unmet[], by: Distances): number {
  return unmet.reduce((sum, { aspect }) => sum + by[aspect], 0);
}

/** Of alternatives; none of them means that nothing can match. */
function fewest(alternatives: readonly (readonly Unmet[])[], by: Distances): readonly Unmet[] {
  const [first, ...others] = alternatives;
  if (first === undefined) return [{ aspect: 'other', need: 'a rule that is not empty' }];
  return others.reduce((best, one) => (distanceOf(one, by) < distanceOf(best, by) ? one : best), first);
}

const NOT_THIS: (aspect: Aspect) => readonly Unmet[] = (aspect) => [{ aspect, need: NOT_NEEDS[aspect] }];
const NOT_NEEDS: Readonly<Record<Aspect, string>> = {
  method: 'a method that may be granted',
  path: 'another path',
  spelling: 'a path that no backend can read in two ways',
  workload: 'another workload',
  host: 'another host',
  peer: 'another peer',
  body: 'no body, because the method defines none',
  other: 'another request',
};

export function unmetPermission(permission: Permission, view: RequestView, by: Distances = DISTANCE): readonly Unmet[] {
  only(
    permission,
    'a permission',
    'any',
    'and_rules',
    'or_rules',
    'not_rule',
    'header',
    'url_path',
    'sourced_metadata',
  );
  const {
    any,
    and_rules: and,
    or_rules: or,
    not_rule: not,
    header,
    url_path: path,
    sourced_metadata: metadata,
  } = permission;
  if (any) return [];
  if (and !== undefined) return (and.rules ?? []).flatMap((one) => unmetPermission(one, view, by));
  if (or !== undefined)
    return fewest(
      (or.rules ?? []).map((one) => unmetPermission(one, view, by)),
      by,
    );
  if (not !== undefined) return unmetPermission(not, view, by).length > 0 ? [] : NOT_THIS(aspectOf(not));
  if (header !== undefined) return unmetHeader(header, view);
  if (path !== undefined) return unmetPath(path, view);
  return unmetMetadata(present(metadata, 'a permission'), view);
}

function unmetPrincipal(principal: Principal, view: RequestView, by: Distances): readonly Unmet[] {
  only(principal, 'a principal', 'any', 'and_ids', 'or_ids', 'not_id', 'authenticated');
  const { any, and_ids: and, or_ids: or, not_id: not, authenticated } = principal;
  if (any) return [];
  if (and !== undefined) return (and.ids ?? []).flatMap((one) => unmetPrincipal(one, view, by));
  if (or !== undefined)
    return fewest(
      (or.ids ?? []).map((one) => unmetPrincipal(one, view, by)),
      by,
    );
  if (not !== undefined) return unmetPrincipal(not, view, by).length > 0 ? [] : NOT_THIS('peer');
  const { principal_name: matcher, ...rest } = present(authenticated, 'a principal');
  if (matcher === undefined || Object.keys(rest).length > 0) throw unjudged('a principal that names nobody');
  return view.identities.some((one) => matches(matcher, one))
    ? []
    : [{ aspect: 'peer', need: `the certificate of ${asked(matcher)}` }];
}

function unmetHeader(header: HeaderMatcher, view: RequestView): readonly Unmet[] {
  only(header, 'a header matcher', 'name', 'string_match', 'present_match');
  const { name = '', string_match: matcher, present_match: isPresent } = header;
  const value = view.header(name);
  const aspect = aspectOfHeader(name);
  if (isPresent !== undefined) {
    if ((value !== undefined) === isPresent) return [];
    return [{ aspect, need: isPresent ? `the header ${name}` : `no header ${name}` }];
  }
  const wanted = present(matcher, 'a header matcher');
  if (value !== undefined && matches(wanted, value)) return [];
  return [{ aspect, need: `${aspect === 'other' ? `the header ${name}` : aspect} ${asked(wanted)}` }];
}

/** The path without its query. */
function unmetPath(path: NonNullable<Permission['url_path']>, view: RequestView): readonly Unmet[] {
  const matcher = present(path.path, 'a path matcher');
  const [asPath = ''] = (view.header(':path') ?? '').split(/[?#]/, 1);
  return matches(matcher, asPath) ? [] : [{ aspect: 'path', need: `path ${asked(matcher)}` }];
}

function unmetMetadata(sourced: NonNullable<Permission['sourced_metadata']>, view: RequestView): readonly Unmet[] {
  only(sourced, 'sourced metadata', 'metadata_matcher', 'metadata_source');
  if ((sourced.metadata_source ?? 'DYNAMIC') !== 'DYNAMIC') throw unjudged('metadata that is not of the request');
  const matcher = present(sourced.metadata_matcher, 'sourced metadata');
  only(matcher, 'a metadata matcher', 'filter', 'path', 'value');
  const [key, ...more] = matcher.path ?? [];
  if (key?.key === undefined || more.length > 0) throw unjudged('a metadata matcher with another path than one key');
  const wanted = present(matcher.value?.string_match, 'a metadata matcher');
  const value = view.metadataOf(matcher.filter ?? '', key.key);
  return value !== undefined && matches(wanted, value)
    ? []
    : [{ aspect: 'workload', need: `workload ${asked(wanted)}` }];
}

/** Of a condition that is negated: what it is mostly about. */
function aspectOf(permission: Permission): Aspect {
  const {
    and_rules: and,
    or_rules: or,
    not_rule: not,
    header,
    url_path: path,
    sourced_metadata: metadata,
  } = permission;
  if (path !== undefined) return 'spelling';
  if (metadata !== undefined) return 'workload';
  if (header !== undefined) return aspectOfHeader(header.name ?? '');
  if (not !== undefined) return aspectOf(not);
  const aspects = [...(and?.rules ?? []), ...(or?.rules ?? [])].map(aspectOf);
  return aspects.includes('body') ? 'body' : (aspects[0] ?? 'other');
}

function aspectOfHeader(name: string): Aspect {
  const aspect = { ':method': 'method', ':authority': 'host', ':path': 'path', 'content-length': 'body' } as const;
  return aspect[lowerCase(name) as keyof typeof aspect] ?? 'other';
}

/** Of the rules that did not match, the one whose conditions are the fewest. */
export function nearestOf(
  refused: readonly { readonly name: string; readonly unmet: readonly Unmet[] }[],
): Nearest | undefined {
  const [first, ...others] = refused;
  if (first === undefined) return undefined;
  const best = others.reduce(
    (near, one) => (distanceOf(one.unmet, DISTANCE) < distanceOf(near.unmet, DISTANCE) ? one : near),
    first,
  );
  return { rule: best.name, needs: best.unmet.map(({ need }) => need) };
}
