// Draws the cost of the gateways: the ratio of each kind of work with its goal, and the share of each piece.
// Must not: need a library, a font or a script.

import type { Series } from './measure.ts';
import { GOALS, ratio, shares, titleOf } from './report.ts';

const LEFT = 400;
const WIDTH = 1000;
const ROW = 22;
const COLOURS = { ingress: '#1b6ca8', egress: '#d97706' } as const;

interface Row {
  readonly label: string;
  readonly colour: string;
  readonly value: number;
  readonly goal?: number;
}

export function plot(cells: readonly Series[], pieces: readonly Series[]): string {
  const ofCells = cells.map((one): Row => {
    const label = `${one.role}: ${titleOf(one.work)}`;
    return {
      label,
      colour: COLOURS[one.role],
      value: ratio(one) - 1,
      goal: GOALS[one.role] - 1,
    };
  });
  const ofPieces = pieces.flatMap((one) =>
    shares(one).map(
      ({ name, share }): Row => ({ label: `${one.role}: ${name}`, colour: COLOURS[one.role], value: share }),
    ),
  );
  const parts = [
    ...panel('CPU beyond the hand-written gateway’s, in percent of it; the mark is the goal', ofCells, 40),
    ...panel(
      'of that, what each piece costs (single measurements, which need not add up)',
      ofPieces,
      90 + ofCells.length * ROW,
    ),
  ];
  const height = 110 + (ofCells.length + ofPieces.length) * ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<title>What the boundary costs at the gateways</title>',
    '<rect width="100%" height="100%" fill="white"/>',
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function panel(title: string, rows: readonly Row[], top: number): readonly string[] {
  const most = Math.max(0.2, ...rows.map(({ value }) => value), ...rows.map(({ goal = 0 }) => goal));
  const x = (value: number): number => LEFT + (Math.max(0, value) / most) * (WIDTH - LEFT - 70);
  return [
    `<text x="8" y="${top - 14}" font-weight="bold">${title}</text>`,
    ...rows.flatMap(({ label, colour, value, goal }, index) => {
      const y = top + index * ROW;
      return [
        `<text x="8" y="${y + 13}">${label}</text>`,
        `<rect x="${LEFT}" y="${y + 2}" width="${(x(value) - LEFT).toFixed(1)}" height="${ROW - 6}" fill="${colour}"/>`,
        `<text x="${(x(value) + 6).toFixed(1)}" y="${y + 14}">${(100 * value).toFixed(0)} %</text>`,
        ...(goal === undefined
          ? []
          : [
              `<line x1="${x(goal)}" x2="${x(goal)}" y1="${y}" y2="${y + ROW - 2}" stroke="#15803d" stroke-width="2"/>`,
            ]),
      ];
    }),
  ];
}
