/**
 * Writes absolute times in the zone the reader chose. The zone is always printed with the time or beside it.
 */
import type { UnixMilli, UnixNano } from './units';

/** The zones the UI offers: the browser's own, or UTC. */
export type Zone = 'local' | 'utc';

interface Parts {
  year: string;
  month: string;
  day: string;
  hour: string;
  minute: string;
  second: string;
}

const formatters = new Map<Zone, Intl.DateTimeFormat>();

/** `2026-03-01` in the zone. */
export function formatDate(ms: UnixMilli, zone: Zone): string {
  const p = parts(ms, zone);
  return `${p.year}-${p.month}-${p.day}`;
}

/** `12:03:41` in the zone, or with `digits` of the second's fraction. */
export function formatClock(ms: UnixMilli, zone: Zone, digits: 0 | 3 = 0): string {
  const p = parts(ms, zone);
  const fraction = digits === 0 ? '' : `.${String(((Math.floor(ms) % 1000) + 1000) % 1000).padStart(3, '0')}`;
  return `${p.hour}:${p.minute}:${p.second}${fraction}`;
}

/** `2026-03-01 12:03:41.250 UTC`. */
export function formatMoment(ms: UnixMilli, zone: Zone, digits: 0 | 3 = 0): string {
  return `${formatDate(ms, zone)} ${formatClock(ms, zone, digits)} ${zoneName(zone, ms)}`;
}

/** `2026-03-01T12:03:41.250123456+00:00`: the exact form that copying gives. */
export function formatExact(nano: UnixNano, zone: Zone): string {
  const ms = nanoToMilli(nano);
  const fraction = (((BigInt(nano) % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).toString().padStart(9, '0');
  const p = parts(ms, zone);
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}:${p.second}.${fraction}${offset(zone, ms)}`;
}

/** The short name of the zone as it is printed: `UTC` or `UTC+02:00`. */
export function zoneName(zone: Zone, ms: UnixMilli): string {
  if (zone === 'utc') return 'UTC';
  const text = offset('local', ms);
  return text === '+00:00' ? 'UTC' : `UTC${text}`;
}

/** Milliseconds (rounded down) of an absolute time in nanoseconds. */
export function nanoToMilli(nano: UnixNano): UnixMilli {
  const value = BigInt(nano);
  const ms = value / 1_000_000n;
  return Number(value < 0n && value % 1_000_000n !== 0n ? ms - 1n : ms);
}

/** `4 s ago`, `3 min ago`, `2 h ago`, `5 d ago`. */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.round(ageMs / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

function offset(zone: Zone, ms: UnixMilli): string {
  const minutes = zone === 'utc' ? 0 : -new Date(ms).getTimezoneOffset();
  const size = Math.abs(minutes);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function parts(ms: UnixMilli, zone: Zone): Parts {
  const out: Record<string, string> = {};
  for (const { type, value } of formatter(zone).formatToParts(ms)) out[type] = value;
  return out as unknown as Parts;
}

function formatter(zone: Zone): Intl.DateTimeFormat {
  let found = formatters.get(zone);
  if (!found) {
    found = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone === 'utc' ? 'UTC' : undefined,
      year: 'numeric', month: '2-digit', day: '2-digit',
      hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
    });
    formatters.set(zone, found);
  }
  return found;
}
