/**
 * The part of a trace's time that is on screen, and its ruler. Pure arithmetic on nanoseconds relative to the trace's start.
 */

/** A window in nanoseconds; `to` is greater than `from`. */
export interface TimeView {
  from: number;
  to: number;
}

/** The smallest span of time that fills the screen. */
export const NARROWEST_NS = 100;

/** The whole trace with a little room on the right for the labels of its last bars. */
export function fitAll(extent: TimeView): TimeView {
  const length = Math.max(extent.to - extent.from, NARROWEST_NS);
  return { from: extent.from, to: extent.from + length };
}

/** Zooms by `factor` (below 1 is closer) so that the time at `anchor` stays where it is. */
export function zoomAt(view: TimeView, factor: number, anchor: number, extent: TimeView): TimeView {
  const whole = fitAll(extent);
  const length = clamp((view.to - view.from) * factor, NARROWEST_NS, whole.to - whole.from);
  const share = (anchor - view.from) / (view.to - view.from);
  return keepInside({ from: anchor - share * length, to: anchor + (1 - share) * length }, extent);
}

/** Moves the window by a share of its own length. */
export function pan(view: TimeView, share: number, extent: TimeView): TimeView {
  const shift = (view.to - view.from) * share;
  return keepInside({ from: view.from + shift, to: view.to + shift }, extent);
}

/** Frames a stretch of time with a tenth of room on both sides. */
export function fitStretch(from: number, to: number, extent: TimeView): TimeView {
  const room = Math.max((to - from) * 0.1, NARROWEST_NS / 2);
  return keepInside({ from: from - room, to: to + room }, extent);
}

/** Moves a window into the trace without changing its length, unless it is longer than the trace. */
export function keepInside(view: TimeView, extent: TimeView): TimeView {
  const whole = fitAll(extent);
  const length = clamp(view.to - view.from, NARROWEST_NS, whole.to - whole.from);
  const from = clamp(view.from, whole.from, whole.to - length);
  return { from, to: from + length };
}

/** Whether the window is the whole trace. */
export function isWhole(view: TimeView, extent: TimeView): boolean {
  const whole = fitAll(extent);
  return view.from <= whole.from && view.to >= whole.to;
}

/** Step of a ruler: 1, 2 or 5 times a power of ten, so that marks are at least `gap` pixels apart. */
export function rulerStep(view: TimeView, width: number, gap: number): number {
  const least = ((view.to - view.from) * gap) / Math.max(width, 1);
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return (([1, 2, 5].find((digit) => digit * power >= least) ?? 10) * power);
}

/** The marks of the ruler inside the window. */
export function rulerTicks(view: TimeView, step: number): number[] {
  const ticks: number[] = [];
  const first = Math.ceil(view.from / step);
  for (let i = first; i * step <= view.to && ticks.length < 200; i += 1) ticks.push(i * step);
  return ticks;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), Math.max(low, high));
}
