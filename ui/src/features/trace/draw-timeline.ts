/**
 * Draws the time column of the visible rows on one canvas the size of the viewport. A frame's cost is bounded by the rows on
 * screen; text is measured once per string.
 */
import { rowOfLine } from '@/engine/collapse';
import { rulerStep, rulerTicks, type TimeView } from '@/engine/time-view';
import { at, ROW_SPAN, ROW_VIRTUAL } from '@/engine/trace-store';
import type { Palette } from '@/kit/palette';
import { formatDuration, type CssPixels } from '@/kit/units';
import { rawDuration, type TraceModel } from './trace-model';
import type { Collapse } from '@/engine/collapse';

/** Everything a frame depends on. */
export interface Frame {
  model: TraceModel;
  collapse: Collapse;
  view: TimeView;
  palette: Palette;
  width: CssPixels;
  height: CssPixels;
  rowHeight: CssPixels;
  /** Pixels that lie above the viewport. */
  offset: CssPixels;
  focusRow: number;
  selectedRow: number;
  hits: ReadonlySet<number>;
  /** Pointer position, or −1. */
  pointerX: CssPixels;
  font: string;
}

/** Distance between ruler marks. */
export const TICK_GAP = 90;
const LABEL_GAP = 6;
const NARROWEST_BAR = 2;
const TICK_BELOW = 4;

const widths = new Map<string, number>();

/** Draws one frame; `ratio` is the device's pixel ratio. */
export function drawTimeline(ctx: CanvasRenderingContext2D, frame: Frame, ratio: number): void {
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, frame.width, frame.height);
  ctx.font = frame.font;
  ctx.textBaseline = 'middle';
  drawGrid(ctx, frame);
  const first = Math.floor(frame.offset / frame.rowHeight);
  const last = Math.min(frame.collapse.lineCount - 1, Math.floor((frame.offset + frame.height) / frame.rowHeight));
  for (let line = first; line <= last; line += 1) {
    drawRow(ctx, frame, rowOfLine(frame.collapse, line), line * frame.rowHeight - frame.offset);
  }
  if (frame.pointerX >= 0) verticalLine(ctx, frame, frame.pointerX, frame.palette.lineStrong);
}

/** Pixel of a time. */
export function xOf(view: TimeView, width: CssPixels, time: number): CssPixels {
  return ((time - view.from) / (view.to - view.from)) * width;
}

function drawGrid(ctx: CanvasRenderingContext2D, frame: Frame): void {
  for (const tick of rulerTicks(frame.view, rulerStep(frame.view, frame.width, TICK_GAP))) {
    verticalLine(ctx, frame, xOf(frame.view, frame.width, tick), frame.palette.line);
  }
}

function verticalLine(ctx: CanvasRenderingContext2D, frame: Frame, x: CssPixels, color: string): void {
  ctx.fillStyle = color;
  ctx.fillRect(Math.round(x), 0, 1, frame.height);
}

function drawRow(ctx: CanvasRenderingContext2D, frame: Frame, row: number, top: CssPixels): void {
  const { model, view, width, palette, rowHeight } = frame;
  const { store } = model;
  if (row === frame.focusRow || row === frame.selectedRow) {
    ctx.fillStyle = palette.accent;
    ctx.fillRect(0, top, width, 1);
    ctx.fillRect(0, top + rowHeight - 1, width, 1);
  }
  const [start, duration] = [at(store.start, row), at(store.duration, row)];
  const [x0, x1] = [xOf(view, width, start), xOf(view, width, start + duration)];
  const middle = top + rowHeight / 2;
  if (x1 < 0 || x0 > width) {
    drawAway(ctx, frame, middle, x1 < 0 ? `◂ ${formatDuration(view.from - start - duration)}` : `${formatDuration(start - view.to)} ▸`, x1 < 0);
    return;
  }
  const bar = { x: Math.max(x0, -4), y: top + 6, w: 0, h: rowHeight - 12 };
  bar.w = Math.max(Math.min(x1, width + 4) - bar.x, NARROWEST_BAR);
  drawBar(ctx, frame, row, bar);
  drawLabel(ctx, frame, row, bar, middle);
}

