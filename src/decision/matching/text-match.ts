// String matchers and regular expressions as Envoy (RE2) reads them: an expression matches the whole text.
// Must not: guess what an expression means that JavaScript reads in another way.

import type { Message } from '../../envoy/draft.ts';
import { memoizeByIdentity } from '../../memoize.ts';
import { only, present, unjudged } from './unjudged.ts';

type StringMatcher = Message<'envoy.type.matcher.v3.StringMatcher'> | Message<'xds.type.matcher.v3.StringMatcher'>;

export function matches(matcher: StringMatcher, text: string): boolean {
  only(matcher, 'a string matcher', 'exact', 'prefix', 'suffix', 'contains', 'safe_regex', 'ignore_case');
  const fold = (value: string): string => (matcher.ignore_case ? lowerCase(value) : value);
  const { exact, prefix, suffix, contains, safe_regex: regex } = matcher;
  if (exact !== undefined) return fold(text) === fold(exact);
  if (prefix !== undefined) return fold(text).startsWith(fold(prefix));
  if (suffix !== undefined) return fold(text).endsWith(fold(suffix));
  if (contains !== undefined) return fold(text).includes(fold(contains));
  return wholeText(present(regex, 'a string matcher')).test(text);
}

/** What a matcher asks for, in a few words. */
export function asked(matcher: StringMatcher): string {
  const { exact, prefix, suffix, contains, safe_regex: regex } = matcher;
  if (exact !== undefined) return exact;
  if (prefix !== undefined) return `${prefix}*`;
  if (suffix !== undefined) return `*${suffix}`;
  if (contains !== undefined) return `*${contains}*`;
  return `what matches ${regex?.regex ?? 'nothing'}`;
}

const wholeText = memoizeByIdentity((regex: { readonly regex?: string }): RegExp => {
  only(regex, 'a regular expression', 'regex', 'google_re2');
  const { source, flags } = translated(regex.regex ?? '');
  return new RegExp(`^(?:${source})$`, flags);
});

/** An expression that is looked for in a text. */
export function within(regex: { readonly regex?: string }): RegExp {
  only(regex, 'a regular expression', 'regex', 'google_re2');
  const { source, flags } = translated(regex.regex ?? '');
  return new RegExp(source, `${flags}g`);
}

/** Only what means the same in both: in RE2 a dot is everything but a line feed, and `\C` is any byte. */
function translated(re2: string): { readonly source: string; readonly flags: string } {
  const foldsCase = re2.startsWith('(?i)');
  const text = foldsCase ? re2.slice('(?i)'.length) : re2;
  let [source, inClass] = ['', false];
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\') {
      at += 1;
      const escaped = text.charAt(at);
      if (escaped === 'C' && !inClass) source += '[\\s\\S]';
      else if (/[^\w\s]/.test(escaped)) source += `\\${escaped}`;
      else throw unjudged(`the escape \\${escaped} of a regular expression`);
      continue;
    }
    if (inClass && char === ']' && !source.endsWith('[') && !source.endsWith('[^')) inClass = false;
    else if (!inClass && char === '[') inClass = true;
    else if (!inClass && text.startsWith('(?', at) && !text.startsWith('(?:', at))
      throw unjudged('a group (? of a regular expression');
    source += char === '.' && !inClass ? '[^\\n]' : char;
  }
  return { source, flags: foldsCase ? 'i' : '' };
}

/** Envoy folds ASCII alone. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
