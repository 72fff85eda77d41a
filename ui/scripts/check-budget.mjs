/**
 * Fails the build when a page's first load is heavier than its budget: JavaScript of the first route at most 180 KiB gzip, a
 * page's own chunks 60 KiB, all CSS 25 KiB. Reads the manifest of the build, so shared chunks count once.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const KIB = 1024;
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist)));
const size = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;

function filesOf(key, seen = new Set()) {
  const chunk = manifest[key];
  if (!chunk || seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const next of chunk.imports ?? []) filesOf(next, seen);
  return seen;
}

const total = (files) => [...files].reduce((sum, file) => sum + size(file), 0);
const shell = filesOf('index.html');
const pages = { explore: 'src/features/explore/explore-page.tsx', trace: 'src/features/trace/trace-page.tsx' };
const rows = [];
for (const [name, key] of Object.entries(pages)) {
  if (!manifest[key]) throw new Error(`the manifest has no chunk for ${key}`);
  const all = new Set([...shell, ...filesOf(key)]);
  const own = [...all].filter((file) => !shell.has(file));
  rows.push([`${name}: first route`, total(all), 180 * KIB], [`${name}: own chunks`, total(own), (name === 'trace' ? 60 : 50) * KIB]);
}
const css = readdirSync(new URL('assets/', dist)).filter((file) => file.endsWith('.css')).map((file) => `assets/${file}`);
rows.push(['all CSS', total(css), 25 * KIB]);

let failed = false;
for (const [name, bytes, limit] of rows) {
  const over = bytes > limit;
  failed ||= over;
  console.log(`${over ? 'OVER' : '  ok'}  ${name.padEnd(22)} ${(bytes / KIB).toFixed(1).padStart(7)} of ${limit / KIB} KiB gzip`);
}
process.exitCode = failed ? 1 : 0;
