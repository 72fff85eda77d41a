/** The time column: one canvas, repainted in the frame in which rows, window, theme or size change. Hidden from assistive technology. */
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { readPalette, type Palette } from '@/kit/palette';
import { useTheme } from '@/kit/theme';
import { drawTimeline, type Frame } from './draw-timeline';
import styles from './waterfall.module.css';

/** Draws the frame; `onWheelZoom` gets a factor and the pixel under the pointer, `onWheelPan` a share of the width. */
export function Timeline({ onPoint, onWheelZoom, onWheelPan, ...frame }: Omit<Frame, 'palette' | 'font'> & {
  onPoint: (x: number) => void;
  onWheelZoom: (factor: number, x: number) => void;
  onWheelPan: (share: number) => void;
}) {
  const ref = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const [ink, setInk] = useState<{ theme: string; palette: Palette; font: string } | null>(null);
  useLayoutEffect(() => {
    const parent = ref.current?.parentElement;
    if (parent) setInk({ theme, palette: readPalette(parent), font: `12px ${getComputedStyle(parent).fontFamily}` });
  }, [theme]);

  useLayoutEffect(() => {
    const canvas = ref.current;
    const ctx = canvas?.getContext('2d');
    if (!canvas || !ctx || !ink || frame.width <= 0 || frame.height <= 0) return;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(frame.width * ratio), Math.round(frame.height * ratio)];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    drawTimeline(ctx, { ...frame, palette: ink.palette, font: ink.font }, ratio);
  });

  const wheel = useRef({ onWheelZoom, onWheelPan });
  useEffect(() => {
    wheel.current = { onWheelZoom, onWheelPan };
  });
  useEffect(() => {
    const canvas = ref.current;
    if (!canvas) return undefined;
    const listen = (event: WheelEvent) => {
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (event.ctrlKey || event.metaKey) wheel.current.onWheelZoom(Math.exp(event.deltaY * 0.002), event.offsetX);
      else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) wheel.current.onWheelPan(sideways / Math.max(canvas.clientWidth, 1));
      else return;
      event.preventDefault();
    };
    canvas.addEventListener('wheel', listen, { passive: false });
    return () => canvas.removeEventListener('wheel', listen);
  }, []);
  return (
    <canvas
      ref={ref}
      className={styles.canvas}
      style={{ inlineSize: frame.width, blockSize: frame.height }}
      aria-hidden="true"
      onPointerMove={(event) => onPoint(event.nativeEvent.offsetX)}
      onPointerLeave={() => onPoint(-1)}
    />
  );
}
