/** The sections of the details panel that come from the server: error, events, links, resource and scope. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Attribute, SpanDetails, SpanEvent, TraceSpan } from '@/data/types';
import { CopyButton } from '@/kit/button';
import { Icon } from '@/kit/icon';
import { PlainText } from '@/kit/plain-text';
import { formatCount, formatDuration } from '@/kit/units';
import { AttributeList } from './attribute-list';
import styles from './details-panel.module.css';

/** A part of the panel that can be closed. */
export function Section({ title, count, open = true, children }: { title: string; count?: number; open?: boolean; children: ReactNode }) {
  return (
    <details className={styles.section} open={open}>
      <summary>
        <Icon name="chevron" />
        <h3>{title}</h3>
        {count !== undefined && <span className={styles.count}>{formatCount(count)}</span>}
      </summary>
      <div className={styles.content}>{children}</div>
    </details>
  );
}

/** Status message and exceptions. Absent when the span has neither. */
export function ErrorSection({ span, details }: { span: TraceSpan; details: SpanDetails | undefined }) {
  const exceptions = (details?.events ?? []).filter((event) => event.name === 'exception');
  if (span.status !== 'error' && exceptions.length === 0) return null;
  return (
    <Section title={exceptions.length > 0 ? 'Exception' : 'Error'}>
      {span.statusMessage ? <p className={styles.message}><PlainText text={span.statusMessage} /></p> : exceptions.length === 0 && <p className={styles.muted}>The span is marked as failed without a message.</p>}
      {exceptions.map((event, i) => <Exception key={i} event={event} />)}
    </Section>
  );
}

function Exception({ event }: { event: SpanEvent }) {
  const [type, message, stack] = ['type', 'message', 'stacktrace'].map((name) => textOf(event.attributes, `exception.${name}`));
  return (
    <div className={styles.exception}>
      <p><strong><PlainText text={type ?? 'exception'} /></strong>{message && <>: <PlainText text={message} /></>}</p>
      {stack && (
        <div className={styles.stack}>
          <pre tabIndex={0} role="region" aria-label="Stack trace"><PlainText text={stack} /></pre>
          <CopyButton text={stack} label="Copy the stack trace" />
        </div>
      )}
    </div>
  );
}

/** Events by time. */
export function EventsSection({ details }: { details: SpanDetails }) {
  if (details.events.length === 0 && details.droppedEventsCount === 0) return null;
  return (
    <Section title="Events" count={details.events.length}>
      {details.events.map((event, i) => (
        <div key={i} className={styles.item}>
          <p className={styles.itemHead}>
            <strong><PlainText text={event.name || '(no name)'} /></strong>
            <span className={styles.muted}>{formatDuration(Number(BigInt(event.timeUnixNano) - BigInt(details.startUnixNano)))} into the span</span>
          </p>
          {event.attributes.length > 0 && <AttributeList attributes={event.attributes} label={`Attributes of event ${i + 1}`} dropped={event.droppedAttributesCount} />}
        </div>
      ))}
      {details.droppedEventsCount > 0 && <p className={styles.warn}>▲ {formatCount(details.droppedEventsCount)} events dropped by the sender</p>}
    </Section>
  );
}

/** Spans that this one points to. */
export function LinksSection({ details }: { details: SpanDetails }) {
  if (details.links.length === 0 && details.droppedLinksCount === 0) return null;
  return (
    <Section title="Links" count={details.links.length}>
      {details.links.map((link, i) => (
        <div key={i} className={styles.item}>
          <p className={styles.itemHead}>
            {link.traceId === null ? <span className={styles.muted}>to no valid trace</span> : (
              <Link to="/trace/$traceId" params={{ traceId: link.traceId }} search={{ v: 1, s: link.spanId ?? undefined }}>
                trace {link.traceId.slice(0, 8)}…{link.spanId !== null && ` span ${link.spanId}`}
              </Link>
            )}
          </p>
          {link.attributes.length > 0 && <AttributeList attributes={link.attributes} label={`Attributes of link ${i + 1}`} dropped={link.droppedAttributesCount} />}
        </div>
      ))}
      {details.droppedLinksCount > 0 && <p className={styles.warn}>▲ {formatCount(details.droppedLinksCount)} links dropped by the sender</p>}
    </Section>
  );
}

/** What sent the span. */
export function ResourceSection({ details, service }: { details: SpanDetails; service: string | undefined }) {
  const { scope, resource } = details;
  return (
    <Section title="Resource and scope" count={resource.attributes.length}>
      <AttributeList attributes={resource.attributes} label={`Resource of ${service ?? 'the span'}`} dropped={resource.droppedAttributesCount} />
      <p className={styles.scope}>
        <span className={styles.muted}>Scope </span>
        {scope.name === '' ? 'not named' : <PlainText text={scope.name} />} {scope.version !== '' && <PlainText text={scope.version} />}
      </p>
      {scope.attributes.length > 0 && <AttributeList attributes={scope.attributes} label="Attributes of the scope" dropped={scope.droppedAttributesCount} />}
    </Section>
  );
}

function textOf(attributes: readonly Attribute[], key: string): string | undefined {
  const found = attributes.find((attribute) => attribute.key === key);
  return found?.value;
}
