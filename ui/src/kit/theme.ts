/**
 * Applies the theme to the document and tells canvases to repaint.
 *
 * `?theme=dark|light` in the URL overrides the preference for that view only.
 */
import { useSyncExternalStore } from 'react';
import { themePreference } from './preferences';
import { createStore } from './store';

/** The theme that is on screen. */
export type Theme = 'light' | 'dark';

const current = createStore<Theme>('light');

/** Puts the theme on the document and keeps it there; returns an undo. Call once at start. */
export function installTheme(): () => void {
  const media = window.matchMedia('(prefers-color-scheme: dark)');
  const override = new URLSearchParams(window.location.search).get('theme');
  const apply = () => {
    const choice = override === 'light' || override === 'dark' ? override : themePreference.get();
    const theme: Theme = choice === 'system' ? (media.matches ? 'dark' : 'light') : choice;
    document.documentElement.dataset.theme = theme;
    current.set(theme);
  };
  apply();
  media.addEventListener('change', apply);
  const unsubscribe = themePreference.subscribe(apply);
  return () => {
    media.removeEventListener('change', apply);
    unsubscribe();
  };
}

/** The theme on screen; changes re-render, so canvases repaint in the same frame. */
export function useTheme(): Theme {
  return useSyncExternalStore(current.subscribe, current.get);
}
