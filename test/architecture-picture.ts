// Draws docs/architecture.svg, the picture of ARCHITECTURE.md, from the walls between the folders of src/ (`npm run reference`).
// Must not: need a library or a font, or draw anything that is not in the tables.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MAY_IMPORT, ROOMS } from './walls.ts';

type Table = Readonly<Record<string, readonly string[]>>;

interface Box {
  readonly name: string;
  readonly column: number;
  readonly row: number;
}

const [WIDTH, HEIGHT] = [172, 74];
const [COLUMN, ROW] = [220, 112];
const MARGIN = 16;
/** So many letters of room names fit into a line of a box. */
const LETTERS = 31;
/** Lines leave and enter a box this far apart from each other. */
const SPREAD = 10;

/** SVG text. What a folder may use lies left of it; a line that follows from others is left out. */
export function picture(mayImport: Table, rooms: Table): string {
  const direct = withoutImplied(mayImport);
  const boxes = placed(direct);
  const columns = Math.max(...[...boxes.values()].map(({ column }) => column)) + 1;
  const rows = Math.max(...[...boxes.values()].map(({ row }) => row)) + 1;
  const [width, height] = [(columns - 1) * COLUMN + WIDTH + 2 * MARGIN, (rows - 1) * ROW + HEIGHT + 2 * MARGIN];
  const lines = Object.entries(direct).flatMap(([to, all]) => all.map((from) => line(boxes, from, to, direct)));
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="15">`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#475569"/></marker></defs>',
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...lines,
    ...[...boxes.values()].map((box) => drawn(box, roomsOf(box.name, rooms))),
    '</svg>',
  ].join('\n')}\n`;
}

/** The doors that no way through other doors makes needless to draw. */
function withoutImplied(mayImport: Table): Table {
  const reaches = (from: string, to: string): boolean =>
    mayImport[from]?.some((next) => next === to || reaches(next, to)) === true;
  return Object.fromEntries(
    Object.entries(mayImport).map(([folder, all]) => [
      folder,
      all.filter((one) => !all.some((other) => other !== one && reaches(other, one))),
    ]),
  );
}

/** A folder lies one column right of the rightmost that it uses, in the row of that one unless the place is taken. */
function placed(direct: Table): ReadonlyMap<string, Box> {
  const depth = (name: string): number => Math.max(0, ...(direct[name] ?? []).map((used) => depth(used) + 1));
  const boxes = new Map<string, Box>();
  const names = Object.keys(direct).sort((a, b) => depth(a) - depth(b));
  for (const name of names) {
    const column = depth(name);
    const before = (direct[name] ?? []).map((used) => boxes.get(used)).find((box) => box?.column === column - 1);
    let row = before?.row ?? 0;
    while ([...boxes.values()].some((box) => box.column === column && box.row === row)) row += 1;
    boxes.set(name, { name, column, row });
  }
  return boxes;
}

/** The rooms of a folder, without the rooms within them. */
function roomsOf(name: string, rooms: Table): readonly string[] {
  const inside = (rooms[name] ?? []).filter((room) => room !== name);
  return [...new Set(inside.map((room) => room.slice(name.length + 1).replace(/\/.*/, '')))];
}

function linesOf(rooms: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const room of rooms) {
    const longer = `${lines.at(-1)} · ${room}`;
    if (lines.length === 0 || longer.length > LETTERS) lines.push(room);
    else lines.splice(-1, 1, longer);
  }
  return lines;
}

const left = ({ column }: Box): number => MARGIN + column * COLUMN;
const middle = ({ row }: Box): number => MARGIN + row * ROW + HEIGHT / 2;

/** From the right side of what is used to the left side of its user, round the boxes between. */
function line(boxes: ReadonlyMap<string, Box>, from: string, to: string, direct: Table): string {
  const [used, user] = [boxes.get(from), boxes.get(to)];
  if (used === undefined || user === undefined) throw new Error(`no box for ${from} or ${to}`);
  const [start, end, y] = [left(used) + WIDTH, left(user), middle(used)];
  const below = (direct[to] ?? []).filter((one) => (boxes.get(one)?.row ?? 0) > user.row);
  const rank = used.row < user.row ? -1 : below.indexOf(from) + 1;
  const entry = middle(user) + rank * SPREAD;
  const isFree = ![...boxes.values()].some(
    ({ row, column }) => row === used.row && column > used.column && column < user.column,
  );
  const turn = end - (COLUMN - WIDTH) / 2 - rank * (SPREAD / 2);
  const gap = y + (used.row >= user.row ? -ROW / 2 : ROW / 2);
  const round = isFree ? '' : `H${start + (COLUMN - WIDTH) / 2} V${gap} `;
  return `<path d="M${start} ${y} ${round}H${turn} V${entry} H${end}" fill="none" stroke="#475569" stroke-width="1.5" stroke-linejoin="round" marker-end="url(#head)"><title>${to} imports ${from}</title></path>`;
}

function drawn(box: Box, rooms: readonly string[]): string {
  const [x, y] = [left(box), middle(box)];
  const title = rooms.length === 0 ? box.name : `${box.name}: ${rooms.join(', ')}`;
  const lines = linesOf(rooms);
  const text = (words: string, at: number, style: string): string =>
    `<text x="${x + WIDTH / 2}" y="${at}" text-anchor="middle" ${style}>${words}</text>`;
  return [
    `<g><title>${title}</title>`,
    `<rect x="${x}" y="${y - HEIGHT / 2}" width="${WIDTH}" height="${HEIGHT}" rx="6" fill="#eff6ff" stroke="#1b6ca8"/>`,
    text(box.name, y + 5 - lines.length * 8, 'font-weight="bold"'),
    ...lines.map((one, index) => text(one, y + 20 - lines.length * 8 + index * 15, 'font-size="11" fill="#475569"')),
    '</g>',
  ].join('');
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL('../../docs/architecture.svg', import.meta.url), picture(MAY_IMPORT, ROOMS));
