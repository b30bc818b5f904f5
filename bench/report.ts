// Turns figures into a report in Markdown: ratios within a repetition, their median and range.
// Must not: measure, or leave a missed target unsaid.

import { cpus } from 'node:os';
import { CELLS, type CellName } from './cells.ts';
import type { InProcessRow } from './in-process.ts';
import { type Figures, median } from './load.ts';
import type { SavedFile } from './saved-file.ts';
import { SERVERS, type ServerName, TITLES } from './servers.ts';
import { OVER_TLS, TARGETS, type Target, type Work } from './targets.ts';
import type { Waves } from './waves.ts';

/** One repetition of one cell. */
export type Repetition = ReadonlyMap<ServerName, Figures>;
export type Results = ReadonlyMap<CellName, readonly Repetition[]>;

export interface Measured {
  /** Why targets are missed (bench/ANALYSIS.md); of a whole run only. */
  readonly analysis: string | undefined;
  readonly results: Results;
  readonly inProcess: readonly InProcessRow[];
  readonly savedFile: readonly SavedFile[];
  readonly waves: Waves;
  readonly repetitions: number;
  readonly command: string;
}

export const OTHERS = ['snapshot', 'linear', 'limit', 'native'] as const;
const HEADS: readonly (readonly [keyof Figures, string])[] = [
  ['storm', 'storm ms'],
  ['stormCpuPerMb', 'CPU ms/MB'],
  ['changeFirst', 'change first ms'],
  ['changeP50', 'change p50 ms'],
  ['changeP99', 'change p99 ms'],
  ['changeCpu', 'change CPU ms'],
  ['churnPairs', 'churn pairs/s'],
  ['memoryPerStream', 'kB/stream'],
];

/** The figure of `ours` divided by the other's, one for each repetition. */
export function ratios(
  repetitions: readonly Repetition[],
  figure: keyof Figures,
  ours: 'postern' | 'workers',
  other: ServerName,
): readonly number[] {
  return repetitions.flatMap((repetition) => {
    const ratio = (repetition.get(ours)?.[figure] ?? Number.NaN) / (repetition.get(other)?.[figure] ?? Number.NaN);
    return Number.isNaN(ratio) ? [] : [ratio];
  });
}

/** Undefined: no bound is set. */
export function verdict(work: Work | Target, other: (typeof OTHERS)[number], ratio: number): boolean | undefined {
  const bound = 'bounds' in work ? work.bounds[other] : undefined;
  return bound === undefined ? undefined : work.atLeast ? ratio >= bound : ratio <= bound;
}

