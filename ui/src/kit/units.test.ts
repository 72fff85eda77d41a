import { describe, expect, it } from 'vitest';
import { formatCount, formatDuration, formatShare, formatTick, middleEllipsis, plural, speakDuration } from './units';

const plain = (text: string) => text.replaceAll('\u202f', ' ');

describe('formatDuration', () => {
  it.each([
    [0, '0 ns'], [1, '1 ns'], [999, '999 ns'], [999.6, '1.00 µs'], [1000, '1.00 µs'], [980_000, '980 µs'], [999_499, '999 µs'], [999_600, '1.00 ms'],
    [1_240_000_000, '1.24 s'], [9_996_000, '10.0 ms'], [99_960_000, '100 ms'], [645e6, '645 ms'], [59.94e9, '59.9 s'], [59.96e9, '1 m 00 s'], [125e9, '2 m 05 s'],
    [3599.6e9, '1 h 00 m'], [3720e9, '1 h 02 m'], [-5e6, '−5.00 ms'], [Number.NaN, '–'],
  ])('%d ns is %s', (ns, text) => {
    expect(plain(formatDuration(ns))).toBe(text);
  });

  it('is spoken in words', () => {
    expect(speakDuration(645e6)).toBe('645 milliseconds');
    expect(speakDuration(125e9)).toBe('2 minutes 05 seconds');
    expect(speakDuration(-5e6)).toBe('minus 5.00 milliseconds');
  });
});

it.each([[0, 1e8, '0'], [25e7, 5e7, '250 ms'], [1.25e9, 5e7, '1.25 s'], [2e9, 1e9, '2 s'], [1500, 100, '1.5 µs'], [-2e6, 1e6, '−2 ms']])('a mark at %d with steps of %d reads %s', (ns, step, text) => {
  expect(plain(formatTick(ns, step))).toBe(text);
});

it('groups digits, names counts and writes shares', () => {
  expect([0, 999, 18_400, 1_204_331].map(formatCount).map(plain)).toEqual(['0', '999', '18 400', '1 204 331']);
  expect([plural(1, 'span'), plural(2, 'span'), plural(0, 'child', 'children')]).toEqual(['1 span', '2 spans', '0 children']);
  expect([0, 0.0004, 0.441, 1].map(formatShare).map(plain)).toEqual(['0.0 %', '< 0.1 %', '44.1 %', '100.0 %']);
});

it('shortens the middle', () => {
  expect(middleEllipsis('4bf92f3577b34da6a3ce929d0e0e4736', 17)).toBe('4bf92f35…0e0e4736');
  expect(middleEllipsis('short', 17)).toBe('short');
});
