/** What the reader does with a trace: focus, selection, collapse, window, find. All but the focus live in the URL. */
import { getRouteApi } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { decodeCollapsed, encodeCollapsed } from '@/engine/collapse-code';
import { collapseRows, lineOfRow, revealRow, rowOfLine, toggleRow, type Collapse } from '@/engine/collapse';
import { findRows, nextHit } from '@/engine/find';
import { fitAll, isWhole, keepInside, type TimeView } from '@/engine/time-view';
import { at } from '@/engine/trace-store';
import { decodeView, encodeView, type TraceSearch } from './search-params';
import type { TraceModel } from './trace-model';
import { useUrlValue } from './use-url-value';

const route = getRouteApi('/trace/$traceId');

/** State and actions of the trace page. */
export type TraceView = ReturnType<typeof useTraceView>;

/** Reads the URL and offers the actions. */
export function useTraceView(model: TraceModel) {
  const { store, trace } = model;
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const replace = (change: Partial<TraceSearch>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true });

  const [view, setView] = useUrlValue<TimeView>(
    search.r,
    (text) => keepInside(decodeView(text) ?? fitAll(store.extent), store.extent),
    (value) => (isWhole(value, store.extent) ? undefined : encodeView(value)),
    (r) => replace({ r }),
  );
  const linked = useMemo(() => linkedCollapse(model, search.x, search.s), [model, search.x, search.s]);
  const [collapse, setCollapse] = useUrlValue<Collapse>(search.x, () => linked.collapse, (value) => encodeCollapsed(store, value.rows), (x) => replace({ x }));
  const [findText, setFindText] = useUrlValue<string>(search.q, (text) => text ?? '', (value) => value || undefined, (q) => replace({ q }));
  const hits = useMemo(() => findRows(store, trace.services, findText), [store, trace.services, findText]);

  const selected = search.s === undefined ? -1 : (store.rowOfSpanId.get(search.s) ?? -1);
  const [focus, setFocus] = useState({ row: Math.max(selected, 0), wanted: selected >= 0 ? 1 : 0 });

  const select = (row: number, how: 'push' | 'replace' = 'push') => {
    const s = trace.spans[at(store.span, row)]?.spanId;
    if (s !== search.s) void navigate({ search: (old) => ({ ...old, s }), replace: how === 'replace' });
  };
  /** Moves the focus to a row, opening its ancestors; an open details panel follows. */
  const goTo = (row: number) => {
    setFocus({ row, wanted: focus.wanted + 1 });
    if (lineOfRow(collapse, row) < 0) setCollapse(revealRow(store, collapse, row));
    if (selected >= 0 && at(store.span, row) >= 0) select(row, 'replace');
  };
  return {
    view, setView, collapse, findText, setFindText, hits, selected, focus, goTo, select,
    linkNotices: linked.notices.concat(search.s !== undefined && selected === -1 ? [`The linked span ${search.s} is not among the spans that were received.`] : []),
    close: () => void navigate({ search: (old) => ({ ...old, s: undefined }) }),
    toggle: (row: number) => {
      const next = toggleRow(store, collapse, row);
      if (lineOfRow(next, focus.row) < 0) setFocus({ row, wanted: focus.wanted + 1 });
      setCollapse(next);
    },
    expandAll: () => setCollapse(collapseRows(store, [])),
    collapseAll: () => {
      setCollapse(collapseRows(store, topRows(model)));
      setFocus({ row: 0, wanted: focus.wanted });
    },
    /** A key pressed outside the rows: the first one only shows where the focus is. */
    stepOrShow: (lines: 1 | -1) => {
      if (focus.wanted === 0) goTo(focus.row);
      else goTo(rowAway(collapse, focus.row, lines));
    },
    /** Goes a number of lines up or down. */
    step: (lines: number) => {
      goTo(rowAway(collapse, focus.row, lines));
    },
    /** Goes to the next or previous of some rows, going round. */
    jump: (rows: Uint32Array, direction: 1 | -1) => {
      const row = nextHit(rows, focus.row, direction);
      if (row !== null) goTo(row);
    },
  };
}

function rowAway(collapse: Collapse, row: number, lines: number): number {
  return rowOfLine(collapse, Math.min(Math.max(lineOfRow(collapse, row) + lines, 0), collapse.lineCount - 1));
}

/** What a link says is collapsed, opened as far as its selected span needs. */
function linkedCollapse({ store }: TraceModel, x: string | undefined, s: string | undefined): { collapse: Collapse; notices: string[] } {
  const rows = x === undefined ? [] : decodeCollapsed(store, x);
  const row = s === undefined ? undefined : store.rowOfSpanId.get(s);
  const collapse = collapseRows(store, rows ?? []);
  return {
    collapse: row === undefined ? collapse : revealRow(store, collapse, row),
    notices: rows === null ? ['More spans have arrived since this link was made, so its collapsed rows are open.'] : [],
  };
}

/** The children of the top row, or the top row itself when they are many. */
function topRows({ store }: TraceModel): number[] {
  const rows: number[] = [];
  for (let row = 1; row < store.rowCount && rows.length < 10_000; row = at(store.end, row)) rows.push(row);
  return rows;
}
