/** The matching traces, newest first: one row each, the matched spans on expand, more pages on demand. */
import { useState } from 'react';
import type { TraceSummary } from '@/data/types';
import { Button } from '@/kit/button';
import { cx } from '@/kit/cx';
import type { ServiceLook } from '@/kit/service-slots';
import { ResultRow } from './result-row';
import styles from './result-list.module.css';

interface Props {
  traces: readonly TraceSummary[];
  looks: ReadonlyMap<string, ServiceLook>;
  dimmed: boolean;
  more: { available: boolean; loading: boolean; load: () => void };
}

/** The list. Rows are links; `j` and `k` move between them (see the page). */
export function ResultList({ traces, looks, dimmed, more }: Props) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (id: string) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  return (
    <div className={cx(styles.panel, dimmed && styles.dimmed)}>
      <div role="table" aria-label="Matching traces" aria-rowcount={more.available ? -1 : traces.length + 1} className={styles.table}>
        <div role="row" className={styles.head}>
          <span role="columnheader">Start</span>
          <span role="columnheader">Request</span>
          <span role="columnheader" className={styles.number} title="The bar is logarithmic, from 100 µs to 100 s">Duration</span>
          <span role="columnheader" className={styles.number}>Errors</span>
          <span role="columnheader" className={styles.number}>Spans</span>
          <span role="columnheader">Services</span>
          <span role="columnheader" className={styles.number}>Matched</span>
        </div>
        {traces.map((trace) => (
          <ResultRow key={trace.traceId} trace={trace} looks={looks} open={open.has(trace.traceId)} onToggle={() => toggle(trace.traceId)} />
        ))}
      </div>
      {more.available && (
        <div className={styles.more}>
          <Button onClick={more.load} disabled={more.loading}>{more.loading ? 'Loading…' : 'Load older traces'}</Button>
        </div>
      )}
    </div>
  );
}
