// A table that fits a terminal: columns as wide as they need, long cells wrapped at words.
// Must not: colour when the output is no terminal, or NO_COLOR is set.

export interface Column {
  readonly title: string;
  /** The widest that it may become; its cells are wrapped to it. */
  readonly max: number;
}

export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title, max }, index) => {
    const widest = Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0));
    return Math.min(max, widest);
  });
  const line = (cells: readonly string[]): string[] => {
    const wrapped = widths.map((width, index) => wrap(cells[index] ?? '', width));
    const height = Math.max(...wrapped.map((lines) => lines.length));
    return Array.from({ length: height }, (_, row) =>
      widths
        .map((width, index) => (wrapped[index]?.[row] ?? '').padEnd(width))
        .join('  ')
        .trimEnd(),
    );
  };
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [...line(columns.map(({ title }) => title)), rule, ...rows.flatMap(line)].join('\n');
}

/** Breaks at spaces, and inside a word only when it alone is too long. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    let rest = word;
    if (current !== '' && current.length + 1 + rest.length <= width) {
      current += ` ${rest}`;
      continue;
    }
    if (current !== '') lines.push(current);
    while (rest.length > width) {
      lines.push(rest.slice(0, width));
      rest = rest.slice(width);
    }
    current = rest;
  }
  return [...lines, current];
}

/** Green or red, where somebody sees it. */
export function coloured(text: string, good: boolean, stream: { readonly isTTY?: boolean } = process.stdout): string {
  if (stream.isTTY !== true || process.env['NO_COLOR']) return text;
  return `\u001b[${good ? 32 : 31}m${text}\u001b[0m`;
}
