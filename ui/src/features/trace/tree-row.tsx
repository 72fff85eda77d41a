/** One row of the tree column: real text, real focus. The canvas beside it repeats nothing that is not said here. */
import { useLayoutEffect, useRef } from 'react';
import { at, errorsBelow, ROW_SPAN } from '@/engine/trace-store';
import { cx } from '@/kit/cx';
import { Icon } from '@/kit/icon';
import { PlainText } from '@/kit/plain-text';
import { ServiceChip } from '@/kit/service-chip';
import { formatCount, type CssPixels } from '@/kit/units';
import { describeTime, rowName, speakRow, type TraceModel } from './trace-model';
import styles from './waterfall.module.css';

interface Props {
  model: TraceModel;
  row: number;
  line: number;
  top: CssPixels;
  height: CssPixels;
  collapsed: boolean;
  selected: boolean;
  hit: boolean;
  tabbable: boolean;
  /** Changes when the focus is to move here. */
  focusWanted: number;
  onSelect: () => void;
  onToggle: () => void;
}

const INDENT = 14;
const FULL_LEVELS = 12;
const DEEP_INDENT = 2;
const MOST_INDENT = '45%';

/** Draws the row. */
export function TreeRow({ model, row, line, top, height, collapsed, selected, hit, tabbable, focusWanted, onSelect, onToggle }: Props) {
  const { store } = model;
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (focusWanted > 0) ref.current?.focus({ preventScroll: true });
  }, [focusWanted]);
  const depth = at(store.depth, row);
  const children = at(store.childCount, row);
  const isSpan = at(store.rowKind, row) === ROW_SPAN;
  const service = model.trace.services[at(store.service, row)];
  const up = at(store.parent, row);
  return (
    <div
      ref={ref}
      role="row"
      className={cx(styles.row, selected && styles.selected, hit && styles.hit, !isSpan && styles.standIn)}
      style={{ transform: `translateY(${top}px)`, blockSize: height }}
      tabIndex={tabbable ? 0 : -1}
      aria-rowindex={line + 1}
      aria-level={depth + 1}
      aria-setsize={up >= 0 ? at(store.childCount, up) : 1}
      aria-posinset={at(store.position, row)}
      aria-expanded={children > 0 ? !collapsed : undefined}
      aria-selected={selected}
      aria-label={speakRow(model, row)}
      data-row={row}
      onClick={onSelect}
    >
      <div role="gridcell" className={styles.cell} style={{ paddingInlineStart: indentOf(depth) }} title={`${rowName(model, row)}\n${describeTime(model, row)}`}>
        {children > 0 ? <Twisty row={row} model={model} collapsed={collapsed} onToggle={onToggle} /> : <span className={styles.leaf} aria-hidden="true">·</span>}
        {service !== undefined && <ServiceChip name={service} look={model.looks.get(service)} short />}
        <Glyph model={model} row={row} />
        <span className={styles.name}><PlainText text={rowName(model, row)} /></span>
      </div>
    </div>
  );
}

function Twisty({ model, row, collapsed, onToggle }: { model: TraceModel; row: number; collapsed: boolean; onToggle: () => void }) {
  const hidden = at(model.store.end, row) - row - 1;
  return (
    <button
      type="button"
      className={styles.twisty}
      tabIndex={-1}
      aria-label={collapsed ? `Expand ${formatCount(hidden)} rows` : 'Collapse'}
      data-open={!collapsed || undefined}
      onClick={(event) => {
        event.stopPropagation();
        onToggle();
      }}
    >
      <Icon name="chevron" />
      {collapsed && <span>{formatCount(hidden)}</span>}
    </button>
  );
}

/** ✖ for an own error, ◌ for one below, ▲ for a cut cycle or a stand-in. The row's name says the same in words. */
function Glyph({ model, row }: { model: TraceModel; row: number }) {
  const { store } = model;
  if (store.status[row] === 2) return <span className={styles.error} aria-hidden="true">✖</span>;
  if (store.missingIds.has(row) || store.cycle[row] === 1) return <span className={styles.warn} aria-hidden="true">▲</span>;
  const below = errorsBelow(store, row);
  return below > 0 ? <span className={styles.error} aria-hidden="true" title={`${formatCount(below)} with errors below`}>◌</span> : null;
}

/** Full steps for twelve levels, small ones below, and never more than a share of the column. */
function indentOf(depth: number): string {
  return `min(${Math.min(depth, FULL_LEVELS) * INDENT + Math.max(0, depth - FULL_LEVELS) * DEEP_INDENT + 4}px, ${MOST_INDENT})`;
}
