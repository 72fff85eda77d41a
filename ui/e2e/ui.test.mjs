/**
 * The UI in a real browser.
 *
 * `CAUSELINE_URL` is a server that holds traces (the demo shop's, for instance) and `CAUSELINE_OTLP_URL` its OTLP/HTTP address, to
 * which hostile spans are sent. Without them the mock server stands in, which has such spans already.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { startMock } from '../mock-api/server.mjs';
import { openBrowser, openPage } from './browser.mjs';
import { HOSTILE_ID, HOSTILE_SERVICE, sendHostile } from './hostile.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SEARCH = '/explore?v=1&last=24h';

let base;
let mock;
let browser;
let page;
let problems;

before(async () => {
  mock = process.env.CAUSELINE_URL ? null : await startMock();
  base = (process.env.CAUSELINE_URL ?? mock.url).replace(/\/$/, '');
  if (process.env.CAUSELINE_OTLP_URL) await sendHostile(process.env.CAUSELINE_OTLP_URL);
  browser = await openBrowser();
  ({ page, problems } = await openPage(browser.context, base));
});

after(async () => {
  await browser?.close();
  mock?.close();
});

const results = () => page.locator('[data-result]');
const rows = () => page.getByRole('treegrid').getByRole('row');
const focusedRow = () => page.locator('[role=row]:focus');

/** Spans, without the stand-ins for what was not received. */
const spanRow = (tab = page) => tab.getByRole('treegrid').getByRole('row').filter({ hasNotText: /not received|top-level row/ }).first();

/** Opens a search and waits until it finds something: a shop that has just opened needs a moment. */
async function openResults(path, tab = page) {
  for (let attempt = 0; ; attempt += 1) {
    await tab.goto(base + path);
    try {
      await tab.locator('[data-result]').first().waitFor({ timeout: 3000 });
      return;
    } catch (error) {
      if (attempt === 30) throw error;
    }
  }
}

const openSearch = () => openResults(SEARCH);

/** Opens the newest trace that failed and is complete. */
async function openTrace(tab = page) {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await openResults(`${SEARCH}&err=1`, tab);
    await tab.locator('[data-result]').nth(attempt % (await tab.locator('[data-result]').count())).click();
    await tab.getByRole('treegrid').getByRole('row').first().waitFor();
    if (await tab.getByText(/^✓ complete$/).isVisible()) return;
  }
  assert.fail('no trace is complete');
}

describe('search', () => {
  it('shows traces of the last hour on the first visit, newest first', async () => {
    const response = await page.goto(`${base}/`);
    assert.match(response.headers()['content-security-policy'] ?? '', /default-src 'self'/);
    await page.waitForURL(/\/explore/);
    await openResults('/');
    const times = await page.getByRole('row').locator('[role=cell]:first-child').evaluateAll((cells) => cells.map((cell) => cell.title).filter(Boolean));
    assert.ok(times.length > 1);
    assert.deepEqual(times, [...times].sort().reverse());
  });

  it('narrows by the quick filters, in the URL', async () => {
    await openSearch();
    await page.getByRole('button', { name: 'Errors only' }).click();
    await page.waitForURL(/err=1/);
    await page.getByRole('button', { name: 'Errors only', pressed: true }).waitFor();
    await results().first().waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'Errors only', pressed: false }).waitFor();
  });

  it('lists the matched spans of a row on expand', async () => {
    await openSearch();
    const before = await page.getByRole('link').count();
    await page.getByRole('button', { expanded: false, name: /matched span/ }).first().click();
    await page.getByRole('button', { expanded: true, name: /matched span/ }).waitFor();
    assert.ok((await page.getByRole('link').count()) > before);
  });

  it('runs on Ctrl Enter and shows a mistake at its column, keeping the last good result', async () => {
    await openSearch();
    const query = page.getByRole('textbox', { name: 'TraceQL query' });
    await page.keyboard.press('/');
    await query.fill('{ span:duration > }');
    await page.keyboard.press('Control+Enter');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    assert.match(await alert.innerText(), /Column \d+:/);
    assert.equal(await query.getAttribute('aria-invalid'), 'true');
    const caret = await alert.locator('pre').evaluate((pre) => pre.textContent.split('\n')[1].indexOf('▲'));
    const told = Number(/Column (\d+)/.exec(await alert.innerText())[1]);
    assert.equal(caret, told - 1);
    assert.ok((await results().count()) > 0, 'the last good result stays');
  });

  it('says why nothing matches and offers to take the clause away', async () => {
    await page.goto(`${base}${SEARCH}&svc=there-is-no-such-service`);
    await page.getByRole('heading', { name: 'No trace matches' }).waitFor();
    await page.getByRole('button', { name: /Without service/ }).click();
    await results().first().waitFor();
  });

  it('moves through the rows with j and k and opens with Enter', async () => {
    await openSearch();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    assert.equal(await page.evaluate(() => document.activeElement === document.querySelector('[data-result]')), true);
    await page.keyboard.press('Enter');
    await rows().first().waitFor();
    assert.match(page.url(), /\/trace\/[0-9a-f]{32}\?.*t=\d+%7E\d+|\/trace\/[0-9a-f]{32}\?.*t=\d+~\d+/);
  });
});

