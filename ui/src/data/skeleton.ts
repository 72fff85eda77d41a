/**
 * Reads trace skeletons, the binary form of `docs/trace-skeleton.md`, version 1.
 *
 * Bytes are written once, into one buffer a chunk, and columns are typed arrays that look at it; nothing is made per span. Bytes come in pieces of any
 * size (`SkeletonReader`), and a chunk is given when its last byte is there.
 */

/** What a column looks at. */
export type Column = Uint8Array | Uint16Array | Uint32Array | BigUint64Array | Float64Array;

/** In `parent`: there is no parent among the rows. In `path.row`: time of no span. */
export const NO_ROW = 0xffffffff;
/** In `parent`: it was not received; `missing.id` has its id. */
export const MISSING = 0xfffffffe;

/** What is said of the trace and of a chunk of it. */
export interface SkeletonFacts {
  traceId: string;
  /** Names the order; places mean the same in answers that share it. */
  order: string;
  startUnixNano: string;
  durationNano: number;
  spans: number;
  errors: number;
  events: number;
  depth: number;
  /** The places that the chunk is about. */
  from: number;
  count: number;
  rows: number;
  eventsLeftOut: number;
  complete: boolean;
  partial: string | null;
  roots: number;
  missingParents: number;
  circles: number;
  conflictingSpans: number;
  duplicates: number;
  receivedUnixNano: string;
}

/** A chunk: a preview of a large trace, or all that was asked for. */
export interface SkeletonChunk {
  kind: 'preview' | 'whole';
  facts: SkeletonFacts;
  /** By name, as the document names them. */
  columns: ReadonlyMap<string, Column>;
}

/** Bytes that are no skeleton of this version, or not all of one. */
export class SkeletonError extends Error {
  override readonly name = 'SkeletonError';
}

const MAGIC = 'CLSKELET';
const VERSION = 1;
const STREAM_HEAD = 16;
const CHUNK_HEAD = 16;
/** More than a browser holds in one buffer is no length of ours. */
const LENGTH_MAX = 2 ** 31;

const VIEWS = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, u64: BigUint64Array, f64: Float64Array } as const;

interface Described {
  name: string;
  type: keyof typeof VIEWS;
  length: number;
}

/** A part of the stream whose length is known, being filled. */
interface Part {
  bytes: Uint8Array;
  filled: number;
}

/** Takes a stream in pieces and gives its chunks. */
export class SkeletonReader {
  #reading: 'stream head' | 'chunk head' | 'json' | 'columns' | 'end' = 'stream head';
  #part: Part = part(STREAM_HEAD);
  #kind: SkeletonChunk['kind'] = 'preview';
  #jsonLength = 0;
  #bodyLength = 0;
  #header: unknown = null;

  /** The chunks that `piece` completes. Throws `SkeletonError`; the reader is of no use after that. */
  push(piece: Uint8Array): SkeletonChunk[] {
    const chunks: SkeletonChunk[] = [];
    let rest = piece;
    for (;;) {
      const wanted = this.#part.bytes.length - this.#part.filled;
      const taken = rest.subarray(0, wanted);
      this.#part.bytes.set(taken, this.#part.filled);
      this.#part.filled += taken.length;
      rest = rest.subarray(taken.length);
      if (taken.length < wanted) return chunks;
      if (this.#reading === 'end') {
        if (rest.length > 0) throw new SkeletonError('The skeleton goes on behind its end.');
        return chunks;
      }
      const chunk = this.#complete();
      if (chunk) chunks.push(chunk);
    }
  }

  /** Says that no piece follows. Throws when the stream broke off. */
  end(): void {
    if (this.#reading !== 'end') throw new SkeletonError('The skeleton broke off before its end.');
  }

  #complete(): SkeletonChunk | null {
    const { bytes } = this.#part;
    const view = new DataView(bytes.buffer);
    switch (this.#reading) {
      case 'stream head':
        checkHead(bytes, view);
        this.#await('chunk head', CHUNK_HEAD);
        return null;
      case 'chunk head': {
        const kind = view.getUint32(0, true);
        if (kind !== 1 && kind !== 2) throw new SkeletonError(`The skeleton has a chunk of kind ${kind}.`);
        this.#kind = kind === 1 ? 'preview' : 'whole';
        this.#jsonLength = view.getUint32(4, true);
        this.#bodyLength = checkLength(Number(view.getBigUint64(8, true)));
        this.#await('json', padded(checkLength(this.#jsonLength)));
        return null;
      }
      case 'json':
        this.#header = parse(bytes.subarray(0, this.#jsonLength));
        this.#await('columns', this.#bodyLength);
        return null;
      case 'columns': {
        const chunk = { kind: this.#kind, facts: this.#header as SkeletonFacts, columns: columnsOf(this.#header, bytes) };
        if (chunk.kind === 'whole') this.#await('end', 0);
        else this.#await('chunk head', CHUNK_HEAD);
        return chunk;
      }
      case 'end':
        return null;
    }
  }

  #await(reading: 'chunk head' | 'json' | 'columns' | 'end', length: number): void {
    this.#reading = reading;
    this.#part = part(length);
  }
}

