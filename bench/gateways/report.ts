// The part of the gateways in bench/RESULTS.md: their cost beside a hand-written configuration, and the share of each piece.
// Must not: measure, or leave a missed goal unsaid.

import { cpus } from 'node:os';
import type { GatewayRole } from '../../src/federation/model.ts';
import { median } from '../load.ts';
import { number } from '../report.ts';
import { CELLS } from './load.ts';
import { HAND_WRITTEN, OURS, type Repetition, type Run, type Series, type WorkName } from './measure.ts';

/** CPU of ours by that of the hand-written one. */
export const GOALS: Readonly<Record<GatewayRole, number>> = { ingress: 1.15, egress: 1.1 };

export interface Measured {
  readonly cells: readonly Series[];
  readonly pieces: readonly Series[];
  readonly command: string;
  readonly version: string;
  readonly quick: boolean;
  /** Why goals are missed (bench/gateways/ANALYSIS.md); of a whole run only. */
  readonly analysis: string | undefined;
}

export function report({ cells, pieces, command, version, quick, analysis }: Measured): string {
  const repetitions = Math.max(1, ...cells.map((one) => one.repetitions.length));
  return [
    '# What the boundary costs at the gateways',
    '',
    `Written by \`${command}\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, Envoy ${version}; repetitions: ${repetitions}.`,
    ...(quick ? ['**A quick run, for a first impression.**'] : []),
    'A real Envoy with the configuration that Postern serves, beside one with a configuration written by hand for the same two meshes (`bench/gateways/hand-written.ts`): mutual TLS 1.3 with one identity, the',
    'same keys, the same access rule, a log line of the same content, and every other setting Envoy’s default. Each measured Envoy has one worker and a core of its own (the load, the gateway at',
    'the other end and the backend share the others), 32 requests are under way at a time, and the two take turns. What counts is CPU time for each request, of all threads of the process; latencies on two shared',
    'cores are medians, and those of the whole chain. CPU times and ratios are of the quiet quarter of the runs (lower quartile; other work on the machine only adds); in brackets the middle half of the ratios within one repetition.',
    '',
    '![ratios and shares](gateways.svg)',
    '',
    ...(cells.some(({ work }) => work !== 'tcp') ? [cellTable(cells), ''] : []),
    ...tcpTable(cells),
    ...pieces.flatMap((one) => [
      `## Shares at the ${one.role}`,
      '',
      `How much less CPU a request (${titleOf(one.work)}) costs without one piece of our configuration, in percent of the hand-written gateway’s: the middle of the differences within one repetition, which on a busy machine is good to ± 15 with ten repetitions, and ± 5 with eighty. All of it: ${percent(median(ratios(one)) - 1)} more than that.`,
      '',
      table(
        ['piece', 'share'],
        shares(one).map(({ name, share }) => [name, percent(share)]),
      ),
      '',
    ]),
    ...(analysis === undefined ? [] : [analysis]),
  ].join('\n');
}

/** The same as a few lines. */
export function summary(cells: readonly Series[], pieces: readonly Series[]): string {
  const lines = cells.map((one) => `${one.role.padEnd(8)} ${titleOf(one.work).padEnd(22)} ${written(one)}`);
  const parts = pieces.flatMap((one) => [
    `${one.role}: ${written(one)}; without`,
    ...shares(one).map(({ name, share }) => `  ${percent(share).padStart(6)}  ${name}`),
  ]);
  return [...lines, ...parts].join('\n');
}

/** Ours by the hand-written one's, one for each repetition. */
export function ratios({ repetitions }: Pick<Series, 'repetitions'>): readonly number[] {
  return repetitions.map((one) => of(one, OURS).cpu / of(one, HAND_WRITTEN).cpu);
}

/**
 * The same of the quiet runs: other work on the machine only ever adds to what a request costs (caches, cores that change), and
 * it does so to the dearer gateway more often.
 */
export function ratio({ repetitions }: Pick<Series, 'repetitions'>): number {
  const quiet = (name: string): number =>
    quarter(
      repetitions.map((one) => of(one, name).cpu),
      0.25,
    );
  return quiet(OURS) / quiet(HAND_WRITTEN);
}

export interface Share {
  readonly name: string;
  /** Of the hand-written gateway's CPU. */
  readonly share: number;
}

/** What each piece costs: the middle of the differences within one repetition. */
export function shares({ repetitions }: Series): readonly Share[] {
  const names = new Set(repetitions.flatMap((one) => [...one.keys()]));
  return [...names]
    .filter((name) => name !== HAND_WRITTEN && name !== OURS)
    .map((name) => {
      const all = repetitions.filter((one) => one.has(name));
      const part = (one: Repetition): number => (of(one, OURS).cpu - of(one, name).cpu) / of(one, HAND_WRITTEN).cpu;
      return { name, share: median(all.map(part)) };
    });
}

export function titleOf(work: WorkName): string {
  return work === 'tcp' ? 'TCP' : CELLS[work].name;
}

function quarter(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * part)] ?? Number.NaN;
}

/** Of the quiet runs, and the middle half of the ratios within one repetition. */
function written(series: Series): string {
  const all = ratios(series);
  return `${ratio(series).toFixed(2)} (${quarter(all, 0.25).toFixed(2)}–${quarter(all, 0.75).toFixed(2)})`;
}

function cellTable(cells: readonly Series[]): string {
  const head = ['gateway', 'requests', 'CPU µs hand-written', 'CPU µs ours', 'ratio', 'p50 ms', 'p99 ms'];
  return table(
    head,
    cells
      .filter(({ work }) => work !== 'tcp')
      .map((one) => {
        const [theirs, ours] = [figures(one, HAND_WRITTEN), figures(one, OURS)];
        return [
          one.role,
          titleOf(one.work),
          number(theirs.cpu),
          number(ours.cpu),
          withGoal(one),
          `${number(theirs.p50)} → ${number(ours.p50)}`,
          `${number(theirs.p99)} → ${number(ours.p99)}`,
        ];
      }),
  );
}

function tcpTable(cells: readonly Series[]): readonly string[] {
  const tcp = cells.filter(({ work }) => work === 'tcp');
  if (tcp.length === 0) return [];
  const rows = tcp.map((one) => {
    const [theirs, ours] = [figures(one, HAND_WRITTEN), figures(one, OURS)];
    const throughput = `${number(theirs.p50)} → ${number(ours.p50)}`;
    return [one.role, number(theirs.cpu), number(ours.cpu), withGoal(one), throughput];
  });
  const head = ['gateway', 'CPU µs a MB hand-written', 'CPU µs a MB ours', 'ratio', 'MB/s'];
  return ['One TCP connection, 100 MB:', '', table(head, rows), ''];
}

function withGoal(one: Series): string {
  const goal = GOALS[one.role];
  return `${written(one)}, ${ratio(one) <= goal ? 'met' : '**missed**'} (≤ ${goal})`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function figures({ repetitions }: Series, name: string): Run {
  const all = repetitions.map((one) => of(one, name));
  const middle = (figure: keyof Run): number => median(all.map((run) => run[figure]));
  return {
    cpu: quarter(
      all.map(({ cpu }) => cpu),
      0.25,
    ),
    p50: middle('p50'),
    p99: middle('p99'),
  };
}

function of(repetition: Repetition, name: string): Run {
  const run = repetition.get(name);
  if (run === undefined) throw new Error(`${name} was not measured`);
  return run;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
