/** The spans of a trace as the engine takes them: what the API answers, without anything the engine does not need. */

/** Kinds of span, in the order of their codes in the columns. */
export const SPAN_KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
/** States of a span, in the order of their codes in the columns. */
export const SPAN_STATUSES = ['unset', 'ok', 'error'] as const;

/** One span; times in nanoseconds relative to the trace's start. */
export interface InputSpan {
  spanId: string;
  parentSpanId?: string | null;
  name: string;
  /** Index into the trace's list of services. */
  service: number;
  /** One of `SPAN_KINDS`; anything else counts as the first. */
  kind: string;
  /** One of `SPAN_STATUSES`; anything else counts as the first. */
  status: string;
  startOffsetNano: number;
  durationNano: number;
}
