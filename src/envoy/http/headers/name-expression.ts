// One regular expression for a list of header names, so that Envoy looks at each header of a message once instead of once for
// each name. As a tree of letters, because RE2 counts every letter, and a gateway takes programs of up to 1000.
// Must not: match a name that is not on the list.

interface Tree {
  readonly next: Map<string, Tree>;
  /** A name ends here. */
  isName?: boolean;
  /** So does a family: whatever follows belongs to it. */
  isFamily?: boolean;
}

/** Every character of a header name (RFC 9110, 5.6.2, and more): one range, where a dot would be all of UTF-8. */
const REST = '[!-~]*';

/** A name that ends in `*` is a family. */
export function nameExpression(names: readonly string[]): string {
  const root: Tree = { next: new Map() };
  for (const name of names) {
    const isFamily = name.endsWith('*');
    let at = root;
    for (const letter of isFamily ? name.slice(0, -1) : name) {
      const found: Tree = at.next.get(letter) ?? { next: new Map() };
      at.next.set(letter, found);
      at = found;
    }
    if (isFamily) at.isFamily = true;
    else at.isName = true;
  }
  return expressionOf(root);
}

function expressionOf({ next, isName, isFamily }: Tree): string {
  if (isFamily) return REST;
  const ways = [...next].map(([letter, tree]) => `${letter === '$' ? '\\$' : letter}${expressionOf(tree)}`);
  const [only = ''] = ways;
  if (ways.length < 2 && !isName) return only;
  return ways.length === 0 ? '' : `(?:${ways.join('|')})${isName ? '?' : ''}`;
}
