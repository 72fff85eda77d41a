/**
 * A value that changes quickly and is kept in the URL: drawn at once, written with `replace` after 300 ms of rest.
 * A change of the URL from outside (Back, a link) wins over what is held locally.
 */
import { useEffect, useRef, useState } from 'react';

const REST_MS = 300;

interface Local<T> {
  value: T;
  text: string | undefined;
  /** The URL's text when the value was set. */
  base: string | undefined;
}

/** Returns the value and its setter. `write` puts a text into the URL. */
export function useUrlValue<T>(
  text: string | undefined,
  read: (text: string | undefined) => T,
  encode: (value: T) => string | undefined,
  write: (text: string | undefined) => void,
): [T, (next: T) => void] {
  const [local, setLocal] = useState<Local<T> | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const holds = local !== null && (local.base === text || local.text === text);
  const set = (next: T) => {
    const encoded = encode(next);
    setLocal({ value: next, text: encoded, base: text });
    clearTimeout(timer.current);
    timer.current = setTimeout(() => write(encoded), REST_MS);
  };
  return [holds ? local.value : read(text), set];
}
