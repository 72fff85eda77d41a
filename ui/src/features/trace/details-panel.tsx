/** Everything about one span, fetched when it is selected. The summary is there at once, from the columns. */
import { useQuery } from '@tanstack/react-query';
import type { RefObject } from 'react';
import { spanQuery } from '@/data/queries';
import type { SpanDetails } from '@/data/types';
import { at } from '@/engine/trace-store';
import { IconButton } from '@/kit/button';
import { PlainText } from '@/kit/plain-text';
import { ServiceChip } from '@/kit/service-chip';
import { ErrorState, Notice, Skeleton } from '@/kit/states';
import { formatDuration } from '@/kit/units';
import { useDelayed } from '@/kit/use-delayed';
import { AttributeList } from './attribute-list';
import styles from './details-panel.module.css';
import { ErrorSection, EventsSection, LinksSection, ResourceSection, Section } from './details-sections';
import { SpanSummary } from './span-summary';
import { rawDuration, rowName, type TraceModel } from './trace-model';

interface Props {
  model: TraceModel;
  row: number;
  panelRef: RefObject<HTMLElement | null>;
  onClose: () => void;
  onGoTo: (row: number) => void;
}

/** The panel. */
export function DetailsPanel({ model, row, panelRef, onClose, onGoTo }: Props) {
  const { store, trace } = model;
  const span = trace.spans[at(store.span, row)];
  const service = trace.services[at(store.service, row)];
  const query = useQuery(spanQuery(trace.traceId, span?.spanId ?? ''));
  const waiting = useDelayed(query.isPending);
  if (!span) return null;
  const twins = query.data?.spans ?? [];
  const details = pickTwin(twins, span.name, span.durationNano);
  return (
    <aside ref={panelRef} className={styles.panel} tabIndex={-1} aria-label={`Span details: ${rowName(model, row)}`}>
      <header className={styles.header}>
        <div className={styles.heading}>
          <h2><PlainText text={rowName(model, row)} /></h2>
          <IconButton icon="close" label="Close the details (Esc)" onClick={onClose} />
        </div>
        <p className={styles.identity}>
          {service !== undefined && <ServiceChip name={service} look={model.looks.get(service)} />}
          <span>{span.kind}</span>
          <span className={styles.duration}>{formatDuration(rawDuration(model, row))}</span>
          {span.status === 'error' && <span className={styles.error}>✖ error</span>}
          {span.status === 'ok' && <span className={styles.ok}>✓ ok</span>}
        </p>
      </header>
      {twins.length > 1 && <Notice tone="warn">{twins.length} different spans carry this id; this is the one of the selected row.</Notice>}
      <ErrorSection span={span} details={details} />
      <Section title="Summary"><SpanSummary model={model} row={row} details={details} onGoTo={onGoTo} /></Section>
      {query.error && <ErrorState title="The details cannot be read" error={query.error} onRetry={() => void query.refetch()} />}
      {waiting && !details && !query.error && <Skeleton rows={6} label="Loading the details" />}
      {details && <FetchedSections model={model} row={row} details={details} />}
    </aside>
  );
}

function FetchedSections({ model, row, details }: { model: TraceModel; row: number; details: SpanDetails }) {
  return (
    <>
      <Section title="Attributes" count={details.attributes.length}>
        <AttributeList attributes={details.attributes} label="Attributes of the span" dropped={details.droppedAttributesCount} searchable />
      </Section>
      <EventsSection details={details} />
      <LinksSection details={details} />
      <ResourceSection details={details} service={model.trace.services[at(model.store.service, row)]} />
    </>
  );
}

/** Of the spans that share an id, the one that the row stands for. */
function pickTwin(spans: readonly SpanDetails[], name: string, duration: number): SpanDetails | undefined {
  return spans.find((s) => s.name === name && s.durationNano === duration) ?? spans[0];
}
