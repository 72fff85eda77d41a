/** Contrast of every pair of tokens that meet on screen, in both themes (WCAG 2.2: text 4.5, other marks 3). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('../src/kit/tokens.css', import.meta.url), 'utf8');
const tokens = new Map([...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)].map(([, name = '', light = '', dark = '']) => [name, { light, dark }]));

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => {
    const value = parseInt(hex.slice(i, i + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string, theme: 'light' | 'dark'): number {
  const [x, y] = [a, b].map((name) => luminance(tokens.get(name)?.[theme] ?? '#000000'));
  return (Math.max(x ?? 0, y ?? 0) + 0.05) / (Math.min(x ?? 0, y ?? 0) + 0.05);
}

describe.each(['light', 'dark'] as const)('%s', (theme) => {
  it.each(['text', 'text-2', 'text-3', 'accent', 'error', 'warn', 'ok', 'info'].flatMap((text) => ['bg', 'bg-2', 'bg-3'].map((bg) => [text, bg] as const)))('%s on %s', (text, bg) => {
    expect(contrast(text, bg, theme)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(['svc-1', 'svc-2', 'svc-3', 'svc-4', 'svc-5', 'svc-6', 'svc-7', 'svc-8'])('%s as a bar and under its text', (slot) => {
    expect(contrast(slot, 'bg', theme)).toBeGreaterThanOrEqual(3);
    expect(contrast(slot, 'bg-2', theme)).toBeGreaterThanOrEqual(3);
    expect(contrast(slot, `on-${slot}`, theme)).toBeGreaterThanOrEqual(4.5);
  });

  it('control borders and button text', () => {
    expect(contrast('line-strong', 'bg', theme)).toBeGreaterThanOrEqual(3);
    expect(contrast('bg', 'accent', theme)).toBeGreaterThanOrEqual(4.5);
  });
});

it('both themes define every colour of a pair', () => {
  expect(tokens.size).toBeGreaterThanOrEqual(13 + 16);
});
