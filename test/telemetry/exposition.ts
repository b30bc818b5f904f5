// A reader of Prometheus' text format 0.0.4: strict where Prometheus is, and where promtool complains.

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const SAMPLE = new RegExp(
  `^(${NAME})(\\{${LABEL}(?:,${LABEL})*\\})? ([+-]?(?:\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?|Inf)|NaN)$`,
);
const HELP = new RegExp(`^# HELP (${NAME}) \\S.*$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);

export function samplesIn(text: string): ReadonlyMap<string, number> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
      return name === undefined ? [] : [[`${name}${labels}`, Number(value)] as const];
    }),
  );
}

export function expositionProblems(text: string): readonly string[] {
  const problems: string[] = [];
  const helped = new Set<string>();
  const types = new Map<string, string>();
  const seen = new Set<string>();
  let current: string | undefined;
  if (text !== '' && !text.endsWith('\n')) problems.push('the last line does not end');
  for (const line of text.split('\n').slice(0, -1)) {
    const help = HELP.exec(line)?.[1];
    const [, typed, type = ''] = TYPE.exec(line) ?? [];
    const [, name, labels = ''] = SAMPLE.exec(line) ?? [];
    if (help !== undefined) {
      if (helped.has(help)) problems.push(`two HELP for ${help}`);
      helped.add(help);
    } else if (typed !== undefined) {
      if (types.has(typed)) problems.push(`two TYPE for ${typed}`);
      if (!helped.has(typed)) problems.push(`no HELP for ${typed}`);
      if ((type === 'counter') !== typed.endsWith('_total')) problems.push(`${typed} is a ${type}`);
      types.set(typed, type);
      current = typed;
    } else if (name !== undefined) {
      const own = types.get(current ?? '') === 'histogram' ? name.replace(/_(bucket|sum|count)$/, '') : name;
      if (own !== current) problems.push(`${name} stands apart from its TYPE`);
      if (seen.has(`${name}${labels}`)) problems.push(`two samples ${name}${labels}`);
      const labelNames = [...labels.matchAll(/(?:^\{|",)([^=]+)=/g)].map((found) => found[1]);
      if (new Set(labelNames).size !== labelNames.length) problems.push(`a label twice: ${line}`);
      seen.add(`${name}${labels}`);
    } else problems.push(`unreadable: ${line}`);
  }
  return problems;
}
