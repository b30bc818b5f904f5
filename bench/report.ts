// From figures to a report: ratios within a repetition, their median and range, in Markdown.
// In: what was measured. Out: text. Must not: measure, or leave a missed target unsaid.

import { cpus } from 'node:os';
import { CELLS, type CellName } from './cells.ts';
import type { InProcessRow } from './in-process.ts';
import { type Figures, median } from './load.ts';
import type { SavedFile } from './saved-file.ts';
import { SERVERS, type ServerName, TITLES } from './servers.ts';
import { TARGETS, type Target } from './targets.ts';

/** One repetition of one cell. */
export type Repetition = ReadonlyMap<ServerName, Figures>;
export type Results = ReadonlyMap<CellName, readonly Repetition[]>;

export interface Measured {
  /** What people found out about the missed targets: bench/ANALYSIS.md. */
  readonly analysis: string;
  readonly results: Results;
  readonly inProcess: readonly InProcessRow[];
  readonly savedFile: SavedFile | undefined;
  readonly quick: boolean;
}

const OTHERS = ['snapshot', 'linear', 'limit'] as const;
const HEADS: readonly (readonly [keyof Figures, string])[] = [
  ['storm', 'storm ms'],
  ['stormCpuPerMb', 'CPU ms/MB'],
  ['changeP50', 'change p50 ms'],
  ['changeP99', 'change p99 ms'],
  ['changeCpu', 'change CPU ms'],
  ['churnPairs', 'churn pairs/s'],
  ['memoryPerStream', 'kB/stream'],
];

/** Postern's figure divided by the other's, one for each repetition. */
export function ratios(
  repetitions: readonly Repetition[],
  figure: keyof Figures,
  other: ServerName,
): readonly number[] {
  return repetitions.flatMap((repetition) => {
    const [ours, theirs] = [repetition.get('postern')?.[figure], repetition.get(other)?.[figure]];
    return ours === undefined || theirs === undefined || Number.isNaN(ours / theirs) ? [] : [ours / theirs];
  });
}

export function verdict(target: Target, other: (typeof OTHERS)[number], ratio: number): boolean {
  return target.atLeast ? ratio >= target[other] : ratio <= target[other];
}

export function report({ results, inProcess, savedFile, quick, analysis }: Measured): string {
  const targets = TARGETS.filter(({ cell }) => results.has(cell));
  return [
    '# Results',
    '',
    `Written by \`npm run bench${quick ? ' -- --quick' : ''}\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, Node ${process.version}.`,
    'Server, load generator and everything else share these cores; every run has a fresh process, and the servers take turns.',
    'A ratio is Postern’s figure divided by the other’s within one repetition: median (min–max). Below 1 Postern needs less; for churn, above 1 it does more.',
    '',
    '## Against the targets',
    '',
    '![ratios](results.svg)',
    '',
    table(
      ['work', 'cell', ...OTHERS.map((other) => TITLES[other])],
      targets.map((target) => [
        target.work,
        CELLS[target.cell].name,
        ...OTHERS.map((other) => {
          const all = ratios(results.get(target.cell) ?? [], target.figure, other);
          if (all.length === 0) return '–';
          const isMet = verdict(target, other, median(all));
          return `${spread(all)}, ${isMet ? 'met' : '**missed**'} (${target.atLeast ? '≥' : '≤'} ${bound(target[other])})`;
        }),
      ]),
    ),
    '',
    '## Figures',
    '',
    'Medians over the repetitions; memory as it was found, nothing collected first.',
    '',
    ...[...results].flatMap(([name, repetitions]) => [
      `### ${CELLS[name].name}`,
      '',
      table(
        ['server', ...HEADS.map(([, head]) => head), 'protocol errors'],
        SERVERS.map((server) => {
          const all = repetitions.flatMap((repetition) => repetition.get(server) ?? []);
          const cells = HEADS.map(([figure]) => number(median(all.map((one) => one[figure]))));
          return [TITLES[server], ...cells, String(all.reduce((sum, one) => sum + one.protocolErrors, 0))];
        }),
      ),
      '',
    ]),
    '## In process',
    '',
    table(
      ['step', ...inProcess.map(({ size }) => size)],
      Object.keys(inProcess[0]?.milliseconds ?? {}).map((step) => [
        step,
        ...inProcess.map(({ milliseconds }) => `${number(milliseconds[step] ?? Number.NaN)} ms`),
      ]),
    ),
    '',
    ...(savedFile === undefined ? [] : savedFileText(savedFile)),
    analysis,
  ].join('\n');
}

function savedFileText({ streams, exports, total, parse, apply }: SavedFile): readonly string[] {
  const rest = median(total) - median(parse) - median(apply);
  return [
    '## From a saved file to the last gateway',
    '',
    `${exports} exports, one changed, ${streams} gateways (SotW, plaintext), \`postern run\`: from the write of the file until the last has the new route table.`,
    '',
    table(
      ['part', 'median (min–max) ms'],
      [
        ['all of it (goal: ≤ 1000)', spread(total)],
        ['reading and parsing, in a worker', spread(parse)],
        ['resolve, translate, encode, check, publish', spread(apply)],
        ['noticing the file, the wire, the ACKs (the rest)', number(rest)],
        ['after parsing (goal: ≤ 300)', number(median(total) - median(parse))],
      ],
    ),
    '',
  ];
}

export function spread(values: readonly number[]): string {
  return `${number(median(values))} (${number(Math.min(...values))}–${number(Math.max(...values))})`;
}

function bound(value: number): string {
  return value < 0.5 ? `1/${number(1 / value)}` : number(value);
}

export function number(value: number): string {
  if (Number.isNaN(value)) return '–';
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
