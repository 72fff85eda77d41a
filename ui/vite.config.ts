/**
 * Build and test settings.
 *
 * The built files are addressed relative to the document's `<base href>`, which the server may rewrite, so one build works
 * under any base path. Nothing is inlined: a strict content security policy (`default-src 'self'`) must hold.
 */
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const api = process.env.CAUSELINE_API ?? 'http://127.0.0.1:7070';

export default defineConfig({
  base: './',
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { port: 5173, proxy: { '/api': api } },
  build: {
    // The first versions with light-dark(), so that themes stay one declaration per colour.
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: true,
  },
  test: {
    include: ['src/**/*.test.{ts,tsx}', 'tests/**/*.test.ts'],
    environment: 'node',
    css: { modules: { classNameStrategy: 'non-scoped' } },
  },
});
