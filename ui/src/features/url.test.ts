/** Stored examples of page links: every version ever written must keep its meaning. */
import { describe, expect, it } from 'vitest';
import { formatSearchText, parseSearchText } from '@/app/search-text';
import { readExploreSearch } from './explore/search-params';
import { traceTimeHint } from './explore/trace-link';
import { decodeView, encodeView, hintOf, readTraceSearch } from './trace/search-params';
import { rangeOf, searchOfRange } from './url-fields';

const explore = (text: string) => JSON.parse(JSON.stringify(readExploreSearch(parseSearchText(text)))) as unknown;
const trace = (text: string) => JSON.parse(JSON.stringify(readTraceSearch(parseSearchText(text)))) as unknown;

describe('Explore links, version 1', () => {
  it.each([
    ['', { v: 1 }],
    ['?v=1', { v: 1 }],
    ['?v=1&q=%7B+span%3Aduration+%3E+500ms+%7D', { v: 1, q: '{ span:duration > 500ms }' }],
    ['?v=1&svc=checkout&op=PlaceOrder&err=1&min=100ms&last=6h', { v: 1, svc: 'checkout', op: 'PlaceOrder', err: true, min: '100ms', last: '6h' }],
    ['?v=1&from=1772359200000&to=1772362800000&last=6h', { v: 1, from: 1_772_359_200_000, to: 1_772_362_800_000 }],
    ['?v=1&last=1h&err=0', { v: 1 }],
    ['?v=1&op=PlaceOrder&min=quick&from=5&to=4&last=soon', { v: 1 }],
    ['?v=1&q=12345', { v: 1, q: '12345' }],
    ['?v=1&heat=2', { v: 1, heat: '2' }],
  ])('%s', (text, expected) => {
    expect(explore(text)).toEqual(expected);
  });

  it('are written without defaults and read back equal', () => {
    const search = readExploreSearch({ q: '{ name = "a&b" }', err: true, from: 1, to: 2 });
    const text = formatSearchText({ ...search });
    expect(text).toBe('?q=%7B+name+%3D+%22a%26b%22+%7D&err=1&from=1&to=2&v=1');
    expect(readExploreSearch(parseSearchText(text))).toEqual(search);
  });

  it('turn ranges into parameters and back', () => {
    for (const range of [{ kind: 'last', last: '6h' }, { kind: 'last', last: '1h' }, { kind: 'absolute', from: 5, to: 9 }] as const) {
      expect(rangeOf(searchOfRange(range))).toEqual(range);
    }
  });
});

describe('trace links, version 1', () => {
  it.each([
    ['?v=1', { v: 1 }],
    ['?v=1&t=1772359140~1772359262&s=00F067AA0BA902B7', { v: 1, t: '1772359140~1772359262', s: '00f067aa0ba902b7' }],
    ['?v=1&r=1000~25000&q=ledger&x=a1.1-3', { v: 1, r: '1000~25000', q: 'ledger', x: 'a1.1-3' }],
    ['?v=1&t=now&s=nothex&r=abc&x=A!', { v: 1 }],
    ['?v=1&lens=unusual', { v: 1, lens: 'unusual' }],
  ])('%s', (text, expected) => {
    expect(trace(text)).toEqual(expected);
  });

  it('bound the lookup by the trace, padded by a minute', () => {
    const t = traceTimeHint({ startUnixNano: '1772359200250000000', durationNano: 1.5e9 });
    expect(t).toBe('1772359140~1772359262');
    expect(hintOf({ v: 1, t })).toEqual({ start: 1_772_359_140, end: 1_772_359_262 });
    expect(hintOf({ v: 1, t: '9~3' })).toBeNull();
    expect(hintOf({ v: 1 })).toBeNull();
  });

  it('hold the window to the nanosecond', () => {
    expect(decodeView(encodeView({ from: -5.4, to: 99.6 }))).toEqual({ from: -5, to: 100 });
    expect([decodeView('5~5'), decodeView('x'), decodeView(undefined)]).toEqual([null, null, null]);
  });
});
