import { describe, expect, it } from 'vitest';
import { decodeCollapsed, encodeCollapsed } from './collapse-code';
import { collapseRows, isCollapsed, lineOfRow, revealRow, rowOfLine, toggleRow, type Collapse } from './collapse';
import { buildTraceStore, type TraceStore } from './trace-store';

/** Row 0 holds 1 (2, 3) and 4 (5 (6)) and 7. */
const PARENTS = [-1, 0, 1, 1, 0, 4, 5, 0];

function storeOf(parents: readonly number[]): TraceStore {
  return buildTraceStore(parents.map((parent, i) => ({
    spanId: `s${i}`, parentSpanId: parent < 0 ? null : `s${parent}`, name: '', service: 0, kind: 'server', status: 'unset', startOffsetNano: i, durationNano: 1,
  })));
}

const linesOf = (collapse: Collapse) => Array.from({ length: collapse.lineCount }, (_, line) => rowOfLine(collapse, line));

/** The obvious way: a row is on screen when no ancestor is collapsed. */
function slowLines(store: TraceStore, rows: ReadonlySet<number>): number[] {
  return Array.from({ length: store.rowCount }, (_, row) => row).filter((row) => {
    for (let up = store.parent[row] ?? -1; up >= 0; up = store.parent[up] ?? -1) if (rows.has(up)) return false;
    return true;
  });
}

describe('collapse', () => {
  const store = storeOf(PARENTS);

  it('agrees with the obvious way for every set of rows', () => {
    for (let bits = 0; bits < 256; bits += 1) {
      const rows = new Set([...PARENTS.keys()].filter((row) => (bits >> row) & 1));
      const collapse = collapseRows(store, rows);
      const expected = slowLines(store, rows);
      expect(linesOf(collapse)).toEqual(expected);
      for (let row = 0; row < store.rowCount; row += 1) expect(lineOfRow(collapse, row)).toBe(expected.indexOf(row));
    }
  });

  it('keeps what is collapsed inside when the outer row opens again', () => {
    let collapse = collapseRows(store, [5]);
    collapse = toggleRow(store, collapse, 4);
    expect(linesOf(collapse)).toEqual([0, 1, 2, 3, 4, 7]);
    collapse = toggleRow(store, collapse, 4);
    expect(linesOf(collapse)).toEqual([0, 1, 2, 3, 4, 5, 7]);
    expect([4, 5].map((row) => isCollapsed(collapse, row))).toEqual([false, true]);
  });

  it('opens every ancestor of a row that is to be seen', () => {
    const collapse = revealRow(store, collapseRows(store, [0, 4, 5, 1]), 6);
    expect(linesOf(collapse)).toEqual([0, 1, 4, 5, 6, 7]);
  });

  it('drops leaves and rows that do not exist', () => {
    expect(collapseRows(store, [2, 99, -1]).lineCount).toBe(8);
  });
});

describe('the code of collapsed rows', () => {
  const store = storeOf(PARENTS);

  it('goes there and back', () => {
    const text = encodeCollapsed(store, [1, 4, 5]);
    expect(text).toMatch(/^[0-9a-z]+\.1-3-1$/);
    expect(decodeCollapsed(store, text ?? '')).toEqual([1, 4, 5]);
  });

  it('is refused by a trace with other spans, and when it is no code', () => {
    const text = encodeCollapsed(store, [1]) ?? '';
    expect(decodeCollapsed(storeOf([...PARENTS, 0]), text)).toBeNull();
    for (const bad of ['', 'x', '.1', 'zz.--', `${text}-zzzz`]) expect(decodeCollapsed(store, bad)).toBeNull();
  });

  it('is left out when nothing is collapsed or too much for a link', () => {
    expect(encodeCollapsed(store, [])).toBeUndefined();
    expect(encodeCollapsed(store, Array.from({ length: 201 }, (_, i) => i))).toBeUndefined();
  });
});
