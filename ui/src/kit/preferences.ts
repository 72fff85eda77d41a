/**
 * What the reader prefers, kept in local storage: theme, zone, single-key shortcuts, width of the tree column.
 * Opening a link never writes one. A browser that blocks storage keeps them for the tab.
 */
import type { Zone } from './clock-format';
import { createStore, type Store } from './store';

/** The theme as chosen; `system` follows the device. */
export type ThemeChoice = 'light' | 'dark' | 'system';

const PREFIX = 'causeline.';

/** Light, dark, or as the device has it. */
export const themePreference = persisted<ThemeChoice>('theme', 'system', ['light', 'dark', 'system']);
/** The zone in which absolute times are printed. */
export const zonePreference = persisted<Zone>('zone', 'local', ['local', 'utc']);
/** Whether single letters act as shortcuts (WCAG 2.1.4 asks for a way to turn them off). */
export const shortcutPreference = persisted<'on' | 'off'>('shortcuts', 'on', ['on', 'off']);
/** Width of the waterfall's tree column in CSS pixels, as text; empty means the default. */
export const treeWidthPreference = persisted<string>('tree-width', '', null);

function persisted<T extends string>(name: string, fallback: T, allowed: readonly T[] | null): Store<T> {
  const stored = read(name);
  const known = stored !== null && (allowed === null || (allowed as readonly string[]).includes(stored));
  const store = createStore<T>(known ? (stored as T) : fallback);
  store.subscribe(() => write(name, store.get()));
  return store;
}

function read(name: string): string | null {
  try {
    return globalThis.localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

function write(name: string, value: string): void {
  try {
    globalThis.localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is blocked or full: the choice lasts as long as the tab.
  }
}
