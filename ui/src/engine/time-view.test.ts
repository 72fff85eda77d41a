import { describe, expect, it } from 'vitest';
import { fitAll, fitStretch, isWhole, NARROWEST_NS, pan, rulerStep, rulerTicks, zoomAt } from './time-view';

const EXTENT = { from: 0, to: 1e9 };

describe('the window of time', () => {
  it('keeps the time under the pointer in place', () => {
    const view = zoomAt(EXTENT, 0.5, 25e7, EXTENT);
    expect(view).toEqual({ from: 125e6, to: 625e6 });
    expect((25e7 - view.from) / (view.to - view.from)).toBe(0.25);
  });

  it('stays inside the trace and between its bounds of zoom', () => {
    expect(zoomAt(EXTENT, 10, 5e8, EXTENT)).toEqual(EXTENT);
    const closest = zoomAt(EXTENT, 1e-12, 5e8, EXTENT);
    expect(closest.to - closest.from).toBeCloseTo(NARROWEST_NS);
    expect(pan({ from: 0, to: 1e8 }, -3, EXTENT)).toEqual({ from: 0, to: 1e8 });
    expect(pan({ from: 8e8, to: 9e8 }, 3, EXTENT)).toEqual({ from: 9e8, to: 1e9 });
  });

  it('frames a span, even one of no length', () => {
    expect(fitStretch(4e8, 5e8, EXTENT)).toEqual({ from: 39e7, to: 51e7 });
    const instant = fitStretch(5e8, 5e8, EXTENT);
    expect(instant.to - instant.from).toBe(NARROWEST_NS);
  });

  it('takes a trace of no length', () => {
    const view = fitAll({ from: 7, to: 7 });
    expect(view.to).toBeGreaterThan(view.from);
    expect(isWhole(view, { from: 7, to: 7 })).toBe(true);
  });
});

describe('the ruler', () => {
  it.each([[1e9, 1000, 1e8], [1e9, 700, 2e8], [240e6, 600, 5e7], [100, 1000, 10]])('of %d ns on %d px has steps of %d ns', (length, width, step) => {
    expect(rulerStep({ from: 0, to: length }, width, 90)).toBe(step);
  });

  it('marks multiples of the step inside the window', () => {
    expect(rulerTicks({ from: -15, to: 25 }, 10)).toEqual([-10, 0, 10, 20]);
  });
});
