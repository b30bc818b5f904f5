// The lines of `postern plan` as an operator reads them, and which requests and connections a line of reach speaks of.
// Must not: use the entries that the text was made of.

import assert from 'node:assert/strict';

export interface ReachLine {
  readonly text: string;
  readonly sign: '+' | '-';
  readonly gateway: 'ingress' | 'egress';
  /** Of ingress. */
  readonly peer?: string;
  /** The export, or the local name and port of the import. */
  readonly target: string;
  /** The rest is absent where a peer, or our workloads, lose all. */
  readonly who?: string;
  readonly method?: string;
  readonly path?: string;
  readonly upgrade?: string;
  readonly isTcp?: boolean;
  /** Of a local name that led elsewhere, or will: the export and its peer. */
  readonly leadsTo?: string;
  /** Something of what the line says is allowed on both sides. */
  readonly isPart: boolean;
}

export interface PlanLines {
  readonly reach: readonly ReachLine[];
  /** Trust, addresses, limits: as they are written. */
  readonly bounds: readonly string[];
  readonly connections: readonly string[];
}

/** What one grid point is called in a plan. */
export interface Named {
  readonly gateway: 'ingress' | 'egress';
  readonly peer?: string;
  readonly target: string;
  /** Absent: nobody that a name would fit, such as a caller without a claim or a certificate. */
  readonly who?: string;
  /** Absent for TCP. */
  readonly method?: string;
  readonly path?: string;
  readonly upgrade?: string;
}

export function planLines(text: string): PlanLines {
  const unfolded = text.replaceAll(/\n {4}/g, ' ').split('\n');
  const sections = new Map<string, string[]>();
  let section: string[] = [];
  for (const line of unfolded)
    if (/^[+~?=-] /.test(line)) section.push(line);
    else if (line !== '') {
      section = [];
      sections.set(line, section);
    }
  return {
    reach: (sections.get('Reach') ?? []).map(reachLine),
    bounds: sections.get('Trust, addresses, limits') ?? [],
    connections: sections.get('Connections') ?? [],
  };
}

function reachLine(text: string): ReachLine {
  const sign = text.startsWith('+') ? '+' : '-';
  const isPart = / \((?:more|less) than before(?:; left: [^)]*)?\)$/.test(text);
  const whole = text.slice(2).replace(/ \((?:more|less) than before(?:; left: [^)]*)?\)$/, '');
  const [, leadsTo] = / \((?:leads|led) to (\S+ of \S+)\)$/.exec(whole) ?? [];
  const said = whole.replace(/ \((?:leads|led) to .*$/, '');
  const all = /^our workloads lose (\S+)$|^(\S+) loses (\S+)$/.exec(said);
  if (all !== null) {
    const [, ours, peer, target = ''] = all;
    const at =
      ours === undefined ? ({ gateway: 'ingress', target } as const) : ({ gateway: 'egress', target: ours } as const);
    return {
      text,
      sign,
      ...at,
      ...(peer !== undefined && { peer }),
      ...(leadsTo !== undefined && { leadsTo }),
      isPart,
    };
  }
  const upgrade = / \((websocket)\)$/.exec(said)?.[1];
  const isTcp = said.endsWith(' (TCP)');
  const words = said.replace(/ \((?:websocket|TCP)\)$/, '').split(' ');
  const [caller = '', ...rest] = words;
  const [method, target = '', path] = isTcp ? [undefined, rest[0]] : rest;
  assert.equal(words.length, isTcp ? 2 : 4, text);
  const gateway = target.includes(':') ? 'egress' : 'ingress';
  const [, peer, who] = gateway === 'ingress' ? (/^([^:]*)(?::(.*))?$/.exec(caller) ?? []) : [];
  const claimed = gateway === 'egress' ? (caller === 'anyone' ? undefined : caller) : who;
  return {
    ...{ text, sign, gateway, target, isPart, isTcp },
    ...(peer !== undefined && { peer }),
    ...(leadsTo !== undefined && { leadsTo }),
    ...(claimed !== undefined && { who: claimed }),
    ...(method !== undefined && method !== 'any' && { method }),
    ...(path !== undefined && path !== 'any' && { path }),
    ...(upgrade !== undefined && { upgrade }),
  };
}

export function isOf(line: ReachLine, point: Named): boolean {
  if (line.gateway !== point.gateway || line.target !== point.target || line.peer !== point.peer) return false;
  if (line.isTcp === undefined) return true;
  return (
    line.isTcp === (point.method === undefined) &&
    (line.method === undefined || line.method === point.method) &&
    line.upgrade === point.upgrade &&
    isIn(line.path, point.path) &&
    isIn(line.who, point.who)
  );
}

function isIn(span: string | undefined, value: string | undefined): boolean {
  if (span === undefined) return true;
  if (value === undefined) return false;
  return span.endsWith('*') ? value.startsWith(span.slice(0, -1)) : value === span;
}
