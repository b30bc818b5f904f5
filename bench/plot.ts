// Draws the targets: for each piece of work, Postern's ratio to each of the other servers, on a logarithmic axis.
// Must not: need a library, a font or a script.

import { CELLS } from './cells.ts';
import { median } from './load.ts';
import { OTHERS, type Results, ratios, verdict } from './report.ts';
import { TITLES } from './servers.ts';
import { TARGETS } from './targets.ts';

const LEFT = 360;
const WIDTH = 1000;
const ROW = 34;
const TOP = 60;
const [FROM, TO] = [1 / 300, 10];
const COLOURS = { snapshot: '#1b6ca8', linear: '#d97706', limit: '#6b7280', native: '#15803d' } as const;

export function plot(results: Results): string {
  const rows = TARGETS.filter(({ cell }) => results.has(cell));
  const height = TOP + rows.length * ROW + 40;
  const x = (ratio: number): number => {
    const at = Math.log(Math.min(Math.max(ratio, FROM), TO) / FROM) / Math.log(TO / FROM);
    return LEFT + at * (WIDTH - LEFT - 20);
  };
  const ticks = [1 / 100, 1 / 10, 1, 10].map((tick) => {
    const label = tick < 1 ? `1/${Math.round(1 / tick)}` : String(tick);
    return `<line x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 10}" y2="${height - 40}" stroke="#ddd"/><text x="${x(tick)}" y="${height - 22}" text-anchor="middle">${label}</text>`;
  });
  const legend = OTHERS.map(
    (other, index) =>
      `<circle cx="${20 + index * 245}" cy="20" r="6" fill="${COLOURS[other]}"/><text x="${32 + index * 245}" y="24">${TITLES[other]}</text>`,
  );
  const marks = rows.flatMap((target, index) => {
    const y = TOP + index * ROW + 10;
    const label = `<text x="8" y="${y}">${target.work}</text><text x="8" y="${y + 13}" fill="#777" font-size="10">${CELLS[target.cell].name}</text>`;
    const points = OTHERS.flatMap((other) => {
      const all = ratios(results.get(target.cell) ?? [], target.figure, 'postern', other);
      if (all.length === 0) return [];
      const [low, middle, high] = [Math.min(...all), median(all), Math.max(...all)];
      const fill = verdict(target, other, middle) !== false ? COLOURS[other] : 'white';
      return [
        `<line x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}" stroke="${COLOURS[other]}"/>`,
        `<circle cx="${x(middle)}" cy="${y}" r="6" fill="${fill}" stroke="${COLOURS[other]}" stroke-width="2"/>`,
      ];
    });
    return [label, ...points];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<title>Postern against go-control-plane, bare node:http2 and a native server</title>',
    '<rect width="100%" height="100%" fill="white"/>',
    ...legend,
    ...ticks,
    ...marks,
    `<text x="${LEFT}" y="${height - 4}" fill="#777" font-size="10">Postern / other, logarithmic; filled: target met, or none set</text>`,
    '</svg>',
    '',
  ].join('\n');
}
