import { describe, expect, it } from 'vitest';
import { formatExact, formatMoment, nanoToMilli } from './clock-format';
import { describeRange, parseLength, parseTimeRange, resolveRange } from './time-range';

const NOW = Date.UTC(2026, 2, 15, 12, 30);
const parse = (text: string) => {
  const parsed = parseTimeRange(text, NOW, 'utc');
  if (!parsed.ok) return parsed.message;
  return parsed.range.kind === 'last' ? parsed.range.last : [parsed.range.from, parsed.range.to].map((ms) => new Date(ms).toISOString().slice(0, 19));
};

describe('typed ranges', () => {
  it.each([
    ['15m', '15m'], ['last 6h', '6h'], ['Past 2 days', '2d'], ['1h30m', '1h30m'], ['30 minutes', 'cannot'],
    ['yesterday 14:00–15:00', ['2026-03-14T14:00:00', '2026-03-14T15:00:00']],
    ['yesterday 14:00-15:00', ['2026-03-14T14:00:00', '2026-03-14T15:00:00']],
    ['yesterday 23:30 - 00:15', ['2026-03-14T23:30:00', '2026-03-15T00:15:00']],
    ['10:00 to 11:30', ['2026-03-15T10:00:00', '2026-03-15T11:30:00']],
    ['11:00 – now', ['2026-03-15T11:00:00', '2026-03-15T12:30:00']],
    ['2026-03-01T10:00Z +20m', ['2026-03-01T10:00:00', '2026-03-01T10:20:00']],
    ['2026-03-01T10:00+02:00 +1h', ['2026-03-01T08:00:00', '2026-03-01T09:00:00']],
    ['2026-03-01 10:00 – 2026-03-01 11:30', ['2026-03-01T10:00:00', '2026-03-01T11:30:00']],
    ['2026-03-01', ['2026-03-01T00:00:00', '2026-03-02T00:00:00']],
    ['today', ['2026-03-15T00:00:00', '2026-03-15T12:30:00']],
    ['1772359200 +10m', ['2026-03-01T10:00:00', '2026-03-01T10:10:00']],
  ])('%s', (text, expected) => {
    const got = parse(text);
    if (expected === 'cannot') expect(got).toMatch(/^cannot read/);
    else expect(got).toEqual(expected);
  });

  it.each([['', 'type a range'], ['soon', 'cannot read'], ['2026-02-30', 'cannot read'], ['2026-03-02 – 2026-03-01', 'the end lies before'], ['2020-01-01 – 2026-01-01', 'longer than 400 days'], ['+20m', 'cannot read the start'], ['25:99 – 26:00', 'cannot read the start']])('refuses %j', (text, message) => {
    expect(parse(text)).toContain(message);
  });
});

it('reads lengths', () => {
  expect(['15m', '1.5h', '1h30m', '0m', 'm', '15', '1000d'].map(parseLength)).toEqual([900_000, 5_400_000, 5_400_000, null, null, null, null]);
});

it('resolves and describes', () => {
  expect(resolveRange({ kind: 'last', last: '15m' }, NOW)).toEqual({ from: NOW - 900_000, to: NOW });
  expect(describeRange({ kind: 'last', last: '1h' }, 'utc')).toBe('Last 1\u202fh');
  expect(describeRange({ kind: 'absolute', from: NOW - 3_600_000, to: NOW }, 'utc')).toBe('2026-03-15 11:30:00 – 12:30:00');
});

it('writes absolute times with their zone and to the nanosecond', () => {
  expect(formatMoment(NOW + 41_250, 'utc', 3)).toBe('2026-03-15 12:30:41.250 UTC');
  expect(formatExact(`${NOW}123456`, 'utc')).toBe('2026-03-15T12:30:00.000123456+00:00');
  expect(formatExact('-1', 'utc')).toBe('1969-12-31T23:59:59.999999999+00:00');
  expect(nanoToMilli('-1')).toBe(-1);
});
