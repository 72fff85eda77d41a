/**
 * Time ranges: relative (`1h`), absolute (two moments) and the typed text that stands for either.
 *
 * Accepted text: `15m`, `last 6h`, `yesterday`, `today`, `yesterday 14:00–15:00`, `14:00-15:00`, `2026-03-01`,
 * `2026-03-01T10:00Z +20m`, `2026-03-01 10:00 – 2026-03-01 11:30`, and plain Unix times in seconds or milliseconds.
 * Times without an offset are read in the zone that the page shows.
 */
import type { Zone } from './clock-format';
import { formatClock, formatDate } from './clock-format';
import type { UnixMilli } from './units';

/** What a page's URL holds: a length that ends now, or two moments. */
export type TimeRange = { kind: 'last'; last: string } | { kind: 'absolute'; from: UnixMilli; to: UnixMilli };

/** A window to ask the API about. */
export interface Window {
  from: UnixMilli;
  to: UnixMilli;
}

/** The answer of the parser. */
export type ParsedRange = { ok: true; range: TimeRange } | { ok: false; message: string };

/** The relative ranges offered as buttons. */
export const RELATIVE_CHOICES = ['15m', '1h', '6h', '24h', '7d', '30d'] as const;
/** The range of a page that says nothing. */
export const DEFAULT_LAST = '1h';

const UNIT_MS: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };
const DAY = 864e5;
const LONGEST = 400 * DAY;
const RANGE_DASH = /\s+(?:-|–|—|to|until)\s+|\s*[–—]\s*/;

/** Milliseconds of a length such as `90m` or `1h30m`; `null` when it is not one. */
export function parseLength(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?[smhdw])+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)([smhdw])/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return total > 0 && total <= LONGEST ? total : null;
}

/** The window that a range means at `now`. */
export function resolveRange(range: TimeRange, now: UnixMilli): Window {
  if (range.kind === 'absolute') return { from: range.from, to: range.to };
  return { from: now - (parseLength(range.last) ?? 36e5), to: now };
}

/** Reads typed text; `now` anchors relative words. */
export function parseTimeRange(input: string, now: UnixMilli, zone: Zone): ParsedRange {
  const text = input.trim().replace(/\s+/g, ' ').toLowerCase();
  if (text === '') return bad('type a range such as 15m, yesterday 14:00–15:00 or 2026-03-01T10:00Z +20m');
  const relative = text.replace(/^(?:last|past)\s+/, '').replace(/\s/g, '').replace(/mins?$/, 'm').replace(/hours?$/, 'h').replace(/days?$/, 'd');
  if (parseLength(relative) !== null) return { ok: true, range: { kind: 'last', last: relative } };

  const plus = /^(.*?)\s*\+\s*((?:\d+(?:\.\d+)?[smhdw])+)$/.exec(text);
  if (plus) {
    const from = parseMoment(plus[1] ?? '', now, zone);
    const length = parseLength(plus[2] ?? '');
    return from === null || length === null ? bad('cannot read the start before +') : absolute(from, from + length);
  }
  const day = parseDay(text, now, zone);
  if (day !== null) return absolute(day, Math.min(nextDay(day, zone), Math.max(now, day + 1)));
  return parseEnds(text, now, zone);
}

/** Writes a range for the header: `Last 1 h`, or both moments. */
export function describeRange(range: TimeRange, zone: Zone): string {
  if (range.kind === 'last') return `Last ${range.last.replace(/(\d)([a-z])/g, '$1\u202f$2')}`;
  const day = formatDate(range.from, zone);
  const endDay = formatDate(range.to, zone);
  return `${day} ${formatClock(range.from, zone)} – ${day === endDay ? '' : `${endDay} `}${formatClock(range.to, zone)}`;
}

