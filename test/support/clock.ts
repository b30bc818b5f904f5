// Preloaded into a process: Date runs ahead by the milliseconds that the file CLOCK_AHEAD holds; timers know nothing of it,
// as on a machine whose clock is corrected, or that slept.

import { readFileSync } from 'node:fs';

const Real = Date;
const file = process.env['CLOCK_AHEAD'] ?? '';

function ahead(): number {
  return Number(readFileSync(file, 'utf8'));
}

globalThis.Date = class extends Real {
  constructor(...given: [] | [string | number | Date]) {
    if (given.length === 0) super(Real.now() + ahead());
    else super(...given);
  }

  static override now(): number {
    return Real.now() + ahead();
  }
} as DateConstructor;
