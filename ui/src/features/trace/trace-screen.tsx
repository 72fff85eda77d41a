/** A loaded trace: header, notices, toolbar, waterfall, details. Owns the page's keys. */
import { useRef } from 'react';
import { fitAll, fitStretch, pan, zoomAt } from '@/engine/time-view';
import { at } from '@/engine/trace-store';
import { useHotkeys } from '@/kit/hotkeys';
import { say } from '@/kit/said';
import { Notice } from '@/kit/states';
import { plural } from '@/kit/units';
import { DetailsPanel } from './details-panel';
import { TraceHeader } from './trace-header';
import type { TraceModel } from './trace-model';
import styles from './trace-page.module.css';
import { Toolbar } from './toolbar';
import { useTraceView } from './use-trace-view';
import { Waterfall } from './waterfall';

const CLOSER = 0.6;
const PAN_SHARE = 0.15;

/** The screen. */
export function TraceScreen({ model, onRefresh }: { model: TraceModel; onRefresh: () => void }) {
  const { store } = model;
  const view = useTraceView(model);
  const find = useRef<HTMLInputElement>(null);
  const details = useRef<HTMLElement>(null);
  const zoom = (factor: number) => view.setView(zoomAt(view.view, factor, zoomAnchor(model, view), store.extent));
  const shift = (share: number) => view.setView(pan(view.view, share, store.extent));
  const backToRow = () => document.querySelector<HTMLElement>(`[data-row="${view.focus.row}"]`)?.focus();
  const rows = view.hits.length > 0 ? view.hits : model.errors;
  useHotkeys('Trace', [
    { keys: 'ArrowDown or j', help: 'Next row', run: () => view.stepOrShow(1) },
    { keys: 'ArrowUp or k', help: 'Previous row', run: () => view.stepOrShow(-1) },
    { keys: 'e', help: 'Next error', run: () => (model.errors.length > 0 ? view.jump(model.errors, 1) : say('No errors in this trace')) },
    { keys: 'E', help: 'Previous error', run: () => view.jump(model.errors, -1) },
    { keys: '/', help: 'Find in trace', run: () => find.current?.select() },
    { keys: 'n', help: 'Next hit, else next error', run: () => view.jump(rows, 1) },
    { keys: 'N', help: 'Previous hit, else previous error', run: () => view.jump(rows, -1) },
    { keys: 'o', help: 'Next orphan or warning', run: () => (model.warnings.length > 0 ? view.jump(model.warnings, 1) : say('No orphans or warnings')) },
    { keys: '+ or = or w', help: 'Zoom in', run: () => zoom(CLOSER) },
    { keys: '- or s', help: 'Zoom out', run: () => zoom(1 / CLOSER) },
    { keys: 'a', help: 'Pan left', run: () => shift(-PAN_SHARE) },
    { keys: 'd', help: 'Pan right', run: () => shift(PAN_SHARE) },
    { keys: 'f', help: 'Fit the span', run: () => view.setView(fitRow(model, view.focus.row)) },
    { keys: '0', help: 'Show all', run: () => view.setView(fitAll(store.extent)) },
    { keys: 'r', help: 'Refresh', run: onRefresh },
    {
      keys: 'Escape', help: 'Back to the row, then close the details', run: () => {
        if (details.current?.contains(document.activeElement)) backToRow();
        else {
          view.close();
          backToRow();
        }
      },
    },
  ]);
  return (
    <div className={styles.page} data-details={view.selected >= 0 || undefined}>
      <TraceHeader model={model} />
      <Notices model={model} extra={view.linkNotices} />
      <Toolbar model={model} view={view} inputRef={find} onZoom={zoom} />
      <div className={styles.main}>
        <Waterfall model={model} trace={view} onEnter={() => details.current?.focus()} />
        {view.selected >= 0 && (
          <DetailsPanel key={view.selected} model={model} row={view.selected} panelRef={details} onClose={() => { view.close(); backToRow(); }} onGoTo={view.goTo} />
        )}
      </div>
    </div>
  );
}

function Notices({ model, extra }: { model: TraceModel; extra: readonly string[] }) {
  const { facts } = model.trace;
  const cycles = model.store.cycle.reduce((sum, flag) => sum + flag, 0);
  const lines = [
    ...(facts.missingParents > 0 ? [`${plural(facts.missingParents, 'parent span')} not received: sampled out, still arriving, or lost between services. The spans below hang under a placeholder.`] : []),
    ...(facts.roots === 0 ? ['The root span was not received.'] : []),
    ...(facts.conflictingSpans > 0 ? [`${plural(facts.conflictingSpans, 'span was', 'spans were')} received again with other contents; both are shown.`] : []),
    ...(cycles > 0 ? [`${plural(cycles, 'parent link')} cut, because the parents formed a ring.`] : []),
    ...extra,
  ];
  return lines.length > 0 && <div className={styles.notices}>{lines.map((line) => <Notice key={line} tone="warn">{line}</Notice>)}</div>;
}

/** Zooming by key keeps the focused span in place while it is in view, else the middle. */
function zoomAnchor({ store }: TraceModel, { view, focus }: ReturnType<typeof useTraceView>): number {
  const middle = at(store.start, focus.row) + at(store.duration, focus.row) / 2;
  return focus.wanted > 0 && middle > view.from && middle < view.to ? middle : (view.from + view.to) / 2;
}

function fitRow({ store }: TraceModel, row: number) {
  return fitStretch(at(store.start, row), at(store.start, row) + at(store.duration, row), store.extent);
}
