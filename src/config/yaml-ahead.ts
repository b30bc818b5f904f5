// Items of a long list that are walked before the rest of the file is read, so that their nodes need not be kept.
// In: nodes of items, in the order of the text. Out: what a walk of the whole list gives. Must not: outlive one parse.

import type { Node } from 'yaml';
import type { Path } from '../errors.ts';
import { PositionWriter } from './positions.ts';
import type { Found } from './yaml-errors.ts';
import { type ItemsAhead, LIST_DEPTH, Walk } from './yaml-walk.ts';

export class ListAhead implements ItemsAhead {
  /** Whether the walk of the file has come to the list. */
  taken = false;
  private readonly values: unknown[] = [];
  private readonly found: Found[] = [];
  private readonly positions = new PositionWriter();
  private readonly walk = new Walk(this.found, this.positions, new Map(), LIST_DEPTH);

  add(items: readonly Node[]): void {
    for (const item of items) this.values.push(this.walk.member(this.values.length, item, undefined));
  }

  /** The values; findings, which know their path from the list on, and positions are handed to the walk of the file. */
  takeInto(path: Path, found: Found[], positions: PositionWriter): unknown[] {
    this.taken = true;
    positions.append(this.positions);
    for (const { finding, ...rest } of this.found)
      found.push({ ...rest, finding: { ...finding, path: [...path, ...finding.path] } });
    return this.values;
  }
}
