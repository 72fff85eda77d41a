/** One trace of the result list and, when open, the spans that matched. */
import { Link } from '@tanstack/react-router';
import type { MatchedSpan, ServiceCount, TraceSummary } from '@/data/types';
import { formatClock, formatDate, formatExact, nanoToMilli } from '@/kit/clock-format';
import { cx } from '@/kit/cx';
import { Icon } from '@/kit/icon';
import { PlainText } from '@/kit/plain-text';
import { zonePreference } from '@/kit/preferences';
import { ServiceChip } from '@/kit/service-chip';
import type { ServiceLook } from '@/kit/service-slots';
import { useStore } from '@/kit/store';
import { formatCount, formatDuration, plural } from '@/kit/units';
import { AttributeInline } from '../attribute-inline';
import styles from './result-list.module.css';
import { traceTimeHint } from './trace-link';

const CHIPS_SHOWN = 5;
const SHORTEST_NS = 1e5;
const LONGEST_NS = 1e11;

interface Props {
  trace: TraceSummary;
  looks: ReadonlyMap<string, ServiceLook>;
  open: boolean;
  onToggle: () => void;
}

/** The row. */
export function ResultRow({ trace, looks, open, onToggle }: Props) {
  const zone = useStore(zonePreference);
  const start = nanoToMilli(trace.startUnixNano);
  return (
    <>
      <div role="row" className={cx(styles.row, trace.errorCount > 0 && styles.failed)}>
        <span role="cell" className={styles.start} title={formatExact(trace.startUnixNano, zone)}>
          <span className={styles.date}>{formatDate(start, zone)} </span>
          {formatClock(start, zone, 3)}
        </span>
        <span role="cell" className={styles.request}>
          {trace.rootService !== null && <span className={styles.chip}><ServiceChip name={trace.rootService} look={looks.get(trace.rootService)} /></span>}
          <Link to="/trace/$traceId" params={{ traceId: trace.traceId }} search={{ v: 1, t: traceTimeHint(trace) }} className={styles.link} data-result="">
            {trace.rootName === null ? <em>no span name</em> : <PlainText text={trace.rootName || '(no name)'} />}
          </Link>
          {!trace.hasRoot && <span className={styles.warn} title="No span without a parent was received; this is the earliest span">▲ no root</span>}
        </span>
        <span role="cell" className={styles.duration}>
          <span className={styles.bar} aria-hidden="true"><span style={{ inlineSize: `${durationShare(trace.durationNano) * 100}%` }} /></span>
          <span>{formatDuration(trace.durationNano)}</span>
        </span>
        <span role="cell" className={cx(styles.number, styles.errors)}>
          {trace.errorCount > 0 && <><span aria-hidden="true">✖ </span>{formatCount(trace.errorCount)}<span className="sr-only"> errors</span></>}
        </span>
        <span role="cell" className={cx(styles.number, styles.spans)}>
          {formatCount(trace.spanCount)}<span className={styles.unit}> {trace.spanCount === 1 ? 'span' : 'spans'}</span>
        </span>
        <span role="cell" className={styles.services}><ServiceMonograms services={trace.services} looks={looks} /></span>
        <span role="cell" className={styles.expand}>
          <button type="button" aria-expanded={open} aria-label={`${plural(trace.matched, 'matched span')} of ${trace.rootName ?? trace.traceId}`} onClick={onToggle}>
            {formatCount(trace.matched)} <Icon name="chevron" />
          </button>
        </span>
      </div>
      {open && (
        <div role="row" className={styles.matches}>
          <div role="cell" aria-colspan={7}><MatchedSpans trace={trace} looks={looks} /></div>
        </div>
      )}
    </>
  );
}

function ServiceMonograms({ services, looks }: { services: readonly ServiceCount[]; looks: ReadonlyMap<string, ServiceLook> }) {
  const rest = services.length - CHIPS_SHOWN;
  return (
    <>
      {services.slice(0, CHIPS_SHOWN).map((service) => (
        <ServiceChip key={service.name} name={service.name} look={looks.get(service.name)} short error={service.errorCount > 0} />
      ))}
      {rest > 0 && <span className={styles.rest} title={services.slice(CHIPS_SHOWN).map((s) => s.name || '(no service)').join(', ')}>+{rest}</span>}
    </>
  );
}

function MatchedSpans({ trace, looks }: { trace: TraceSummary; looks: ReadonlyMap<string, ServiceLook> }) {
  const hidden = trace.matched - trace.spans.length;
  return (
    <ul>
      {trace.spans.map((span, i) => (
        <li key={`${span.spanId}-${i}`} className={styles.match}>
          <ServiceChip name={span.service} look={looks.get(span.service)} />
          <Link to="/trace/$traceId" params={{ traceId: trace.traceId }} search={{ v: 1, t: traceTimeHint(trace), s: span.spanId }} className={styles.link}>
            <PlainText text={span.name || '(no name)'} />
          </Link>
          <MatchFacts span={span} />
        </li>
      ))}
      {hidden > 0 && <li className={styles.rest}>{plural(hidden, 'more matched span')} in the trace</li>}
    </ul>
  );
}

function MatchFacts({ span }: { span: MatchedSpan }) {
  return (
    <span className={styles.facts}>
      <span>{formatDuration(span.durationNano)}</span>
      {span.status === 'error' && <span className={styles.errors}>✖ error</span>}
      {span.attributes.map((attribute) => <AttributeInline key={attribute.key} attribute={attribute} />)}
    </span>
  );
}

/** Place of a duration on a logarithmic scale from 100 µs to 100 s. */
function durationShare(ns: number): number {
  const share = Math.log(Math.max(ns, 1) / SHORTEST_NS) / Math.log(LONGEST_NS / SHORTEST_NS);
  return Math.min(Math.max(share, 0.01), 1);
}
