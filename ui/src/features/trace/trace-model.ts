/** A trace with everything derived from it once: columns, self times, colours, errors. */
import type { Trace } from '@/data/types';
import { errorRows, warningRows } from '@/engine/find';
import { rankServices, selfTimes } from '@/engine/self-time';
import { at, buildTraceStore, ROW_MISSING, ROW_VIRTUAL, type TraceStore } from '@/engine/trace-store';
import { assignLooks, type ServiceLook } from '@/kit/service-slots';
import { formatDuration, plural, speakDuration } from '@/kit/units';

/** What the trace page draws. */
export interface TraceModel {
  trace: Trace;
  store: TraceStore;
  self: Float64Array;
  looks: ReadonlyMap<string, ServiceLook>;
  /** Looks by index of the trace's services. */
  lookOf: readonly (ServiceLook | undefined)[];
  errors: Uint32Array;
  /** Rows to doubt: placeholders of missing parents, cut cycles. */
  warnings: Uint32Array;
  depth: number;
}

/** Derives the model. */
export function buildTraceModel(trace: Trace): TraceModel {
  const store = buildTraceStore(trace.spans);
  const self = selfTimes(store);
  const looks = assignLooks(rankServices(store, trace.services, self));
  return {
    trace, store, self, looks,
    lookOf: trace.services.map((name) => looks.get(name)),
    errors: errorRows(store),
    warnings: warningRows(store),
    depth: store.depth.reduce((deepest, d) => Math.max(deepest, d), 0) + 1,
  };
}

/** The title of the trace: its root, or its earliest span when there is no root. */
export function titleOf(model: TraceModel): { name: string; service: string | null } {
  const { store, trace } = model;
  let best = -1;
  for (let row = 0; row < store.rowCount; row += 1) {
    if (at(store.span, row) < 0) continue;
    if (best === -1 || at(store.start, row) < at(store.start, best)) best = row;
    if (at(store.depth, row) === 0) break;
  }
  const span = trace.spans[at(store.span, best)];
  return span ? { name: span.name || '(no name)', service: trace.services[span.service] ?? null } : { name: 'Empty trace', service: null };
}

/** Text of a row in the tree. */
export function rowName(model: TraceModel, row: number): string {
  const { store, trace } = model;
  const kind = at(store.rowKind, row);
  if (kind === ROW_MISSING) return `parent ${(store.missingIds.get(row) ?? '').slice(0, 8)}… not received`;
  if (kind === ROW_VIRTUAL) return `trace (${plural(at(store.childCount, row), 'top-level row')})`;
  return trace.spans[at(store.span, row)]?.name || '(no name)';
}

/** Duration as it was sent; stand-ins have the time that they cover. */
export function rawDuration(model: TraceModel, row: number): number {
  return model.trace.spans[at(model.store.span, row)]?.durationNano ?? at(model.store.duration, row);
}

/** What a screen reader says for a row. */
export function speakRow(model: TraceModel, row: number): string {
  const { store, trace } = model;
  const span = trace.spans[at(store.span, row)];
  const parts = [
    rowName(model, row),
    span && (trace.services[span.service] || 'unknown service'),
    span?.status === 'error' && 'error',
    speakDuration(rawDuration(model, row)),
    `starts at ${speakDuration(at(store.start, row))}`,
    at(store.cycle, row) === 1 && 'parent link cut, it formed a cycle',
    `level ${at(store.depth, row) + 1}`,
  ];
  return parts.filter(Boolean).join(', ');
}

/** Share of the trace that a duration is, for tooltips. */
export function describeTime(model: TraceModel, row: number): string {
  return `${formatDuration(rawDuration(model, row))}, self ${formatDuration(at(model.self, row))}`;
}