/** The chunks of a whole stream that is at hand. */
export function decodeSkeleton(bytes: Uint8Array): SkeletonChunk[] {
  const reader = new SkeletonReader();
  const chunks = reader.push(bytes);
  reader.end();
  return chunks;
}

/** The chunks of an answer while it arrives. */
export async function* readSkeleton(body: ReadableStream<Uint8Array>): AsyncGenerator<SkeletonChunk> {
  const source = body.getReader();
  const reader = new SkeletonReader();
  try {
    for (;;) {
      const { done, value } = await source.read();
      if (done) break;
      yield* reader.push(value);
    }
  } finally {
    source.releaseLock();
  }
  reader.end();
}

/** The column `name`, of the type that is asked for. */
export function column<T extends Column>(chunk: SkeletonChunk, name: string, type: abstract new (...args: never[]) => T): T {
  const found = chunk.columns.get(name);
  if (found instanceof type) return found;
  throw new SkeletonError(`The skeleton has no column ${name} of that type.`);
}

/** A column of numbers in a dictionary, which are of two or four bytes. */
export function places(chunk: SkeletonChunk, name: string): Uint16Array | Uint32Array {
  const found = chunk.columns.get(name);
  if (found instanceof Uint16Array || found instanceof Uint32Array) return found;
  throw new SkeletonError(`The skeleton has no column ${name} of that type.`);
}

/** The texts of a dictionary: `services`, `names`, `resources` or `eventNames`. */
export function texts(chunk: SkeletonChunk, name: string): string[] {
  const bytes = column(chunk, `${name}.bytes`, Uint8Array);
  const decoder = new TextDecoder();
  let start = 0;
  return Array.from(column(chunk, `${name}.ends`, Uint32Array), (end) => {
    const text = decoder.decode(bytes.subarray(start, end));
    start = end;
    return text;
  });
}

/** A span id as the API writes it. */
export function spanIdText(id: bigint): string {
  return id.toString(16).padStart(16, '0');
}

function checkHead(bytes: Uint8Array, view: DataView): void {
  if (String.fromCharCode(...bytes.subarray(0, 8)) !== MAGIC) throw new SkeletonError('This is no trace skeleton.');
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new SkeletonError(`The skeleton is of version ${version}; this page reads version ${VERSION}. Reload the page.`);
  }
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw new SkeletonError('This computer counts bytes from the other end.');
}

function checkLength(length: number): number {
  if (length > LENGTH_MAX) throw new SkeletonError('The skeleton is too large.');
  return length;
}

function parse(json: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    throw new SkeletonError('A header of the skeleton is not JSON.');
  }
}

function columnsOf(header: unknown, body: Uint8Array): Map<string, Column> {
  const described: unknown = typeof header === 'object' && header !== null && 'columns' in header ? header.columns : null;
  if (!Array.isArray(described)) throw new SkeletonError('A header of the skeleton names no columns.');
  const columns = new Map<string, Column>();
  let offset = 0;
  for (const one of described as unknown[]) {
    if (!isDescribed(one)) throw new SkeletonError('A header of the skeleton names a column of an unknown type.');
    const View = VIEWS[one.type];
    const length = one.length * View.BYTES_PER_ELEMENT;
    if (offset + length > body.length) throw new SkeletonError('A chunk of the skeleton is shorter than its columns.');
    columns.set(one.name, new View(body.buffer as ArrayBuffer, offset, one.length));
    offset = padded(offset + length);
  }
  if (offset !== body.length) throw new SkeletonError('A chunk of the skeleton is longer than its columns.');
  return columns;
}

function isDescribed(one: unknown): one is Described {
  if (typeof one !== 'object' || one === null) return false;
  const { name, type, length } = one as Record<string, unknown>;
  return typeof name === 'string' && typeof type === 'string' && Object.hasOwn(VIEWS, type) && Number.isSafeInteger(length) && (length as number) >= 0;
}

function part(length: number): Part {
  return { bytes: new Uint8Array(length), filled: 0 };
}

/** The next multiple of 8. */
function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}
