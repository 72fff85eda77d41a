/** Find in trace: plain text over names, services, kinds and span ids, plus `status:error`. Answers rows in order. */
import { SPAN_KINDS } from './trace-input';
import { at, type TraceStore } from './trace-store';

/** Rows that match; all words must be found. Empty text matches nothing. */
export function findRows(store: TraceStore, services: readonly string[], text: string): Uint32Array {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return new Uint32Array();
  const lowerServices = services.map((name) => name.toLowerCase());
  const hits: number[] = [];
  for (let row = 0; row < store.rowCount; row += 1) {
    const span = store.spans[at(store.span, row)];
    if (!span) continue;
    const name = span.name.toLowerCase();
    const service = lowerServices[span.service] ?? '';
    const matches = (word: string) =>
      name.includes(word) ||
      service.includes(word) ||
      span.spanId.startsWith(word) ||
      word === `status:${span.status}` ||
      word === `kind:${SPAN_KINDS[at(store.kind, row)] ?? ''}` ||
      (word.startsWith('service:') && service === word.slice(8));
    if (words.every(matches)) hits.push(row);
  }
  return Uint32Array.from(hits);
}

/** The next hit after `row` (or before it), going round; `null` without hits. */
export function nextHit(hits: Uint32Array, row: number, direction: 1 | -1): number | null {
  if (hits.length === 0) return null;
  const found = direction === 1 ? hits.find((hit) => hit > row) : hits.findLast((hit) => hit < row);
  return found ?? (direction === 1 ? hits[0] : hits[hits.length - 1]) ?? null;
}

/** Placeholders of missing parents and spans whose link to the parent was cut. */
export function warningRows(store: TraceStore): Uint32Array {
  const cut = [...store.cycle.entries()].flatMap(([row, flag]) => (flag === 1 ? [row] : []));
  return Uint32Array.from([...store.missingIds.keys(), ...cut]).sort();
}

/** Rows whose own status is error. */
export function errorRows(store: TraceStore): Uint32Array {
  const rows: number[] = [];
  for (let row = 0; row < store.rowCount; row += 1) if (store.status[row] === 2) rows.push(row);
  return Uint32Array.from(rows);
}
