/** What holds for the source as a whole: layers, colours, no third-party address. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));
const LAYERS = ['kit', 'engine', 'data', 'features', 'app'];

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

const sources = files(SRC).map((path) => ({ path: relative(SRC, path), text: readFileSync(path, 'utf8') }));
const code = sources.filter(({ path }) => /\.tsx?$/.test(path) && !path.includes('.test.'));

it('imports point only up the list kit, engine, data, features, app', () => {
  const wrong: string[] = [];
  for (const { path, text } of code) {
    const own = LAYERS.indexOf(path.split('/')[0] ?? '');
    expect(own, path).toBeGreaterThanOrEqual(0);
    for (const [, target = ''] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
      const resolved = target.startsWith('@/') ? target.slice(2) : target.startsWith('.') ? relative(SRC, join(SRC, path, '..', target)) : null;
      const layer = resolved === null ? -1 : LAYERS.indexOf(resolved.split('/')[0] ?? '');
      if (layer > own) wrong.push(`${path} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

it('pages do not import each other, and engine knows no framework', () => {
  const wrong = code.flatMap(({ path, text }) => {
    const page = /^features\/(\w+)\//.exec(path)?.[1];
    const other = [...text.matchAll(/'@\/features\/(\w+)\//g)].filter(([, name]) => page !== undefined && name !== page);
    const framework = path.startsWith('engine/') && /from '(?:react|@tanstack)/.test(text);
    return other.length > 0 || framework ? [path] : [];
  });
  expect(wrong).toEqual([]);
});

it('only the tokens hold raw colours', () => {
  const styles = sources.filter(({ path }) => path.endsWith('.css') && path !== 'kit/tokens.css');
  const raw = /#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch|oklab)a?\(/i;
  expect(styles.filter(({ text }) => raw.test(text)).map(({ path }) => path)).toEqual([]);
});

it('every module opens with what it is for', () => {
  expect(code.filter(({ path, text }) => !path.endsWith('schema.d.ts') && !text.startsWith('/**')).map(({ path }) => path)).toEqual([]);
});

it('no file is longer than 600 lines, no address leaves the origin', () => {
  expect(code.filter(({ path, text }) => !path.endsWith('schema.d.ts') && text.split('\n').length > 600).map(({ path }) => path)).toEqual([]);
  expect(code.filter(({ text }) => /https?:\/\/(?!\$\{)/.test(text)).map(({ path }) => path)).toEqual([]);
});

it('the lock file holds no download address', () => {
  expect(readFileSync(join(SRC, '../package-lock.json'), 'utf8')).not.toContain('"resolved"');
});
