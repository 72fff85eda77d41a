/** The ruler above the time column: 1-2-5 marks of the window; drag to zoom into a stretch. */
import { useRef, useState, type PointerEvent } from 'react';
import { rulerStep, rulerTicks, type TimeView } from '@/engine/time-view';
import { formatTick, type CssPixels } from '@/kit/units';
import { TICK_GAP, xOf } from './draw-timeline';
import styles from './waterfall.module.css';

const LEAST_DRAG = 4;
const LABEL_ROOM = 64;

interface Props {
  view: TimeView;
  width: CssPixels;
  pointerX: CssPixels;
  onZoom: (view: TimeView) => void;
}

/** Draws the marks. The whole ruler is decoration for a pointer: `+`, `-`, `0` and the buttons do the same. */
export function Ruler({ view, width, pointerX, onZoom }: Props) {
  const step = rulerStep(view, width, TICK_GAP);
  const from = useRef(0);
  const [drag, setDrag] = useState<{ a: number; b: number } | null>(null);
  const xIn = (event: PointerEvent<HTMLDivElement>) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  const timeAt = (x: number) => view.from + (x / Math.max(width, 1)) * (view.to - view.from);
  const release = () => {
    if (drag && Math.abs(drag.b - drag.a) >= LEAST_DRAG) onZoom({ from: timeAt(Math.min(drag.a, drag.b)), to: timeAt(Math.max(drag.a, drag.b)) });
    setDrag(null);
  };
  return (
    <div
      className={styles.ruler}
      style={{ inlineSize: width }}
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = xIn(event);
        setDrag({ a: from.current, b: from.current });
      }}
      onPointerMove={(event) => drag && setDrag({ a: from.current, b: xIn(event) })}
      onPointerUp={release}
      onPointerCancel={() => setDrag(null)}
    >
      {rulerTicks(view, step).map((tick) => {
        const x = xOf(view, width, tick);
        const flips = x > width - LABEL_ROOM;
        // A label on the left of its mark needs the room that the mark before it uses for its own.
        const fits = !flips || xOf(view, width, view.from + step) >= 2 * LABEL_ROOM;
        return <span key={tick} className={styles.tick} data-flip={flips || undefined} style={{ insetInlineStart: x }}>{fits && formatTick(tick, step)}</span>;
      })}
      {pointerX >= 0 && <span className={styles.pointerTime} data-flip={pointerX > width - LABEL_ROOM || undefined} style={{ insetInlineStart: pointerX }}>{formatTick(timeAt(pointerX), step / 100)}</span>}
      {drag && <span className={styles.drag} style={{ insetInlineStart: Math.min(drag.a, drag.b), inlineSize: Math.abs(drag.b - drag.a) }} />}
    </div>
  );
}
