import { describe, expect, it } from 'vitest';
import { selfTimes } from './self-time';
import type { InputSpan } from './trace-input';
import { buildTraceStore, errorsBelow, ROW_MISSING, ROW_VIRTUAL, type TraceStore } from './trace-store';

/** `id<parent@start+duration`, `!` for an error; the parent and its sign may be left out. */
function parse(text: string): InputSpan[] {
  return text.trim().split(/\s+/).map((word) => {
    const found = /^(\w+)(?:<(\w+))?@(-?\d+)\+(-?\d+)(!?)$/.exec(word);
    if (!found) throw new Error(`bad notation: ${word}`);
    return {
      spanId: found[1] ?? '', parentSpanId: found[2] ?? null, name: found[1] ?? '', service: 0, kind: 'server',
      status: found[5] ? 'error' : 'unset', startOffsetNano: Number(found[3]), durationNano: Number(found[4]),
    };
  });
}

/** The tree as indented names. */
function outline(store: TraceStore): string[] {
  return Array.from({ length: store.rowCount }, (_, row) => {
    const name = store.rowKind[row] === ROW_VIRTUAL ? '*' : store.rowKind[row] === ROW_MISSING ? `?${store.missingIds.get(row) ?? ''}` : (store.spans[store.span[row] ?? -1]?.name ?? '');
    return '.'.repeat(store.depth[row] ?? 0) + name;
  });
}

/** Checks what holds for every store. */
function expectSound(store: TraceStore): void {
  for (let row = 0; row < store.rowCount; row += 1) {
    const parent = store.parent[row] ?? -1;
    expect(store.end[row]).toBeGreaterThan(row);
    if (parent >= 0) {
      expect(parent).toBeLessThan(row);
      expect(store.end[row]).toBeLessThanOrEqual(store.end[parent] ?? 0);
      expect(store.depth[row]).toBe((store.depth[parent] ?? 0) + 1);
    }
  }
  const rows = [...store.span].filter((index) => index >= 0).sort((a, b) => a - b);
  expect(rows).toEqual([...store.spans.keys()]);
}

describe('buildTraceStore', () => {
  it('orders children by start, whatever the order of arrival', () => {
    const store = buildTraceStore(parse('c<r@5+1 r@0+10 b<r@2+1 a<r@2+3 d<b@3+1'));
    expect(outline(store)).toEqual(['r', '.b', '..d', '.a', '.c']);
    expect([...store.end]).toEqual([5, 3, 3, 4, 5]);
    expect([...store.position]).toEqual([1, 1, 1, 2, 3]);
  });

  it('takes an empty trace', () => {
    expect(buildTraceStore([]).rowCount).toBe(0);
  });

  it('hangs orphans of one missing parent under one placeholder below the only root', () => {
    const store = buildTraceStore(parse('r@0+10 a<lost@3+1 b<lost@5+2 c<r@1+1'));
    expect(outline(store)).toEqual(['r', '.c', '.?lost', '..a', '..b']);
    expect([store.start[2], store.duration[2]]).toEqual([3, 4]);
  });

  it('gives several roots, or none, a virtual one', () => {
    expect(outline(buildTraceStore(parse('b@5+1 a@0+2 x<lost@3+1')))).toEqual(['*', '.a', '.?lost', '..x', '.b']);
    expect(outline(buildTraceStore(parse('x<lost@3+1')))).toEqual(['?lost', '.x']);
    expect(outline(buildTraceStore(parse('x<m1@3+1 y<m2@1+1')))).toEqual(['*', '.?m2', '..y', '.?m1', '..x']);
  });

  it('cuts a ring at its earliest span and keeps every span', () => {
    const store = buildTraceStore(parse('a<c@2+1 b<a@1+1 c<b@3+1 d<a@4+1'));
    expect(outline(store)).toEqual(['b', '.c', '..a', '...d']);
    expect([...store.cycle]).toEqual([1, 0, 0, 0]);
  });

  it('treats a span that is its own parent as a root', () => {
    expect(outline(buildTraceStore(parse('a<a@0+1 b<a@1+1')))).toEqual(['a', '.b']);
  });

  it('keeps both spans of a duplicate id and hangs children under the first', () => {
    const store = buildTraceStore(parse('r@0+9 a<r@1+1 a<r@2+1 k<a@3+1'));
    expect(outline(store)).toEqual(['r', '.a', '..k', '.a']);
  });

  it('never shows a negative duration as length', () => {
    const store = buildTraceStore(parse('r@0+-5 z<r@1+0'));
    expect([...store.duration]).toEqual([0, 0]);
    expect(store.spans[0]?.durationNano).toBe(-5);
    expect(store.extent).toEqual({ from: 0, to: 1 });
  });

  it('counts errors below a row', () => {
    const store = buildTraceStore(parse('r@0+9! a<r@1+2 b<a@1+1! c<r@5+1!'));
    expect([0, 1, 2, 3].map((row) => errorsBelow(store, row))).toEqual([2, 1, 0, 0]);
  });

  it('takes a chain of 100 000 spans', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => `s${i}${i > 0 ? `<s${i - 1}` : ''}@${i}+1`).join(' ');
    const store = buildTraceStore(parse(chain));
    expect(store.depth[99_999]).toBe(99_999);
    expect(store.end[0]).toBe(100_000);
  });

  it('takes a ring of 100 000 spans and 50 000 rings of two', () => {
    const ring = Array.from({ length: 100_000 }, (_, i) => `s${i}<s${(i + 99_999) % 100_000}@${i}+1`).join(' ');
    expect(buildTraceStore(parse(ring)).depth[99_999]).toBe(99_999);
    const pairs = Array.from({ length: 100_000 }, (_, i) => `s${i}<s${i ^ 1}@${i}+1`).join(' ');
    expect(buildTraceStore(parse(pairs)).rowCount).toBe(100_001);
  });

  it('is sound on random graphs of parents', () => {
    let state = 12_345;
    const random = (n: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % n;
    };
    for (let round = 0; round < 200; round += 1) {
      const size = 1 + random(12);
      const text = Array.from({ length: size }, (_, i) => `s${random(3) === 0 ? random(size) : i}${random(4) === 0 ? '' : `<s${random(size + 2)}`}@${random(20)}+${random(20)}`).join(' ');
      expectSound(buildTraceStore(parse(text)));
    }
  });
});

describe('selfTimes', () => {
  it('counts overlapping children once and clips them to the parent', () => {
    const store = buildTraceStore(parse('r@10+100 a<r@0+30 b<r@20+30 c<r@100+50'));
    expect([...selfTimes(store)]).toEqual([50, 30, 30, 50]);
  });
});
