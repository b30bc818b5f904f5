// Lua's pattern matching (lstrlib.c) with a counter: how many characters a pattern looks at.
// Must not: know more of patterns than the script of src/envoy/http/headers/internal-hosts.ts uses; what it does not know is an error.

const CLASSES: Readonly<Record<string, RegExp>> = {
  a: /[A-Za-z]/,
  c: /[\0-\x1f\x7f]/,
  d: /[0-9]/,
  s: /[\t-\r ]/,
  w: /[A-Za-z0-9]/,
  x: /[0-9A-Fa-f]/,
};

/** Counts the steps of one `string.gsub(subject, pattern, …)`, which tries every start as `find` and `match` do at worst. */
export function steps(pattern: string, subject: string): number {
  let count = 0;
  const anchored = pattern.startsWith('^');

  function classEnd(at: number): number {
    if (pattern[at] === '%') return at + 2;
    if (pattern[at] !== '[') return at + 1;
    let end = at + 1;
    if (pattern[end] === '^') end++;
    do end += pattern[end] === '%' ? 2 : 1;
    while (pattern[end] !== ']');
    return end + 1;
  }

  function isClass(letter: string, character: string): boolean {
    const known = CLASSES[letter];
    if (known !== undefined) return known.test(character);
    if (/[A-Za-z]/.test(letter)) throw new Error(`unknown class %${letter}`);
    return letter === character;
  }

  function isInSet(from: number, to: number, character: string): boolean {
    let at = from + 1;
    const negated = pattern[at] === '^';
    if (negated) at++;
    for (; at < to - 1; at++) {
      const item = pattern.charAt(at);
      if (item === '%') {
        at++;
        if (isClass(pattern.charAt(at), character)) return !negated;
      } else if (pattern[at + 1] === '-' && at + 2 < to - 1) {
        if (item <= character && character <= pattern.charAt(at + 2)) return !negated;
        at += 2;
      } else if (item === character) return !negated;
    }
    return negated;
  }

  function single(s: number, p: number, end: number): boolean {
    count++;
    if (s >= subject.length) return false;
    const character = subject.charAt(s);
    switch (pattern[p]) {
      case '.':
        return true;
      case '%':
        return isClass(pattern.charAt(p + 1), character);
      case '[':
        return isInSet(p, end, character);
      default:
        return pattern[p] === character;
    }
  }

  /** Where the match ends, or undefined. */
  function match(s: number, p: number): number | undefined {
    if (p === pattern.length) return s;
    // Captures do not choose between ways to match.
    if (pattern[p] === '(' || pattern[p] === ')') return match(s, p + 1);
    if (pattern[p] === '$' && p + 1 === pattern.length) return s === subject.length ? s : undefined;
    if (pattern[p] === '%' && /[bf0-9]/.test(pattern.charAt(p + 1))) throw new Error('not known: %b, %f, %1');
    const end = classEnd(p);
    switch (pattern[end]) {
      case '?':
        return (single(s, p, end) ? match(s + 1, end + 1) : undefined) ?? match(s, end + 1);
      case '*':
      case '+': {
        const least = pattern[end] === '+' ? 1 : 0;
        let length = 0;
        while (single(s + length, p, end)) length++;
        for (; length >= least; length--) {
          const found = match(s + length, end + 1);
          if (found !== undefined) return found;
        }
        return undefined;
      }
      case '-':
        throw new Error('not known: the lazy quantifier');
      default:
        return single(s, p, end) ? match(s + 1, end) : undefined;
    }
  }

  let at = 0;
  while (at <= subject.length) {
    const end = match(at, anchored ? 1 : 0);
    count++;
    if (anchored) break;
    at = end !== undefined && end > at ? end : at + 1;
  }
  return count;
}
