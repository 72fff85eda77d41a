/**
 * A trace as columns in pre-order: the tree, its order, and what the waterfall asks per row.
 *
 * Rows are spans plus two kinds of stand-ins: a placeholder per parent that was never received, and one virtual root when
 * there is no root or more than one. Everything is iterative, so a chain of any length is safe; cost is O(n log n) when the
 * spans come unsorted, O(n) when they come by start.
 *
 * Invariants: a row's subtree is the rows `[row, end[row])`; children are ordered by start, then by the order of arrival.
 */
import { SPAN_KINDS, SPAN_STATUSES, type InputSpan } from './trace-input';

/** What a row stands for. */
export const ROW_SPAN = 0;
/** A parent that other spans name and that was never received. */
export const ROW_MISSING = 1;
/** The virtual root of a trace with no root or several. */
export const ROW_VIRTUAL = 2;

/** Columns indexed by row. */
export interface TraceStore {
  readonly rowCount: number;
  readonly spans: readonly InputSpan[];
  /** Index into `spans`, or −1 for a stand-in. */
  readonly span: Int32Array;
  readonly rowKind: Uint8Array;
  /** Row of the parent, or −1 at the top. */
  readonly parent: Int32Array;
  readonly depth: Uint32Array;
  /** One past the last row of the subtree. */
  readonly end: Uint32Array;
  /** Nanoseconds from the start of the trace. */
  readonly start: Float64Array;
  /** Nanoseconds; never below zero here, the raw value is in `spans`. */
  readonly duration: Float64Array;
  readonly service: Int32Array;
  readonly kind: Uint8Array;
  readonly status: Uint8Array;
  /** Place among the siblings, from 1. */
  readonly position: Uint32Array;
  readonly childCount: Uint32Array;
  /** 1 where the link to the parent was cut because the parents form a cycle. */
  readonly cycle: Uint8Array;
  /** `errorsBefore[r]` = rows before `r` with an error; one longer than the rows. */
  readonly errorsBefore: Uint32Array;
  /** Ids of the parents never received, by row. */
  readonly missingIds: ReadonlyMap<number, string>;
  /** Row of the first span that carries an id. */
  readonly rowOfSpanId: ReadonlyMap<string, number>;
  /** Earliest start and latest end of all rows. */
  readonly extent: { from: number; to: number };
}

interface Links {
  /** Node of the parent, −1 at the top. Nodes: spans, then placeholders. */
  parent: Int32Array;
  nodes: number;
  missing: string[];
  cycle: Uint8Array;
}

/** Builds the columns. Accepts any input: orphans, cycles, duplicate ids, negative durations. */
export function buildTraceStore(spans: readonly InputSpan[]): TraceStore {
  const order = orderByStart(spans);
  const links = linkParents(spans, order);
  const tops = attachOrphans(spans, links);
  return layOut(spans, order, links, tops);
}

/** Errors inside a row's subtree, itself left out. */
export function errorsBelow(store: TraceStore, row: number): number {
  return at(store.errorsBefore, at(store.end, row)) - at(store.errorsBefore, row + 1);
}

/** Reads a typed array where the index is known to be inside. */
export function at(column: Float64Array | Int32Array | Uint32Array | Uint8Array, index: number): number {
  return column[index] ?? 0;
}

function orderByStart(spans: readonly InputSpan[]): Uint32Array {
  const order = Uint32Array.from(spans.keys());
  const starts = Float64Array.from(spans, (s) => s.startOffsetNano);
  let sorted = true;
  for (let i = 1; i < starts.length && sorted; i += 1) sorted = at(starts, i - 1) <= at(starts, i);
  return sorted ? order : order.sort((a, b) => at(starts, a) - at(starts, b) || a - b);
}

/** Finds each span's parent, makes a node per missing parent, and cuts cycles. */
function linkParents(spans: readonly InputSpan[], order: Uint32Array): Links {
  const byId = new Map<string, number>();
  for (const index of order) {
    const id = spans[index]?.spanId ?? '';
    if (!byId.has(id)) byId.set(id, index);
  }
  const missing: string[] = [];
  const missingNode = new Map<string, number>();
  const parent = new Int32Array(spans.length * 2).fill(-1);
  for (const index of order) {
    const id = spans[index]?.parentSpanId ?? '';
    if (id === '' || /^0+$/.test(id)) continue;
    let node = byId.get(id) ?? missingNode.get(id);
    if (node === undefined) {
      node = spans.length + missing.length;
      missingNode.set(id, node);
      missing.push(id);
    }
    parent[index] = node;
  }
  const nodes = spans.length + missing.length;
  return { parent, nodes, missing, cycle: cutCycles(parent, nodes, order) };
}

