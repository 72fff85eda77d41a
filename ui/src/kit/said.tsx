/** A short sentence at the bottom of the page that says what a key did; gone after two seconds. */
import { useEffect } from 'react';
import styles from './said.module.css';
import { createStore, useStore } from './store';

const SHOWN_MS = 2000;

const current = createStore<{ text: string } | null>(null);

/** Says the sentence, also to a screen reader. */
export function say(text: string): void {
  current.set({ text });
}

/** The place where it is said; once in the shell. */
export function Said() {
  const said = useStore(current);
  useEffect(() => {
    if (said === null) return undefined;
    const timer = setTimeout(() => current.set(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return <div role="status" className={styles.said} data-shown={said !== null || undefined}>{said?.text}</div>;
}
