import { describe, expect, it } from 'vitest';
import { errorRows, findRows, nextHit, warningRows } from './find';
import { buildTraceStore } from './trace-store';

const store = buildTraceStore(
  [['GET /cart', 0, 'unset'], ['load cart', 1, 'error'], ['SELECT items', 1, 'unset']].map(([name, service, status], i) => ({
    spanId: `00000000000000a${i}`, parentSpanId: i === 0 ? null : '00000000000000a0', name: String(name), service: Number(service), kind: 'server', status: String(status),
    startOffsetNano: i, durationNano: 1,
  })),
);
const find = (text: string) => [...findRows(store, ['Gateway', 'cart'], text)];

describe('find in trace', () => {
  it.each([['CART', [0, 1, 2]], ['select', [2]], ['cart load', [1]], ['gateway', [0]], ['status:error', [1]], ['service:cart', [1, 2]], ['00000000000000a2', [2]], ['nothing', []], ['  ', []]])('%j', (text, rows) => {
    expect(find(text)).toEqual(rows);
  });

  it('goes round', () => {
    const hits = Uint32Array.of(1, 4);
    expect([nextHit(hits, 1, 1), nextHit(hits, 4, 1), nextHit(hits, 1, -1), nextHit(new Uint32Array(), 0, 1)]).toEqual([4, 1, 4, null]);
  });

  it('lists errors', () => {
    expect([...errorRows(store)]).toEqual([1]);
  });

  it('lists placeholders and cut rings', () => {
    const span = (spanId: string, parentSpanId: string | null) => ({ spanId, parentSpanId, name: '', service: 0, kind: 'server', status: 'ok', startOffsetNano: 0, durationNano: 1 });
    expect([...warningRows(store)]).toEqual([]);
    expect([...warningRows(buildTraceStore([span('r', null), span('a', 'a'), span('o', 'lost')]))]).toEqual([2, 3]);
  });
});
