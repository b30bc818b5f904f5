// The two parts of bench/RESULTS.md: the engine's, and that of the gateways. Each bench writes its own and keeps the other.
// Must not: know what is in either.

const BEGIN = '<!-- The part of the gateways begins here. -->';
const END = '<!-- The part of the gateways ends here. -->';

/** The whole file with another part of the gateways; what was there before stays around it. */
export function withGateways(file: string, part: string): string {
  const [before, after] = around(file);
  return [before.trimEnd(), '', BEGIN, part.trim(), END, '', after.trimStart()].join('\n').trimStart();
}

/** The engine's new part, with the part of the gateways that the file has. */
export function withEngine(file: string, part: string): string {
  const from = file.indexOf(BEGIN);
  const to = file.indexOf(END);
  return from < 0 || to < from ? part : withGateways(part, file.slice(from + BEGIN.length, to));
}

function around(file: string): readonly [string, string] {
  const from = file.indexOf(BEGIN);
  const to = file.indexOf(END);
  return from < 0 || to < from ? [file, ''] : [file.slice(0, from), file.slice(to + END.length)];
}
