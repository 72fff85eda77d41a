/**
 * Units as types and the one place that formats numbers.
 *
 * Absolute times are 64-bit nanoseconds and stay decimal strings or `bigint`; inside a trace, times are `number`
 * nanoseconds relative to its start (exact to 104 days). Nothing is rounded to milliseconds on the way.
 */

/** A duration or an offset inside a trace, in nanoseconds. */
export type Nanoseconds = number;
/** An absolute time in nanoseconds since 1970, as the API writes it. */
export type UnixNano = string;
/** An absolute time in milliseconds since 1970. */
export type UnixMilli = number;
/** A length on the screen. */
export type CssPixels = number;

/** The narrow no-break space that stands between a number and its unit. */
export const THIN = '\u202f';
const MINUS = '\u2212';

const MICRO = 1e3;
const MILLI = 1e6;
const SECOND = 1e9;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Writes a duration with three significant digits: `980 µs`, `1.24 s`, `2 m 05 s`, `1 h 02 m`. */
export function formatDuration(ns: Nanoseconds): string {
  if (!Number.isFinite(ns)) return '–';
  if (ns < 0) return MINUS + formatDuration(-ns);
  if (ns < 999.5) return `${Math.round(ns)}${THIN}ns`;
  if (ns < 999.5 * MICRO) return `${threeDigits(ns / MICRO)}${THIN}µs`;
  if (ns < 999.5 * MILLI) return `${threeDigits(ns / MILLI)}${THIN}ms`;
  if (ns < 59.95 * SECOND) return `${threeDigits(ns / SECOND)}${THIN}s`;
  if (ns < HOUR - SECOND / 2) {
    const seconds = Math.round(ns / SECOND);
    return pair(Math.floor(seconds / 60), 'm', seconds % 60, 's');
  }
  const minutes = Math.round(ns / MINUTE);
  return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'm');
}

/** Writes a duration for a listener: `645 milliseconds`. */
export function speakDuration(ns: Nanoseconds): string {
  const words: Record<string, string> = {
    ns: 'nanoseconds', µs: 'microseconds', ms: 'milliseconds', s: 'seconds', m: 'minutes', h: 'hours',
  };
  return formatDuration(ns)
    .split(THIN)
    .map((part) => words[part] ?? part.replace(MINUS, 'minus '))
    .join(' ');
}

/** Writes a time offset at the resolution that a ruler step needs, in one unit: `0`, `250 ms`, `1.25 s`. */
export function formatTick(ns: Nanoseconds, step: Nanoseconds): string {
  if (ns === 0) return '0';
  const size = Math.max(Math.abs(ns), step);
  const [divisor, unit] = size >= SECOND ? [SECOND, 's'] : size >= MILLI ? [MILLI, 'ms'] : size >= MICRO ? [MICRO, 'µs'] : [1, 'ns'];
  const decimals = Math.max(0, Math.ceil(-Math.log10(step / divisor) - 1e-9));
  return `${(ns / divisor).toFixed(Math.min(decimals, 9)).replace('-', MINUS)}${THIN}${unit}`;
}

/** Writes a count with grouped digits: `18 400`. */
export function formatCount(n: number): string {
  return Math.round(n).toString().replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
}

/** Writes a count with its noun: `1 span`, `18 400 spans`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${formatCount(n)} ${n === 1 ? one : many}`;
}

/** Writes a share of one: `44.1 %`, `< 0.1 %`. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.001) return `<${THIN}0.1${THIN}%`;
  return `${(share * 100).toFixed(1)}${THIN}%`;
}

/** Shortens the middle of a long text, keeping both ends. */
export function middleEllipsis(text: string, max: number): string {
  if (text.length <= max) return text;
  const head = Math.ceil((max - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (max - 1 - head))}`;
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function pair(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return `${big}${THIN}${bigUnit}${THIN}${String(small).padStart(2, '0')}${THIN}${smallUnit}`;
}
