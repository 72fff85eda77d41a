/** The line between tree and time: drag it, or focus it and use the arrow keys; a double click restores the default. */
import { useRef } from 'react';
import type { CssPixels } from '@/kit/units';
import styles from './waterfall.module.css';

const STEP = 16;

/** Draws the separator. */
export function Splitter({ value, min, max, onChange }: { value: CssPixels; min: CssPixels; max: CssPixels; onChange: (next: CssPixels | null) => void }) {
  const start = useRef<{ x: number; value: number } | null>(null);
  const set = (next: number) => onChange(Math.round(Math.min(Math.max(next, min), max)));
  return (
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the tree column"
      aria-valuenow={Math.round(value)}
      aria-valuemin={Math.round(min)}
      aria-valuemax={Math.round(max)}
      tabIndex={0}
      className={styles.splitter}
      style={{ insetInlineStart: value - 4 }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, value };
      }}
      onPointerMove={(event) => start.current && set(start.current.value + event.clientX - start.current.x)}
      onPointerUp={() => {
        start.current = null;
      }}
      onDoubleClick={() => onChange(null)}
      onKeyDown={(event) => {
        if (event.key === 'ArrowLeft') set(value - STEP);
        else if (event.key === 'ArrowRight') set(value + STEP);
        else if (event.key === 'Home') set(min);
        else if (event.key === 'End') set(max);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    />
  );
}
