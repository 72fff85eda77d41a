/** Who, when, how long, how bad, how complete: the facts of the whole trace in two lines. */
import { apiUrl } from '@/data/client';
import { formatExact, formatMoment, nanoToMilli } from '@/kit/clock-format';
import { CopyButton } from '@/kit/button';
import { Icon } from '@/kit/icon';
import { PlainText } from '@/kit/plain-text';
import { zonePreference } from '@/kit/preferences';
import { ServiceChip } from '@/kit/service-chip';
import { useStore } from '@/kit/store';
import { formatCount, formatDuration, middleEllipsis, plural } from '@/kit/units';
import { titleOf, type TraceModel } from './trace-model';
import styles from './trace-page.module.css';

/** The header. */
export function TraceHeader({ model }: { model: TraceModel }) {
  const { trace } = model;
  const zone = useStore(zonePreference);
  const title = titleOf(model);
  return (
    <header className={styles.header}>
      <div className={styles.title}>
        {title.service !== null && <ServiceChip name={title.service} look={model.looks.get(title.service)} />}
        <h1 title={title.name}><PlainText text={title.name} /></h1>
        <ul className={styles.figures} aria-label="Figures of the trace">
          <li className={styles.figure}>{formatDuration(trace.durationNano)}</li>
          {trace.errorCount > 0 && <li className={styles.bad}><span aria-hidden="true">✖ </span>{plural(trace.errorCount, 'error')}</li>}
          <li>{plural(trace.spanCount, 'span')}</li>
          <li>{plural(trace.services.length, 'service')}</li>
          <li>{formatCount(model.depth)} deep</li>
        </ul>
      </div>
      <div className={styles.facts}>
        <span className={styles.idGroup}>
          <code title={trace.traceId}>{middleEllipsis(trace.traceId, 17)}</code>
          <CopyButton text={trace.traceId} label="Copy the trace id" />
        </span>
        <time dateTime={formatExact(trace.startUnixNano, 'utc')} title={formatExact(trace.startUnixNano, zone)}>{formatMoment(nanoToMilli(trace.startUnixNano), zone, 3)}</time>
        <Completeness model={model} />
        <span className={styles.actions}>
          <CopyButton text={() => location.href} label="Copy a link to what is shown">Copy link</CopyButton>
          <a className={styles.action} href={apiUrl(`/traces/${trace.traceId}/otlp`)} download={`trace-${trace.traceId}.json`}><Icon name="download" /> OTLP JSON</a>
        </span>
      </div>
    </header>
  );
}

function Completeness({ model }: { model: TraceModel }) {
  const { facts } = model.trace;
  if (facts.complete) return <span className={styles.complete}><span aria-hidden="true">✓ </span>complete</span>;
  return <span className={styles.incomplete}><span aria-hidden="true">▲ </span>incomplete</span>;
}
