// The lists of a file, cut at their dashes, so that each item can be read by itself.
// In: text. Out: where the items stand, and the text without them; or nothing, when that is not plain to see.
// Must not: interpret YAML. It looks at how lines begin; `incremental.ts` has `yaml` confirm what it took for an item.

/** The lists that are values of the file's own keys, each item on lines of its own. */
export interface Cut {
  /** The text, with an empty item in the place of each list; every offset is what it was. */
  readonly rest: string;
  /** By the offset of its first dash, where the items of a list begin (their lines, in order), and then where it ends. */
  readonly lists: ReadonlyMap<number, readonly number[]>;
}

/** A key of the file's own whose value begins on another line. */
const KEY = /[A-Za-z]+: *(?:#[^\n]*)?\n/y;
/** What may follow a list. */
const NEXT_KEY = /[A-Za-z]{2}/y;

export function splitLists(text: string): Cut | undefined {
  // Whether these are indentation or an end of a line is a matter of opinion; and the last item must end with its line.
  if (text.includes('\t') || text.includes('\r') || !text.endsWith('\n')) return undefined;
  const lists = new Map<number, readonly number[]>();
  const rest: string[] = [];
  let kept = 0;
  let list: { readonly indent: number; readonly starts: number[] } | undefined;
  const close = ({ indent, starts }: NonNullable<typeof list>, end: number): void => {
    const [start = 0] = starts;
    const dash = start + indent;
    lists.set(dash, [...starts, end]);
    rest.push(text.slice(kept, dash), '- ', '#'.repeat(end - dash - 3), '\n');
    kept = end;
  };
  let afterKey = false;
  let next = 0;
  for (let at = 0; at < text.length; at = next) {
    next = text.indexOf('\n', at) + 1;
    let first = at;
    while (text[first] === ' ') first += 1;
    const indent = first - at;
    // Blank lines and comments belong to what stands before them.
    if (text[first] === '\n' || text[first] === '#') continue;
    const item = text.startsWith('- ', first);
    if (list !== undefined) {
      if (indent > list.indent) continue;
      if (item && indent === list.indent) {
        list.starts.push(at);
        continue;
      }
      if (!matches(NEXT_KEY, text, at)) return undefined;
      close(list, at);
      list = undefined;
    }
    if (item && afterKey) list = { indent, starts: [at] };
    afterKey = matches(KEY, text, at);
  }
  if (list !== undefined) close(list, text.length);
  return { rest: rest.join('') + text.slice(kept), lists };
}

function matches(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}
