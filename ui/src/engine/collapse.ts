/**
 * Which rows are hidden because an ancestor is collapsed, kept as intervals.
 *
 * A collapsed row hides `(row, end[row])`. Only outermost intervals count, so screen line ↔ row is a binary search over them and
 * a change costs O(number of collapsed rows), never O(spans).
 */
import { at, type TraceStore } from './trace-store';

/** An immutable view of what is collapsed. */
export interface Collapse {
  /** Rows the reader collapsed, ascending; also those inside other collapsed rows, which keep their state. */
  readonly rows: readonly number[];
  /** Lines on screen. */
  readonly lineCount: number;
  /** Outermost hidden intervals: first hidden row, one past the last, hidden rows in all intervals before. */
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  readonly before: Uint32Array;
}

/** Makes the view of a set of collapsed rows. Leaves and unknown rows are dropped. */
export function collapseRows(store: TraceStore, rows: Iterable<number>): Collapse {
  const kept = [...new Set(rows)]
    .filter((row) => row >= 0 && row < store.rowCount && at(store.childCount, row) > 0)
    .sort((a, b) => a - b);
  const [from, to, before]: [number[], number[], number[]] = [[], [], []];
  let hidden = 0;
  let last = 0;
  for (const row of kept) {
    if (row < last) continue;
    last = at(store.end, row);
    from.push(row + 1);
    to.push(last);
    before.push(hidden);
    hidden += last - row - 1;
  }
  return {
    rows: kept,
    lineCount: store.rowCount - hidden,
    from: Uint32Array.from(from), to: Uint32Array.from(to), before: Uint32Array.from(before),
  };
}

/** Collapses an open row, opens a collapsed one. */
export function toggleRow(store: TraceStore, collapse: Collapse, row: number): Collapse {
  const rows = collapse.rows.includes(row) ? collapse.rows.filter((other) => other !== row) : [...collapse.rows, row];
  return collapseRows(store, rows);
}

/** Opens every ancestor of a row, so that it is on screen. */
export function revealRow(store: TraceStore, collapse: Collapse, row: number): Collapse {
  const ancestors = (candidate: number) => candidate < row && row < at(store.end, candidate);
  return collapse.rows.some(ancestors) ? collapseRows(store, collapse.rows.filter((r) => !ancestors(r))) : collapse;
}

/** The row on a screen line. */
export function rowOfLine(collapse: Collapse, line: number): number {
  // Count the intervals whose collapsed row lies on or above the line: interval i begins at line from[i] − before[i].
  const index = upperBound(collapse.from.length, (i) => at(collapse.from, i) - at(collapse.before, i) <= line);
  if (index === 0) return line;
  return line + at(collapse.before, index - 1) + at(collapse.to, index - 1) - at(collapse.from, index - 1);
}

/** The screen line of a row, or −1 while an ancestor hides it. */
export function lineOfRow(collapse: Collapse, row: number): number {
  const index = upperBound(collapse.from.length, (i) => at(collapse.from, i) <= row);
  if (index === 0) return row;
  const [from, to] = [at(collapse.from, index - 1), at(collapse.to, index - 1)];
  return row < to ? -1 : row - at(collapse.before, index - 1) - (to - from);
}

/** Whether the reader collapsed this row. */
export function isCollapsed(collapse: Collapse, row: number): boolean {
  const index = upperBound(collapse.rows.length, (i) => (collapse.rows[i] ?? 0) < row);
  return collapse.rows[index] === row;
}

/** The number of leading indices for which `holds` is true; `holds` must not turn true again after false. */
function upperBound(length: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
