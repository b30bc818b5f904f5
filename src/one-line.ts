// Text of somebody else (a file name, a flag, the answer of a server) as a part of a line that Postern prints.
// A file name may hold a line end, and CI systems run commands that they find in the output: `::name ...::` at the begin of
// a line, and `##[` anywhere in it (github.com/actions/runner, ActionCommand.cs).
// Must not: change a text that is harmless.

const STEERING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with `\u{HEX}` in the place of control, format and bidirectional characters, line ends, and marks of a CI command. */
export function oneLine(text: string): string {
  return text
    .replace(STEERING, escaped)
    .replaceAll('##[', `##${escaped('[')}`)
    .replace(/^(\s*):(?=:.*::)/, (_, space: string) => `${space}${escaped(':')}`);
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}

/** The same value with `oneLine` applied to every text in it, also to the keys of its objects. */
export function inOneLine<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_, part: unknown) => {
    if (typeof part === 'string') return oneLine(part);
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([key, one]) => [oneLine(key), one]));
  }) as T;
}
