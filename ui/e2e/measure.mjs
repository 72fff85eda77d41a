/**
 * Measures the trace page with 10 000 and 100 000 spans: first paint of the waterfall, frame times of a scripted scroll and zoom.
 *
 * `node e2e/measure.mjs` serves `dist/` from the mock and answers the trace from memory, so that only the UI is measured.
 */
import { startMock } from '../mock-api/server.mjs';
import { openBrowser } from './browser.mjs';

const SERVICES = ['web-gateway', 'checkout', 'payments', 'ledger', 'catalogue', 'cart', 'shipping', 'queue-worker', 'identity', 'search'];

/** A trace of `count` spans, each under a random earlier one. */
function traceOf(count) {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
  const spans = [];
  for (let i = 0; i < count; i += 1) {
    const parent = i === 0 ? null : spans[Math.floor(random() ** 2 * i)];
    const from = parent ? parent.startOffsetNano + Math.floor(random() * parent.durationNano * 0.8) : 0;
    const length = parent ? Math.floor((parent.startOffsetNano + parent.durationNano - from) * random()) : 6e10;
    spans.push({
      spanId: (i + 1).toString(16).padStart(16, '0'), parentSpanId: parent?.spanId ?? null, name: `step ${i}`, service: Math.floor(random() * SERVICES.length), kind: 'internal',
      status: random() < 0.004 ? 'error' : 'unset', statusMessage: null, startOffsetNano: from, durationNano: length, eventCount: 0, linkCount: 0, flags: [],
    });
  }
  spans.sort((a, b) => a.startOffsetNano - b.startOffsetNano);
  return {
    traceId: 'f'.repeat(32), startUnixNano: '1772359200000000000', durationNano: 6e10, services: SERVICES, spanCount: count, errorCount: 0,
    facts: { complete: true, missingParents: 0, roots: 1, conflictingSpans: 0 }, spans,
  };
}

const mock = await startMock();
const { context, close } = await openBrowser();
for (const count of [10_000, 100_000]) {
  const body = JSON.stringify(traceOf(count));
  const page = await context.newPage();
  await page.route('**/api/v1/traces/*', (route) => route.fulfill({ contentType: 'application/json', body }));
  await page.goto(`${mock.url}/explore?v=1`);
  await page.locator('[data-result]').first().waitFor();
  const figures = await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const longest = [];
    new PerformanceObserver((list) => longest.push(...list.getEntries().map((entry) => entry.duration))).observe({ entryTypes: ['longtask'] });
    const begin = performance.now();
    document.querySelector('[data-result]').click();
    while (!document.querySelector('[role=treegrid] [role=row]')) await frame();
    const paint = performance.now() - begin;
    await frame();
    const scroller = document.querySelector('[class*=scroller]');
    const run = async (step) => {
      const times = [];
      let last = performance.now();
      for (let i = 0; i < 180; i += 1) {
        step(i);
        await frame();
        const now = performance.now();
        times.push(now - last);
        last = now;
      }
      times.sort((a, b) => a - b);
      return { p50: times[90], p95: times[171], worst: times.at(-1) };
    };
    const scroll = await run((i) => { scroller.scrollTop += i % 60 < 50 ? 90 : 5000; });
    const key = (name) => document.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }));
    const zoom = await run((i) => key(i % 60 < 30 ? '+' : '-'));
    const t = performance.now();
    [...document.querySelectorAll('button')].find((b) => b.textContent.startsWith('Collapse')).click();
    await frame();
    const collapse = performance.now() - t;
    return { paint, scroll, zoom, collapse, longtask: Math.max(0, ...longest) };
  });
  console.log(count, JSON.stringify(figures, (_, value) => (typeof value === 'number' ? Math.round(value * 10) / 10 : value)));
  await page.close();
}
await close();
mock.close();
