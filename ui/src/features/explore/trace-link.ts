/** Parameters that a link to a trace carries: its time, so that the lookup is bounded and works until retention ends. */
import type { TraceSummary } from '@/data/types';
import { nanoToMilli } from '@/kit/clock-format';

const PAD_SECONDS = 60;

/** `t=<start>~<end>` in Unix seconds, padded by a minute. */
export function traceTimeHint(trace: Pick<TraceSummary, 'startUnixNano' | 'durationNano'>): string {
  const start = nanoToMilli(trace.startUnixNano) / 1000;
  const end = start + trace.durationNano / 1e9;
  return `${Math.max(0, Math.floor(start) - PAD_SECONDS)}~${Math.ceil(end) + PAD_SECONDS}`;
}
