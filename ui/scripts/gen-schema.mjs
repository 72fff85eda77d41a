/**
 * Writes `src/data/schema.d.ts` from the API's OpenAPI document, `docs/openapi.json`. With `--check` it writes nothing and fails when
 * the file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const DOCUMENT = new URL('../../docs/openapi.json', import.meta.url);
const TARGET = new URL('../src/data/schema.d.ts', import.meta.url);

const nodes = await openapiTS(JSON.parse(readFileSync(DOCUMENT, 'utf8')));
const text = `/** Generated from docs/openapi.json by \`npm run gen\`; do not edit. */\n${astToString(nodes)}`;
if (!process.argv.includes('--check')) {
  writeFileSync(TARGET, text);
} else if (readFileSync(TARGET, 'utf8') !== text) {
  console.error('src/data/schema.d.ts is stale: run npm run gen');
  process.exitCode = 1;
}
