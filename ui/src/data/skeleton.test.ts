import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { column, decodeSkeleton, MISSING, NO_ROW, places, readSkeleton, SkeletonError, SkeletonReader, spanIdText, texts, type SkeletonChunk } from './skeleton';

/** What the server's own test writes: a preview of four rows, then the whole of a trace with folds, orphans, an event and a gap. */
const golden = new Uint8Array(Buffer.from(readFileSync(new URL('./skeleton.golden.txt', import.meta.url), 'utf8'), 'base64'));

const nameOf = (chunk: SkeletonChunk, row: number) => texts(chunk, 'names')[places(chunk, 'name')[row] ?? -1];

function patched(change: (view: DataView) => void): Uint8Array {
  const bytes = golden.slice();
  change(new DataView(bytes.buffer));
  return bytes;
}

describe('the golden stream', () => {
  const [preview, whole] = decodeSkeleton(golden);
  if (!preview || !whole) throw new Error('two chunks');

  it('has a preview and the whole', () => {
    expect([preview.kind, whole.kind]).toEqual(['preview', 'whole']);
    expect(preview.facts).toMatchObject({ traceId: '00000000000000000000000000000001', rows: 4, from: 0, spans: 26, complete: false, partial: null });
    expect(preview.facts.order).toBe(whole.facts.order);
    expect(whole.facts.startUnixNano).toBe('1700000000000000000');
  });

  it('has columns of the types that are asked for', () => {
    const start = column(whole, 'start', Float64Array);
    expect(start).toHaveLength(whole.facts.rows);
    expect([start[0], column(whole, 'duration', Float64Array)[0], nameOf(whole, 0)]).toEqual([0, 100e6, 'GET /']);
    expect(column(whole, 'kind', Uint8Array)[0]).toBe(2);
    expect(spanIdText(column(whole, 'spanId', BigUint64Array)[0] ?? 0n)).toBe('0000000000000001');
    expect(() => column(whole, 'start', Uint8Array)).toThrow(SkeletonError);
    expect(() => places(whole, 'nothing')).toThrow('no column nothing');
  });

  it('tells where parents are', () => {
    const parent = column(whole, 'parent', Uint32Array);
    expect([...parent.subarray(0, 3)]).toEqual([NO_ROW, 0, 1]);
    const orphans = [...parent.keys()].filter((row) => parent[row] === MISSING);
    expect(orphans).toEqual([...column(whole, 'missing.row', Uint32Array)]);
    expect([...column(whole, 'missing.id', BigUint64Array)]).toEqual([0x99n, 0x99n, 0x98n]);
  });

  it('tells what is folded', () => {
    const rows = [...column(whole, 'fold.row', Uint32Array)];
    expect(rows.map((row) => nameOf(whole, row))).toEqual(['get', 'put']);
    expect([...column(whole, 'fold.kind', Uint8Array)]).toEqual([1, 1]);
    expect([...column(whole, 'fold.count', Uint32Array)]).toEqual([6, 7]);
    const shown = whole.facts.rows - rows.length;
    expect(shown + 6 + 7).toBe(whole.facts.spans);
  });

  it('has the path with its gap, events and resources', () => {
    expect(column(whole, 'path.row', Uint32Array)).toContain(NO_ROW);
    expect(texts(whole, 'eventNames')).toEqual(['exception']);
    expect(JSON.parse(texts(whole, 'resources')[0] ?? '')).toEqual({ 'host.name': 'a', 'service.name': 'web' });
  });

  it('looks at one buffer a chunk', () => {
    const buffers = new Set([...whole.columns.values()].map((one) => one.buffer));
    expect(buffers.size).toBe(1);
  });
});

describe('a stream in pieces', () => {
  it.each([1, 7, 1000, golden.length])('of %d bytes gives the same', async (size) => {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < golden.length; at += size) pieces.push(golden.subarray(at, at + size));
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
    const chunks: SkeletonChunk[] = [];
    for await (const chunk of readSkeleton(stream)) chunks.push(chunk);
    expect(chunks).toEqual(decodeSkeleton(golden));
  });

  it('gives the preview before the rest is there', () => {
    const reader = new SkeletonReader();
    let at = 0;
    while (reader.push(golden.subarray(at, at + 8)).length === 0) at += 8;
    expect(at).toBeLessThan(golden.length / 2);
    expect(() => reader.end()).toThrow('broke off');
  });
});

describe('what is no skeleton', () => {
  it('is refused wherever it breaks off', () => {
    for (let length = 0; length < golden.length; length += 1) {
      expect(() => decodeSkeleton(golden.subarray(0, length))).toThrow('broke off');
    }
  });

  it.each([
    ['another file', patched((view) => view.setUint8(0, 0x50)), 'This is no trace skeleton.'],
    ['another version', patched((view) => view.setUint32(8, 2, true)), 'version 2'],
    ['another kind of chunk', patched((view) => view.setUint32(16, 9, true)), 'kind 9'],
    ['a length beyond all bounds', patched((view) => view.setBigUint64(24, 1n << 60n, true)), 'too large'],
    ['a header that is no JSON', patched((view) => view.setUint8(32, 0)), 'not JSON'],
    ['columns that do not fit', patched((view) => view.setBigUint64(24, view.getBigUint64(24, true) - 8n, true)), 'shorter than its columns'],
    ['more behind its end', new Uint8Array([...golden, 0]), 'goes on'],
  ])('%s', (_, bytes, message) => {
    expect(() => decodeSkeleton(bytes)).toThrow(message);
  });
});
