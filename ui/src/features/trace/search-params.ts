/** URL parameters of the trace page, version 1. Stored examples of every version are in `search-params.test.ts`. */
import type { TraceHint } from '@/data/queries';
import type { TimeView } from '@/engine/time-view';
import { flagField, textField, type RawSearch } from '../url-fields';

/** What a trace link restores. */
export interface TraceSearch {
  v: 1;
  /** Bounds of the lookup in Unix seconds, `<start>~<end>`. */
  t?: string | undefined;
  /** Selected span. */
  s?: string | undefined;
  /** Window in nanoseconds from the trace's start, `<from>-<to>`. */
  r?: string | undefined;
  /** Text of find in trace. */
  q?: string | undefined;
  /** Collapsed rows, see the engine's `collapse-code.ts`. */
  x?: string | undefined;
  /** Drops header and rail, for embedding. */
  embed?: true | undefined;
}

/** Checks the parameters; unknown ones are kept and ignored. */
export function readTraceSearch(raw: RawSearch): TraceSearch {
  return {
    ...raw,
    v: 1,
    t: textField(raw.t, /^\d{1,12}~\d{1,12}$/),
    s: textField(raw.s, /^[0-9a-f]{16}$/i)?.toLowerCase(),
    r: textField(raw.r, /^-?\d{1,18}~-?\d{1,18}$/),
    q: textField(raw.q),
    x: textField(raw.x, /^[0-9a-z.-]+$/),
    embed: flagField(raw.embed),
  };
}

/** The lookup's bounds. */
export function hintOf(search: TraceSearch): TraceHint | null {
  const [start, end] = (search.t ?? '').split('~').map(Number);
  return start !== undefined && end !== undefined && start < end ? { start, end } : null;
}

/** The window as text, to whole nanoseconds. */
export function encodeView(view: TimeView): string {
  return `${Math.round(view.from)}~${Math.round(view.to)}`;
}

/** The window of a text; `null` when it is none. */
export function decodeView(text: string | undefined): TimeView | null {
  const [from, to] = (text ?? '').split('~').map(Number);
  return from !== undefined && to !== undefined && from < to ? { from, to } : null;
}
