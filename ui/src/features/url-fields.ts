/**
 * Reading URL parameters: each field has a check; a value that fails is treated as absent. Unknown parameters are kept as they are.
 */
import { DEFAULT_LAST, parseLength, type TimeRange } from '@/kit/time-range';
import type { UnixMilli } from '@/kit/units';

/** Parameters as the router hands them over. */
export type RawSearch = Record<string, unknown>;

/** The range part of a page's parameters. `last` is left out when it is the default. */
export interface RangeSearch {
  last?: string | undefined;
  from?: UnixMilli | undefined;
  to?: UnixMilli | undefined;
}

const LONGEST_TEXT = 8_192;

/** A text of sensible length, or absent. */
export function textField(value: unknown, pattern?: RegExp): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value);
  return text !== '' && text.length <= LONGEST_TEXT && (!pattern || pattern.test(text)) ? text : undefined;
}

/** A switch: present and true, or absent. */
export function flagField(value: unknown): true | undefined {
  return value === true || value === '1' || value === 'true' ? true : undefined;
}

/** The range fields: both moments, or a length, or nothing. */
export function rangeFields(raw: RawSearch): RangeSearch {
  const [from, to] = [momentField(raw.from), momentField(raw.to)];
  if (from !== undefined && to !== undefined && from < to) return { from, to, last: undefined };
  const last = textField(raw.last);
  return { from: undefined, to: undefined, last: last !== undefined && last !== DEFAULT_LAST && parseLength(last) !== null ? last : undefined };
}

/** The range that a page's parameters mean. */
export function rangeOf(search: RangeSearch): TimeRange {
  if (search.from !== undefined && search.to !== undefined) return { kind: 'absolute', from: search.from, to: search.to };
  return { kind: 'last', last: search.last ?? DEFAULT_LAST };
}

/** The parameters that mean a range. */
export function searchOfRange(range: TimeRange): RangeSearch {
  if (range.kind === 'absolute') return { from: range.from, to: range.to, last: undefined };
  return { from: undefined, to: undefined, last: range.last === DEFAULT_LAST ? undefined : range.last };
}

function momentField(value: unknown): UnixMilli | undefined {
  const text = textField(value, /^\d{1,15}$/);
  return text === undefined ? undefined : Number(text);
}