export function report({ results, inProcess, savedFile, waves, repetitions, command, analysis }: Measured): string {
  return [
    '# Results',
    '',
    `Written by \`${command}\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, Node ${process.version}; repetitions: ${repetitions}.`,
    ...(analysis === undefined
      ? ['**A quick run, for a first impression:** few cells, few rounds; the whole of it is `npm run bench`.']
      : []),
    'Server, load generator and everything else share these cores; every run has a fresh process, and the servers take turns.',
    'A ratio is Postern’s figure divided by the other’s within one repetition: median (min–max). Below 1 Postern needs less; for churn, above 1 it does more.',
    '',
    '## Against the targets',
    '',
    '![ratios](results.svg)',
    '',
    ratioTable(results, TARGETS, 'postern'),
    '',
    ...ratioSection(results, TARGETS, 'workers', [
      '### The same with `--workers 2`',
      '',
      'Two processes serve, a third decides; CPU and memory are those of all three. Only the cells that were measured with workers.',
    ]),
    ...ratioSection(results, OVER_TLS, 'postern', [
      '### The same over mutual TLS',
      '',
      'No bounds are set for these; the two rows above that are over mutual TLS have theirs.',
    ]),
    ...ratioSection(results, OVER_TLS, 'workers', ['With `--workers 2`:']),
    '## Figures',
    '',
    'Medians over the repetitions; memory as it was found, nothing collected first.',
    '',
    ...[...results].flatMap(([name, repetitions]) => [
      `### ${CELLS[name].name}`,
      '',
      table(
        ['server', ...HEADS.map(([, head]) => head), 'protocol errors'],
        SERVERS.filter((server) => server !== 'workers' || CELLS[name].workers).map((server) => {
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
    ...savedFileText(savedFile),
    ...wavesText(waves),
    ...(analysis === undefined ? [] : [analysis]),
  ].join('\n');
}

/** Nothing where none of it was measured. */
function ratioSection(
  results: Results,
  works: readonly (Work | Target)[],
  ours: 'postern' | 'workers',
  head: readonly string[],
): readonly string[] {
  const measured = works.filter(({ cell }) => results.has(cell) && (ours === 'postern' || CELLS[cell].workers));
  return measured.length === 0 ? [] : [...head, '', ratioTable(results, measured, ours), ''];
}

function ratioTable(results: Results, works: readonly (Work | Target)[], ours: 'postern' | 'workers'): string {
  return table(
    ['work', 'cell', ...OTHERS.map((other) => TITLES[other])],
    works
      .filter(({ cell }) => results.has(cell))
      .map((work) => [
        work.work,
        CELLS[work.cell].name,
        ...OTHERS.map((other) => {
          const all = ratios(results.get(work.cell) ?? [], work.figure, ours, other);
          if (all.length === 0) return '–';
          const isMet = verdict(work, other, median(all));
          const limit = 'bounds' in work ? work.bounds[other] : undefined;
          if (limit === undefined) return spread(all);
          return `${spread(all)}, ${isMet ? 'met' : '**missed**'} (${work.atLeast ? '≥' : '≤'} ${bound(limit)})`;
        }),
      ]),
  );
}

function savedFileText(all: readonly SavedFile[]): readonly string[] {
  const title = ({ peers, exports, streams }: SavedFile): string =>
    `${peers} ${peers === 1 ? 'peer' : 'peers'} × ${exports / peers} exports, ${streams} gateways`;
  const afterParsing = ({ total, notice, parse }: SavedFile): readonly number[] =>
    total.map((whole, at) => whole - (notice[at] ?? 0) - (parse[at] ?? 0));
  const wire = (one: SavedFile): readonly number[] => afterParsing(one).map((rest, at) => rest - (one.apply[at] ?? 0));
  const parts: readonly (readonly [string, (one: SavedFile) => readonly number[]])[] = [
    ['all of it (goal: ≤ 1000)', ({ total }) => total],
    ['noticing the file, and waiting 100 ms for more of them', ({ notice }) => notice],
    ['reading and parsing, in a thread', ({ parse }) => parse],
    ['after parsing (goal: ≤ 300)', afterParsing],
    ['of that: resolve, translate, encode, check, publish', ({ apply }) => apply],
    ['of that: the wire and the ACKs', wire],
  ];
  return [
    '## From a saved file to the last gateway',
    '',
    'One export changed (SotW, plaintext), `postern run`: from the write of the file until the last gateway has the new route table. Median (min–max) in milliseconds.',
    '',
    table(
      ['part', ...all.map(title)],
      parts.map(([part, figures]) => [part, ...all.map((one) => spread(figures(one)))]),
    ),
    '',
  ];
}

function wavesText({ streams, rssMb }: Waves): readonly string[] {
  const size = Math.max(1, Math.ceil(rssMb.length / 10));
  const parts = Array.from({ length: Math.ceil(rssMb.length / size) }, (_, at) =>
    rssMb.slice(at * size, (at + 1) * size),
  );
  return [
    '## Memory over waves',
    '',
    `${rssMb.length} waves of ${streams} streams (5×10; delta and SotW in turn) connect, get everything and one change, and leave. Resident memory of the server after each wave, in MB:`,
    '',
    table(
      ['waves', 'median (min–max) MB'],
      parts.map((part, at) => [`${at * size + 1}–${at * size + part.length}`, spread(part)]),
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
