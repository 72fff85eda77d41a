/** Find in trace, errors, fold all, zoom: every key of the page also as a button. */
import type { Ref } from 'react';
import { fitAll, isWhole } from '@/engine/time-view';
import { Button, IconButton } from '@/kit/button';
import { formatCount, formatDuration, formatTick } from '@/kit/units';
import type { TraceModel } from './trace-model';
import styles from './trace-page.module.css';
import type { TraceView } from './use-trace-view';

const CLOSER = 0.6;

/** The row of controls above the waterfall. */
export function Toolbar({ model, view, inputRef, onZoom }: { model: TraceModel; view: TraceView; inputRef: Ref<HTMLInputElement>; onZoom: (factor: number) => void }) {
  const { extent } = model.store;
  const window = view.view;
  const length = window.to - window.from;
  return (
    <div className={styles.toolbar} role="toolbar" aria-label="Trace tools">
      <Find view={view} inputRef={inputRef} />
      {model.errors.length > 0 && (
        <Button onClick={() => view.jump(model.errors, 1)} title="Next error (e)"><span className={styles.bad} aria-hidden="true">✖</span> Next error</Button>
      )}
      <span className={styles.group}>
        <Button look="quiet" onClick={view.expandAll} title="Open every row"><span>Expand<span className={styles.wide}> all</span></span></Button>
        <Button look="quiet" onClick={view.collapseAll} title="Close the rows below the top"><span>Collapse<span className={styles.wide}> all</span></span></Button>
      </span>
      <span className={styles.zoom}>
        <output className={styles.window} aria-label="Time on screen">{formatTick(window.from, length / 100)} – {formatTick(window.to, length / 100)}</output>
        <span className={styles.length}>{formatDuration(length)}</span>
        <IconButton icon="minus" label="Zoom out (-)" onClick={() => onZoom(1 / CLOSER)} disabled={isWhole(window, extent)} />
        <IconButton icon="plus" label="Zoom in (+)" onClick={() => onZoom(CLOSER)} />
        <Button look="quiet" onClick={() => view.setView(fitAll(extent))} disabled={isWhole(window, extent)} title="Show the whole trace (0)">All</Button>
      </span>
    </div>
  );
}

function Find({ view, inputRef }: { view: TraceView; inputRef: Ref<HTMLInputElement> }) {
  const { hits, findText } = view;
  const at = hits.indexOf(view.focus.row);
  return (
    <span className={styles.find} role="search">
      <input
        ref={inputRef}
        type="search"
        aria-label="Find in trace"
        placeholder="Find name, service, status:error"
        title="Find in trace (/); Enter goes to the next hit"
        value={findText}
        onChange={(event) => view.setFindText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            event.preventDefault();
            view.jump(hits, event.shiftKey ? -1 : 1);
          } else if (event.key === 'Escape') {
            event.currentTarget.blur();
          }
        }}
      />
      <span className={styles.hits} role="status">
        {findText !== '' && (hits.length === 0 ? 'none' : `${at >= 0 ? `${formatCount(at + 1)} of ` : ''}${formatCount(hits.length)}`)}
      </span>
    </span>
  );
}