function drawBar(ctx: CanvasRenderingContext2D, frame: Frame, row: number, bar: { x: number; y: number; w: number; h: number }): void {
  const { model, palette } = frame;
  const { store } = model;
  const kind = at(store.rowKind, row);
  if (kind !== ROW_SPAN) {
    ctx.strokeStyle = palette.lineStrong;
    ctx.lineWidth = 1;
    if (kind === ROW_VIRTUAL) {
      ctx.fillStyle = palette.lineStrong;
      ctx.fillRect(bar.x, bar.y + bar.h / 2 - 1, bar.w, 2);
    } else {
      hatch(ctx, bar, palette.lineStrong, 5);
      ctx.setLineDash([3, 2]);
      ctx.strokeRect(bar.x + 0.5, bar.y + 0.5, Math.max(bar.w - 1, 1), bar.h - 1);
      ctx.setLineDash([]);
    }
    return;
  }
  const look = model.lookOf[at(store.service, row)];
  ctx.fillStyle = palette.slots[look?.slot ?? 0] ?? palette.text2;
  roundRect(ctx, bar);
  ctx.fill();
  if (bar.w < TICK_BELOW) ctx.fillRect(bar.x, bar.y - 3, NARROWEST_BAR, bar.h + 6);
  if (look?.textured) hatch(ctx, bar, palette.onSlots[look.slot] ?? palette.bg, 4, true, 0.35);
  if (store.status[row] === 2) {
    hatch(ctx, bar, palette.onSlots[look?.slot ?? 0] ?? palette.bg, 7, false, 0.5);
    ctx.strokeStyle = palette.error;
    ctx.lineWidth = 2;
    roundRect(ctx, { x: bar.x - 1, y: bar.y - 1, w: bar.w + 2, h: bar.h + 2 });
    ctx.stroke();
  }
  if (frame.hits.has(row)) {
    ctx.fillStyle = palette.accent;
    ctx.fillRect(bar.x, bar.y + bar.h + 2, Math.max(bar.w, 6), 2);
  }
}

/** The duration right of the bar, else left of it, else inside in the contrasting colour. */
function drawLabel(ctx: CanvasRenderingContext2D, frame: Frame, row: number, bar: { x: number; w: number }, middle: number): void {
  const { model, palette, width } = frame;
  const failed = model.store.status[row] === 2;
  const text = `${failed ? '✖ ' : ''}${formatDuration(rawDuration(model, row))}`;
  const size = measure(ctx, text);
  const right = bar.x + bar.w + LABEL_GAP;
  ctx.fillStyle = failed ? palette.error : palette.text2;
  if (right + size <= width - 2) {
    ctx.fillText(text, right, middle);
  } else if (bar.x - LABEL_GAP - size >= 2) {
    ctx.fillText(text, bar.x - LABEL_GAP - size, middle);
  } else {
    const look = model.lookOf[at(model.store.service, row)];
    const plain = at(model.store.rowKind, row) !== ROW_SPAN;
    const x = Math.min(bar.x + bar.w, width) - size - LABEL_GAP;
    // Hatches lie under the text: a plate of the bar's own colour keeps it legible.
    ctx.fillStyle = plain ? palette.bg : (palette.slots[look?.slot ?? 0] ?? palette.bg);
    ctx.fillRect(x - 2, middle - 6, size + 4, 12);
    ctx.fillStyle = plain ? palette.text2 : (palette.onSlots[look?.slot ?? 0] ?? palette.text);
    ctx.fillText(text, x, middle);
  }
}

function drawAway(ctx: CanvasRenderingContext2D, frame: Frame, middle: number, text: string, left: boolean): void {
  ctx.fillStyle = frame.palette.text3;
  ctx.fillText(text, left ? 4 : frame.width - 4 - measure(ctx, text), middle);
}

function hatch(ctx: CanvasRenderingContext2D, bar: { x: number; y: number; w: number; h: number }, color: string, gap: number, mirrored = false, alpha = 1): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(bar.x, bar.y, bar.w, bar.h);
  ctx.clip();
  ctx.globalAlpha = alpha;
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let x = bar.x - bar.h; x < bar.x + bar.w + bar.h; x += gap) {
    ctx.moveTo(x, mirrored ? bar.y : bar.y + bar.h);
    ctx.lineTo(x + bar.h, mirrored ? bar.y + bar.h : bar.y);
  }
  ctx.stroke();
  ctx.restore();
}

function roundRect(ctx: CanvasRenderingContext2D, { x, y, w, h }: { x: number; y: number; w: number; h: number }): void {
  ctx.beginPath();
  ctx.roundRect(x, y, w, h, Math.min(2, w / 2));
}

function measure(ctx: CanvasRenderingContext2D, text: string): number {
  let width = widths.get(text);
  if (width === undefined) {
    if (widths.size > 20_000) widths.clear();
    width = ctx.measureText(text).width;
    widths.set(text, width);
  }
  return width;
}
