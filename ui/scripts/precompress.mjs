/** Leaves a `.br` and a `.gz` beside each text file of `dist/`, which the server sends as they are. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TEXT = /\.(?:html|js|css|svg|json)$/;

for (const name of readdirSync(DIST, { recursive: true }).filter((file) => TEXT.test(file) && !file.startsWith('.vite'))) {
  const bytes = readFileSync(join(DIST, name));
  writeFileSync(join(DIST, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  writeFileSync(join(DIST, `${name}.br`), brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }));
}
