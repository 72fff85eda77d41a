/** The shapes of the API that the UI uses. Absolute times are decimal strings of nanoseconds, durations numbers of nanoseconds. */
import type { SpanKind, SpanStatus } from '@/engine/trace-input';
import type { Nanoseconds, UnixNano } from '@/kit/units';

export interface Status {
  version: string;
  startedAt: UnixNano;
  now: UnixNano;
  oldestUnixNano: UnixNano | null;
  newestUnixNano: UnixNano | null;
  spans: number;
}

export interface ServiceCount {
  name: string;
  spanCount: number;
  errorCount: number;
}

export interface Operation {
  name: string;
  kind: string;
  spanCount: number;
}

export interface Attribute {
  key: string;
  type: string;
  value: unknown;
}

export interface MatchedSpan {
  spanId: string;
  name: string;
  service: string;
  startUnixNano: UnixNano;
  durationNano: Nanoseconds;
  status: SpanStatus;
  attributes: Attribute[];
}

export interface TraceSummary {
  traceId: string;
  rootService: string | null;
  rootName: string | null;
  startUnixNano: UnixNano;
  durationNano: Nanoseconds;
  spanCount: number;
  errorCount: number;
  services: ServiceCount[];
  matched: number;
  spans: MatchedSpan[];
}

export interface SearchAnswer {
  traces: TraceSummary[];
  nextCursor: string | null;
  query: string;
  partial: string | null;
  report: { rowsRead: number; batchesRead: number; elapsedMicros: number };
}

export interface TraceSpan {
  spanId: string;
  parentSpanId: string | null;
  name: string;
  service: number;
  kind: SpanKind;
  status: SpanStatus;
  startOffsetNano: Nanoseconds;
  durationNano: Nanoseconds;
  eventCount: number;
  linkCount: number;
  statusMessage: string | null;
  flags: string[];
}

export interface TraceFacts {
  complete: boolean;
  missingParents: number;
  duplicateSpans: number;
  roots: number;
}

export interface Trace {
  traceId: string;
  startUnixNano: UnixNano;
  durationNano: Nanoseconds;
  services: string[];
  spanCount: number;
  errorCount: number;
  facts: TraceFacts;
  spans: TraceSpan[];
}

export interface SpanEvent {
  timeUnixNano: UnixNano;
  name: string;
  attributes: Attribute[];
  droppedAttributesCount: number;
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  traceState: string;
  attributes: Attribute[];
}

export interface SpanDetails extends Omit<TraceSpan, 'service'> {
  service: string | number;
  startUnixNano: UnixNano;
  endUnixNano: UnixNano;
  traceState: string;
  attributes: Attribute[];
  events: SpanEvent[];
  links: SpanLink[];
  resource: { attributes: Attribute[]; droppedAttributesCount?: number };
  scope: { name: string; version: string; attributes: Attribute[]; droppedAttributesCount?: number };
  droppedAttributesCount?: number;
  droppedEventsCount?: number;
  droppedLinksCount?: number;
}