/** Walks up from every node; where a walk meets itself, the earliest span of that ring loses its parent. */
function cutCycles(parent: Int32Array, nodes: number, order: Uint32Array): Uint8Array {
  const cut = new Uint8Array(nodes);
  const walk = new Uint32Array(nodes);
  const rank = new Uint32Array(nodes);
  for (const [place, index] of order.entries()) rank[index] = place;
  for (const [turn, index] of order.entries()) {
    let node = index;
    while (node >= 0 && walk[node] === 0) {
      walk[node] = turn + 1;
      node = at(parent, node);
    }
    if (node >= 0 && walk[node] === turn + 1) {
      const first = earliestOfRing(parent, node, rank);
      parent[first] = -1;
      cut[first] = 1;
    }
  }
  return cut;
}

function earliestOfRing(parent: Int32Array, member: number, rank: Uint32Array): number {
  let first = member;
  for (let node = at(parent, member); node !== member; node = at(parent, node)) {
    if (at(rank, node) < at(rank, first)) first = node;
  }
  return first;
}

/** Hangs placeholders under the only root, or says that a virtual root is needed. Returns the top nodes. */
function attachOrphans(spans: readonly InputSpan[], links: Links): number[] {
  const roots: number[] = [];
  for (let node = 0; node < spans.length; node += 1) if (links.parent[node] === -1) roots.push(node);
  const placeholders = links.missing.map((_, i) => spans.length + i);
  const [only] = roots;
  if (roots.length === 1 && only !== undefined) {
    for (const node of placeholders) links.parent[node] = only;
    return roots;
  }
  return [...roots, ...placeholders];
}

function layOut(spans: readonly InputSpan[], order: Uint32Array, links: Links, tops: number[]): TraceStore {
  const virtual = tops.length > 1 ? links.nodes : -1;
  const nodes = links.nodes + (virtual >= 0 ? 1 : 0);
  const parentOf = new Int32Array(nodes).fill(-1);
  parentOf.set(links.parent.subarray(0, links.nodes));
  if (virtual >= 0) for (const node of tops) parentOf[node] = virtual;

  const { start, duration } = timesOfNodes(spans, links, nodes, virtual);
  const { first, children } = childLists(parentOf, start, order, spans.length, nodes);
  const n = nodes;
  const columns = {
    span: new Int32Array(n), rowKind: new Uint8Array(n), parent: new Int32Array(n).fill(-1), depth: new Uint32Array(n),
    end: new Uint32Array(n), start: new Float64Array(n), duration: new Float64Array(n), service: new Int32Array(n).fill(-1),
    kind: new Uint8Array(n), status: new Uint8Array(n), position: new Uint32Array(n).fill(1), childCount: new Uint32Array(n),
    cycle: new Uint8Array(n), errorsBefore: new Uint32Array(n + 1),
  };
  const missingIds = new Map<number, string>();
  const rowOfSpanId = new Map<string, number>();
  const stack = new Uint32Array(n);
  const rowOf = new Int32Array(n).fill(-1);
  let top = 0;
  const begin = virtual >= 0 ? virtual : tops[0];
  if (begin !== undefined) stack[top++] = begin;
  let row = 0;
  while (top > 0) {
    const node = at(stack, --top);
    rowOf[node] = row;
    const up = at(parentOf, node);
    const parentRow = up >= 0 ? at(rowOf, up) : -1;
    columns.parent[row] = parentRow;
    columns.depth[row] = parentRow >= 0 ? at(columns.depth, parentRow) + 1 : 0;
    columns.start[row] = at(start, node);
    columns.duration[row] = Math.max(0, at(duration, node));
    const [from, to] = [at(first, node), at(first, node + 1)];
    columns.childCount[row] = to - from;
    columns.rowKind[row] = node < spans.length ? ROW_SPAN : node === virtual ? ROW_VIRTUAL : ROW_MISSING;
    columns.span[row] = node < spans.length ? node : -1;
    const span = spans[node];
    if (span) {
      columns.service[row] = span.service;
      columns.kind[row] = Math.max(0, (SPAN_KINDS as readonly string[]).indexOf(span.kind));
      columns.status[row] = Math.max(0, (SPAN_STATUSES as readonly string[]).indexOf(span.status));
      columns.cycle[row] = at(links.cycle, node);
      if (!rowOfSpanId.has(span.spanId)) rowOfSpanId.set(span.spanId, row);
    } else if (node !== virtual) {
      missingIds.set(row, links.missing[node - spans.length] ?? '');
    }
    for (let i = to - 1; i >= from; i -= 1) stack[top++] = at(children, i);
    row += 1;
  }
  for (let node = 0; node < nodes; node += 1) {
    const [from, to] = [at(first, node), at(first, node + 1)];
    for (let i = from; i < to; i += 1) columns.position[at(rowOf, at(children, i))] = i - from + 1;
  }
  closeSubtrees(columns.end, columns.parent);
  for (let r = 0; r < n; r += 1) {
    columns.errorsBefore[r + 1] = at(columns.errorsBefore, r) + (columns.status[r] === 2 ? 1 : 0);
  }
  return { rowCount: n, spans, ...columns, missingIds, rowOfSpanId, extent: extentOf(columns.start, columns.duration) };
}

