/**
 * The waterfall: tree column of recycled DOM rows (a treegrid) and time column on one canvas, driven by one scroll offset.
 *
 * Only rows on screen exist, plus the focused one, whose element keeps its own key and so is never recycled.
 */
import { useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import { isCollapsed, lineOfRow, rowOfLine } from '@/engine/collapse';
import { pan, zoomAt } from '@/engine/time-view';
import { at } from '@/engine/trace-store';
import { treeWidthPreference } from '@/kit/preferences';
import { useStore } from '@/kit/store';
import { useTheme } from '@/kit/theme';
import { Ruler } from './ruler';
import { offsetOf, scrollTopOf, spacerHeight } from './scroll-scale';
import { Splitter } from './splitter';
import { Timeline } from './timeline';
import type { TraceModel } from './trace-model';
import { TreeRow } from './tree-row';
import { useSize } from './use-size';
import type { TraceView } from './use-trace-view';
import styles from './waterfall.module.css';

const ROW_HEIGHT = 24;
const TOUCH_ROW_HEIGHT = 44;
const LEAST_TREE = 120;
const LEAST_TIME = 96;

/** Draws the waterfall. */
export function Waterfall({ model, trace: view, onEnter }: { model: TraceModel; trace: TraceView; onEnter: () => void }) {
  const { store } = model;
  const { collapse, focus } = view;
  const scroller = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(scroller);
  const [scrollTop, setScrollTop] = useState(0);
  const [pointerX, setPointerX] = useState(-1);
  useTheme();
  const rowHeight = useRowHeight();
  const total = collapse.lineCount * rowHeight;
  const offset = offsetOf(scrollTop, total, height);
  const treeWidth = useTreeWidth(width);
  const timeWidth = Math.max(width - treeWidth, 0);

  const focusLine = lineOfRow(collapse, focus.row);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || height === 0 || focus.wanted === 0) return;
    const [top, now] = [focusLine * rowHeight, offsetOf(element.scrollTop, total, height)];
    const next = top < now ? top : top + rowHeight > now + height ? top + rowHeight - height : now;
    if (next !== now) element.scrollTop = scrollTopOf(next, total, height);
    // Only a move of the focus scrolls; a resize or a collapse elsewhere does not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [focus.wanted, height === 0]);

  const first = Math.floor(offset / rowHeight);
  const count = height === 0 ? 0 : Math.min(Math.ceil(height / rowHeight) + 1, collapse.lineCount - first);
  const lines = Array.from({ length: Math.max(count, 0) }, (_, i) => first + i);
  if (focusLine >= 0 && !lines.includes(focusLine)) lines.push(focusLine);
  const hits = new Set(view.hits);
  const page = Math.max(Math.floor(height / rowHeight) - 1, 1);
  return (
    <div className={styles.waterfall}>
      <div className={styles.heads}>
        <span className={styles.treeHead} style={{ inlineSize: treeWidth }}>Service and operation</span>
        <Ruler view={view.view} width={timeWidth} pointerX={pointerX} onZoom={view.setView} />
      </div>
      <div className={styles.body}>
        <div ref={scroller} className={styles.scroller} onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}>
          <div style={{ blockSize: spacerHeight(total) }}>
            <div className={styles.viewport} style={{ blockSize: height }}>
              <div
                role="treegrid"
                aria-label="Spans of the trace"
                aria-rowcount={collapse.lineCount}
                aria-colcount={1}
                className={styles.tree}
                style={{ inlineSize: treeWidth }}
                onKeyDown={(event) => onKey(event, model, view, page, onEnter)}
              >
                {lines.map((line) => {
                  const row = rowOfLine(collapse, line);
                  const focused = row === focus.row;
                  return (
                    <TreeRow
                      key={focused ? `focus-${row}` : `slot-${line % (count + 1)}`}
                      model={model}
                      row={row}
                      line={line}
                      top={line * rowHeight - offset}
                      height={rowHeight}
                      collapsed={isCollapsed(collapse, row)}
                      selected={row === view.selected}
                      hit={hits.has(row)}
                      tabbable={focused}
                      focusWanted={focused ? focus.wanted : 0}
                      onSelect={() => choose(view, row)}
                      onToggle={() => view.toggle(row)}
                    />
                  );
                })}
              </div>
              <div
                className={styles.time}
                onClick={(event) => {
                  const y = event.clientY - event.currentTarget.getBoundingClientRect().top;
                  const line = Math.floor((offset + y) / rowHeight);
                  if (line < collapse.lineCount) choose(view, rowOfLine(collapse, line));
                }}
              >
                <Timeline
                  model={model}
                  collapse={collapse}
                  view={view.view}
                  width={timeWidth}
                  height={height}
                  rowHeight={rowHeight}
                  offset={offset}
                  focusRow={focus.wanted > 0 ? focus.row : -1}
                  selectedRow={view.selected}
                  hits={hits}
                  pointerX={pointerX}
                  onPoint={setPointerX}
                  onWheelZoom={(factor, x) => {
                    const anchor = view.view.from + (x / Math.max(timeWidth, 1)) * (view.view.to - view.view.from);
                    view.setView(zoomAt(view.view, factor, anchor, store.extent));
                  }}
                  onWheelPan={(share) => view.setView(pan(view.view, share, store.extent))}
                />
              </div>
            </div>
          </div>
        </div>
        <Splitter
          value={treeWidth}
          min={LEAST_TREE}
          max={Math.max(width - LEAST_TIME, LEAST_TREE)}
          onChange={(next) => treeWidthPreference.set(next === null ? '' : String(next))}
        />
      </div>
    </div>
  );
}

/** A click: focus moves there and the details open. */
function choose(view: TraceView, row: number): void {
  view.goTo(row);
  view.select(row);
}

function onKey(event: KeyboardEvent, { store }: TraceModel, view: TraceView, page: number, onEnter: () => void): void {
  const { row } = view.focus;
  const open = at(store.childCount, row) > 0 && !isCollapsed(view.collapse, row);
  const actions: Record<string, () => void> = {
    ArrowDown: () => view.step(1),
    ArrowUp: () => view.step(-1),
    PageDown: () => view.step(page),
    PageUp: () => view.step(-page),
    Home: () => view.step(-Infinity),
    End: () => view.step(Infinity),
    ' ': () => view.toggle(row),
    ArrowRight: () => (open ? view.step(1) : at(store.childCount, row) > 0 && view.toggle(row)),
    ArrowLeft: () => (open ? view.toggle(row) : at(store.parent, row) >= 0 && view.goTo(at(store.parent, row))),
    Enter: () => (view.selected === row ? onEnter() : view.select(row)),
  };
  const action = actions[event.key];
  if (!action || event.metaKey || event.ctrlKey || event.altKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

function useTreeWidth(width: number): number {
  const preferred = Number(useStore(treeWidthPreference));
  const wanted = preferred > 0 ? preferred : width * (width < 600 ? 0.54 : 0.36);
  return Math.round(Math.max(Math.min(wanted, width - LEAST_TIME), Math.min(LEAST_TREE, width)));
}

function useRowHeight(): number {
  const [coarse] = useState(() => window.matchMedia('(pointer: coarse)').matches);
  return coarse ? TOUCH_ROW_HEIGHT : ROW_HEIGHT;
}
