// One regular expression for a list of header names, so that Envoy looks at each header of a message once instead of once for
// each name. As a tree of letters, because RE2 counts every letter, and a gateway takes programs of up to 1000.
// Must not: match a name that is not on the list.

/** Every character of a header name (RFC 9110, 5.6.2, and more): one range, where a dot would be all of UTF-8. */
const REST = '[!-~]*';

/** How the words of a name are joined: exactly as listed, or also with underscores, for which a dash was meant. */
export type Joint = '-' | '[-_]';

/** A name that ends in `*` is a family: whatever follows belongs to it. */
export function nameExpression(names: readonly string[], joint: Joint = '-'): string {
  if (names.includes('*')) return REST;
  const byLetter = new Map<string, string[]>();
  for (const name of names) {
    const letter = name.slice(0, 1);
    const others = byLetter.get(letter);
    if (others === undefined) byLetter.set(letter, [name]);
    else others.push(name);
  }
  const isName = byLetter.delete('');
  const ways = [...byLetter.values()].map((alike) => {
    const start = sharedStart(alike);
    const literally = start.replaceAll('$', '\\$$').replaceAll('-', joint);
    return (
      literally +
      nameExpression(
        alike.map((name) => name.slice(start.length)),
        joint,
      )
    );
  });
  const [only = ''] = ways;
  if (ways.length < 2 && !isName) return only;
  return ways.length === 0 ? '' : `(?:${ways.join('|')})${isName ? '?' : ''}`;
}

/** What all the names begin with, without the `*` of a family. */
function sharedStart([first = '', ...others]: readonly string[]): string {
  let start = first.endsWith('*') ? first.slice(0, -1) : first;
  for (const other of others) while (!other.startsWith(start)) start = start.slice(0, -1);
  return start;
}