function parseEnds(text: string, now: UnixMilli, zone: Zone): ParsedRange {
  const split = text.split(RANGE_DASH);
  const ends = split.length === 2 ? split : (/^(.*\d{1,2}:\d{2}(?::\d{2})?)\s*-\s*(\d{1,2}:\d{2}.*)$/.exec(text)?.slice(1) ?? []);
  if (ends.length !== 2) return bad('cannot read this range; try 15m, yesterday 14:00–15:00 or 2026-03-01T10:00Z +20m');
  const [left = '', right = ''] = ends;
  const from = parseMoment(left, now, zone);
  if (from === null) return bad(`cannot read the start “${left}”`);
  const clock = parseClock(right);
  const to = right === 'now' ? now : clock !== null ? dayStart(from, zone, 0) + clock : parseMoment(right, now, zone);
  if (to === null) return bad(`cannot read the end “${right}”`);
  return absolute(from, clock !== null && to <= from ? to + DAY : to);
}

function parseMoment(text: string, now: UnixMilli, zone: Zone): UnixMilli | null {
  const trimmed = text.trim();
  if (trimmed === 'now') return now;
  if (/^\d{10}$/.test(trimmed)) return Number(trimmed) * 1000;
  if (/^\d{13}$/.test(trimmed)) return Number(trimmed);
  const clock = parseClock(trimmed);
  if (clock !== null) return dayStart(now, zone, 0) + clock;
  const [word = '', rest = ''] = trimmed.split(/[ t](?=\d{1,2}:|$)/);
  const day = parseDay(word, now, zone);
  if (day === null) return null;
  if (rest === '') return day;
  const zoned = /^(.*?)\s*(z|utc|[+-]\d{2}:?\d{2})$/.exec(rest);
  const time = parseClock(zoned?.[1] ?? rest);
  if (time === null) return null;
  if (!zoned) return day + time;
  return dayStart(day, zone, 0, true) + time - offsetMs(zoned[2] ?? 'z');
}

function parseDay(text: string, now: UnixMilli, zone: Zone): UnixMilli | null {
  if (text === 'today') return dayStart(now, zone, 0);
  if (text === 'yesterday') return dayStart(now, zone, -1);
  const date = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!date) return null;
  const [year, month, day] = [Number(date[1]), Number(date[2]) - 1, Number(date[3])];
  const check = new Date(Date.UTC(year, month, day));
  if (check.getUTCMonth() !== month || check.getUTCDate() !== day) return null;
  return zone === 'utc' ? check.getTime() : new Date(year, month, day).getTime();
}

function parseClock(text: string): number | null {
  const found = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?$/.exec(text.trim());
  if (!found) return null;
  const [hour, minute, second] = [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)];
  if (hour > 24 || minute > 59 || second > 59) return null;
  return ((hour * 60 + minute) * 60 + second) * 1000 + Number((found[4] ?? '0').padEnd(3, '0'));
}

function offsetMs(text: string): number {
  const found = /^([+-])(\d{2}):?(\d{2})$/.exec(text);
  if (!found) return 0;
  return (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) * 60_000;
}

/** Midnight of the day of `ms` in the zone, moved by whole days; `asUtc` keeps the calendar day but counts it in UTC. */
function dayStart(ms: UnixMilli, zone: Zone, days: number, asUtc = false): UnixMilli {
  const date = new Date(ms);
  if (zone === 'utc') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + days);
  const [y, m, d] = [date.getFullYear(), date.getMonth(), date.getDate() + days];
  return asUtc ? Date.UTC(y, m, d) : new Date(y, m, d).getTime();
}

function nextDay(start: UnixMilli, zone: Zone): UnixMilli {
  return dayStart(start, zone, 1);
}

function absolute(from: UnixMilli, to: UnixMilli): ParsedRange {
  if (to <= from) return bad('the end lies before the start');
  if (to - from > LONGEST) return bad('the range is longer than 400 days');
  return { ok: true, range: { kind: 'absolute', from, to } };
}

function bad(message: string): ParsedRange {
  return { ok: false, message };
}
