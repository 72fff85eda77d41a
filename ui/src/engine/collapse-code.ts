/**
 * Collapsed rows as a short text for the URL: `<checksum>.<gaps>`, both base 36.
 *
 * The checksum binds the set to the order of this trace's spans. When spans arrived since the link was made, the rows would mean
 * others, so the part is dropped rather than misapplied.
 */
import type { TraceStore } from './trace-store';

const MOST_ROWS = 200;

/** Writes the rows; `undefined` when there are none or too many for a link. */
export function encodeCollapsed(store: TraceStore, rows: readonly number[]): string | undefined {
  if (rows.length === 0 || rows.length > MOST_ROWS) return undefined;
  const gaps = rows.map((row, i) => (row - (i === 0 ? 0 : (rows[i - 1] ?? 0))).toString(36));
  return `${checksum(store).toString(36)}.${gaps.join('-')}`;
}

/** Reads the rows; `null` when the text does not fit this trace. */
export function decodeCollapsed(store: TraceStore, text: string): number[] | null {
  const parsed = /^([0-9a-z]{1,4})\.([0-9a-z]+(?:-[0-9a-z]+)*)$/.exec(text);
  if (!parsed || parseInt(parsed[1] ?? '', 36) !== checksum(store)) return null;
  const rows: number[] = [];
  let row = 0;
  for (const gap of (parsed[2] ?? '').split('-')) {
    row += parseInt(gap, 36);
    if (row >= store.rowCount || rows.length >= MOST_ROWS) return null;
    rows.push(row);
  }
  return rows;
}

/** Sixteen bits over the span ids in row order. */
function checksum(store: TraceStore): number {
  let hash = 0x811c9dc5;
  for (const index of store.span) {
    const id = store.spans[index]?.spanId ?? '-';
    for (let i = 0; i < id.length; i += 1) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  }
  return (hash ^ (hash >>> 16)) & 0xffff;
}
