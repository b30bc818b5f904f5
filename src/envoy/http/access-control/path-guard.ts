// What the path of a request may look like: an allow list of characters for all paths, and places that are bad below a prefix.
// Must not: list bad characters (a backend that decodes once more than expected finds new ones), nor use a regular
// expression of a program size over 100 (Envoy's default limit), nor one that is not linear (all are RE2).

import { extension, type Message } from '../../draft.ts';
import { hasValue, skippedWhen } from './skipped-guard.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type Permission = Message<'envoy.config.rbac.v3.Permission'>;

export const PATH_GUARD = 'envoy.filters.http.rbac.paths';

/** ASCII that stands for itself: unreserved, and the rest of what a segment may hold (RFC 3986, 3.3). */
const PLAIN = "[a-z0-9._~!$&'()*+,;=:@|\\[\\]/-]";

/** ASCII that may be percent-encoded: what encoders escape of the above (not the semicolon), a space, and braces. */
const ENCODED = '%(?:2[0146-9a-c]|3[ad]|40|5[bd]|7[b-d])';

const FOLLOWING = '%[89ab][0-9a-f]';

/**
 * Where UTF-8 may go after a first byte; a first byte that is not here may be followed by anything that is well formed.
 * Left out, because some software takes it for a dot, a slash, a backslash, a percent sign, a semicolon or for nothing:
 * what NFKC or a legacy code page maps to ASCII punctuation (fullwidth and small forms, U+2024 to 2026, fractions,
 * U+2215, U+29F8, yen and won signs, CJK full stops, units such as "m/s"), white space and controls, what is invisible
 * (soft hyphen, joiners, direction marks, variation selectors, fillers), private use, surrogates, overlong forms.
 */
const AFTER: Readonly<Record<string, readonly string[]>> = {
  c2: ['a[1-46-9a-ce-f]', 'b[0-9abf]'],
  cd: ['8[0-9a-e]', '9[0-9a-f]', 'a[0-9a-f]', 'b[0-9a-df]'],
  d8: ['8[0-9a-f]', '9[0-9abd-f]', '[ab][0-9a-f]'],
  d9: ['[89b][0-9a-f]', 'a[0-9b-f]'],
  e0: ['[ab][0-9a-f]'],
  e1: [
    '(?:8[0-46-9a-f]|9[0-9b-df]|a[1-9a-f]|b[0-9a-f])',
    '85%(?:[8b][0-9a-f]|9[0-9a-e]|a[1-9a-f])',
    '9a%(?:8[1-9a-f]|[9ab][0-9a-f])',
    '9e%(?:[89a][0-9a-f]|b[0-36-9a-f])',
    'a0%(?:8[0-9a]|[9ab][0-9a-f])',
  ],
  e2: [
    '(?:8[79a-f]|9[013-9a-f]|a[0-689a-f]|b[0-9a-f])',
    '80%(?:9[0-9a-f]|a[0-3]|b[0-9ab])',
    '81%b[0-9a-f]',
    '82%(?:8[0-9a-f]|9[0-9a-f]|a[0-8a-f]|b[0-9a-f])',
    '84%(?:8[7-9a-f]|[9ab][0-9a-f])',
    '86%9[0-9a-f]',
    '88%(?:8[0-9a-f]|[9ab][89a-f])',
  ],
  e3: ['(?:8[1-46-9a-d]|[9ab][0-9a-f])', '80%8[13-9a-f]', '80%[9ab][0-9a-f]', '85%(?:[89b][0-9a-f]|a[0-35-9a-f])'],
  ed: ['[89][0-9a-f]'],
  ee: [],
  ef: [
    '(?:a[4-9a-f]|b[0-6a])',
    'b7%[8b][0-9a-f]',
    'bb%(?:[89a][0-9a-f]|b[0-9a-e])',
    'bd%(?:a[6-9a-f]|b[0-9a-f])',
    'be%[89][0-9a-f]',
  ],
  f0: ['(?:9[0-9ace]|[ab][0-9a-f])', '9f%(?:8[0-35-9a-f]|[9ab][0-9a-f])'],
};

/** First bytes that share an expression, so that none grows too large. */
const TOGETHER = [['c2', 'cd', 'd8', 'd9'], ['e1'], ['e2'], ['e0', 'e3', 'ed', 'ee'], ['ef', 'f0']] as const;

/** Matches a whole path of ASCII alone, as nearly all are. */
const ASCII = `(?i)/(?:${PLAIN}|${ENCODED})*`;

/** Matches a whole path whose bytes beyond ASCII are percent-encoded and have the shape of UTF-8. */
const SHAPE = `(?i)/(?:${PLAIN}|${ENCODED}|%(?:c[2-9a-f]|d[0-9a-f]|(?:e[0-9a-f]|f0${FOLLOWING})${FOLLOWING})${FOLLOWING})*`;

/** Each matches a whole path in which its first bytes are followed only by what AFTER allows. */
const SEQUENCES = TOGETHER.map((firsts) => {
  const highs = [...new Set(firsts.map((first) => first.charAt(0)))];
  const others = highs.map((high) => {
    const lows = firsts.filter((first) => first.startsWith(high)).map((first) => first.charAt(1));
    return `%${high}[^${lows.join('')}]`;
  });
  const allowed = firsts.flatMap((first) => (AFTER[first] ?? []).map((after) => `%${first}%${after}`));
  return `(?i)(?:[^%]|%[^${highs.join('')}]|${[...others, ...allowed].join('|')})*`;
});

/** A path that is in ASCII, or matches all of the others. */
export const HARMLESS: { readonly ascii: string; readonly beyond: readonly string[] } = {
  ascii: ASCII,
  beyond: [SHAPE, ...SEQUENCES],
};

/** What may follow a path in its header; the rules see the path without it. */
const QUERY = '(?:\\?\\C*)?';

/**
 * Refuses paths that are not harmless, once for all exports of a peer. It refuses nothing that an exact rule admits, because
 * exact rules have no percent sign. All else is left to access control. It also refuses CONNECT, which has no path, and comes
 * before the body guard: a CONNECT has no route, so no limit counts it, and it must not wait there for its end.
 */
export function pathGuard(): HttpFilter {
  const harmless = anyOf([wholePath(HARMLESS.ascii), allOf(HARMLESS.beyond.map(wholePath))]);
  const refuse = extension(PATH_GUARD, 'envoy.extensions.filters.http.rbac.v3.RBAC', {
    rules: {
      action: 'DENY',
      policies: { 'unusual-path': { permissions: [{ not_rule: harmless }], principals: [{ any: true }] } },
    },
    rules_stat_prefix: 'paths_',
  });
  return skippedWhen(hasValue(':path', `${HARMLESS.ascii}${QUERY}`), refuse);
}

const OPEN = '(?:\\(|%28)';

/**
 * Where harmless characters do harm, below a prefix: a semicolon (Tomcat and others drop what follows it in the
 * segment), a segment of dots and spaces alone, or one that begins or ends with a space (Windows and some routers trim
 * them); two parentheses opened in a segment that begins with one, which ASP.NET cuts out: `/(S(x))/`.
 */
export const BAD_PLACES = `.*(?:;|//|/%20|%20/|/(?:\\.|%20)+/|/${OPEN}[^/]*${OPEN}).*|.*(?:%20|/(?:\\.|%20)+)`;

function wholePath(regex: string): Permission {
  return { url_path: { path: { safe_regex: { regex } } } };
}

function allOf(rules: readonly Permission[]): Permission {
  return { and_rules: { rules } };
}

function anyOf(rules: readonly Permission[]): Permission {
  return { or_rules: { rules } };
}
