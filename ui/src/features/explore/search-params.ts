/** URL parameters of Explore, version 1. Stored examples of every version are in `search-params.test.ts`. */
import { flagField, rangeFields, textField, type RangeSearch, type RawSearch } from '../url-fields';

/** What an Explore link restores. */
export interface ExploreSearch extends RangeSearch {
  v: 1;
  /** TraceQL. */
  q?: string | undefined;
  svc?: string | undefined;
  op?: string | undefined;
  err?: true | undefined;
  /** Shortest and longest duration, such as `100ms`. */
  min?: string | undefined;
  max?: string | undefined;
}

/** A duration as the API takes it. */
export const DURATION_PATTERN = /^\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h)$/;

/** Checks the parameters; unknown ones are kept and ignored. */
export function readExploreSearch(raw: RawSearch): ExploreSearch {
  return {
    ...raw,
    v: 1,
    q: textField(raw.q),
    svc: textField(raw.svc),
    op: textField(raw.svc) === undefined ? undefined : textField(raw.op),
    err: flagField(raw.err),
    min: textField(raw.min, DURATION_PATTERN),
    max: textField(raw.max, DURATION_PATTERN),
    ...rangeFields(raw),
  };
}

/** The parameters that narrow the result, in reading order, for chips and one-click removal. */
export function activeClauses(search: ExploreSearch): { field: 'q' | 'svc' | 'op' | 'err' | 'min' | 'max'; text: string }[] {
  const clauses = [
    { field: 'q' as const, text: search.q },
    { field: 'svc' as const, text: search.svc && `service = ${search.svc}` },
    { field: 'op' as const, text: search.op && `operation = ${search.op}` },
    { field: 'err' as const, text: search.err && 'errors only' },
    { field: 'min' as const, text: search.min && `duration ≥ ${search.min}` },
    { field: 'max' as const, text: search.max && `duration ≤ ${search.max}` },
  ];
  return clauses.flatMap(({ field, text }) => (text ? [{ field, text }] : []));
}
