/** The shapes of the API that the UI uses. Absolute times are decimal strings of nanoseconds, durations numbers of nanoseconds. */
import type { Nanoseconds, UnixNano } from '@/kit/units';

export interface Status {
  version: string;
  startedAtUnixNano: UnixNano;
  nowUnixNano: UnixNano;
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
  /** As text; arrays and key-value lists as OTLP/JSON, bytes as base64. */
  value: string;
}

export interface MatchedSpan {
  spanId: string;
  name: string;
  service: string;
  startUnixNano: UnixNano;
  durationNano: Nanoseconds;
  status: string;
  attributes: Attribute[];
}

export interface TraceSummary {
  traceId: string;
  rootService: string | null;
  rootName: string | null;
  hasRoot: boolean;
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
  report: { blocksRead: number; blocksPruned: number; rowsRead: number; bytesRead: number; elapsedMicros: number };
}

export interface TraceSpan {
  spanId: string;
  parentSpanId: string | null;
  name: string;
  service: number;
  kind: string;
  status: string;
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
  conflictingSpans: number;
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
  traceId: string | null;
  spanId: string | null;
  traceState: string;
  attributes: Attribute[];
  droppedAttributesCount: number;
}

export interface SpanDetails {
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  name: string;
  service: string;
  kind: string;
  status: string;
  statusMessage: string | null;
  traceState: string;
  flags: number;
  startUnixNano: UnixNano;
  endUnixNano: UnixNano;
  durationNano: Nanoseconds;
  attributes: Attribute[];
  droppedAttributesCount: number;
  events: SpanEvent[];
  droppedEventsCount: number;
  links: SpanLink[];
  droppedLinksCount: number;
  resource: { attributes: Attribute[]; droppedAttributesCount: number; schemaUrl: string };
  scope: { name: string; version: string; attributes: Attribute[]; droppedAttributesCount: number; schemaUrl: string };
}
