/** Times, identity and place of a span. */
import type { ReactNode } from 'react';
import type { SpanDetails } from '@/data/types';
import { at } from '@/engine/trace-store';
import { formatExact } from '@/kit/clock-format';
import { CopyButton } from '@/kit/button';
import { PlainText } from '@/kit/plain-text';
import { zonePreference } from '@/kit/preferences';
import { useStore } from '@/kit/store';
import { formatDuration, formatShare, plural } from '@/kit/units';
import styles from './details-panel.module.css';
import { rawDuration, rowName, type TraceModel } from './trace-model';

/** The list of facts. */
export function SpanSummary({ model, row, details, onGoTo }: { model: TraceModel; row: number; details: SpanDetails | undefined; onGoTo: (row: number) => void }) {
  const { store, trace } = model;
  const zone = useStore(zonePreference);
  const span = trace.spans[at(store.span, row)];
  if (!span) return null;
  const parent = at(store.parent, row);
  const self = at(model.self, row);
  const start = (BigInt(trace.startUnixNano) + BigInt(Math.round(span.startOffsetNano))).toString();
  return (
    <dl className={styles.facts}>
      <Fact name="Starts at">{formatDuration(span.startOffsetNano)} into the trace</Fact>
      <Fact name="Duration">
        {formatDuration(rawDuration(model, row))}
        {trace.durationNano > 0 && <span className={styles.muted}> · {formatShare(at(store.duration, row) / trace.durationNano)} of the trace</span>}
        {(span.durationNano < 0 || span.flags.includes('ends_before_start')) && <span className={styles.warn}> ▲ ends before it starts</span>}
      </Fact>
      <Fact name="Self time">
        {formatDuration(self)}
        {at(store.duration, row) > 0 && <span className={styles.muted}> · {formatShare(self / at(store.duration, row))} of the span</span>}
      </Fact>
      <Fact name="Start">{formatExact(details?.startUnixNano ?? start, zone)}</Fact>
      {details && <Fact name="End">{formatExact(details.endUnixNano, zone)}</Fact>}
      <Fact name="Span id"><code>{span.spanId}</code> <CopyButton text={span.spanId} label="Copy the span id" /></Fact>
      <Fact name="Parent">
        {parent >= 0 && at(store.span, parent) >= 0 ? (
          <button type="button" className={styles.textButton} onClick={() => onGoTo(parent)}><PlainText text={rowName(model, parent)} /></button>
        ) : span.parentSpanId ? <span className={styles.warn}>▲ {span.parentSpanId} not received</span> : 'none, this is a root'}
      </Fact>
      <Fact name="Children">{plural(at(store.childCount, row), 'child', 'children')}, {plural(at(store.end, row) - row - 1, 'descendant')}</Fact>
      {details?.traceState && <Fact name="Trace state"><PlainText text={details.traceState} /></Fact>}
      {span.flags.length > 0 && <Fact name="Flags">{span.flags.map((flag) => flag.replaceAll('_', ' ')).join(', ')}</Fact>}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={styles.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
