/**
 * Scrolling through more pixels than browsers allow in one element (they clamp near 16 million): beyond 10 million the scroll
 * position is scaled.
 */
import type { CssPixels } from '@/kit/units';

/** Tallest element used for scrolling. */
export const TALLEST: CssPixels = 10_000_000;

/** Height of the scrolled element for a content of `total` pixels. */
export function spacerHeight(total: CssPixels): CssPixels {
  return Math.min(total, TALLEST);
}

/** Content pixel at the top of the viewport for a scroll position. */
export function offsetOf(scrollTop: CssPixels, total: CssPixels, viewport: CssPixels): CssPixels {
  const offset = total <= TALLEST ? scrollTop : (scrollTop * (total - viewport)) / (TALLEST - viewport);
  return Math.min(Math.max(offset, 0), Math.max(total - viewport, 0));
}

/** Scroll position that puts a content pixel at the top. */
export function scrollTopOf(offset: CssPixels, total: CssPixels, viewport: CssPixels): CssPixels {
  return total <= TALLEST ? offset : (offset * (TALLEST - viewport)) / (total - viewport);
}
