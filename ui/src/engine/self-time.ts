/** Self time: the part of a span during which none of its children was running. */
import { at, type TraceStore } from './trace-store';

/** Self time of every row in nanoseconds. Children count only inside their parent; overlaps count once. O(rows). */
export function selfTimes(store: TraceStore): Float64Array {
  const covered = new Float64Array(store.rowCount);
  // Rows are in pre-order and siblings by start, so each parent sees its children by start and needs one moving edge.
  const edge = store.start.slice();
  for (let row = 0; row < store.rowCount; row += 1) {
    const up = at(store.parent, row);
    if (up < 0) continue;
    const limit = at(store.start, up) + at(store.duration, up);
    const from = Math.max(at(store.start, row), at(edge, up));
    const to = Math.min(at(store.start, row) + at(store.duration, row), limit);
    if (to > from) {
      covered[up] = at(covered, up) + to - from;
      edge[up] = to;
    }
  }
  return covered.map((time, row) => at(store.duration, row) - time);
}

/** Services by the self time they spent, most first; ties by name. The order in which colours are given. */
export function rankServices(store: TraceStore, services: readonly string[], self: Float64Array): string[] {
  const spent = new Float64Array(services.length);
  for (let row = 0; row < store.rowCount; row += 1) {
    const service = at(store.service, row);
    if (service >= 0 && service < spent.length) spent[service] = at(spent, service) + at(self, row);
  }
  return services
    .map((name, index) => ({ name, time: at(spent, index) }))
    .sort((a, b) => b.time - a.time || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ name }) => name);
}
