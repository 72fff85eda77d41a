/** Query keys and fetchers of everything the pages read. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { Window } from '@/kit/time-range';
import { ApiError, getJson, type Params } from './client';
import type { Operations, SearchAnswer, Services, SpanDetailsAnswer, Status, Trace } from './types';

/** What a search asks for. */
export interface SearchRequest {
  q: string;
  service?: string | undefined;
  operation?: string | undefined;
  error?: boolean | undefined;
  minDuration?: string | undefined;
  maxDuration?: string | undefined;
  window: Window;
}

/** Bounds of a trace lookup in Unix seconds. */
export interface TraceHint {
  start: number;
  end: number;
}

const PAGE_SIZE = 50;
const SPANS_PER_TRACE = 5;

/** Whether a failed call is worth repeating by itself: not when the request was wrong. */
export function shouldRetry(failures: number, error: Error): boolean {
  return failures < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 500);
}

export const statusQuery = queryOptions({
  queryKey: ['status'],
  queryFn: ({ signal }) => getJson<Status>('/status', {}, signal),
  refetchInterval: 10_000,
  staleTime: 5_000,
});

/** Services seen in the window. */
export function servicesQuery(window: Window) {
  return queryOptions({
    queryKey: ['services', window],
    queryFn: ({ signal }) => getJson<Services>('/services', bounds(window), signal),
    placeholderData: keepPreviousData,
  });
}

/** Operations of a service seen in the window. */
export function operationsQuery(service: string | undefined, window: Window) {
  return queryOptions({
    queryKey: ['operations', service, window],
    queryFn: ({ signal }) =>
      getJson<Operations>(`/services/${encodeURIComponent(service ?? '')}/operations`, bounds(window), signal),
    enabled: service !== undefined,
  });
}

/** Matching traces, newest first, page by page. */
export function searchQuery(request: SearchRequest) {
  const { window, ...conditions } = request;
  const params: Params = { ...conditions, error: conditions.error ? true : undefined, ...bounds(window), limit: PAGE_SIZE, spansPerTrace: SPANS_PER_TRACE };
  return infiniteQueryOptions({
    queryKey: ['search', request],
    queryFn: ({ pageParam, signal }) => getJson<SearchAnswer>('/search', { ...params, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

/** One trace; the hint bounds the lookup and may be absent. */
export function traceQuery(traceId: string, hint: TraceHint | null) {
  return queryOptions({
    queryKey: ['trace', traceId, hint],
    queryFn: ({ signal }) => getJson<Trace>(`/traces/${encodeURIComponent(traceId)}`, { ...hint }, signal),
    staleTime: 60_000,
  });
}

/** Everything about the spans that carry an id (more than one when the id was used twice). */
export function spanQuery(traceId: string, spanId: string) {
  return queryOptions({
    queryKey: ['span', traceId, spanId],
    queryFn: ({ signal }) =>
      getJson<SpanDetailsAnswer>(`/traces/${encodeURIComponent(traceId)}/spans/${encodeURIComponent(spanId)}`, {}, signal),
    staleTime: 60_000,
  });
}

function bounds(window: Window): Params {
  return { start: window.from, end: window.to };
}
