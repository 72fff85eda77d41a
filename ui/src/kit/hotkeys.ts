/**
 * Keyboard shortcuts: one listener on the document, a stack of bindings, innermost first, and the list that `?` shows.
 *
 * Single letters act only outside text fields and only while the preference allows; chords with ⌘/Ctrl always act.
 */
import { useEffect, useRef } from 'react';
import { shortcutPreference } from './preferences';
import { createStore } from './store';

/** One shortcut. `keys` names `KeyboardEvent.key`s; `mod+k` means ⌘K or Ctrl K; `g x` is a sequence. */
export interface Hotkey {
  keys: string;
  help: string;
  run: (event: KeyboardEvent) => void;
}

interface Group {
  title: string;
  hotkeys: readonly Hotkey[];
}

/** How the command bar's chord is written on this device. */
export const COMMAND_KEY = navigator.userAgent.includes('Mac') ? '⌘K' : 'Ctrl K';

const SEQUENCE_MS = 1200;

/** Groups of bindings in force, the page's last. The help dialog reads it. */
export const hotkeyGroups = createStore<readonly Group[]>([]);

let prefix: { key: string; at: number } | null = null;

/** Puts shortcuts in force while the component is mounted. A later group wins over an earlier one. */
export function useHotkeys(title: string, hotkeys: readonly Hotkey[]): void {
  const latest = useRef(hotkeys);
  useEffect(() => {
    latest.current = hotkeys;
  });
  const shape = hotkeys.map((h) => `${h.keys}\t${h.help}`).join('\n');
  useEffect(() => {
    const group: Group = {
      title,
      hotkeys: shape.split('\n').map((line, i) => {
        const [keys = '', help = ''] = line.split('\t');
        return { keys, help, run: (event) => latest.current[i]?.run(event) };
      }),
    };
    hotkeyGroups.set([...hotkeyGroups.get(), group]);
    return () => hotkeyGroups.set(hotkeyGroups.get().filter((other) => other !== group));
  }, [title, shape]);
}

/** Starts listening; returns an undo. Call once at start. */
export function installHotkeys(): () => void {
  document.addEventListener('keydown', onKeyDown);
  return () => document.removeEventListener('keydown', onKeyDown);
}

/** Whether a key press belongs to a text field. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const modified = event.metaKey || event.ctrlKey;
  const press = modified ? `mod+${event.key.toLowerCase()}` : event.key;
  if (!modified) {
    if (isTyping(event.target) || event.altKey || document.querySelector('dialog[open]')) return;
    if (shortcutPreference.get() === 'off' && press.length === 1) return;
  }
  const sequence = prefix && Date.now() - prefix.at < SEQUENCE_MS ? `${prefix.key} ${press}` : null;
  prefix = null;
  const found = (sequence !== null && find(sequence)) || find(press);
  if (found) {
    event.preventDefault();
    found.run(event);
  } else if (startsSequence(press)) {
    prefix = { key: press, at: Date.now() };
  }
}

function find(press: string): Hotkey | undefined {
  for (const group of hotkeyGroups.get().toReversed()) {
    const hit = group.hotkeys.find((h) => h.keys.split(' or ').includes(press));
    if (hit) return hit;
  }
  return undefined;
}

function startsSequence(press: string): boolean {
  return hotkeyGroups.get().some((group) => group.hotkeys.some((h) => h.keys.startsWith(`${press} `) && !h.keys.includes(' or ')));
}
