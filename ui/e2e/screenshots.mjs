/**
 * Takes the pictures to look at: search, trace, trace with details, empty, error; light and dark; 1440 and 390 pixels wide.
 *
 * `CAUSELINE_URL=http://127.0.0.1:7070 node e2e/screenshots.mjs FOLDER`
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openBrowser } from './browser.mjs';

const base = (process.env.CAUSELINE_URL ?? 'http://127.0.0.1:7070').replace(/\/$/, '');
const folder = process.argv[2] ?? 'screenshots';
await mkdir(folder, { recursive: true });

const sizes = [{ width: 1440, height: 900 }, { width: 390, height: 844 }];
for (const theme of ['light', 'dark']) {
  for (const viewport of sizes) {
    const { context, close } = await openBrowser({ viewport, colorScheme: theme, deviceScaleFactor: viewport.width < 500 ? 2 : 1 });
    const page = await context.newPage();
    const shoot = async (name) => {
      await page.waitForTimeout(400);
      await page.screenshot({ path: join(folder, `${name}-${theme}-${viewport.width}.png`) });
    };
    await page.goto(`${base}/explore?v=1`);
    const results = page.locator('[data-result]');
    await results.first().waitFor();
    await shoot('search');
    await page.goto(`${base}/explore?v=1&err=1`);
    const failed = await results.first().waitFor({ timeout: 5000 }).then(() => true, () => false);
    if (!failed) await page.goto(`${base}/explore?v=1`);
    const link = await results.first().getAttribute('href');
    await page.goto(`${base}${new URL(link ?? '/', base).pathname}${new URL(link ?? '/', base).search}`);
    await page.getByRole('treegrid').waitFor();
    await shoot('trace');
    await page.keyboard.press('e');
    await page.waitForTimeout(100);
    const focused = page.locator('[role=row]:focus');
    if ((await focused.count()) === 0) await page.getByRole('row').first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('complementary').waitFor();
    await page.waitForTimeout(300);
    await shoot('trace-details');
    await page.goto(`${base}/explore?v=1&svc=there-is-no-such-service&from=1000000000000&to=1000000060000`);
    await page.getByRole('heading', { name: /No trace matches|No spans have arrived/ }).waitFor();
    await shoot('empty');
    await page.goto(`${base}/explore?v=1&q=${encodeURIComponent('{ span:duration > }')}`);
    await page.getByRole('alert').first().waitFor();
    await shoot('error');
    await close();
  }
}