describe('trace', () => {
  it('shows the waterfall with the facts of the trace', async () => {
    await openTrace();
    assert.ok((await rows().count()) > 1);
    assert.match(await rows().first().getAttribute('aria-label'), /level 1$/);
    const painted = await page.locator('canvas').evaluate((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, Math.min(canvas.height, 48));
      return new Set(new Uint32Array(data.buffer)).size;
    });
    assert.ok(painted > 3, 'the time column is drawn');
  });

  it('is driven by the keyboard: rows, details, back', async () => {
    await openTrace();
    await page.getByRole('row').first().focus();
    await page.keyboard.press('ArrowDown');
    const second = await focusedRow().getAttribute('aria-rowindex');
    assert.equal(second, '2');
    await page.keyboard.press('Enter');
    const details = page.getByRole('complementary');
    await details.waitFor();
    assert.match(page.url(), /s=[0-9a-f]{16}/);
    await details.getByRole('heading', { name: 'Attributes' }).waitFor();
    await page.keyboard.press('Enter');
    assert.equal(await details.evaluate((panel) => panel === document.activeElement), true);
    await page.keyboard.press('Escape');
    assert.equal(await focusedRow().getAttribute('aria-rowindex'), '2');
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowLeft');
    assert.equal(await focusedRow().getAttribute('aria-expanded'), 'false');
    assert.equal(await rows().count(), 1);
    await page.keyboard.press('ArrowRight');
    assert.ok((await rows().count()) > 1);
  });

  it('walks the errors with e and says them in words', async () => {
    await openTrace();
    await page.keyboard.press('e');
    await focusedRow().waitFor();
    assert.match(await focusedRow().getAttribute('aria-label'), /, error,/);
  });

  it('zooms, finds, and restores it all from the link', async () => {
    await openTrace();
    await page.keyboard.press('+');
    await page.keyboard.press('/');
    const name = (await rows().first().getAttribute('aria-label')).split(',')[0];
    await page.keyboard.type(name.slice(0, 8));
    await page.waitForURL(/q=/);
    await page.waitForURL(/r=/);
    const window = await page.getByLabel('Time on screen').innerText();
    await page.reload();
    await rows().first().waitFor();
    assert.equal(await page.getByLabel('Time on screen').innerText(), window);
    assert.equal(await page.getByRole('searchbox', { name: 'Find in trace' }).inputValue(), name.slice(0, 8));
  });

  it('says what was searched when there is no such trace', async () => {
    await page.goto(`${base}/trace/00000000000000000000000000c0ffee?v=1`);
    await page.getByRole('heading', { name: 'No spans of this trace are stored' }).waitFor();
  });
});

describe('shell', () => {
  it('goes to a trace from a pasted log line', async () => {
    await openSearch();
    const id = /trace\/([0-9a-f]{32})/.exec(await results().first().getAttribute('href'))[1];
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: /paste a trace id/ }).fill(`12:03:41 ERROR refused trace_id=${id.toUpperCase()} span=1`);
    await page.getByRole('option', { name: new RegExp(id) }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(`/trace/${id}`));
    await rows().first().waitFor();
  });

  it('takes a typed range and lists the keys', async () => {
    await openSearch();
    await page.keyboard.press('t');
    await page.getByLabel('Or type a range').fill('15m');
    await page.keyboard.press('Enter');
    await page.waitForURL(/last=15m/);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'detached' });
  });
});

it('hostile strings stay text', { skip: Boolean(process.env.CAUSELINE_URL) && !process.env.CAUSELINE_OTLP_URL }, async () => {
  await openResults(`${SEARCH}&svc=${encodeURIComponent(HOSTILE_SERVICE)}`);
  await page.locator(`[data-result][href*="${HOSTILE_ID}"]`).waitFor();
  await page.goto(`${base}/trace/${HOSTILE_ID}?v=1`);
  await spanRow().focus();
  await page.keyboard.press('Enter');
  const details = page.getByRole('complementary');
  await details.getByText('<script>').first().waitFor();
  assert.equal(await page.evaluate(() => window.__xss), undefined);
  assert.equal(await page.locator('main img, main script, main iframe').count(), 0);
  assert.equal(await page.locator('a[href^="javascript:"]').count(), 0);
});

describe('accessibility', () => {
  for (const theme of ['light', 'dark']) {
    it(`axe finds nothing on both pages, ${theme}`, async () => {
      const other = await openBrowser({ colorScheme: theme, bypassCSP: true });
      const { page: tab } = await openPage(other.context, base);
      try {
        await openResults(`${SEARCH}&err=1`, tab);
        await expectAccessible(tab, 'search');
        await openTrace(tab);
        await spanRow(tab).focus();
        await tab.keyboard.press('Enter');
        await tab.getByRole('complementary').getByRole('heading', { name: 'Attributes' }).waitFor();
        await expectAccessible(tab, 'trace');
      } finally {
        await other.close();
      }
    });
  }

  it('no page scrolls sideways at 390 pixels', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const openEmpty = async () => {
      await page.goto(`${base}${SEARCH}&svc=there-is-no-such-service-with-such-a-long-name`);
      await page.getByRole('heading', { name: 'No trace matches' }).waitFor();
    };
    for (const open of [openSearch, openTrace, openEmpty]) {
      await open();
      const [scroll, client] = await page.evaluate(() => {
        const main = document.getElementById('main');
        return [Math.max(document.documentElement.scrollWidth, main.scrollWidth), Math.min(document.documentElement.clientWidth, main.clientWidth + 1)];
      });
      assert.ok(scroll <= client, `${scroll} > ${client} at ${page.url()}`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  });
});

it('nothing broke a policy, wrote to the console or left the origin', async () => {
  await openSearch();
  await openTrace();
  assert.deepEqual(await page.evaluate(() => window.__violations), []);
  assert.deepEqual(problems, []);
});

async function expectAccessible(tab, where) {
  await tab.waitForTimeout(500);
  await tab.addScriptTag({ path: AXE });
  const found = await tab.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  assert.deepEqual(found.violations.map((v) => `${where}: ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).slice(0, 3).join(' | ')}`), []);
}