/** Times of spans as given; a stand-in covers what hangs under it. */
function timesOfNodes(spans: readonly InputSpan[], links: Links, nodes: number, virtual: number) {
  const start = new Float64Array(nodes).fill(Infinity);
  const finish = new Float64Array(nodes).fill(-Infinity);
  const duration = new Float64Array(nodes);
  const cover = (node: number, from: number, to: number) => {
    start[node] = Math.min(at(start, node), from);
    finish[node] = Math.max(at(finish, node), to);
  };
  for (const [index, span] of spans.entries()) {
    start[index] = span.startOffsetNano;
    duration[index] = span.durationNano;
    const to = span.startOffsetNano + Math.max(0, span.durationNano);
    const up = at(links.parent, index);
    if (up >= spans.length) cover(up, span.startOffsetNano, to);
    if (virtual >= 0) cover(virtual, span.startOffsetNano, to);
  }
  for (let node = spans.length; node < nodes; node += 1) duration[node] = at(finish, node) - at(start, node);
  return { start, duration };
}

/** Children of every node, one after the other, each list by start. `first[n]..first[n + 1]` is node n's list. */
function childLists(parentOf: Int32Array, start: Float64Array, order: Uint32Array, spanCount: number, nodes: number) {
  const first = new Uint32Array(nodes + 1);
  for (const up of parentOf) if (up >= 0) first[up + 1] = at(first, up + 1) + 1;
  for (let i = 0; i < nodes; i += 1) first[i + 1] = at(first, i + 1) + at(first, i);
  const children = new Uint32Array(at(first, nodes));
  const fill = first.slice();
  const push = (node: number) => {
    const up = at(parentOf, node);
    if (up < 0) return;
    children[at(fill, up)] = node;
    fill[up] = at(fill, up) + 1;
  };
  const standIns = Array.from({ length: nodes - spanCount }, (_, i) => spanCount + i).sort((a, b) => at(start, a) - at(start, b));
  let next = 0;
  for (const index of order) {
    for (; next < standIns.length && at(start, standIns[next] ?? 0) < at(start, index); next += 1) push(standIns[next] ?? 0);
    push(index);
  }
  for (; next < standIns.length; next += 1) push(standIns[next] ?? 0);
  return { first, children };
}

/** In pre-order a subtree ends where the last of its rows ends; one pass from the back finds it. */
function closeSubtrees(end: Uint32Array, parent: Int32Array): void {
  for (let row = end.length - 1; row >= 0; row -= 1) {
    if (end[row] === 0) end[row] = row + 1;
    const up = at(parent, row);
    if (up >= 0 && at(end, up) < at(end, row)) end[up] = at(end, row);
  }
}

function extentOf(start: Float64Array, duration: Float64Array): { from: number; to: number } {
  let [from, to] = [Infinity, -Infinity];
  for (let row = 0; row < start.length; row += 1) {
    from = Math.min(from, at(start, row));
    to = Math.max(to, at(start, row) + at(duration, row));
  }
  return from <= to ? { from, to } : { from: 0, to: 0 };
}
